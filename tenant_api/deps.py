"""Everything tenant_api is made of, and the only place where any of it is constructed.

Opened by the app's lifespan, once a process; a test opens it with a clock of its own.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.adapters.clerk import TokenVerifier, clerk_http
from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import Chance, Clock, random_bytes, utc_now
from shared.domain.quota import Quota
from shared.metering.counter import Counter
from shared.web.health import Check
from tenant_api.authentication import Authentication
from tenant_api.developers import Developers
from tenant_api.entitlements import Entitlements
from tenant_api.recent import Recent
from tenant_api.repositories.api_keys import ApiKeys
from tenant_api.repositories.platforms import Platforms
from tenant_api.settings import Settings
from tenant_api.tiers import Tiers
from tenant_api.usage import Usage

TIER_CONFIG_SECONDS = 1.0  # a publish is seen within 2 seconds


@dataclass(frozen=True, slots=True)
class Deps:
    """What the routes use."""

    authentication: Authentication
    usage: Usage
    tiers: Tiers
    developers: Developers
    clock: Clock
    reach_store: Check


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = utc_now, chance: Chance = random_bytes) -> AsyncIterator[Deps]:
    """The dependencies, closed in reverse order afterwards: what counts calls before what it writes with."""
    async with AsyncExitStack() as closing:
        dynamo = Dynamo(region=settings.aws_region, endpoint=settings.dynamodb_endpoint)
        closing.push_async_callback(dynamo.close)
        http = await closing.enter_async_context(clerk_http())
        verifier = TokenVerifier(settings.end_user_clerk, http, clock)
        closing.push_async_callback(verifier.close)
        counter = Counter(dynamo, settings.table("tenant-usage"), clock, chance)
        closing.push_async_callback(counter.close)
        tokens = settings.table("tenant-tokens")
        platforms = Platforms(dynamo, tokens)
        tier_configs = Recent(platforms.tier_config, TIER_CONFIG_SECONDS)
        api_keys = Recent(ApiKeys(dynamo, tokens).find, settings.key_cache_seconds)
        yield Deps(
            authentication=Authentication(api_keys, verifier, clock),
            usage=Usage(counter, Entitlements(tier_configs), settings.tenant_api_url),
            tiers=Tiers(platforms, tier_configs),
            developers=Developers(platforms, counter, _registrations(settings), clock, chance),
            clock=clock,
            reach_store=platforms.reach,
        )


def _registrations(settings: Settings) -> Quota | None:
    if not settings.registration_enabled:
        return None
    return Quota("registration", settings.registration_per_month, settings.registration_per_minute)
