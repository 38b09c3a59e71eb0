"""IAM roles: one for each service, with exactly the rights of infra/access.py, and one that starts the tasks."""

from typing import Any

from infra.access import RIGHTS
from infra.deploy.parts import SERVICES, Resources, Service, ref, sub


def resources() -> Resources:
    return {f"{service.logical}Role": _task_role(service) for service in SERVICES} | {"ExecutionRole": _execution()}


def _task_role(service: Service) -> dict[str, Any]:
    statements = [
        {
            "Effect": "Allow",
            "Action": sorted(f"dynamodb:{operation}" for operation in operations),
            "Resource": sub(table_arn(table)),
        }
        for table, operations in RIGHTS[service.package].items()
    ]
    return _role(service.package, statements)


def table_arn(table: str) -> str:
    return f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/${{Environment}}-{table}"


def _execution() -> dict[str, Any]:
    """What Fargate itself does before a service runs: fetch the image and the secrets, open the log."""
    image = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    repositories = "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/${ImageRepository}"
    statements: list[dict[str, Any]] = [
        # AWS offers this one on everything only; it gives a login, no image.
        {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
        {"Effect": "Allow", "Action": image, "Resource": sub(repositories)},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [sub(_log_streams(service)) for service in SERVICES],
        },
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue"],
            "Resource": [ref(service.secret) for service in SERVICES],
        },
    ]
    return _role("execution", statements)


def _log_streams(service: Service) -> str:
    """The streams of one log group: their names are the tasks', so here alone a star can't be spared."""
    group = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{service.log_group}"
    return f"{group}:log-stream:task/{service.package}/*"


def _role(name: str, statements: list[dict[str, Any]]) -> dict[str, Any]:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
        # Only for tasks of this account: nobody else can have Amazon act as this role.
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": sub(f"dream-api-${{Environment}}-{name}"),
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": "rights", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}
            ],
        },
    }
