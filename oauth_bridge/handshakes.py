"""Sending a developer to another site and knowing them when they come back: states that can't be forged or reused.

Called by connect.py and github.py. A state has 256 bits, lives ten minutes, works once, and only in the browser that
asked for it: the answer to `begin` sets a cookie there, and a return without that cookie is nobody's.
"""

import base64
import hashlib
from dataclasses import dataclass

from oauth_bridge.repositories.handshakes import Handshake, HandshakeStore
from shared.adapters.system import Chance, Clock

LIFE_SECONDS = 600
RANDOM_BYTES = 32
MAX_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Begun:
    """What to send the developer away with; `challenge` is PKCE's (S256)."""

    state: str
    browser: str
    challenge: str


class Handshakes:
    """Handshakes of all providers."""

    def __init__(self, store: HandshakeStore, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance

    async def begin(self, provider: str, user_id: str, platform_id: str) -> Begun:
        state, browser, verifier = (_text(self._chance(RANDOM_BYTES)) for _ in range(3))
        handshake = Handshake(provider, user_id, platform_id, verifier)
        await self._store.save(_hash(state), _hash(browser), handshake, self._now() + LIFE_SECONDS)
        return Begun(state, browser, _text(hashlib.sha256(verifier.encode()).digest()))

    async def end(self, provider: str, state: str | None, browser: str | None) -> Handshake | None:
        """Who comes back; None for a state that is missing, over, used, or of another provider or browser."""
        if not state or not browser or max(len(state), len(browser)) > MAX_CHARACTERS:
            return None
        return await self._store.take(provider, _hash(state), _hash(browser), self._now())

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
