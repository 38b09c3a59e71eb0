"""The values of the services' secrets: which are missing, and filling them in. Values are never printed.

`make secrets` calls it. A service reads its secret when a task starts: `make restart` makes new values take effect.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.fernet import Fernet

from infra.deploy.cloud import Cloud
from infra.deploy.data_stack import secret_name
from infra.deploy.environment import Unusable
from infra.deploy.parts import SERVICES, Service
from infra.deploy.variables import REQUIRED_SECRETS, secrets_of

GENERATED = "CREDENTIAL_KEYS"


class SecretValues:
    """The secrets of one environment."""

    def __init__(self, cloud: Cloud, environment: str) -> None:
        self._client = cloud.client("secretsmanager")
        self._environment = environment

    def missing(self) -> list[str]:
        """Which keys have no value yet and must have one, as `service KEY`."""
        return [
            f"{service.package} {key}"
            for service in SERVICES
            for key in REQUIRED_SECRETS[service.package]
            if not self.stored(service).get(key)
        ]

    def complete(self) -> None:
        """Give keys that were never filled in an empty value: Fargate starts no task whose secret lacks one."""
        self.fill(lambda _service, _key, _present: None)

    def arns(self) -> dict[str, str]:
        """Where the secrets are, by the name of the services' stack's parameter; nothing where there is none yet."""
        return {service.secret: self._arn(secret_name(service, self._environment)) or "" for service in SERVICES}

    def stored(self, service: Service) -> dict[str, str]:
        """The service's values. Raises Unusable when the secret itself is not there."""
        name = secret_name(service, self._environment)
        try:
            answer = self._client.get_secret_value(SecretId=name)
        except self._client.exceptions.ResourceNotFoundException as error:
            if self._arn(name) is not None:
                return {}
            raise Unusable(
                f"The secret {name} is not there yet; make it with: make deploy ENV={self._environment}"
            ) from error
        values: dict[str, str] = json.loads(answer["SecretString"])
        return values

    def fill(self, given: Callable[[Service, str, bool], str | None]) -> list[str]:
        """Ask `given(service, key, has one already)` for each value; None or nothing keeps it. Answers what changed.

        The keys that seal credentials are made up when there are none: nobody needs to know them.
        """
        changed = []
        for service in SERVICES:
            stored = self.stored(service)
            after = {
                key: given(service, key, bool(stored.get(key))) or stored.get(key, "") for key in secrets_of(service)
            }
            if GENERATED in after and not after[GENERATED]:
                after[GENERATED] = Fernet.generate_key().decode()
            if after != stored:
                changed += [f"{service.package} {key}" for key in after if after[key] != stored.get(key, "")]
                name = secret_name(service, self._environment)
                self._client.put_secret_value(SecretId=name, SecretString=json.dumps(after))
        return changed

    def _arn(self, name: str) -> str | None:
        try:
            return str(self._client.describe_secret(SecretId=name)["ARN"])
        except self._client.exceptions.ResourceNotFoundException:
            return None


def from_lines(text: str) -> Mapping[str, str]:
    """`KEY=value` lines, as in a .env file; a key of both bridge and platform_api fills both."""
    found: dict[str, str] = {}
    known = {key for service in SERVICES for key in secrets_of(service)}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, equals, value = stripped.partition("=")
        if not equals or key.strip() not in known:
            raise Unusable(
                f"line {number}: {key.strip()[:40]!r} is no secret of ours; known: {', '.join(sorted(known))}"
            )
        found[key.strip()] = value.strip().strip("\"'")
    return found


def choose(values: Mapping[str, str]) -> Callable[[Service, str, bool], str | None]:
    def given(_service: Service, key: str, _present: bool) -> str | None:
        return values.get(key)

    return given


Ask = Callable[[str], str]


def asking(ask: Ask) -> Callable[[Service, str, bool], str | None]:
    """Ask a person for each key once, without showing what is typed; the same key of two services is asked once."""
    answers: dict[str, Any] = {}

    def given(service: Service, key: str, present: bool) -> str | None:
        if key not in answers:
            needed = key in REQUIRED_SECRETS[service.package] and key != GENERATED
            hint = "enter keeps it" if present else ("needed" if needed else "enter leaves it out")
            answers[key] = ask(f"{service.package} {key} ({hint}): ").strip()
        return str(answers[key])

    return given
