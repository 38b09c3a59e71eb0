"""Where everything of the sandbox is: ports, addresses, the state folder and the secrets made for it.

Read by every other file here. Nothing in it is known to production code, which sees addresses only.
"""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".sandbox"
FIRST_PORT = 8787
REGION = "us-east-1"
HOST = "127.0.0.1"
OPERATOR = "operator"
DEVELOPERS, END_USERS = "dream-api", "end-user-api"
CONNECT_CLIENT, GITHUB_CLIENT = "ca_sandbox", "Iv1.sandbox"

# In the order of their ports, from the first one on.
PARTS = ("tenant_api", "platform_api", "oauth_bridge", "gate", DEVELOPERS, END_USERS, "engine", "stripe", "github")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a sandbox makes up once: no two share a secret, and none is in the code."""

    aws: str
    credential_key: str
    stripe: str
    webhook: str
    connect_webhook: str
    github: str
    clerk: dict[str, str] = field(default_factory=dict)

    @classmethod
    def fresh(cls) -> "Secrets":
        def made(prefix: str = "") -> str:
            return prefix + secrets.token_urlsafe(32)

        clerk = {app: made("sk_test_") for app in (DEVELOPERS, END_USERS)}
        sealing, stripe = Fernet.generate_key().decode(), made("sk_test_")
        return cls(made(), sealing, stripe, made("whsec_"), made("whsec_"), made(), clerk)


@dataclass(frozen=True, slots=True)
class Layout:
    """One sandbox: its folder and its first port."""

    state: Path = STATE
    first_port: int = FIRST_PORT

    def port(self, part: str) -> int:
        return self.first_port + PARTS.index(part)

    def url(self, part: str) -> str:
        return f"http://{HOST}:{self.port(part)}"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def running(self) -> Path:
        """Holds the supervisor's process id while the sandbox runs, for `reset` and for tokens."""
        return self.state / "running.json"

    def publishable_key(self, app: str) -> str:
        """What clerk-js is given: the host of the app's Frontend API in base64, without padding."""
        host = f"{HOST}:{self.port(app)}$"
        return "pk_test_" + base64.b64encode(host.encode()).decode().rstrip("=")

    def secrets(self) -> Secrets:
        """This sandbox's secrets, made at the first call; readable by their owner only."""
        self.state.mkdir(parents=True, exist_ok=True)
        path = self.state / "secrets.json"
        saved = json.loads(path.read_text()) if path.exists() else {}
        made = Secrets(**(asdict(Secrets.fresh()) | saved))
        if asdict(made) != saved:  # the first run, or a newer version that needs one more
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(asdict(made), file)
        return made
