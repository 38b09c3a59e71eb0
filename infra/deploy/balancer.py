"""The load balancer: TLS ends here, each host name leads to its service, everything else is a 404.

Time-outs fit shared/web/serve.py: the services keep idle connections longer (65 s) than the balancer does (60 s).
"""

from typing import Any

from infra.deploy.network import SUBNETS
from infra.deploy.parts import PORT, SERVICES, Resources, Service, att, ref, sub

IDLE_SECONDS = 60
DEREGISTRATION_SECONDS = 30  # longer than the longest request (a webhook's work: 15 s)
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


def resources() -> Resources:
    found: Resources = {"Balancer": _balancer(), "Listener": _listener(), "PlainListener": _plain_listener()}
    for service in SERVICES:
        found[f"{service.logical}Targets"] = _targets(service)
        found[f"{service.logical}Rule"] = _rule(service)
    return found


def _balancer() -> dict[str, Any]:
    attributes = {
        "idle_timeout.timeout_seconds": str(IDLE_SECONDS),
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "deletion_protection.enabled": ref("Protected"),
    }
    return {
        "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "DependsOn": "GatewayAttachment",
        "Properties": {
            "Name": sub("dream-api-${Environment}"),
            "Type": "application",
            "Scheme": "internet-facing",
            "Subnets": [ref(name) for name in SUBNETS],
            "SecurityGroups": [att("BalancerSecurityGroup", "GroupId")],
            "LoadBalancerAttributes": _pairs(attributes),
        },
    }


def _listener() -> dict[str, Any]:
    nobody = {"StatusCode": "404", "ContentType": "application/json", "MessageBody": '{"error":"not_found"}'}
    return {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {
            "LoadBalancerArn": ref("Balancer"),
            "Port": 443,
            "Protocol": "HTTPS",
            "SslPolicy": TLS_POLICY,
            "Certificates": [{"CertificateArn": ref("CertificateArn")}],
            "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": nobody}],
        },
    }


def _plain_listener() -> dict[str, Any]:
    to_tls = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    return {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {
            "LoadBalancerArn": ref("Balancer"),
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "redirect", "RedirectConfig": to_tls}],
        },
    }


def _targets(service: Service) -> dict[str, Any]:
    return {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {
            "Name": sub(f"${{Environment}}-{service.slug}"),
            "VpcId": ref("Vpc"),
            "TargetType": "ip",
            "Protocol": "HTTP",
            "Port": PORT,
            # /health, not /ready: a store that is down must not have every task replaced, again and again.
            "HealthCheckPath": "/health",
            "HealthCheckIntervalSeconds": 10,
            "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 3,
            "Matcher": {"HttpCode": "200"},
            "TargetGroupAttributes": _pairs(
                {
                    "deregistration_delay.timeout_seconds": str(DEREGISTRATION_SECONDS),
                    "load_balancing.algorithm.type": "least_outstanding_requests",
                }
            ),
        },
    }


def _rule(service: Service) -> dict[str, Any]:
    return {
        "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Properties": {
            "ListenerArn": ref("Listener"),
            "Priority": service.priority,
            "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": [ref(service.host)]}}],
            "Actions": [{"Type": "forward", "TargetGroupArn": ref(f"{service.logical}Targets")}],
        },
    }


def _pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Key": name, "Value": value} for name, value in values.items()]
