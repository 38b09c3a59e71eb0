"""A small network of its own: two public subnets, the way out, and the private way to DynamoDB.

Tasks have public addresses but take calls from the load balancer only; that saves the monthly price of NAT gateways.
"""

from typing import Any

from infra.deploy.parts import PORT, Resources, att, ref, sub

VPC_RANGE = "10.20.0.0/16"
SUBNETS = {"SubnetA": "10.20.0.0/20", "SubnetB": "10.20.16.0/20"}


def resources() -> Resources:
    return _ways() | _subnets() | _security_groups()


def _ways() -> Resources:
    return {
        "Vpc": {
            "Type": "AWS::EC2::VPC",
            "Properties": {
                "CidrBlock": VPC_RANGE,
                "EnableDnsSupport": True,
                "EnableDnsHostnames": True,
                "Tags": [{"Key": "Name", "Value": sub("dream-api-${Environment}")}],
            },
        },
        "InternetGateway": {"Type": "AWS::EC2::InternetGateway"},
        "GatewayAttachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": ref("Vpc"), "InternetGatewayId": ref("InternetGateway")},
        },
        "RouteTable": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("Vpc")}},
        "DefaultRoute": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "GatewayAttachment",
            "Properties": {
                "RouteTableId": ref("RouteTable"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": ref("InternetGateway"),
            },
        },
        # Costs nothing, and calls of the store never leave Amazon's network.
        "DynamoDbEndpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcEndpointType": "Gateway",
                "ServiceName": sub("com.amazonaws.${AWS::Region}.dynamodb"),
                "VpcId": ref("Vpc"),
                "RouteTableIds": [ref("RouteTable")],
            },
        },
    }


def _subnets() -> Resources:
    found: Resources = {}
    for zone, (name, addresses) in enumerate(SUBNETS.items()):
        found[name] = {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": ref("Vpc"),
                "CidrBlock": addresses,
                "AvailabilityZone": {"Fn::Select": [zone, {"Fn::GetAZs": ""}]},
            },
        }
        found[f"{name}Routes"] = {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": ref(name), "RouteTableId": ref("RouteTable")},
        }
    return found


def _security_groups() -> Resources:
    return {
        "BalancerSecurityGroup": _group("the load balancer", [_from_everywhere(443), _from_everywhere(80)]),
        "TaskSecurityGroup": _group(
            "the services' tasks, reached by the load balancer only",
            [
                {
                    "IpProtocol": "tcp",
                    "FromPort": PORT,
                    "ToPort": PORT,
                    "SourceSecurityGroupId": att("BalancerSecurityGroup", "GroupId"),
                }
            ],
        ),
    }


def _group(what: str, ingress: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": f"dream-api, {what}".replace("'", ""),
            "VpcId": ref("Vpc"),
            "SecurityGroupIngress": ingress,
        },
    }


def _from_everywhere(port: int) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"}
