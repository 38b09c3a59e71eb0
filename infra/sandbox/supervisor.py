"""Starts the parts in order, seeds them, says what is there, and watches until it is told to stop or a part ends.

Called by `python -m infra.sandbox`. The services are started unmodified, each with its own settings only.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import boto3

from infra.sandbox import engine, seed, told
from infra.sandbox.clerk import KEY_VARIABLE
from infra.sandbox.configured import CONNECT, OWN, Configured
from infra.sandbox.github import SECRET_VARIABLE
from infra.sandbox.layout import (
    CONNECT_CLIENT,
    DEVELOPERS,
    END_USERS,
    FIRST_PORT,
    GITHUB_CLIENT,
    HOST,
    OPERATOR,
    PARTS,
    REGION,
    Layout,
)
from infra.sandbox.processes import Child, Processes, SandboxError
from infra.sandbox.scanner import KEYS_PATH
from infra.tables import create_missing

WATCH_SECONDS = 0.5
SERVICES = ("platform_api", "tenant_api", "oauth_bridge")
_CLERK_APP = {"platform_api": DEVELOPERS, "oauth_bridge": DEVELOPERS, "tenant_api": END_USERS}


class _Stop(Exception):
    """Somebody asked us to stop."""


class Supervisor:
    """One running sandbox."""

    def __init__(self, layout: Layout, say: Callable[[str], None], env_file: Path) -> None:
        self._layout = layout
        self._say = say
        self._env_file = env_file
        self._configured = Configured()
        self._price_id = ""
        self._secrets = layout.secrets()
        self._processes = Processes(layout.logs)

    def run(self, *, seeded: bool = True) -> int:
        """Run until stopped; the exit code."""
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, _stop)
        try:
            self.configure()
            self._claim()
            self._start()
            self._say(self._sown() if seeded else "Running.")
            while True:
                self._processes.check()
                time.sleep(WATCH_SECONDS)
        except _Stop:
            self._say("\nStopping…")
            return 0
        except (SandboxError, engine.NoNativeEngine) as error:
            print(f"The sandbox can't go on: {error}", file=sys.stderr)
            return 1
        finally:
            # A second Ctrl-C, or the one that make passes on, must not leave half of them running.
            for stop in (signal.SIGINT, signal.SIGTERM):
                signal.signal(stop, signal.SIG_IGN)
            self._processes.end()
            if owner(self._layout) == os.getpid():
                self._layout.running.unlink()

    def configure(self) -> None:
        """Read what the person has configured. Raises SandboxError for what can't be used."""
        self._configured = Configured.read(self._env_file)

    def find_price(self) -> None:
        """Make or find the price that the operator sells at Stripe's stand-in, which must be running."""
        if self._configured.stands_in(OWN):
            self._price_id = seed.price(self._layout, self._secrets)

    def _sown(self) -> str:
        sown = seed.sow(self._layout, self._secrets, self._configured)
        return told.running(self._layout, sown, self._configured)

    def _claim(self) -> None:
        """Refuse a second sandbox on this folder, and ports that are taken, before anything is started."""
        pid = owner(self._layout)
        if pid is not None:
            raise SandboxError(f"one is running on {self._layout.state} already (process {pid}).")
        for part in self._parts():
            if _taken(self._layout.port(part)):
                raise SandboxError(
                    f"port {self._layout.port(part)}, meant for {part}, is taken. "
                    f"Stop what uses it, or take other ports: make run PORTS={FIRST_PORT + 10000}"
                )
        real = sorted(self._configured.real)
        running = {
            "pid": os.getpid(),
            "firstPort": self._layout.first_port,
            "envFile": str(self._env_file),
            "real": real,
        }
        self._layout.running.write_text(json.dumps(running))

    def _parts(self) -> list[str]:
        """What is started: a stand-in for nothing that `.env` configures."""
        plays = {part: (OWN, CONNECT) if part == "stripe" else (part,) for part in PARTS}
        return [part for part in PARTS if self._configured.stands_in(*plays[part])]

    def _start(self) -> None:
        layout, processes = self._layout, self._processes
        self._say("Starting the engine…")
        chosen = engine.chosen(layout.state / "engine", layout.port("engine"), layout.state / "data.sqlite")
        processes.wait_for(processes.start("engine", chosen.command, {}), layout.url("engine"))
        self._say(f"  {chosen.told}")
        gate = ("-m", "infra.sandbox.gate", "--port", str(layout.port("gate")), "--engine", layout.url("engine"))
        processes.wait_for(self._python("gate", gate, {}), layout.url("gate") + "/_gate/log")
        self._create_tables()
        self._say("Starting the stand-ins and the services…")
        starts: dict[str, Callable[[], Child]] = {
            app: partial(self._start_clerk, app) for app in (DEVELOPERS, END_USERS)
        } | {"stripe": self._start_stripe, "github": self._start_github}
        stand_ins = {part: start() for part, start in starts.items() if part in self._parts()}
        for part, child in stand_ins.items():
            processes.wait_for(child, layout.url(part) + "/health")
        self.find_price()
        services = [self._python(name, ("-m", name), self.environment(name)) for name in SERVICES]
        for name, child in zip(SERVICES, services, strict=True):
            processes.wait_for(child, layout.url(name) + "/health")

    def _start_clerk(self, app: str) -> Child:
        state = str(self._layout.state / f"clerk-{app}.json")
        arguments = ("-m", "infra.sandbox.clerk", "--app", app, "--port", str(self._layout.port(app)), "--state", state)
        return self._python(f"clerk-{app}", arguments, {KEY_VARIABLE: self._secrets.clerk[app]})

    def _start_stripe(self) -> Child:
        arguments = ("-m", "infra.sandbox.stripe", "--port", str(self._layout.port("stripe")))
        state = ("--state", str(self._layout.state / "stripe.sqlite"))
        connect = ("--client-id", CONNECT_CLIENT, "--redirect-uri", self._callback("stripe"))
        platform, tenant = (f"{self._layout.url(name)}/webhook/stripe" for name in ("platform_api", "tenant_api"))
        environment = {
            "STRIPE_SECRET_KEY": self._secrets.stripe,
            "STRIPE_WEBHOOK": f"{platform}={self._secrets.webhook}",
            "STRIPE_CONNECT_WEBHOOK": f"{tenant}={self._secrets.connect_webhook}",
        }
        return self._python("stripe", (*arguments, *state, *connect), environment)

    def _start_github(self) -> Child:
        arguments = ("-m", "infra.sandbox.github", "--port", str(self._layout.port("github")))
        app = ("--client-id", GITHUB_CLIENT, "--redirect-uri", self._callback("github"))
        alerts = ("--alerts", self._layout.url("platform_api") + "/webhook/secret-scanning")
        return self._python("github", (*arguments, *app, *alerts), {SECRET_VARIABLE: self._secrets.github})

    def _callback(self, provider: str) -> str:
        return f"{self._layout.url('oauth_bridge')}/{provider}/callback"

    def _python(self, name: str, arguments: tuple[str, ...], environment: dict[str, str]) -> Child:
        return self._processes.start(name, (sys.executable, *arguments), environment)

    def environment(self, service: str) -> dict[str, str]:
        """A service's settings: its own, and nothing of the others."""
        return self._configured.applied(service, self._with_stand_ins(service))

    def _with_stand_ins(self, service: str) -> dict[str, str]:
        layout, app = self._layout, _CLERK_APP[service]
        clerk = "DEVELOPER_CLERK" if app == DEVELOPERS else "END_USER_CLERK"
        page = layout.url("platform_api" if app == DEVELOPERS else "tenant_api")
        settings = {
            "AWS_ACCESS_KEY_ID": service,
            "AWS_SECRET_ACCESS_KEY": self._secrets.aws,
            "AWS_REGION": REGION,
            "DYNAMODB_ENDPOINT": layout.url("gate"),
            f"{service.upper()}_PORT": str(layout.port(service)),
            "PLATFORM_API_URL": layout.url("platform_api"),
            "TENANT_API_URL": layout.url("tenant_api"),
            "OAUTH_BRIDGE_URL": layout.url("oauth_bridge"),
            f"{clerk}__PUBLISHABLE_KEY": layout.publishable_key(app),
            f"{clerk}__SECRET_KEY": self._secrets.clerk[app],
            f"{clerk}__ISSUER": layout.url(app),
            f"{clerk}__API_URL": layout.url(app) + "/v1",
            f"{clerk}__AUTHORIZED_PARTIES": page,
        }
        if service == "platform_api":
            settings |= {
                "CREDENTIAL_KEYS": self._secrets.credential_key,
                "STRIPE__SECRET_KEY": self._secrets.stripe,
                "STRIPE__WEBHOOK_SECRET": self._secrets.webhook,
                "STRIPE__API_URL": layout.url("stripe"),
                "STRIPE__CONNECT_URL": layout.url("stripe"),
                "STRIPE_PRICE_ID": self._price_id,
                "SECRET_SCANNING_KEYS_URL": layout.url("github") + KEYS_PATH,
            }
        if service == "tenant_api":
            settings |= {
                "REGISTRATION_ENABLED": "true",
                "TENANT_STRIPE__SECRET_KEY": self._secrets.stripe,
                "TENANT_STRIPE__WEBHOOK_SECRET": self._secrets.connect_webhook,
                "TENANT_STRIPE__API_URL": layout.url("stripe"),
                "TENANT_STRIPE__CONNECT_URL": layout.url("stripe"),
            }
        if service == "oauth_bridge":
            settings |= {
                "CONNECT__SECRET_KEY": self._secrets.stripe,
                "CONNECT__CLIENT_ID": CONNECT_CLIENT,
                "CONNECT__API_URL": layout.url("stripe"),
                "CONNECT__CONNECT_URL": layout.url("stripe"),
                "GITHUB__CLIENT_ID": GITHUB_CLIENT,
                "GITHUB__CLIENT_SECRET": self._secrets.github,
                "GITHUB__URL": layout.url("github"),
                "GITHUB__API_URL": layout.url("github"),
            }
        return settings

    def _create_tables(self) -> None:
        client = boto3.client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=self._layout.url("gate"),
            aws_access_key_id=OPERATOR,
            aws_secret_access_key=self._secrets.aws,
        )
        create_missing(client)
        client.close()


def owner(layout: Layout) -> int | None:
    """The process that runs a sandbox on this folder; None when none does any more."""
    if not layout.running.exists():
        return None
    pid = int(json.loads(layout.running.read_text())["pid"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    return pid


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _Stop
