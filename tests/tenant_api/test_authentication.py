"""Who may call, and for whom: keys, tokens, and the headers that go with them. Refusals first."""

import io
import os
from typing import Any

import pytest

from shared.adapters.clerk import TokenVerifier, clerk_http
from shared.domain import keys
from shared.domain.errors import Unauthenticated
from shared.records.tenant_config import ApiKey
from tenant_api.authentication import Authentication
from tenant_api.recent import Recent
from tests.clocks import SetClock
from tests.tenant_api.service import Service
from tests.tokens import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="session")


def new_key() -> str:
    return keys.api_key(os.urandom(keys.RANDOM_BYTES))


async def test_refuses_every_bad_credential_alike(service: Service, log: io.StringIO) -> None:
    stranger, platform = Issuer(), await service.platform()
    stranger.url = service.issuer.url
    now, pid = service.clock().timestamp(), platform.platform_id
    bad = {
        "unknown key": new_key(),
        "key with a typing error": platform.key[:-1] + ("0" if platform.key[-1] != "0" else "1"),
        "junk": "pk_live_" + "x" * 49,
        "garbage": "eyJ.garbage",
        "another app's key pair": stranger.token(platformId=pid, now=now),
        "another issuer": service.token(pid, iss="https://clerk.other.example.com"),
        "expired": service.issuer.token(platformId=pid, now=now - 3600),
        "from the future": service.issuer.token(platformId=pid, now=now + 3600),
        "foreign origin": service.token(pid, azp="https://evil.example.com"),
        "unknown kid": service.token(pid, kid="ins_unknown"),
        "none": service.token(pid, alg="none"),
        "public key as secret": service.token(pid, alg="HS256"),
        "machine token": service.token(pid, "mch_1"),
        "oversized": service.token(pid, filler="x" * 9000),
    }
    for name, credential in bad.items():
        answer = await service.call(credential, {"X_User_Id": "alice"} if credential.startswith("pk_") else {})
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated"), name
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), name
        assert set(answer.json()) == {"error", "message", "requestId"}, name
        assert credential not in log.getvalue(), name
    assert "Traceback" not in log.getvalue()


async def test_refuses_without_a_credential(service: Service) -> None:
    answer = await service.http.post("/api/data")
    assert answer.status_code == 401


async def test_refuses_a_revoked_key_and_one_whose_overlap_is_over(service: Service) -> None:
    platform = await service.platform()
    old, until = new_key(), int(service.clock().timestamp()) + 60
    await service.store_key(old, ApiKey(platform.platform_id, valid_until=until))
    assert (await service.call(old, {"X_User_Id": "alice"})).status_code == 200
    service.clock.advance(seconds=60)
    assert (await service.call(old, {"X_User_Id": "alice"})).status_code == 401


async def test_junk_is_refused_without_a_look_up() -> None:
    asked: list[str] = []

    async def look_up(key_hash: str) -> ApiKey | None:
        asked.append(key_hash)
        return None

    issuer = Issuer()
    async with clerk_http() as http:
        verifier = TokenVerifier(issuer.clerk_app("http://127.0.0.1:9"), http, SetClock())
        authentication = Authentication(Recent(look_up, 1), verifier, SetClock())
        with pytest.raises(Unauthenticated):
            await authentication.platform("pk_live_" + "x" * 49)
        assert not asked
        with pytest.raises(Unauthenticated):
            await authentication.platform(new_key())
        assert len(asked) == 1


@pytest.mark.parametrize("user_id", [None, "", "x" * 257, "é" * 129, "a\tb"])
async def test_a_key_without_a_good_user_id_is_a_400(service: Service, user_id: str | None) -> None:
    platform = await service.platform()
    sent = [(b"Authorization", b"Bearer " + platform.key.encode())]
    if user_id is not None:
        sent.append((b"X-User-Id", user_id.encode()))
    answer = await service.http.post("/api/data", headers=sent)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "X-User-Id" in answer.json()["message"]


async def test_a_user_id_that_is_not_utf_8_is_a_400(service: Service) -> None:
    platform = await service.platform()
    sent = [(b"Authorization", b"Bearer " + platform.key.encode()), (b"X-User-Id", b"\xff\xfe")]
    assert (await service.http.post("/api/data", headers=sent)).status_code == 400


@pytest.mark.parametrize("claims", [{}, {"platformId": None}, {"platformId": ""}, {"platformId": "plt_1"}])
async def test_a_token_of_no_platform_is_a_403(service: Service, claims: dict[str, Any]) -> None:
    answer = await service.call(service.issuer.token("user_1", now=service.clock().timestamp(), **claims))
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


@pytest.mark.parametrize("header", ["X_User_Id", "X_User_Plan"])
async def test_a_token_with_the_headers_of_a_key_is_a_400(service: Service, header: str) -> None:
    platform = await service.platform()
    answer = await service.call(service.token(platform.platform_id), {header: "free"})
    assert answer.status_code == 400


async def test_a_key_never_reaches_another_platforms_users(service: Service) -> None:
    first, second = await service.platform(), await service.platform()
    for _ in range(3):
        await first.call("alice")
    assert (await second.call("alice")).json()["usage"]["count"] == 1
    assert (await first.count("alice"), await second.count("alice")) == (3, 1)
    by_token = service.token(second.platform_id, "user_1")
    await service.call(by_token)
    assert (await first.count("user_1"), await second.count("user_1")) == (0, 1)


async def test_a_user_id_may_be_any_printable_text(service: Service) -> None:
    platform = await service.platform()
    for user_id in ("x" * 256, "émile:5", "usage:plt_1:bob", "日本", "a b"):
        headers = [(b"Authorization", b"Bearer " + platform.key.encode()), (b"X-User-Id", user_id.encode())]
        answer = await service.http.get("/api/usage", headers=headers)
        assert (answer.status_code, answer.json()["userId"]) == (200, user_id)
