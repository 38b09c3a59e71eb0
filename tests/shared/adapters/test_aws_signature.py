"""The small client's signature against botocore's own, and where its credentials come from."""

import asyncio
import time
from collections.abc import Callable

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.aws_signature import RENEWED_AFTER_SECONDS, Place, Renewed, Signer
from shared.adapters.dynamodb import NotApplied

WORDS = st.text("abcdefghijABCDEFGHIJ0123456789/+", min_size=1, max_size=60)


def headers_of(head: bytes) -> dict[str, str]:
    _, *lines = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    return dict(line.split(":", 1) for line in lines)


@given(
    body=st.binary(max_size=300),
    access=WORDS,
    secret=WORDS,
    token=st.none() | WORDS,
    host=st.sampled_from(["dynamodb.eu-central-1.amazonaws.com", "127.0.0.1:8000"]),
    operation=st.sampled_from(["UpdateItem", "BatchExecuteStatement"]),
)
def test_the_signature_is_the_one_botocore_makes(
    body: bytes, access: str, secret: str, token: str | None, host: str, operation: str
) -> None:
    credentials = ReadOnlyCredentials(access, secret, token)
    now = time.time()
    mine = headers_of(Signer(Place("eu-central-1", host)).head(operation, body, credentials, now))
    signed = {"content-type", "host", "x-amz-date", "x-amz-target"} | ({"x-amz-security-token"} if token else set())
    request = AWSRequest("POST", f"https://{host}/", data=body, headers={name: mine[name] for name in signed})
    request.context["timestamp"] = mine["x-amz-date"]
    auth = SigV4Auth(credentials, "dynamodb", "eu-central-1")
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert mine["authorization"].strip().endswith(f"Signature={signature}")
    assert mine["content-length"].strip() == str(len(body))
    assert f"SignedHeaders={';'.join(sorted(signed))}" in mine["authorization"]


def test_the_next_day_is_signed_with_its_own_key() -> None:
    signer, credentials = Signer(Place("eu-central-1", "h")), ReadOnlyCredentials("a", "s", None)
    first = [signer.head("GetItem", b"{}", credentials, now) for now in (0.0, 86_400.0, 0.0)]
    assert first[0] == first[2] != first[1]


async def test_without_credentials_nothing_is_sent() -> None:
    with pytest.raises(NotApplied):
        await Renewed(None).present()


async def test_credentials_are_read_once_a_minute_and_a_failed_renewal_leaves_the_present_ones() -> None:
    clock, reads, failing = [0.0], [0], [False]

    class Role(Credentials):
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            reads[0] += 1
            if failing[0]:
                raise CredentialRetrievalError(provider="role", error_msg="no answer")
            return ReadOnlyCredentials(f"key{reads[0]}", "secret", None)

    renewed = Renewed(Role("a", "b"), monotonic=lambda: clock[0])
    found = await asyncio.gather(*(renewed.present() for _ in range(5)))
    assert ({one.access_key for one in found}, reads) == ({"key1"}, [1])
    clock[0], failing[0] = RENEWED_AFTER_SECONDS + 1.0, True
    assert (await renewed.present()).access_key == "key1"
    await until(lambda: reads[0] == 2)
    failing[0] = False
    await asyncio.sleep(0.01)
    assert (await renewed.present()).access_key == "key1"
    await until(lambda: reads[0] == 3)
    await asyncio.sleep(0.01)
    assert (await renewed.present()).access_key == "key3"


async def test_a_role_that_can_not_be_read_at_all_means_nothing_was_sent() -> None:
    class Role(Credentials):
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            raise CredentialRetrievalError(provider="role", error_msg="no answer")

    with pytest.raises(NotApplied):
        await Renewed(Role("a", "b")).present()


def test_botocores_renewable_credentials_are_what_is_expected() -> None:
    assert issubclass(RefreshableCredentials, Credentials)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)
