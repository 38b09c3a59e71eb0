"""API keys at rest: encrypted, so that a leaked table shows none, yet a developer can see the own key again.

Called by platform_api.credentials; settings check their keys with it. The platform's id is sealed in with the key, so
that a ciphertext moved to another platform's item does not open there.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Unopenable(Exception):
    """A sealed key that no configured key opens, or that another platform's key is in: our fault, no caller's."""


class Seal:
    """`keys` are Fernet keys separated by commas: the first one seals, every one opens. ValueError for a bad one."""

    def __init__(self, keys: str) -> None:
        fernets = [Fernet(key.strip()) for key in keys.split(",") if key.strip()]
        if not fernets:
            raise ValueError("at least one key is needed")
        self._fernets = MultiFernet(fernets)

    def seal(self, platform_id: str, key: str) -> str:
        return self._fernets.encrypt(f"{platform_id} {key}".encode()).decode()

    def open(self, platform_id: str, sealed: str) -> str:
        """The key; Unopenable when this platform's key is not in there."""
        try:
            owner, _, key = self._fernets.decrypt(sealed).decode().partition(" ")
        except InvalidToken as error:
            raise Unopenable(f"no key of CREDENTIAL_KEYS opens {platform_id}; was one removed too early?") from error
        if owner != platform_id:
            raise Unopenable(f"the sealed key stored for {platform_id} is not its own")
        return key
