"""Keys that a secret scanner found in public: what is done about each, in the order of its steps; and the notices.

Called by routes/leaks.py. Nothing is looked up for an alert whose signature is not good, nor for a text that can't be
a key of ours. The notice and what is done to the key are one transaction, so an alert may come again at any time.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson

from platform_api.credential import NewKey, no_credentials
from platform_api.leak import MOST_PLACES, Leak, Place, Policy, Reaction, Sighting, after_alert, works_until
from platform_api.repositories.credentials import CredentialRepository, VersionMoved
from platform_api.repositories.leaks import LeakRepository
from platform_api.sealing import Seal
from shared.adapters.dynamodb import OutcomeUnknown
from shared.adapters.secret_scanning import AlertVerifier
from shared.adapters.system import Chance, Clock
from shared.domain import keys
from shared.domain.errors import BadRequest, NotFound, PayloadTooLarge, Unavailable
from shared.domain.periods import timestamp

logger = logging.getLogger("dream_api.leaks")

MOST_FOUND = 1000  # in one alert
AT_ONCE = 8
MOST_TRIES = 20
LONGEST_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Found:
    """One text that a scanner took for a key of ours; `places` are (url, source), as far as they are told."""

    token: str = field(repr=False)
    type: str
    places: list[tuple[object, object]]


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether it was one: `real` for a key that works, or that was told of when it did."""

    token_hash: str
    type: str
    real: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A leak as its developer sees it. `works_until` is in Unix seconds: None for ever, 0 no more."""

    leak: Leak
    works_until: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A developer's policy and the notices that were not dismissed, the latest first."""

    policy: Policy
    notices: Sequence[Notice]


class Leaks:
    """`verifier` is None where the operator has set up no scanner."""

    def __init__(
        self,
        repository: LeakRepository,
        credentials: CredentialRepository,
        seal: Seal,
        verifier: AlertVerifier | None,
        clock: Clock,
        chance: Chance,
        overlap: timedelta,
    ) -> None:
        self._repository = repository
        self._credentials = credentials
        self._seal = seal
        self._verifier = verifier
        self._clock = clock
        self._chance = chance
        self._overlap = overlap

    @property
    def watched(self) -> bool:
        """Whether a scanner can tell us anything."""
        return self._verifier is not None

    async def receive(self, raw: bytes, identifier: str | None, signature: str | None) -> list[Judged]:
        """What each text of an alert was, once everything that is to be done is done.

        Raises NotFound where no scanner is set up, Unauthenticated, BadRequest, PayloadTooLarge or Unavailable.
        """
        if self._verifier is None:
            raise NotFound("Secret scanning is not set up here; the operator sets SECRET_SCANNING_KEYS_URL.")
        await self._verifier.verify(raw, identifier, signature)
        found, working = _parsed(raw), asyncio.Semaphore(AT_ONCE)

        async def judge(one: Found) -> Judged:
            key_hash = keys.key_hash(one.token)
            if not keys.is_well_formed(one.token):
                return Judged(key_hash, one.type, real=False)
            async with working:
                return Judged(key_hash, one.type, real=await self._handled(one, key_hash))

        return await asyncio.gather(*(judge(one) for one in found))

    async def standing(self, user_id: str) -> Standing:
        """The developer's own; the default policy and no notice for who has no platform."""
        credential = await self._credentials.find(user_id)
        if credential is None:
            return Standing(Policy.NOTIFY, ())
        now, platform_id = self._clock(), credential.platform_id
        policy, leaks = await asyncio.gather(self._repository.policy(platform_id), self._repository.listed(platform_id))
        shown = sorted((one for one in leaks if one.dismissed_at is None), key=lambda one: one.deed_at, reverse=True)
        return Standing(policy, [Notice(one, works_until(credential, one.key_hash, now)) for one in shown])

    async def set_policy(self, user_id: str, policy: Policy) -> None:
        """For alerts that come from now on. NotFound for who has no platform."""
        await self._repository.set_policy(await self._platform(user_id), policy)

    async def dismiss(self, user_id: str, key_hash: str) -> None:
        """Don't show this notice any more; doing it again changes nothing. NotFound for one that is not theirs."""
        platform_id = await self._platform(user_id)
        for _ in range(MOST_TRIES):
            leak = await self._repository.find(platform_id, key_hash)
            if leak is None:
                raise NotFound("There is no such notice.")
            if leak.dismissed_at is not None:
                return
            try:
                await self._repository.replace(replace(leak, dismissed_at=timestamp(self._clock())))
            except (VersionMoved, OutcomeUnknown):
                await _pause()
            else:
                return
        raise _undecided()

    async def _platform(self, user_id: str) -> str:
        credential = await self._credentials.find(user_id)
        if credential is None:
            raise no_credentials()
        return credential.platform_id

    async def _handled(self, one: Found, key_hash: str) -> bool:
        platform_id = await self._repository.whose(key_hash)
        if platform_id is None:
            return False
        new_key = keys.api_key(self._chance(keys.RANDOM_BYTES))  # the same in each try: a lost answer makes no second
        new = NewKey(keys.key_hash(new_key), self._seal.seal(platform_id, new_key))
        for _ in range(MOST_TRIES):
            known = await self._repository.find(platform_id, key_hash)
            credential = await self._credentials.of_platform(platform_id)
            if credential is None:
                return False
            now, policy = self._clock(), await self._repository.policy(platform_id)
            places = tuple(Place.of(url, source, now) for url, source in one.places[:MOST_PLACES])
            seen = Sighting(key_hash, keys.last_four(one.token), places)
            after, leak = after_alert(credential, known, seen, Reaction(policy, new, self._overlap), now)
            if leak is None or leak == known:
                return leak is not None
            try:
                await self._repository.store(credential, after, leak, now)
            except (VersionMoved, OutcomeUnknown):
                await _pause()
            else:
                _tell(leak, policy)
                return True
        raise _undecided()


def _parsed(raw: bytes) -> list[Found]:
    """The texts of an alert, each once with all its places. The scanner may add members that we don't know."""
    try:
        listed: Any = orjson.loads(raw)
    except ValueError as error:
        raise _unreadable() from error
    if not isinstance(listed, list):
        raise _unreadable()
    if len(listed) > MOST_FOUND:
        raise PayloadTooLarge(f"An alert names at most {MOST_FOUND} tokens; send several.", limit=MOST_FOUND)
    found: dict[str, Found] = {}
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("token"), str) or not isinstance(one.get("type"), str):
            raise _unreadable()
        place = (one.get("url"), one.get("source"))
        found.setdefault(one["token"], Found(one["token"], one["type"], [])).places.append(place)
    return list(found.values())


def _unreadable() -> BadRequest:
    return BadRequest("The body must be a JSON array of objects with the texts `token` and `type`.")


def _undecided() -> Unavailable:
    return Unavailable("The alert could not be dealt with just now; send it again.", retry_after_seconds=2)


async def _pause() -> None:
    await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311 - spreads retries only


def _tell(leak: Leak, policy: Policy) -> None:
    """For the operator. The address is a stranger's text, and the key is nobody's business: neither is logged."""
    facts = {
        "service": "platform_api",
        "platformId": leak.platform_id,
        "keyEnd": leak.key_end,
        "policy": str(policy),
        "done": str(leak.deed),
        "places": len(leak.places),
    }
    logger.warning("key leaked", extra={"facts": facts})
