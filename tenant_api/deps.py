"""Everything tenant_api is made of, and the only place where any of it is constructed.

Opened by the app's lifespan, once a process; a test opens it with a clock of its own.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.adapters.clerk import ClerkUsers, TokenVerifier, clerk_http
from shared.adapters.dynamodb import Dynamo
from shared.adapters.stripe_gateway import StripeGateway
from shared.adapters.system import Chance, Clock, random_bytes, utc_now
from shared.adapters.tracing import Traces, traced
from shared.billing.events import EventLog
from shared.billing.reconcile import Reconcile
from shared.billing.records import BillingRecords
from shared.billing.sync import BillingSync
from shared.domain.quota import Quota
from shared.metering.counter import Counter
from shared.metering.stamps import process_name
from shared.records.tenant_config import Published
from shared.web.health import Check, Readiness
from tenant_api.accounts import Accounts
from tenant_api.authentication import Authentication
from tenant_api.billing import Billing, Terms
from tenant_api.customers import Customers
from tenant_api.deliveries import Deliveries
from tenant_api.developers import Developers
from tenant_api.end_user_lists import EndUserLists
from tenant_api.end_users import EndUsers
from tenant_api.entitlements import Entitlements
from tenant_api.insights import Insights
from tenant_api.joining import Joining
from tenant_api.membership import Membership
from tenant_api.pages.look import Look
from tenant_api.portals import Portals
from tenant_api.ranking import Ranking
from tenant_api.recent import Recent
from tenant_api.recount import Recount
from tenant_api.recurring import RecurringSums
from tenant_api.repositories.activity import ActivityRows
from tenant_api.repositories.api_keys import ApiKeys
from tenant_api.repositories.connections import Connections
from tenant_api.repositories.drafts import Drafts
from tenant_api.repositories.end_users import EndUserRows
from tenant_api.repositories.members import Members
from tenant_api.repositories.platforms import Platforms
from tenant_api.repositories.revenue import RevenueRows
from tenant_api.repositories.subscribers import Subscribers
from tenant_api.settings import Settings
from tenant_api.shelf import Shelf
from tenant_api.storefronts import Storefronts
from tenant_api.stripe_events import StripeEvents
from tenant_api.sweep import Sweep
from tenant_api.takings import Takings
from tenant_api.tally import Tally
from tenant_api.tiers import Tiers
from tenant_api.usage import Usage

TIER_CONFIG_SECONDS = 1.0  # a publish is seen within 2 seconds
RECORD_SECONDS = 1.0  # a cancellation is seen within 2 seconds; a payment on the very next call
MOST_RECORDS = 50_000


@dataclass(frozen=True, slots=True)
class BillingDeps:
    """What billing uses, where the operator has set it up."""

    billing: Billing
    events: StripeEvents
    records: BillingRecords
    reconcile: Reconcile
    reach: Check
    sweep: Sweep


@dataclass(frozen=True, slots=True)
class DashboardDeps:
    """What the developers' dashboard reads."""

    insights: Insights
    end_users: EndUsers
    lists: EndUserLists
    deliveries: Deliveries


@dataclass(frozen=True, slots=True)
class Deps:
    """What the routes use."""

    authentication: Authentication
    usage: Usage
    tiers: Tiers
    developers: Developers
    storefronts: Storefronts
    joining: Joining
    look: Look
    pages_url: str
    dashboard: DashboardDeps
    recount: Recount
    clock: Clock
    readiness: Readiness
    traces: Traces | None
    billing: BillingDeps | None


