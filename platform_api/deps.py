"""Everything platform_api is made of, and the only place where any of it is constructed.

Opened by the app's lifespan, once a process; a test opens it with a clock of its own.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from platform_api.authentication import Authentication
from platform_api.credentials import Credentials
from platform_api.repositories.credentials import CredentialRepository
from platform_api.sealing import Seal
from platform_api.settings import Settings
from platform_api.usage import Usage
from shared.adapters.clerk import TokenVerifier, clerk_http
from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import Chance, Clock, random_bytes, utc_now
from shared.metering.counter import Counter
from shared.web.health import Check


@dataclass(frozen=True, slots=True)
class Deps:
    """What the routes use."""

    authentication: Authentication
    usage: Usage
    credentials: Credentials
    rotation_overlap: timedelta
    clock: Clock
    reach_store: Check


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = utc_now, chance: Chance = random_bytes) -> AsyncIterator[Deps]:
    """The dependencies, closed in reverse order afterwards: what counts calls before what it writes with."""
    async with AsyncExitStack() as closing:
        dynamo = Dynamo(region=settings.aws_region, endpoint=settings.dynamodb_endpoint)
        closing.push_async_callback(dynamo.close)
        http = await closing.enter_async_context(clerk_http())
        verifier = TokenVerifier(settings.developer_clerk, http, clock)
        closing.push_async_callback(verifier.close)
        counter = Counter(dynamo, settings.table("platform-usage"), clock, chance)
        closing.push_async_callback(counter.close)
        repository = CredentialRepository(dynamo, settings.table("platform-tokens"))
        seal = Seal(settings.credential_keys.get_secret_value())
        yield Deps(
            authentication=Authentication(verifier),
            usage=Usage(counter, settings.upgrade_url),
            credentials=Credentials(repository, seal, clock, chance),
            rotation_overlap=settings.rotation_overlap,
            clock=clock,
            reach_store=repository.reach,
        )
