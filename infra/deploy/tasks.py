"""The services on Fargate: what each container is given, how many run, how a deployment replaces them.

The bridge's worker runs inside the bridge's own processes (oauth_bridge/app.py), so it needs no task of its own.
"""

from typing import Any

from infra.deploy.network import SUBNETS
from infra.deploy.parts import PORT, SERVICES, Resources, Service, att, ref, sub
from infra.deploy.variables import plain_of, secrets_of

STOP_SECONDS = 60  # from SIGTERM to SIGKILL: more than the services drain (variables.py), at most Fargate's 120
BUSY_PERCENT = 60
USER_ID = "10001"  # the Dockerfile's

HEALTH = (
    "import urllib.request as r; "
    f"r.build_opener(r.ProxyHandler({{}})).open('http://127.0.0.1:{PORT}/health', timeout=3)"
)


def resources() -> Resources:
    found: Resources = {
        "Cluster": {
            "Type": "AWS::ECS::Cluster",
            "Properties": {"ClusterName": sub("dream-api-${Environment}")},
        }
    }
    for service in SERVICES:
        found[f"{service.logical}Task"] = _task(service)
        found[service.logical] = _service(service)
        found[f"{service.logical}Scale"] = _scale(service)
        found[f"{service.logical}Scaling"] = _scaling(service)
    return found


def _task(service: Service) -> dict[str, Any]:
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": sub(f"dream-api-${{Environment}}-{service.slug}"),
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "RuntimePlatform": {"CpuArchitecture": ref("CpuArchitecture"), "OperatingSystemFamily": "LINUX"},
            "Cpu": ref("TaskCpu"),
            "Memory": ref("TaskMemory"),
            "ExecutionRoleArn": att("ExecutionRole", "Arn"),
            "TaskRoleArn": att(f"{service.logical}Role", "Arn"),
            "ContainerDefinitions": [_container(service)],
        },
    }


def _container(service: Service) -> dict[str, Any]:
    return {
        "Name": service.package,
        "Image": ref("Image"),
        "Command": [service.package],
        "Essential": True,
        "User": USER_ID,
        "ReadonlyRootFilesystem": True,
        "LinuxParameters": {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}},
        "StopTimeout": STOP_SECONDS,
        "PortMappings": [{"ContainerPort": PORT, "Protocol": "tcp"}],
        "Environment": [{"Name": name, "Value": value} for name, value in plain_of(service).items()],
        "Secrets": [{"Name": key, "ValueFrom": sub(f"${{{service.secret}}}:{key}::")} for key in secrets_of(service)],
        "HealthCheck": {
            "Command": ["CMD", "python", "-c", HEALTH],
            "Interval": 15,
            "Timeout": 5,
            "Retries": 3,
            "StartPeriod": 30,
        },
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": sub(service.log_group),
                "awslogs-region": ref("AWS::Region"),
                "awslogs-stream-prefix": "task",
                # A log that can't be written must never hold up a call.
                "mode": "non-blocking",
                "max-buffer-size": "4m",
            },
        },
    }


def _service(service: Service) -> dict[str, Any]:
    """No DesiredCount: autoscaling decides (two at least), and a deployment must not undo what it decided."""
    return {
        "Type": "AWS::ECS::Service",
        "DependsOn": [f"{service.logical}Rule", "DefaultRoute"],
        "Properties": {
            "ServiceName": service.slug,
            "Cluster": ref("Cluster"),
            "TaskDefinition": ref(f"{service.logical}Task"),
            "LaunchType": "FARGATE",
            "PlatformVersion": "LATEST",
            "HealthCheckGracePeriodSeconds": 60,
            "DeploymentConfiguration": {
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
                "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
            },
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "AssignPublicIp": "ENABLED",
                    "SecurityGroups": [att("TaskSecurityGroup", "GroupId")],
                    "Subnets": [ref(name) for name in SUBNETS],
                }
            },
            "LoadBalancers": [
                {
                    "ContainerName": service.package,
                    "ContainerPort": PORT,
                    "TargetGroupArn": ref(f"{service.logical}Targets"),
                }
            ],
            "PropagateTags": "SERVICE",
        },
    }


def _scale(service: Service) -> dict[str, Any]:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "DependsOn": service.logical,
        "Properties": {
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceId": sub(f"service/${{Cluster}}/{service.slug}"),
            "MinCapacity": ref("LeastTasks"),
            "MaxCapacity": ref("MostTasks"),
        },
    }


def _scaling(service: Service) -> dict[str, Any]:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": sub(f"${{Environment}}-{service.slug}-cpu"),
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": ref(f"{service.logical}Scale"),
            "TargetTrackingScalingPolicyConfiguration": {
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
                "TargetValue": BUSY_PERCENT,
                "ScaleOutCooldown": 60,
                "ScaleInCooldown": 300,
            },
        },
    }
