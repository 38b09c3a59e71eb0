"""A product's whole life in bad weather, as Hypothesis tells it: calls, payments, rotations, kills, faults, clocks.

A sequence has a platform, three end-users and a bystander of its own in a product that goes on living. After each step
and at the end the invariants are asked. `test_story.py` tells a few, `soak.py` tells them for as long as it is let.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex
from typing import Any, TypeVar

import httpx2
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.domain import keys
from shared.domain.errors import Unavailable
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from tests.clocks import SetClock
from tests.fault_proxy import Broken
from tests.infra.stripe.sandbox import GOOD, connected, of
from tests.trust import people
from tests.trust.people import bearer
from tests.trust.product import DEVELOPERS, END_USERS, PLATFORM_PAGES, TENANT_PAGES, Product

T = TypeVar("T")
FREE, BASIC, PRO, RATE = 10, 25, 60, 8
LIMITS = {"free": FREE, "basic": BASIC, "pro": PRO}
TIERS = TierConfig(
    (
        Tier("free", "Free", FREE, RATE, Price(0, "usd", "month")),
        Tier("basic", "Basic", BASIC, UNLIMITED, Price(900, "usd", "month")),
        Tier("pro", "Pro", PRO, UNLIMITED, Price(2900, "usd", "month")),
    ),
    1,
)
USERS = ("ann", "ben", "kim")  # kim's calls all have an Idempotency-Key
TRIES = 8
DICE = st.integers(1, 6)
REVOKED_WITHIN_SECONDS = 4.0  # 2 in the product's promise, on a machine of its own


@dataclass
class World:
    """What lives through all sequences."""

    runner: asyncio.Runner
    product: Product
    clock: SetClock
    seen: "Tally[str]" = field(default_factory=Tally)

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(steps)


@dataclass
class Account:
    """What the caller knows of one end-user: acknowledged calls, of the month, of the minute, and limits in force."""

    user_id: str
    month: int = 0
    minute: int = 0
    minute_at: int = 0
    most: int = FREE
    paying: bool = False
    keys: dict[str, int] = field(default_factory=dict)  # Idempotency-Key to the count it was answered with


class Story(RuleBasedStateMachine):
    """One sequence."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, Account] = {}
        self.refused_keys: set[str] = set()
        self.killed = False

    @initialize()
    def opened(self) -> None:
        self.world.run(self._open())

    async def _open(self) -> None:
        product, clock = self.world.product, self.world.clock
        clock.now = max(clock.now, await stripe_now(product))
        self.met = product.weather["store"].met.total()
        self.developer = f"user_{token_hex(8)}"
        self.platform, self.key = "", ""
        made = await self.ask("platform_api", "POST", "/generate-credentials", self._developers())
        self.platform, self.key = made.json()["platformId"], made.json()["apiKey"]
        self.account = await connected(product.stripe, "acct_" + token_hex(8))
        self.prices = await people.put_on_sale(product, self.platform, self.account, TIERS)
        self.people = {name: Account(product.clerk["end-user-api"].create_user(None)["id"]) for name in USERS}
        for account in self.people.values():
            user = product.clerk["end-user-api"].users[account.user_id]
            user["public_metadata"] = {"platformId": self.platform, "plan": "free"}
        await self._carried_over()
        # The same ids live on another platform, and nobody calls for them.
        self.bystander = "plt_" + token_hex(16)
        self.month = (clock.now.year, clock.now.month)
        self.world.seen["sequences"] += 1

    # -- what callers do ----------------------------------------------------------------------------------------------

    @rule(who=st.sampled_from(("ann", "ben")), calls=st.integers(1, 6))
    def calls(self, who: str, calls: int) -> None:
        self.world.run(self._calls(self.people[who], calls))

    async def _calls(self, account: Account, calls: int) -> None:
        """At once, and not repeated: whatever is not answered 200 may or may not be counted."""
        answers = await asyncio.gather(*(self._once("/api/data", self._users(account)) for _ in range(calls)))
        for status in answers:
            self.world.seen[f"calls answered {status}"] += 1
            if status == 200:
                self._admitted(account)

    @rule(name=st.sampled_from("abcdefgh"))
    def call_with_key(self, name: str) -> None:
        self.world.run(self._keyed(self.people["kim"], name, tries=3))

    async def _keyed(self, account: Account, name: str, tries: int = TRIES * 3) -> None:
        """Repeated with its key; the same key always has the same answer."""
        headers = self._users(account) | {"Idempotency-Key": f"{self.month}{name}"}
        known = f"{self.month}{name}"
        for _ in range(tries):
            answer = await self._answer("tenant_api", "POST", "/api/data", headers)
            if answer is not None and answer.status_code == 200:
                count = answer.json()["usage"]["count"]
                if known in account.keys:
                    assert (count, answer.headers["Idempotent-Replayed"]) == (account.keys[known], "true")
                else:
                    account.keys[known] = count
                    self._admitted(account)
                return
            if answer is not None and answer.status_code in {403, 429}:
                assert known not in account.keys
                return

    @rule(who=st.sampled_from(USERS), tier=st.sampled_from(("basic", "pro")))
    def pay(self, who: str, tier: str) -> None:
        self.world.run(self._pay(self.people[who], tier))

    async def _pay(self, account: Account, tier: str) -> None:
        headers = bearer(self._token(account))
        answer = await self._answer("tenant_api", "POST", "/api/create-checkout", headers, {"tier": tier})
        if answer is None or answer.status_code != 200 or answer.json()["portal"]:
            return
        account.most = max(account.most, LIMITS[tier])  # from the moment that it may be known
        for _ in range(TRIES):  # the page is behind the weather too, and who sees no answer presses again
            with suppress(httpx2.TransportError):
                await self.world.product.stripe.browser.post(answer.json()["url"], data={"card": GOOD})
                break
        account.paying = True
        self.world.seen["payments"] += 1

    @rule(who=st.sampled_from(USERS), to=st.sampled_from(("basic", "pro", "end")))
    def change_subscription(self, who: str, to: str) -> None:
        """In Stripe's own dashboard, where we are told by events alone."""
        if self.people[who].paying:
            self.world.run(self._change(self.people[who], to))

    async def _change(self, account: Account, to: str) -> None:
        ask, on = self.world.product.stripe.ask.subscriptions, of(self.account)
        for one in await self._live(account):
            if to == "end":
                await ask.cancel_async(one["id"], None, on)
            else:
                account.most = max(account.most, LIMITS[to])
                items = [{"id": one["items"]["data"][0]["id"], "price": self.prices[to]}]
                await ask.update_async(one["id"], {"items": items}, on)
        self.world.seen["subscriptions changed"] += 1

    @rule(hours=st.sampled_from((0, 24)))
    def rotate(self, hours: int) -> None:
        self.world.run(self._rotate(hours))

    async def _rotate(self, hours: int) -> None:
        before = self.key
        await self._answer("platform_api", "POST", "/rotate-credentials", self._developers(), {"overlapHours": hours})
        shown = await self.ask("platform_api", "GET", "/get-credentials", self._developers())
        self.key = shown.json()["apiKey"]
        if self.key != before:
            self.world.seen["rotations"] += 1
            if "previousKeyValidUntil" not in shown.json():
                self.refused_keys.add(before)

    # -- what happens to the product ----------------------------------------------------------------------------------

    @rule(
        where=st.sampled_from(("store", "store", "store", "stripe", "dream-api", "end-user-api")),
        what=st.lists(st.sampled_from(Broken), min_size=1, max_size=4),
    )
    def faults(self, where: str, what: list[Broken]) -> None:
        self.world.product.weather[where].faults.extend(what)
        self.world.seen["faults ordered"] += len(what)

    @rule(drop=st.sampled_from((0.0, 0.5, 1.0)), duplicate=st.sampled_from((0.0, 0.5)), reorder=st.booleans())
    def webhooks(self, drop: float, duplicate: float, reorder: bool) -> None:
        weather = {"drop": drop, "duplicate": duplicate, "reorder": reorder, "seed": 1}
        self.world.run(self.world.product.stripe.control("weather", **weather))

    # Dice are drawn, never asked of the world: a sequence must be the same when it is told again.
    @rule(service=st.sampled_from(("tenant_api", "tenant_api", "platform_api", "oauth_bridge")), dice=DICE)
    def kill(self, service: str, dice: int) -> None:
        if dice == 1:
            self.world.run(self._kill(service))

    async def _kill(self, service: str) -> None:
        """While calls are under way."""
        calls = asyncio.create_task(self._calls(self.people["ann"], 4))
        await asyncio.sleep(0.004)
        life = self.world.product.lives[service]
        await asyncio.to_thread(life.kill)
        await asyncio.to_thread(life.start)
        await calls
        self.killed |= service == "tenant_api"
        self.world.seen["kills"] += 1

    @rule(seconds=st.sampled_from((1, 30, 61, 3600)))
    def wait(self, seconds: int) -> None:
        self.world.run(self._wait(seconds))

    @rule(dice=DICE)
    def next_month(self, dice: int) -> None:
        if dice == 1:
            self.world.run(self._wait(31 * 24 * 3600))
            self.world.seen["months"] += 1

    async def _wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)
        await self.world.product.stripe.control("advance", seconds=seconds)
        now = self.world.clock.now
        if (now.year, now.month) != self.month:
            self.month = (now.year, now.month)
            for account in self.people.values():
                account.month = account.minute = 0
                account.most = PRO if account.paying else FREE

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def exact(self) -> None:
        """Admitted is within the limit, stored is at least what was acknowledged, and nobody else was touched."""
        if self.people:
            self.world.run(self._exact())

    async def _exact(self) -> None:
        for account in self.people.values():
            stored = await self._stored(account)
            assert account.month <= stored <= account.most, (account, stored)
            assert account.minute <= (RATE if account.most == FREE else PRO), account

    async def _stored(self, account: Account) -> int:
        table = self.world.product.prefix + "tenant-usage"
        key = {"pk": f"usage:{self.platform}:{account.user_id}", "sk": "usage"}
        item = await patiently(lambda: self.world.product.dynamo.get(table, key))
        now = self.world.clock.now
        if item is None or item["periodStart"][:7] != f"{now:%Y-%m}":
            return 0
        count: int = item["usageCount"]
        return count

    def teardown(self) -> None:
        if self.people:
            self.world.run(self._close())

    async def _close(self) -> None:
        """The weather clears, and then everything is as it should be."""
        product = self.world.product
        for proxy in product.weather.values():
            await proxy.settle()
        await product.stripe.control("weather")
        await self._wait(61)  # leases of those who were killed run out
        for _ in range(30):
            if (await product.stripe.control("settle", seconds=2))["settled"]:
                break
        await self._carried_over()
        kim = self.people["kim"]
        for name in {name.rpartition(")")[2] for name in kim.keys if name.startswith(str(self.month))}:
            await self._keyed(kim, name)
        distinct = sum(name.startswith(str(self.month)) for name in kim.keys)
        stored = await self._stored(kim)
        # A key whose answer never came, even when repeated, may be counted: once.
        assert distinct <= stored <= kim.most
        assert await self._answered_keys() == stored
        await self._plans_are_stripes_truth()
        await self._exact()
        await self._sums()
        for account in self.people.values():
            usage = product.prefix + "tenant-usage"
            assert await product.dynamo.query(usage, f"usage:{self.bystander}:{account.user_id}") == []

    async def _sums(self) -> None:
        """The developer's figures are the sums of the counts, and are never above them.

        In fair weather by the process's own word. Else it may wait to learn of a lost answer, so it is ended; and what
        it, or one that was killed, left open is recounted.
        """
        stored = {one.user_id: await self._stored(one) for one in self.people.values()}
        shown = await self._figures()
        assert shown["calls"]["month"] <= sum(stored.values()), (shown, stored)
        if self.killed or self.met != self.world.product.weather["store"].met.total():
            life = self.world.product.lives["tenant_api"]
            await asyncio.to_thread(life.end)
            await asyncio.to_thread(life.start)
            await self._wait(1)
            await patiently(self._recounted)
            shown = await self._figures()
        active = [count for count in stored.values() if count]
        assert (shown["calls"]["month"], shown["users"]["active"]) == (sum(active), len(active)), (shown, stored)
        assert sum(one["calls"] for one in shown["byTier"]) == sum(active), (shown, stored)
        assert all(stored[one["userId"]] == one["used"] for one in shown["topUsers"]), (shown, stored)
        self.world.seen["sums compared"] += 1

    async def _recounted(self) -> None:
        recount = self.world.product.recount
        assert recount is not None
        async for _ in recount.everything(silent_seconds=0):
            self.world.seen["days recounted"] += 1

    async def _figures(self) -> Any:
        shown = (await self.ask("tenant_api", "GET", "/api/developer/dashboard", bearer(self.key))).json()
        return {name: shown[name] for name in ("calls", "users", "byTier", "topUsers")}

    async def _answered_keys(self) -> int:
        """The distinct keys that were counted this month, asked of the product with every key there may be."""
        kim, table, found = self.people["kim"], self.world.product.prefix + "tenant-usage", 0
        for name in "abcdefgh":
            wanted = keys.key_hash(f"{self.month}{name}")
            key = {"pk": f"idempotency:usage:{self.platform}:{kim.user_id}:{wanted}", "sk": "idempotency"}
            found += await patiently(partial(self.world.product.dynamo.get, table, key)) is not None
        return found

    async def _plans_are_stripes_truth(self) -> None:
        for account in self.people.values():
            if account.paying:
                await self._reconciled(account)
            live = await self._live(account)
            bought = {price: tier for tier, price in self.prices.items()}
            tiers = [bought[one["items"]["data"][0]["price"]["id"]] for one in live]
            answer = await self.ask("tenant_api", "GET", "/api/usage", self._users(account))
            assert answer.json()["plan"] in (tiers or ["free"]), (answer.json(), tiers)

    async def _reconciled(self, account: Account) -> None:
        billing = self.world.product.billing
        assert billing is not None
        await patiently(lambda: billing.reconcile.one(f"{self.platform}:{account.user_id}"))

    async def _live(self, account: Account) -> list[Any]:
        billing = self.world.product.billing
        assert billing is not None
        found = await patiently(lambda: billing.records.find(f"{self.platform}:{account.user_id}"))
        if found is None:
            return []
        asked = {"customer": found.customer_id, "status": "all"}
        listed = await self.world.product.stripe.ask.subscriptions.list_async(asked, of(self.account))
        return [one.to_dict() for one in listed.data if one.status in {"active", "trialing", "past_due"}]

    async def _carried_over(self) -> None:
        """The present key works, and those rotated away without an overlap do not."""
        until = asyncio.get_running_loop().time() + REVOKED_WITHIN_SECONDS
        while True:
            accepted = await self._once("/api/usage", self._users(self.people["ann"]), "GET")
            others = [bearer(one) | {"X-User-Id": "x"} for one in self.refused_keys]
            refused = [await self._once("/api/usage", one, "GET") for one in others]
            if accepted == 200 and set(refused) <= {401}:
                return
            assert asyncio.get_running_loop().time() < until, (accepted, refused)
            await asyncio.sleep(0.02)

    # -- how it is asked ----------------------------------------------------------------------------------------------

    def _admitted(self, account: Account) -> None:
        now = int(self.world.clock.now.timestamp()) // 60
        if now != account.minute_at:
            account.minute_at, account.minute = now, 0
        account.month += 1
        account.minute += 1

    def _users(self, account: Account) -> dict[str, str]:
        return bearer(self.key) | {"X-User-Id": account.user_id}

    def _developers(self) -> dict[str, str]:
        now = self.world.clock.now.timestamp()
        return bearer(DEVELOPERS.token(self.developer, azp=PLATFORM_PAGES, now=now))

    def _token(self, account: Account) -> str:
        now = self.world.clock.now.timestamp()
        return END_USERS.token(account.user_id, azp=TENANT_PAGES, now=now, platformId=self.platform)

    async def _once(self, path: str, headers: dict[str, str], method: str = "POST") -> int:
        answer = await self._answer("tenant_api", method, path, headers)
        return 0 if answer is None else answer.status_code

    async def _answer(
        self, service: str, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> httpx2.Response | None:
        """One try; None where the connection broke. Whatever the weather, no answer is a 500."""
        try:
            url = self.world.product.urls[service] + path
            answer = await self.world.product.http.request(method, url, headers=headers, json=body)
        except httpx2.TransportError:
            return None
        assert answer.status_code != 500, (service, method, path, answer.text)
        return answer

    async def ask(self, service: str, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
        """Until it is answered."""
        for _ in range(TRIES * 4):
            answer = await self._answer(service, method, path, headers)
            if answer is not None and answer.status_code == 200:
                return answer
            await asyncio.sleep(0.02)
        raise AssertionError((service, path, answer and answer.text))


async def patiently(step: Callable[[], Awaitable[T]]) -> T:
    """What is asked past the weather, of a machine that may be busy."""
    for _ in range(TRIES):
        with suppress(Unavailable):
            return await step()
        await asyncio.sleep(0.2)
    return await step()


async def stripe_now(product: Product) -> Any:
    return datetime.fromtimestamp((await product.stripe.look("clock"))["now"], UTC)
