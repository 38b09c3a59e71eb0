"""An environment's file: every fault is told at once, with the file's name and what to do."""

from pathlib import Path

import pytest

from infra.deploy.environment import Unusable, load
from infra.deploy.service_stack import PARAMETERS
from infra.deploy.stacks import in_order
from tests.infra.deploy.example import ENVIRONMENT, written


def test_a_missing_file_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"nowhere\.toml is missing: copy environments/example\.toml"):
        load("nowhere", None, tmp_path)


def test_no_name_says_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="Say which environment: ENV=production"):
        load("", None, tmp_path)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        ('region = "eu-central-1"', 'regoin = "eu-central-1"'),
        ("workers = 1", "workers = 0"),
        ('tenant_host = "api.example.com"', 'tenant_host = "https://api.example.com"'),
    )
    with pytest.raises(Unusable) as told:
        load("staging", None, folder)
    lines = str(told.value).splitlines()
    assert "staging.toml: REGION: is missing; set it" in lines
    assert {line.split(":")[1].strip() for line in lines} == {"REGION", "REGOIN", "WORKERS", "TENANT_HOST"}


@pytest.mark.parametrize("image", ["dream-api", "dream-api:latest", "host:5000/dream-api"])
def test_an_image_without_a_version_is_refused(image: str) -> None:
    with pytest.raises(Unusable, match="image must name a version"):
        load("example", image)


def test_the_image_of_the_command_line_wins() -> None:
    assert load("example", "registry.example.com/dream-api:2").service_parameters["Image"].endswith(":2")
    assert load("example", "registry.example.com/dream-api:2").service_parameters["ImageRepository"] == "none"
    assert load("example").service_parameters["ImageRepository"] == "dream-api"


def test_two_services_can_not_share_a_name(tmp_path: Path) -> None:
    folder = written(tmp_path, ("connect.example.com", "api.example.com"))
    with pytest.raises(Unusable, match="three different names"):
        load("staging", None, folder)


def test_the_stacks_are_given_exactly_the_parameters_they_have() -> None:
    arns = {name: "arn" for name in PARAMETERS if name.endswith("SecretArn")}
    for stack in in_order(ENVIRONMENT, arns):
        assert stack.parameters.keys() == stack.template["Parameters"].keys()
