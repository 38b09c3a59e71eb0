"""AWS as the commands need it: whose account it is, and stacks that are read, brought up to date, and deleted.

boto3 finds credentials as usual; AWS_ENDPOINT_URL leads to another endpoint than Amazon's, such as an emulator.
"""

import json
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, WaiterError

from infra.deploy.environment import Unusable
from infra.deploy.stacks import Stack

POLL_SECONDS = 5
MOST_POLLS = 720  # an hour

Template = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack as it stands."""

    template: Template
    parameters: dict[str, str]
    status: str
    outputs: dict[str, str]
    protected: bool


class Cloud:
    """One account and region."""

    def __init__(self, region: str) -> None:
        self._session = boto3.Session(region_name=region)
        self.region = region
        self._stacks = self.client("cloudformation")

    def client(self, service: str) -> Any:
        session: Any = self._session  # typed clients exist for some services only
        return session.client(service)

    def account(self) -> str:
        """The account's number. Raises Unusable with what to set when there are no usable credentials."""
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except NoCredentialsError as error:
            raise Unusable(
                "AWS credentials are missing: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            ) from error
        except (BotoCoreError, ClientError) as error:
            raise Unusable(f"AWS does not take these credentials in {self.region}: {error}") from error

    def deployed(self, stack: str) -> Deployed | None:
        try:
            found = self._stacks.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        body = self._stacks.get_template(StackName=stack)["TemplateBody"]
        return Deployed(
            json.loads(body) if isinstance(body, str) else body,
            {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])},
            found["StackStatus"],
            {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
            bool(found.get("EnableTerminationProtection")),
        )

    def apply(self, stack: Stack) -> str:
        """Create the stack or bring it up to date, and wait; answers `created`, `updated` or `unchanged`."""
        before = self.deployed(stack.name)
        if before is not None and before.status == "ROLLBACK_COMPLETE":  # a creation that failed holds nothing
            self._stacks.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
            self.delete(stack.name)
            before = None
        if before is not None and not before.status.endswith("COMPLETE"):
            raise Unusable(f"{stack.name} is in {before.status}; wait for its end, or look at its events.")
        if before is not None and (before.template, before.parameters) == (stack.template, stack.parameters):
            return "unchanged"
        try:
            if before is None:
                self._stacks.create_stack(**_wanted(stack), EnableTerminationProtection=stack.protected)
            else:
                self._stacks.update_stack(**_wanted(stack))
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return "unchanged"
            raise Unusable(f"CloudFormation refuses {stack.name}: {error}") from error
        self._wait(stack.name, "stack_create_complete" if before is None else "stack_update_complete")
        return "created" if before is None else "updated"

    def protect(self, stack: str, *, protected: bool) -> None:
        """Have CloudFormation itself refuse to delete the stack, or not any more."""
        standing = self.deployed(stack)
        if standing is not None and standing.protected != protected:
            self._stacks.update_termination_protection(StackName=stack, EnableTerminationProtection=protected)

    def delete(self, stack: str) -> bool:
        """Delete it and wait; False when there is none."""
        if self.deployed(stack) is None:
            return False
        try:
            self._stacks.delete_stack(StackName=stack)
        except ClientError as error:
            raise Unusable(f"CloudFormation does not delete {stack}: {error}") from error
        self._wait(stack, "stack_delete_complete")
        return True

    def _wait(self, stack: str, state: str) -> None:
        try:
            waiter = self._stacks.get_waiter(state)
            waiter.wait(StackName=stack, WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": MOST_POLLS})
        except WaiterError as error:
            raise Unusable(f"{stack} did not come to {state}:\n{self._reasons(stack)}") from error

    def _reasons(self, stack: str) -> str:
        events = self._stacks.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [one for one in events if one.get("ResourceStatus", "").endswith("FAILED")]
        lines = [
            f"  {one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason given')}" for one in failed
        ]
        return "\n".join(reversed(lines)) or "  no resource says why; look at the stack's events"


def _wanted(stack: Stack) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "StackName": stack.name,
        "TemplateBody": json.dumps(stack.template, separators=(",", ":")),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": "dream-api", "Value": stack.parameters["Environment"]}],
    }
    return wanted if stack.policy is None else wanted | {"StackPolicyBody": json.dumps(stack.policy)}
