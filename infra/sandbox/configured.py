"""Which of the systems around dream-api are real ones, by the keys in `.env`: for each of the others a stand-in starts.

The supervisor asks what to start and what each service is told; the seed asks what it can do. Settings that belong to
no such system, such as PAST_DUE_GRACE_DAYS, go to the services as they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from infra.sandbox.layout import DEVELOPERS, END_USERS, ROOT
from infra.sandbox.processes import SandboxError
from oauth_bridge.settings import Settings as BridgeSettings
from platform_api.settings import Settings as PlatformSettings
from shared.settings import ServiceSettings
from tenant_api.settings import Settings as TenantSettings

FILE = ROOT / ".env"
OWN, CONNECT, GITHUB = "own", "connect", "github"
LIVE = ("sk_live_", "rk_live_", "pk_live_")
SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "platform_api": PlatformSettings,
    "tenant_api": TenantSettings,
    "oauth_bridge": BridgeSettings,
}
# The tables are made without a prefix, and where they are is the sandbox's own business.
NOT_TAKEN = frozenset({"TABLE_PREFIX", "DYNAMODB_ENDPOINT", "AWS_REGION", "CREDENTIAL_KEYS"})


@dataclass(frozen=True, slots=True)
class System:
    """One outside system: its name for a person, its variables, and which of them it can't do without."""

    name: str
    variables: tuple[str, ...]
    needed: tuple[str, ...]

    def owns(self, variable: str) -> bool:
        return variable.startswith(self.variables)


SYSTEMS: Mapping[str, System] = {
    DEVELOPERS: System(
        "the developers' Clerk app",
        ("DEVELOPER_CLERK__",),
        ("DEVELOPER_CLERK__PUBLISHABLE_KEY", "DEVELOPER_CLERK__SECRET_KEY"),
    ),
    END_USERS: System(
        "the end-users' Clerk app",
        ("END_USER_CLERK__",),
        ("END_USER_CLERK__PUBLISHABLE_KEY", "END_USER_CLERK__SECRET_KEY"),
    ),
    OWN: System(
        "Stripe (developers' payments)",
        ("STRIPE__", "STRIPE_PRICE_ID"),
        ("STRIPE__SECRET_KEY", "STRIPE__WEBHOOK_SECRET", "STRIPE_PRICE_ID"),
    ),
    CONNECT: System(
        "Stripe Connect (end-users' payments)",
        ("TENANT_STRIPE__", "CONNECT__"),
        (
            "TENANT_STRIPE__SECRET_KEY",
            "TENANT_STRIPE__WEBHOOK_SECRET",
            "CONNECT__SECRET_KEY",
            "CONNECT__CLIENT_ID",
        ),
    ),
    GITHUB: System("GitHub", ("GITHUB__", "SECRET_SCANNING_KEYS_URL"), ("GITHUB__CLIENT_ID", "GITHUB__CLIENT_SECRET")),
}


@dataclass(frozen=True, slots=True)
class Configured:
    """What `.env` says; `real` are the systems for which no stand-in starts."""

    given: Mapping[str, str] = field(default_factory=dict)
    real: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path = FILE) -> "Configured":
        """Raises SandboxError for live keys and for a system that is configured in part."""
        values = dotenv_values(path) if path.exists() else {}
        given = {name.upper(): value.strip() for name, value in values.items() if value and value.strip()}
        live = sorted(name for name, value in given.items() if value.startswith(LIVE))
        if live:
            raise SandboxError(
                f"{path} holds live keys ({', '.join(live)}). `make run` keeps its data in an engine on this machine, "
                "which must not serve paying customers. Put test keys (sk_test_…, pk_test_…) there, or leave them "
                "empty to use the stand-ins. For live keys run the services against AWS (README, Work on it)."
            )
        return cls(given, frozenset(key for key, system in SYSTEMS.items() if _complete(system, given, path)))

    def stands_in(self, *systems: str) -> bool:
        """Whether at least one of these is played by a stand-in."""
        return not self.real.issuperset(systems)

    def applied(self, service: str, settings: Mapping[str, str]) -> dict[str, str]:
        """A service's settings, those of real systems in place of those of their stand-ins."""
        made = {**self._own(service), **settings}
        for key in self.real:
            system = SYSTEMS[key]
            mine = [name for name in settings if system.owns(name)]
            if not mine:
                continue
            stand_ins = {name: made.pop(name) for name in mine}
            made |= {name: value for name, value in self.given.items() if _same_family(name, mine, system)}
            made |= _with_own_page(made, stand_ins)
        return made

    def _own(self, service: str) -> dict[str, str]:
        """What `.env` says beside the systems, as far as this service knows it."""
        known = {
            str(given.validation_alias or name).upper() for name, given in SETTINGS[service].model_fields.items()
        } - NOT_TAKEN
        return {
            name: value
            for name, value in self.given.items()
            if name in known and not any(system.owns(name) for system in SYSTEMS.values())
        }


def _complete(system: System, given: Mapping[str, str], path: Path) -> bool:
    """Whether it is configured. Raises SandboxError when that is only half done."""
    missing = [name for name in system.needed if name not in given]
    if missing and len(missing) < len(system.needed):
        verb = "is" if len(missing) == 1 else "are"
        raise SandboxError(
            f"{path} configures {system.name} only in part: {', '.join(missing)} {verb} missing. "
            f"Fill in, or empty all of {', '.join(system.needed)} to use the stand-in."
        )
    return not missing


def _same_family(name: str, mine: Iterable[str], system: System) -> bool:
    """Whether a given variable is of the kind that this service has: TENANT_STRIPE__… is not CONNECT__…."""
    return any(name.startswith(start) and one.startswith(start) for start in system.variables for one in mine)


def _with_own_page(made: Mapping[str, str], stand_ins: Mapping[str, str]) -> dict[str, str]:
    """A Clerk app's parties, and with them the pages that `make run` serves."""
    changed = {}
    for name, page in stand_ins.items():
        if name.endswith("__AUTHORIZED_PARTIES"):
            parties = [part for part in made.get(name, "").split(",") if part]
            changed[name] = ",".join(dict.fromkeys([*parties, page]))
    return changed
