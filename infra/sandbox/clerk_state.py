"""What a stand-in Clerk keeps: its signing keys, users and sessions, in one JSON file that survives a kill.

Used by the stand-in's API, tokens and pages; every change is written before it is answered.
"""

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

User = dict[str, Any]

_ID_CHARACTERS = 27


def new_id(prefix: str) -> str:
    """An id in Clerk's style: a prefix and 27 letters and digits."""
    return f"{prefix}_{secrets.token_hex(_ID_CHARACTERS)[:_ID_CHARACTERS]}"


class ClerkState:
    """One app's state. `keys` map key ids to private keys; the last one signs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.users: dict[str, User] = {}
        self.sessions: dict[str, str] = {}
        self._pems: dict[str, str] = {}
        if path.exists():
            kept = json.loads(path.read_text())
            self.users, self.sessions, self._pems = kept["users"], kept["sessions"], kept["keys"]
        self.keys = {kid: _loaded(pem) for kid, pem in self._pems.items()}
        if not self.keys:
            self.rotate_keys()

    def save(self) -> None:
        """Replace the file as a whole: a kill leaves the old state or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with beside.open("w") as file:
            json.dump({"users": self.users, "sessions": self.sessions, "keys": self._pems}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def rotate_keys(self, *, drop_old: bool = False) -> str:
        """Sign with a new key from now on; the old ones stay published unless dropped."""
        if drop_old:
            self.keys, self._pems = {}, {}
        kid, key = new_id("ins"), rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keys[kid] = key
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        self._pems[kid] = key.private_bytes(*pem).decode()
        self.save()
        return kid

    def create_user(self, email: str | None, **fields: Any) -> User:
        """A new user in the shape of the Backend API; times are milliseconds."""
        now, user_id = int(time.time() * 1000), new_id("user")
        addresses = []
        if email is not None:
            verified = {"status": "verified", "strategy": "email_code"}
            addresses = [{"id": new_id("idn"), "email_address": email, "verification": verified}]
        user = {
            "id": user_id,
            "object": "user",
            "email_addresses": addresses,
            "primary_email_address_id": addresses[0]["id"] if addresses else None,
            "external_id": None,
            "first_name": None,
            "last_name": None,
            "public_metadata": {},
            "private_metadata": {},
            "unsafe_metadata": {},
            "banned": False,
            "locked": False,
            "created_at": now,
            "updated_at": now,
        } | fields
        self.users[user_id] = user
        self.save()
        return user

    def user_by_email(self, email: str) -> User | None:
        wanted = email.lower()
        return next((user for user in self.users.values() if wanted in emails_of(user)), None)

    def touched(self, user: User) -> User:
        """Note a change of a user."""
        user["updated_at"] = int(time.time() * 1000)
        self.save()
        return user

    def start_session(self, user_id: str) -> str:
        session_id = new_id("sess")
        self.sessions[session_id] = user_id
        self.save()
        return session_id


def emails_of(user: User) -> set[str]:
    return {address["email_address"].lower() for address in user["email_addresses"]}


def merged(kept: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Clerk's deep merge: objects are merged, null removes a key at any level, all else replaces."""
    result = dict(kept)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            present = result.get(name)
            result[name] = merged(present if isinstance(present, dict) else {}, value)
        else:
            result[name] = value
    return result


def _loaded(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the kept key is no RSA key")
    return key
