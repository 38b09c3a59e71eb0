"""Generating, showing, rotating and revoking a developer's credentials, in the order of their steps.

Called by routes/credentials.py. Every developer may have a key, also on the free plan: it is needed to try the product,
and what it lets through is limited elsewhere. Each change is a compare-and-swap on the credential's version: who loses
a race reads again and decides again, so that concurrent requests agree on one platform and one key.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from platform_api.credential import Credential, NewKey, generated, no_credentials, revoked, rotated
from platform_api.repositories.credentials import CredentialRepository, VersionMoved
from platform_api.sealing import Seal
from shared.adapters.dynamodb import OutcomeUnknown
from shared.adapters.system import Chance, Clock
from shared.domain import ids, keys
from shared.domain.errors import Unavailable

DEADLINE_SECONDS = 2.5  # a store that is down is a 503 within 3 seconds
MOST_TRIES = 20
LONGEST_PAUSE_SECONDS = 0.1

Rule = Callable[[Credential, NewKey, datetime], Credential]


@dataclass(frozen=True, slots=True)
class Shown:
    """A credential as its developer sees it. `api_key` is None once revoked."""

    credential: Credential
    api_key: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Minted:
    """A key and a platform id made for one request.

    They stay the same in each of its tries, so that a try whose answer was lost is recognised in the store.
    """

    platform_id: str
    key: str = field(repr=False)


class Credentials:
    """The credentials of all developers."""

    def __init__(self, repository: CredentialRepository, seal: Seal, clock: Clock, chance: Chance) -> None:
        self._repository = repository
        self._seal = seal
        self._clock = clock
        self._chance = chance

    async def generate(self, user_id: str) -> Shown:
        """The developer's credential, made when there is none with a key; the same one when asked again."""
        return await self._change(user_id, generated)

    async def get(self, user_id: str) -> Shown:
        """The credential as it is, also when it is revoked; NotFound when there never was one."""
        found = await self._repository.find(user_id)
        if found is None:
            raise no_credentials()
        return self._shown(found)

    async def rotate(self, user_id: str, overlap: timedelta) -> Shown:
        """A new key; the one before it stays good for the overlap. NotFound when there never was one."""
        return await self._change(user_id, lambda current, key, now: rotated(current, key, now, overlap))

    async def revoke(self, user_id: str) -> Shown:
        """Both keys stop. NotFound when there never was one."""
        return await self._change(user_id, lambda current, _key, now: revoked(current, now))

    async def _change(self, user_id: str, rule: Rule) -> Shown:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return self._shown(await self._changed(user_id, rule))
        except (TimeoutError, Unavailable) as error:
            raise _undecided() from error

    async def _changed(self, user_id: str, rule: Rule) -> Credential:
        minted = self._mint()
        key_hash = keys.key_hash(minted.key)
        for _ in range(MOST_TRIES):
            now = self._clock()
            current = await self._repository.find(user_id) or Credential.none(user_id, minted.platform_id)
            if current.knows(key_hash):
                return current  # an earlier try of ours did happen, only its answer was lost
            after = rule(current, NewKey(key_hash, self._seal.seal(current.platform_id, minted.key)), now)
            if after == current:
                return current
            try:
                await self._repository.replace(current, after, now)
            except (VersionMoved, OutcomeUnknown):
                await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311 - spreads retries only
            else:
                return after
        raise Unavailable("Too many requests change these credentials at once.")

    def _mint(self) -> _Minted:
        return _Minted(ids.platform_id(self._chance(16)), keys.api_key(self._chance(keys.RANDOM_BYTES)))

    def _shown(self, credential: Credential) -> Shown:
        sealed = credential.sealed_key
        return Shown(credential, None if sealed is None else self._seal.open(credential.platform_id, sealed))


def _undecided() -> Unavailable:
    return Unavailable(
        "The credentials could not be changed just now; see GET /get-credentials before you send it again.",
        retry_after_seconds=2,
    )
