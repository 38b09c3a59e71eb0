"""When a person is called: errors, slowness, throttling, and what the log lines tell (signals.py)."""

from typing import Any

from infra.deploy.parts import BALANCER, SERVICES, Resources, Service, imported, ref, sub, targets_export
from infra.deploy.signals import NAMESPACE, SIGNALS, Signal
from infra.tables import TABLES, Table

P99_SECONDS = 1
MINUTES = 60


def resources() -> Resources:
    topic = {"TopicName": sub("dream-api-${Environment}")}
    found: Resources = {"Alarms": {"Type": "AWS::SNS::Topic", "Properties": topic}}
    found["AlarmMail"] = {
        "Type": "AWS::SNS::Subscription",
        "Condition": "HasAlarmEmail",
        "Properties": {"TopicArn": ref("Alarms"), "Protocol": "email", "Endpoint": ref("AlarmEmail")},
    }
    found["Balancer5xxAlarm"] = _alarm(
        "the load balancer finds no service to answer", **_balancer("HTTPCode_ELB_5XX_Count", "Sum"), threshold=5
    )
    for service in SERVICES:
        found |= _of_service(service)
    found |= {f"{_name(table)}ThrottledAlarm": _throttled(table) for table in TABLES}
    for signal in SIGNALS:
        found |= {f"{signal.metric(service)}Alarm": _told(signal, service) for service in signal.services}
    return found


def _of_service(service: Service) -> Resources:
    def metric(name: str, **statistic: str) -> dict[str, Any]:
        return _balancer(name, **statistic, service=service)

    name = service.package
    return {
        f"{service.logical}5xxAlarm": _alarm(
            f"{name} answers with server errors", **metric("HTTPCode_Target_5XX_Count", statistic="Sum"), threshold=5
        ),
        f"{service.logical}P99Alarm": _alarm(
            f"{name}: one answer in a hundred takes over {P99_SECONDS} s",
            **metric("TargetResponseTime", percentile="p99"),
            threshold=P99_SECONDS,
            periods=5,
        ),
        f"{service.logical}DownAlarm": _alarm(
            f"{name}: no healthy task",
            **metric("HealthyHostCount", statistic="Minimum"),
            threshold=1,
            comparison="LessThanThreshold",
            missing="breaching",
            periods=3,
        ),
    }


def _balancer(name: str, statistic: str = "", percentile: str = "", service: Service | None = None) -> dict[str, Any]:
    dimensions = {"LoadBalancer": imported(BALANCER)}
    if service is not None:
        dimensions["TargetGroup"] = imported(targets_export(service))
    return {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        "Period": MINUTES,
        **({"Statistic": statistic} if statistic else {"ExtendedStatistic": percentile}),
    }


def _throttled(table: Table) -> dict[str, Any]:
    """Reads and writes together, as one alarm a table."""

    def metric(letter: str, name: str) -> dict[str, Any]:
        dimension = {"Name": "TableName", "Value": sub(f"${{Environment}}-{table.name}")}
        stat = {"Namespace": "AWS/DynamoDB", "MetricName": name, "Dimensions": [dimension]}
        return {"Id": letter, "ReturnData": False, "MetricStat": {"Metric": stat, "Period": MINUTES, "Stat": "Sum"}}

    metrics = [
        metric("r", "ReadThrottleEvents"),
        metric("w", "WriteThrottleEvents"),
        {"Id": "all", "Expression": "FILL(r, 0) + FILL(w, 0)", "Label": "throttled", "ReturnData": True},
    ]
    return _alarm(f"the store throttles {table.name}", Metrics=metrics, threshold=0)


def _told(signal: Signal, service: Service) -> dict[str, Any]:
    return _alarm(
        f"{service.package}: {signal.means}",
        Namespace=sub(NAMESPACE),
        MetricName=signal.metric(service),
        Period=5 * MINUTES,
        Statistic=signal.statistic,
        threshold=signal.more_than,
        periods=signal.periods,
    )


def _alarm(
    means: str,
    *,
    threshold: int,
    periods: int = 1,
    comparison: str = "GreaterThanThreshold",
    missing: str = "notBreaching",
    **measured: Any,
) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": sub("dream-api ${Environment}: " + means),
            **measured,
            "Threshold": threshold,
            "ComparisonOperator": comparison,
            "EvaluationPeriods": periods,
            "TreatMissingData": missing,
            "AlarmActions": [ref("Alarms")],
            "OKActions": [ref("Alarms")],
        },
    }


def _name(table: Table) -> str:
    return "".join(part.capitalize() for part in table.name.split("-"))
