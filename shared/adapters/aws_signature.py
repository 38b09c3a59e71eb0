"""Signature version 4 of the small DynamoDB client, and the credentials it signs with.

Called by shared.adapters.dynamodb_http only. Credentials come from botocore's session: the environment, a profile, or
the role of the machine, renewed behind the scenes long before they end. Tests hold the signature against botocore's.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError

from shared.adapters.dynamodb_outcomes import not_applied

CONTENT_TYPE = "application/x-amz-json-1.0"
TARGET = "DynamoDB_20120810."
RENEWED_AFTER_SECONDS = 60  # botocore renews them itself, 10 minutes or more before they end


class Renewed:
    """The credentials to sign with now. Reading them may block (a role's are fetched), so a thread does it."""

    def __init__(self, credentials: Credentials | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._credentials = credentials
        self._monotonic = monotonic
        self._present: ReadOnlyCredentials | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[ReadOnlyCredentials] | None = None

    @property
    def known(self) -> ReadOnlyCredentials | None:
        """Those that need not be read again yet."""
        return self._present if self._monotonic() - self._read_at < RENEWED_AFTER_SECONDS else None

    async def present(self) -> ReadOnlyCredentials:
        """Raises NotApplied where there are none."""
        known = self.known
        if known is not None:
            return known
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        if self._present is None:
            return await asyncio.shield(self._reading)
        self._reading.add_done_callback(_noticed)
        return self._present

    async def _read(self) -> ReadOnlyCredentials:
        if self._credentials is None:
            raise not_applied()
        try:
            found = await asyncio.to_thread(self._credentials.get_frozen_credentials)
        except BotoCoreError as error:
            raise not_applied() from error
        self._present, self._read_at = found, self._monotonic()
        return found


def _noticed(reading: "asyncio.Task[ReadOnlyCredentials]") -> None:
    """A renewal that failed is tried again at the next request; the present ones go on working."""
    if not reading.cancelled():
        reading.exception()


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests go: the region they are signed for and the host they name."""

    region: str
    host: str


class _Words(NamedTuple):
    """What the requests of one operation, one second and one pair of credentials have in common."""

    second: int
    credentials: ReadOnlyCredentials
    request: str  # the canonical request, up to the body's hash
    to_sign: str  # up to the request's hash
    head: str  # up to the signature
    key: bytes


class Signer:
    """Writes the head of each request, with its signature."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._words: dict[str, _Words] = {}

    def head(self, operation: str, body: bytes, credentials: ReadOnlyCredentials, now: float) -> bytes:
        """The request line and headers of one POST, ready to send."""
        words = self._words.get(operation)
        if words is None or words.second != int(now) or words.credentials != credentials:
            words = self._words[operation] = self._worded(operation, credentials, int(now))
        request = words.request + hashlib.sha256(body).hexdigest()
        to_sign = words.to_sign + hashlib.sha256(request.encode()).hexdigest()
        signature = hmac.digest(words.key, to_sign.encode(), "sha256").hex()
        return f"{words.head}{signature}\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    def _worded(self, operation: str, credentials: ReadOnlyCredentials, second: int) -> _Words:
        moment = datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
        day, token = moment[:8], credentials.token
        headers = f"content-type:{CONTENT_TYPE}\nhost:{self._place.host}\nx-amz-date:{moment}\n"
        names = "content-type;host;x-amz-date"
        if token:
            headers += f"x-amz-security-token:{token}\n"
            names += ";x-amz-security-token"
        headers += f"x-amz-target:{TARGET}{operation}\n"
        names += ";x-amz-target"
        scope = f"{day}/{self._place.region}/dynamodb/aws4_request"
        sent = headers.replace("\n", "\r\n")
        return _Words(
            second,
            credentials,
            f"POST\n/\n\n{headers}\n{names}\n",
            f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n",
            f"POST / HTTP/1.1\r\n{sent}authorization: AWS4-HMAC-SHA256 "
            f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature=",
            self._key(credentials, day),
        )

    def _key(self, credentials: ReadOnlyCredentials, day: str) -> bytes:
        key = f"AWS4{credentials.secret_key}".encode()
        for part in (day, self._place.region, "dynamodb", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key
