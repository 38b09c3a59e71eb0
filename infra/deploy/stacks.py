"""The three stacks of an environment, in the order in which they are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.deploy import data_stack, service_stack, watch_stack
from infra.deploy.environment import Environment


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack as it ought to be."""

    name: str
    template: dict[str, Any]
    parameters: dict[str, str]
    protected: bool
    policy: dict[str, Any] | None = None


def data(environment: Environment) -> Stack:
    return Stack(
        environment.stack("data"),
        data_stack.template(),
        environment.data_parameters,
        environment.protected,
        data_stack.POLICY,
    )


def services(environment: Environment, secret_arns: Mapping[str, str]) -> Stack:
    """`secret_arns` by the name of the parameter."""
    parameters = {**environment.service_parameters, **secret_arns}
    return Stack(environment.stack("services"), service_stack.template(), parameters, environment.protected)


def watch(environment: Environment) -> Stack:
    return Stack(environment.stack("watch"), watch_stack.template(), environment.watch_parameters, protected=False)


def in_order(environment: Environment, secret_arns: Mapping[str, str]) -> tuple[Stack, ...]:
    return data(environment), services(environment, secret_arns), watch(environment)
