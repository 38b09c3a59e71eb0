"""What becomes of a developer's credential when it is generated, rotated or revoked. Pure; time is passed in.

platform_api.credentials applies these rules, the repository stores what they answer. At most two keys are ever good:
the present one and, until its overlap ends, the one before it. A platform keeps its id through everything.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.domain.errors import NotFound
from shared.domain.periods import timestamp
from shared.records.platform_credential import PlatformCredential

MOST_OVERLAP_HOURS = 168  # a week


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key about to be given out: its hash, for look-ups, and its sealed form, for showing it again."""

    key_hash: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credential:
    """A developer's credential. `state` is what the tenant side learns of it; version 0 has never been stored.

    The times are RFC 3339: `created_at` of the platform, `rotated_at` of the present key when it is not the first.
    """

    user_id: str
    state: PlatformCredential
    sealed_key: str | None = field(default=None, repr=False)
    created_at: str = ""
    rotated_at: str | None = None
    revoked_at: str | None = None

    @classmethod
    def none(cls, user_id: str, platform_id: str) -> "Credential":
        """A developer who has none yet, with the platform id to give."""
        return cls(user_id, PlatformCredential(platform_id, version=0, key_hash=None))

    @property
    def platform_id(self) -> str:
        return self.state.platform_id

    @property
    def stored(self) -> bool:
        return self.state.version > 0

    def knows(self, key_hash: str) -> bool:
        """Whether the key is the present or the previous one."""
        return key_hash in {self.state.key_hash, self.state.previous_hash}

    def previous_until(self, now: datetime) -> int | None:
        """Until when the previous key is good (Unix seconds); None when there is none that still is."""
        until = self.state.previous_until
        return until if until is not None and until > now.timestamp() else None


def generated(current: Credential, key: NewKey, now: datetime) -> Credential:
    """The same credential when there is a key already; else, also after a revoke, one with the new key."""
    return current if current.state.key_hash is not None else _with_key(current, key, now)


def rotated(current: Credential, key: NewKey, now: datetime, overlap: timedelta) -> Credential:
    """The new key; the one before it stays good for the overlap, and one older than that stops at once."""
    _must_exist(current)
    after = _with_key(current, key, now)
    if current.state.key_hash is None or not overlap:
        return after
    until = int((now + overlap).timestamp())
    return replace(after, state=replace(after.state, previous_hash=current.state.key_hash, previous_until=until))


def revoked(current: Credential, now: datetime) -> Credential:
    """No key is good any more. Revoking again changes nothing."""
    _must_exist(current)
    if current.state.key_hash is None:
        return current
    state = PlatformCredential(current.platform_id, current.state.version + 1, key_hash=None)
    return replace(current, state=state, sealed_key=None, revoked_at=timestamp(now))


def previous_ended(current: Credential, until: int | None) -> Credential:
    """The present key as it is; the one before it is good until then (Unix seconds), or no more."""
    kept = current.state.previous_hash if until is not None else None
    moved = replace(current.state, version=current.state.version + 1, previous_hash=kept, previous_until=until)
    return replace(current, state=moved)


def _with_key(current: Credential, key: NewKey, now: datetime) -> Credential:
    return Credential(
        current.user_id,
        PlatformCredential(current.platform_id, current.state.version + 1, key.key_hash),
        key.sealed,
        created_at=current.created_at or timestamp(now),
        rotated_at=timestamp(now) if current.stored else None,
    )


def _must_exist(current: Credential) -> None:
    if not current.stored:
        raise no_credentials()


def no_credentials() -> NotFound:
    return NotFound("There are no credentials yet; make them with POST /generate-credentials.")
