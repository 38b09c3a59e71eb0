"""What becomes of a key that a scanner found in public, and what its developer is told. Pure; time is passed in.

platform_api.leaks applies these rules, the repository stores what they answer. Only the key that was found is ever
touched: an alert that is sent again after a rotation finds an old key, and the new one works on.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from platform_api.credential import Credential, NewKey, previous_ended, revoked, rotated
from shared.domain.periods import timestamp

MOST_PLACES = 10  # kept of one key; who copies a repository a thousand times tells nothing new
MOST_URL_CHARACTERS = 1000
MOST_SOURCE_CHARACTERS = 40
REPLACED_ALREADY = timedelta(hours=1)  # what is left at most to a key whose successor has been there for long


class Policy(StrEnum):
    """What is done with a leaked key that works. A developer chooses; `notify` is the default."""

    NOTIFY = "notify"
    ROTATE = "rotate"
    STOP = "stop"


class Deed(StrEnum):
    """What was done."""

    NOTIFIED = "notified"
    ROTATED = "rotated"  # a new key was made; the leaked one works until its overlap ends
    ENDING = "ending"  # it had been rotated away already, and ends within the hour
    STOPPED = "stopped"


_STRENGTH = {Deed.NOTIFIED: 0, Deed.ROTATED: 1, Deed.ENDING: 1, Deed.STOPPED: 2}
_WANTED = {Policy.NOTIFY: 0, Policy.ROTATE: 1, Policy.STOP: 2}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key was found, in the scanner's words, and when we were told (RFC 3339). The address may be empty."""

    url: str
    source: str
    at: str

    @classmethod
    def of(cls, url: object, source: object, now: datetime) -> "Place":
        """From what an alert says, which is text of strangers: bounded, and without control characters."""
        return cls(_text(url, MOST_URL_CHARACTERS), _text(source, MOST_SOURCE_CHARACTERS), timestamp(now))


@dataclass(frozen=True, slots=True)
class Leak:
    """One leaked key of a platform, however often and wherever it was found. `version` 0 has never been stored.

    `key_end` is what may be shown of the key. The times are RFC 3339.
    """

    platform_id: str
    key_hash: str
    key_end: str
    deed: Deed
    deed_at: str
    places: tuple[Place, ...]
    dismissed_at: str | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One key and where it was found, as an alert tells it."""

    key_hash: str
    key_end: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the developer wants done, and what that takes: the key that would come next, and the old one's overlap."""

    policy: Policy
    new: NewKey
    overlap: timedelta


def works_until(current: Credential, key_hash: str, now: datetime) -> int | None:
    """Until when a key is good (Unix seconds); 0 for one that is not, None for the present one."""
    if key_hash == current.state.key_hash:
        return None
    return (current.previous_until(now) or 0) if key_hash == current.state.previous_hash else 0


def answered(current: Credential, key_hash: str, reaction: Reaction, now: datetime) -> tuple[Credential, Deed]:
    """The credential after the policy was applied to a leaked key that works."""
    policy, overlap = reaction.policy, reaction.overlap
    if policy is Policy.NOTIFY:
        return current, Deed.NOTIFIED
    until = works_until(current, key_hash, now)
    if until is None:
        if policy is Policy.STOP:
            return revoked(current, now), Deed.STOPPED
        return rotated(current, reaction.new, now, overlap), Deed.ROTATED if overlap else Deed.STOPPED
    if policy is Policy.STOP:
        return previous_ended(current, None), Deed.STOPPED
    sooner = int((now + min(overlap, REPLACED_ALREADY)).timestamp())
    return (previous_ended(current, sooner) if sooner < until else current), Deed.ENDING


def after_alert(
    current: Credential, known: Leak | None, seen: Sighting, reaction: Reaction, now: datetime
) -> tuple[Credential, Leak | None]:
    """The credential and the notice after one more alert; no notice for a key that never worked while we were told.

    Something is done only where the policy asks for more than was done before. A dismissed notice comes back then, and
    when a key that works was found in another place.
    """
    works = works_until(current, seen.key_hash, now) != 0
    if works and (known is None or _WANTED[reaction.policy] > _STRENGTH[known.deed]):
        after, deed = answered(current, seen.key_hash, reaction, now)
        base = known or Leak(current.platform_id, seen.key_hash, seen.key_end, deed, timestamp(now), ())
        places = _with(base.places, seen.places)
        return after, replace(base, deed=deed, deed_at=timestamp(now), places=places, dismissed_at=None)
    if known is None or _with(known.places, seen.places) == known.places:
        return current, known
    again = replace(known, places=_with(known.places, seen.places))
    return current, replace(again, dismissed_at=None) if works else again


def _with(known: tuple[Place, ...], seen: tuple[Place, ...]) -> tuple[Place, ...]:
    """Each address once, the first ones there were."""
    return tuple({place.url: place for place in reversed(known + seen)}.values())[::-1][:MOST_PLACES]


def _text(given: object, most: int) -> str:
    if not isinstance(given, str):
        return ""
    return "".join(character for character in given if character.isprintable())[:most]
