"""Everything platform_api is made of, and the only place where any of it is constructed.

Opened by the app's lifespan, once a process; a test opens it with a clock of its own.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from platform_api import plans
from platform_api.authentication import Authentication
from platform_api.billing import Billing
from platform_api.credentials import Credentials
from platform_api.entitlements import Entitlements
from platform_api.leaks import Leaks
from platform_api.membership import Membership
from platform_api.repositories.credentials import CredentialRepository
from platform_api.repositories.leaks import LeakRepository
from platform_api.sealing import Seal
from platform_api.settings import Settings
from platform_api.stripe_events import StripeEvents
from platform_api.usage import Usage
from shared.adapters.clerk import ClerkUsers, TokenVerifier, clerk_http
from shared.adapters.dynamodb import Dynamo
from shared.adapters.secret_scanning import AlertVerifier
from shared.adapters.stripe_gateway import StripeGateway
from shared.adapters.system import Chance, Clock, random_bytes, utc_now
from shared.adapters.tracing import Traces, traced
from shared.billing.events import EventLog
from shared.billing.reconcile import Reconcile
from shared.billing.records import BillingRecord, BillingRecords
from shared.billing.sync import BillingSync
from shared.metering.counter import Counter
from shared.web.health import Check, Readiness


@dataclass(frozen=True, slots=True)
class BillingDeps:
    """What billing uses, where the operator has set it up."""

    billing: Billing
    events: StripeEvents
    reconcile: Reconcile
    reach: Check


@dataclass(frozen=True, slots=True)
class Deps:
    """What the routes use."""

    authentication: Authentication
    usage: Usage
    credentials: Credentials
    leaks: Leaks
    rotation_overlap: timedelta
    clock: Clock
    readiness: Readiness
    traces: Traces | None
    billing: BillingDeps | None


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = utc_now, chance: Chance = random_bytes) -> AsyncIterator[Deps]:
    """The dependencies, closed in reverse order afterwards: what counts calls before what it writes with."""
    async with AsyncExitStack() as closing:
        traces = await closing.enter_async_context(traced(settings, "platform_api"))
        dynamo = Dynamo(region=settings.aws_region, endpoint=settings.dynamodb_endpoint)
        closing.push_async_callback(dynamo.close)
        http = await closing.enter_async_context(clerk_http())
        verifier = TokenVerifier(settings.developer_clerk, http, clock)
        closing.push_async_callback(verifier.close)
        counter = Counter(dynamo, settings.table("platform-usage"), clock, chance)
        closing.push_async_callback(counter.close)
        tokens = settings.table("platform-tokens")
        repository = CredentialRepository(dynamo, tokens)
        records = BillingRecords(dynamo, tokens)
        entitlements = Entitlements(None if settings.stripe is None else records, clock)
        seal = Seal(settings.credential_keys.get_secret_value())
        users = ClerkUsers(settings.developer_clerk, http)
        billing = _billing(settings, dynamo, records, users, clock, closing)
        reported: dict[str, Check] = {"clerk": verifier.reach}
        reported |= {} if billing is None else {"stripe": billing.reach}
        readiness = Readiness({"store": repository.reach}, reported)
        closing.push_async_callback(readiness.close)
        alerts = None
        if settings.secret_scanning_keys_url is not None:
            alerts = AlertVerifier(settings.secret_scanning_keys_url, http)
            closing.push_async_callback(alerts.close)
        leaks = LeakRepository(dynamo, tokens, repository)
        yield Deps(
            authentication=Authentication(verifier),
            usage=Usage(counter, entitlements, settings.upgrade_url),
            credentials=Credentials(repository, seal, clock, chance),
            leaks=Leaks(leaks, repository, seal, alerts, clock, chance, settings.rotation_overlap),
            rotation_overlap=settings.rotation_overlap,
            clock=clock,
            readiness=readiness,
            traces=traces,
            billing=billing,
        )


def _billing(
    settings: Settings,
    dynamo: Dynamo,
    records: BillingRecords,
    users: ClerkUsers,
    clock: Clock,
    closing: AsyncExitStack,
) -> BillingDeps | None:
    if settings.stripe is None:
        return None
    gateway = StripeGateway(settings.stripe)
    closing.push_async_callback(gateway.close)
    account, prices, membership = gateway.own(), settings.prices, Membership(users)

    async def plan_of(_record: BillingRecord, bought: str) -> str | None:
        return plans.PAID.plan if bought in prices else None

    sync = BillingSync(records, plan_of, membership.tell, clock, timedelta(days=settings.past_due_grace_days))
    log = EventLog(dynamo, settings.table("platform-usage"), clock)
    return BillingDeps(
        billing=Billing(account, records, prices, settings.platform_api_url, clock),
        events=StripeEvents(gateway, log, records, sync, live=settings.stripe.live),
        reconcile=Reconcile(records, sync, lambda _record: account, membership.differs, membership.tell),
        reach=gateway.reach,
    )
