"""The stack that watches the services: metrics from log lines, alarms, the dashboard. Apart, for its size alone."""

from typing import Any

from infra.deploy import alarms, dashboard, signals
from infra.deploy.parts import Resources, ref

PARAMETERS: dict[str, dict[str, Any]] = {
    "Environment": {"Type": "String", "AllowedPattern": "[a-z][a-z0-9-]{1,15}"},
    "AlarmEmail": {"Type": "String", "Default": ""},
}


def template() -> dict[str, Any]:
    resources: Resources = {}
    for part in (signals, alarms, dashboard):
        resources |= part.resources()
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "dream-api, what watches the services",
        "Parameters": PARAMETERS,
        "Conditions": {"HasAlarmEmail": {"Fn::Not": [{"Fn::Equals": [ref("AlarmEmail"), ""]}]}},
        "Resources": resources,
    }