@dataclass(frozen=True, slots=True)
class _Stored:
    """The repositories that several use."""

    platforms: Platforms
    publications: Recent[Published]
    activity: ActivityRows
    end_users: EndUserRows
    subscribers: Subscribers
    revenue: RevenueRows
    events: EventLog


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = utc_now, chance: Chance = random_bytes) -> AsyncIterator[Deps]:
    """The dependencies, closed in reverse order afterwards: what counts calls before what it writes with."""
    async with AsyncExitStack() as closing:
        traces = await closing.enter_async_context(traced(settings, "tenant_api"))
        dynamo = Dynamo(region=settings.aws_region, endpoint=settings.dynamodb_endpoint)
        closing.push_async_callback(dynamo.close)
        http = await closing.enter_async_context(clerk_http())
        verifier = TokenVerifier(settings.clerk, http, clock)
        closing.push_async_callback(verifier.close)
        stored, process = _stored(settings, dynamo, clock), process_name(clock, chance)
        tally = Tally(stored.activity, stored.end_users, clock, process)
        closing.push_async_callback(tally.close)
        tally.start()
        counter = Counter(dynamo, settings.table("tenant-usage"), clock, chance, process=process, observer=tally)
        closing.push_async_callback(counter.close)
        tokens, records = settings.table("tenant-tokens"), None
        if settings.tenant_stripe is not None:
            records = BillingRecords(dynamo, tokens, stored.subscribers.beside)
        recent = None if records is None else Recent(records.find, RECORD_SECONDS, most=MOST_RECORDS)
        users, connections = ClerkUsers(settings.end_user_clerk, http), Connections(dynamo, tokens)
        billing = None
        if records is not None:
            billing = _billing(settings, connections, stored, records, users, clock, closing)
        api_keys = Recent(ApiKeys(dynamo, tokens).find, settings.key_cache_seconds)
        live = None if settings.tenant_stripe is None else settings.tenant_stripe.live
        storefronts = Storefronts(stored.platforms, connections, Drafts(dynamo, tokens), clock, live=live)
        reported: dict[str, Check] = {"clerk": verifier.reach}
        reported |= {} if billing is None else {"stripe": billing.reach}
        readiness = Readiness({"store": stored.platforms.reach}, reported)
        closing.push_async_callback(readiness.close)
        yield Deps(
            authentication=Authentication(api_keys, verifier, clock),
            storefronts=storefronts,
            joining=Joining(storefronts, Members(dynamo, tokens), users, counter, clock),
            look=Look(settings.end_user_clerk, settings.tenant_api_url),
            pages_url=settings.tenant_api_url,
            usage=Usage(counter, Entitlements(stored.publications, recent, clock), tally, settings.tenant_api_url),
            tiers=Tiers(stored.platforms, stored.publications),
            developers=Developers(stored.platforms, counter, _registrations(settings), clock, chance),
            dashboard=_dashboard(stored, tally, billing, clock),
            recount=Recount(stored.activity, stored.end_users, clock),
            clock=clock,
            readiness=readiness,
            traces=traces,
            billing=billing,
        )


def _stored(settings: Settings, dynamo: Dynamo, clock: Clock) -> _Stored:
    usage, tokens = settings.table("tenant-usage"), settings.table("tenant-tokens")
    platforms = Platforms(dynamo, tokens)
    return _Stored(
        platforms=platforms,
        publications=Recent(platforms.published, TIER_CONFIG_SECONDS),
        activity=ActivityRows(dynamo, usage),
        end_users=EndUserRows(dynamo, usage),
        subscribers=Subscribers(dynamo, tokens),
        revenue=RevenueRows(dynamo, usage),
        events=EventLog(dynamo, usage, clock),
    )


def _dashboard(stored: _Stored, tally: Tally, billing: BillingDeps | None, clock: Clock) -> DashboardDeps:
    end_users = EndUsers(stored.end_users, stored.subscribers, stored.publications, clock)
    lists = EndUserLists(stored.end_users, stored.subscribers, end_users, Ranking(stored.end_users, clock))
    sums = (stored.activity, RecurringSums(stored.subscribers, clock), stored.revenue)
    insights = Insights(stored.platforms, stored.publications, sums, (end_users, lists), tally, clock)
    deliveries = Deliveries(stored.events, None if billing is None else billing.events)
    return DashboardDeps(insights, end_users, lists, deliveries)


def _billing(
    settings: Settings,
    connections: Connections,
    stored: _Stored,
    records: BillingRecords,
    users: ClerkUsers,
    clock: Clock,
    closing: AsyncExitStack,
) -> BillingDeps | None:
    if settings.tenant_stripe is None:
        return None
    gateway = StripeGateway(settings.tenant_stripe)
    closing.push_async_callback(gateway.close)
    live = settings.tenant_stripe.live
    shelf, membership = Shelf(stored.platforms, connections), Membership(users)
    accounts, portals = Accounts(gateway, connections, live=live), Portals(stored.platforms, connections)
    sync = BillingSync(records, shelf.plan_of, membership.tell, clock, settings.grace)
    terms = Terms(settings.tenant_api_url, settings.fee_percent)
    takings = Takings(gateway, records, stored.revenue, clock)
    sweep = Sweep(takings, records, connections, clock, live=live)
    return BillingDeps(
        billing=Billing(accounts, Customers(records), shelf, portals, terms, clock),
        events=StripeEvents(gateway, stored.events, connections, records, takings, sync, live=live),
        records=records,
        reconcile=Reconcile(records, sync, accounts.of, membership.differs, membership.tell, sweep.everything),
        sweep=sweep,
        reach=gateway.reach,
    )


def _registrations(settings: Settings) -> Quota | None:
    if not settings.registration_enabled:
        return None
    return Quota("registration", settings.registration_per_month, settings.registration_per_minute)
