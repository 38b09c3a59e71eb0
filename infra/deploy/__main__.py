"""`python -m infra.deploy COMMAND ENV`: deploy, diff, destroy, secrets, restart, cost; `template STACK` prints one.

`make deploy ENV=…` and its sisters call it.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from pathlib import Path

from infra.deploy import commands, cost, data_stack, secret_values, service_stack, watch_stack
from infra.deploy.cloud import Cloud
from infra.deploy.environment import FOLDER, Environment, Unusable, load
from infra.deploy.secret_values import SecretValues

TEMPLATES = {"data": data_stack, "services": service_stack, "watch": watch_stack}


def say(text: str) -> None:
    print(text, flush=True)


def show_diff(environment: Environment, cloud: Cloud) -> None:
    lines = list(commands.diff(environment, cloud))
    say("\n".join(lines) if lines else "No change.")


def fill_secrets(environment: Environment, cloud: Cloud, source: str | None) -> None:
    """From a file, from standard input (`-`), or by asking."""
    cloud.account()
    values = SecretValues(cloud, environment.name)
    if source is not None:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
        changed = values.fill(secret_values.choose(secret_values.from_lines(text)))
    elif sys.stdin.isatty():
        changed = values.fill(secret_values.asking(getpass.getpass))
    else:
        changed = []
    say("\n".join(f"set: {one}" for one in changed) or "Nothing changed.")
    say("\n".join(f"missing: {one}" for one in values.missing()) or "Every secret that is needed has a value.")
    if changed:
        say(f"Running tasks have the old values until: make restart ENV={environment.name}")


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description="dream-api in an AWS account.")
    parser.add_argument("command", choices=("deploy", "diff", "destroy", "secrets", "restart", "cost", "template"))
    parser.add_argument("name", help="an environment, or for template: data, services or watch")
    parser.add_argument("--image", default=None, help="the image, instead of the one in the environment's file")
    parser.add_argument("--from", dest="source", default=None, help="secrets: a file of KEY=value lines, or -")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the environments' files are")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    asked = parsed(arguments)
    if asked.command == "template":
        say(json.dumps(TEMPLATES[asked.name].template(), indent=1))
        return 0
    try:
        environment = load(asked.name, asked.image, asked.folder)
        if asked.command == "cost":
            say(cost.table(environment))
            return 0
        cloud = Cloud(environment.region)
        run: dict[str, Callable[[], None]] = {
            "deploy": lambda: commands.deploy(environment, cloud, say),
            "diff": lambda: show_diff(environment, cloud),
            "destroy": lambda: commands.destroy(environment, cloud, say),
            "secrets": lambda: fill_secrets(environment, cloud, asked.source),
            "restart": lambda: commands.restart(environment, cloud, say),
        }
        run[asked.command]()
    except (Unusable, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
