"""One CloudWatch dashboard an environment: traffic, errors and slowness, the store, and what the log lines tell."""

import json
from typing import Any

from infra.deploy.parts import BALANCER, SERVICES, Resources, imported, sub, targets_export
from infra.deploy.signals import NAMESPACE, SIGNALS
from infra.tables import TABLES

WIDTH, HEIGHT = 8, 6
COLUMNS = 3


def resources() -> Resources:
    widgets = [*_traffic(), *_store(), *_told()]
    placed = [
        {
            "type": "metric",
            "x": index % COLUMNS * WIDTH,
            "y": index // COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
        }
        | {"properties": {"region": "${AWS::Region}", "period": 60, **properties}}
        for index, properties in enumerate(widgets)
    ]
    body = json.dumps({"widgets": placed}, separators=(",", ":"))
    names = {"Balancer": imported(BALANCER)}
    names |= {f"{service.logical}Targets": imported(targets_export(service)) for service in SERVICES}
    named = {"DashboardName": sub("dream-api-${Environment}"), "DashboardBody": {"Fn::Sub": [body, names]}}
    return {"Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": named}}


def _traffic() -> list[dict[str, Any]]:
    return [
        _of_services("Requests", "RequestCount", "Sum"),
        _of_services("Server errors", "HTTPCode_Target_5XX_Count", "Sum"),
        _of_services("Slowest answer in a hundred, seconds", "TargetResponseTime", "p99"),
    ]


def _of_services(title: str, metric: str, statistic: str) -> dict[str, Any]:
    balancer = ("LoadBalancer", "${Balancer}")
    metrics = [
        [
            "AWS/ApplicationELB",
            metric,
            "TargetGroup",
            f"${{{one.logical}Targets}}",
            *balancer,
            {"label": one.package, "stat": statistic},
        ]
        for one in SERVICES
    ]
    return {"title": title, "metrics": metrics}


def _store() -> list[dict[str, Any]]:
    def of_tables(title: str, *names: str) -> dict[str, Any]:
        tables = [f"${{Environment}}-{table.name}" for table in TABLES]
        return {
            "title": title,
            "stat": "Sum",
            "metrics": [["AWS/DynamoDB", n, "TableName", t] for t in tables for n in names],
        }

    cluster = ("ClusterName", "dream-api-${Environment}")
    cpu = [["AWS/ECS", "CPUUtilization", *cluster, "ServiceName", service.slug] for service in SERVICES]
    return [
        of_tables("Write units", "ConsumedWriteCapacityUnits"),
        of_tables("Throttled", "ReadThrottleEvents", "WriteThrottleEvents"),
        {"title": "CPU, percent", "stat": "Average", "metrics": cpu},
    ]


def _told() -> list[dict[str, Any]]:
    return [
        {
            "title": signal.means[:1].upper() + signal.means[1:],
            "stat": signal.statistic,
            "metrics": [[NAMESPACE, signal.metric(service)] for service in signal.services],
        }
        for signal in SIGNALS
    ]
