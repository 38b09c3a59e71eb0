"""The Python client against real services over real sockets: what it counts, what it raises, what it sends again."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex

import boto3
import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.clients.dream_api import ATTEMPTS, AsyncDreamApi, DreamApi, DreamApiError, LimitReached, TooFast, Unreachable
from infra.sandbox.layout import ROOT
from infra.tables import create_missing
from shared.domain.ids import platform_id
from shared.domain.tiers import FREE, Tier, TierConfig
from tests.conftest import REGION
from tests.e2e.installation import installation
from tests.serving import serving

PLATFORM = platform_id(bytes(16))
pytestmark = pytest.mark.asyncio(loop_scope="module")

TIERS = TierConfig(
    (FREE, Tier("three", "Three", 3), Tier("slow", "Slow", 100, rate_per_minute=2), Tier("all", "All", -1, -1)), 1
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, str]]:
    """The address of a tenant_api and the key of its one platform; each test has users of its own."""
    prefix = f"t{token_hex(6)}-"
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    create_missing(client, prefix)
    client.close()
    async with installation(endpoint, prefix, tmp_path_factory.mktemp("client")) as installed:
        key = installed.platform(PLATFORM, TIERS)
        yield (await installed.start("tenant_api")).url, key


@asynccontextmanager
async def losing(url: str, lost: int) -> AsyncIterator[str]:
    """A way to the service on which its first answers are lost, after it has done the work."""
    left = lost

    async def forward(request: Request) -> Response:
        nonlocal left
        async with httpx.AsyncClient(trust_env=False) as http:
            names = {"authorization", "x-user-id", "idempotency-key", "content-type"}
            headers = [(name, value) for name, value in request.headers.raw if name.decode() in names]
            answer = await http.post(url + request.url.path, content=await request.body(), headers=headers)
        if left:
            left -= 1
            return Response(status_code=502)
        kept = {name: one for name, one in answer.headers.items() if name in {"idempotent-replayed", "content-type"}}
        return Response(answer.content, answer.status_code, kept)

    async with serving(Starlette(routes=[Route("/{path:path}", forward, methods=["POST"])])) as address:
        yield address


async def test_counts_and_says_where_a_user_stands(served: tuple[str, str]) -> None:
    async with AsyncDreamApi(*served) as api:
        counts = [(await api.count("zoë@例", 2)).used for _ in range(3)]
        standing = await api.usage("zoë@例")
        unlimited = await api.count("bob", plan="all")
    assert counts == [2, 4, 6]
    assert (standing.used, standing.limit, standing.remaining, standing.plan) == (6, 100, 94, "free")
    assert (unlimited.limit, unlimited.remaining) == (None, None)


async def test_raises_what_a_refusal_amounts_to(served: tuple[str, str]) -> None:
    def refused(plan: str) -> DreamApiError:
        with DreamApi(*served) as api:
            for _ in range(5):
                try:
                    api.count(f"user of {plan}", plan=plan)
                except DreamApiError as error:
                    return error
        raise AssertionError("nothing was refused")

    limit = await asyncio.to_thread(refused, "three")
    fast = await asyncio.to_thread(refused, "slow")
    unknown = await asyncio.to_thread(refused, "gold")
    assert isinstance(limit, LimitReached)
    assert limit.facts["upgradeUrl"].endswith(f"/p/{PLATFORM}")
    assert isinstance(fast, TooFast)
    assert 0 < (fast.retry_after_seconds or 0) <= 60
    assert (type(unknown), unknown.status, unknown.code) == (DreamApiError, 400, "unknown_tier")
    assert unknown.request_id


async def test_a_wrong_key_is_told_and_never_repeated(served: tuple[str, str]) -> None:
    async with AsyncDreamApi(served[0], "pk_live_wrong") as api:
        with pytest.raises(DreamApiError) as caught:
            await api.count("alice")
    assert (caught.value.status, caught.value.code) == (401, "unauthenticated")
    assert "pk_live" not in str(caught.value)


async def test_a_call_whose_answers_are_lost_is_counted_once(served: tuple[str, str]) -> None:
    async with losing(served[0], lost=2) as address, AsyncDreamApi(address, served[1]) as api:
        usage = await api.count("dave")
    assert (usage.used, usage.replayed) == (1, True)
    async with AsyncDreamApi(*served) as api:
        assert (await api.usage("dave")).used == 1


async def test_the_same_holds_without_asyncio(served: tuple[str, str]) -> None:
    def count(address: str) -> tuple[int, bool]:
        with DreamApi(address, served[1]) as api:
            usage = api.count("carol")
            return usage.used, usage.replayed

    async with losing(served[0], lost=1) as address:
        assert await asyncio.to_thread(count, address) == (1, True)


async def test_gives_up_after_a_few_tries_and_says_so() -> None:
    asked: list[str] = []

    async def never(request: Request) -> Response:
        asked.append(request.headers["idempotency-key"])
        return Response(status_code=503)

    app = Starlette(routes=[Route("/api/data", never, methods=["POST"])])
    async with serving(app) as address, AsyncDreamApi(address, "pk_live_x") as api:
        with pytest.raises(Unreachable):
            await api.count("alice")
    assert len(asked) == ATTEMPTS
    assert len(set(asked)) == 1
    async with AsyncDreamApi("http://127.0.0.1:9", "pk_live_x", timeout_seconds=0.2) as api:
        with pytest.raises(Unreachable, match="send the call again"):
            await api.usage("alice")


async def test_the_code_in_the_readme_counts_and_tells_where_to_upgrade(served: tuple[str, str]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "tenant_api" / "README.md").read_text(), re.DOTALL)
    for shown, real in (("https://api.example.com", served[0]), ("pk_live_…", served[1]), ('"alice"', '"reader"')):
        assert code.count(shown) == 1
        code = code.replace(shown, real)

    async def printed() -> str:
        beside = {"PYTHONPATH": str(ROOT / "infra" / "clients")}
        ran = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=beside, stdout=PIPE)
        return (await ran.communicate())[0].decode()

    assert await printed() == "1 of 100\n"
    async with AsyncDreamApi(*served) as api:
        await api.count("reader", 99)
    assert (await printed()).endswith(f"/p/{PLATFORM}\n")
