"""deploy, diff, destroy, secrets, restart: what each does, in order. `__main__` hands in the environment and prints."""

import difflib
import json
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from infra.deploy import stacks
from infra.deploy.cloud import Cloud, Deployed
from infra.deploy.environment import Environment, Unusable
from infra.deploy.parts import SERVICES
from infra.deploy.secret_values import SecretValues
from infra.deploy.stacks import Stack
from infra.tables import TABLES

Say = Callable[[str], None]


def deploy(environment: Environment, cloud: Cloud, say: Say) -> None:
    """Data first; then, once the secrets have values, the services and what watches them. Raises Unusable."""
    say(f"Account {cloud.account()}, region {cloud.region}, environment {environment.name}.")
    if cloud.deployed(environment.stack("data")) is None:
        _refuse_orphans(environment, cloud)
    _bring(stacks.data(environment), cloud, say)
    secrets = SecretValues(cloud, environment.name)
    missing = secrets.missing()
    if missing:
        listed = "\n".join(f"  {one}" for one in missing)
        raise Unusable(
            f"The tables and secrets stand, but these secrets have no value yet:\n{listed}\n"
            f"Fill them in with: make secrets ENV={environment.name}   then: make deploy ENV={environment.name}"
        )
    secrets.complete()
    _bring(stacks.services(environment, secrets.arns()), cloud, say)
    _bring(stacks.watch(environment), cloud, say)
    standing = cloud.deployed(environment.stack("services"))
    if standing is not None:
        address = standing.outputs.get("BalancerAddress", "")
        hosts = f"{environment.platform_host}, {environment.tenant_host} and {environment.bridge_host}"
        say(f"Let {hosts} lead to {address} (CNAME or alias).")


def diff(environment: Environment, cloud: Cloud) -> Iterator[str]:
    """What a deploy would change, line by line; nothing when it would change nothing. Changes nothing itself."""
    cloud.account()
    for stack in stacks.in_order(environment, SecretValues(cloud, environment.name).arns()):
        before = cloud.deployed(stack.name)
        old = [] if before is None else _lines(before.template, before.parameters)
        new = _lines(stack.template, stack.parameters)
        yield from difflib.unified_diff(old, new, f"{stack.name} (deployed)", f"{stack.name} (here)", lineterm="", n=2)


def destroy(environment: Environment, cloud: Cloud, say: Say) -> None:
    """Delete the stacks, last one first. Tables, secrets and logs are kept. Raises Unusable while protected."""
    cloud.account()
    found = [
        (stack, cloud.deployed(stack.name))
        for stack in stacks.in_order(environment, SecretValues(cloud, environment.name).arns())
    ]
    refusal = _protection(environment, found)
    if refusal:
        raise Unusable(refusal)
    for stack, _ in reversed(found):
        say(f"{stack.name}: {'deleted' if cloud.delete(stack.name) else 'not there'}")
    names = ", ".join(f"{environment.name}-{table.name}" for table in TABLES)
    say(f"Kept, to be deleted by hand when you are sure: the tables {names}, the secrets and logs of the services.")


def restart(environment: Environment, cloud: Cloud, say: Say) -> None:
    """Replace every task, without a pause in service, so that new secrets are read."""
    cloud.account()
    client = cloud.client("ecs")
    for service in SERVICES:
        try:
            client.update_service(
                cluster=f"dream-api-{environment.name}", service=service.slug, forceNewDeployment=True
            )
        except ClientError as error:
            raise Unusable(f"{service.slug} can't be restarted: {error}") from error
        say(f"{service.slug}: its tasks are being replaced")


def _bring(stack: Stack, cloud: Cloud, say: Say) -> None:
    say(f"{stack.name}: {cloud.apply(stack)}")
    cloud.protect(stack.name, protected=stack.protected)


def _refuse_orphans(environment: Environment, cloud: Cloud) -> None:
    """Tables that an earlier stack has left can't be created again."""
    client = cloud.client("dynamodb")
    names = client.list_tables()["TableNames"]
    left = [name for table in TABLES if (name := f"{environment.name}-{table.name}") in names]
    if left:
        raise Unusable(
            f"These tables are there but belong to no stack: {', '.join(left)}.\n"
            "Import them into one (CloudFormation, import existing resources, with `make template STACK=data`), "
            "delete them, or take another name for the environment."
        )


def _protection(environment: Environment, found: list[tuple[Stack, Deployed | None]]) -> str | None:
    """Why nothing may be destroyed; None when it may."""
    if not any(standing for _, standing in found):
        return f"Nothing of {environment.name} is deployed in this region."
    held = [stack.name for stack, standing in found if standing is not None and _held(standing)]
    if environment.protected or held:
        return (
            f"{environment.name} is protected{': ' + ', '.join(held) if held else ''}. To destroy it, set "
            f"protected = false in its file, run: make deploy ENV={environment.name}   and then destroy again."
        )
    return None


def _held(standing: Deployed) -> bool:
    return standing.protected or standing.parameters.get("Protected") == "true"


def _lines(template: dict[str, object], parameters: dict[str, str]) -> list[str]:
    return json.dumps({"Parameters given": parameters, **template}, indent=1, sort_keys=True).splitlines()
