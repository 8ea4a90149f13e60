"""An environment file is refused for the reasons CloudFormation would refuse it, all at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.environment import load_environment

STACKS = {
    "server": {
        "Parameters": {
            "KeyArn": {"Type": "String", "AllowedPattern": "^arn:.+$", "ConstraintDescription": "an ARN of a key"},
            "Concurrency": {"Type": "Number", "MinValue": 1, "MaxValue": 100},
            "Mode": {"Type": "String", "AllowedValues": ["json", "stream"]},
            "SubnetIds": {"Type": "List<AWS::EC2::Subnet::Id>"},
        }
    }
}


def environment(folder: Path, **server: str) -> Path:
    path = folder / "prod.json"
    path.write_text(json.dumps({"server": [{"ParameterKey": key, "ParameterValue": value} for key, value in server.items()]}))
    return path


def test_values_are_read_by_stack(tmp_path: Path) -> None:
    path = environment(tmp_path, KeyArn="arn:x", Concurrency="5", Mode="json", SubnetIds="subnet-1, subnet-2")
    assert load_environment(path, STACKS) == {
        "server": {"KeyArn": "arn:x", "Concurrency": "5", "Mode": "json", "SubnetIds": "subnet-1, subnet-2"}
    }


def test_every_value_that_cloudformation_would_refuse_is_named(tmp_path: Path) -> None:
    path = environment(tmp_path, KeyArn="alias/x", Concurrency="500", Mode="jsn", Keyarn="arn:x")
    with pytest.raises(InputError) as error:
        load_environment(path, STACKS)
    assert [cause.removeprefix(f"{path}: ") for cause in error.value.causes] == [
        "server.KeyArn: 'alias/x' does not fit: an ARN of a key",
        "server.Concurrency: 500 lies outside 1 to 100",
        "server.Mode: 'jsn' is none of json, stream",
        "server.Keyarn: no such template parameter; did you mean 'KeyArn'?",
    ]


def test_a_number_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'many' is not a number"):
        load_environment(environment(tmp_path, Concurrency="many"), STACKS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "expected"),
        ('{"server": {"KeyArn": "arn:x"}}', "server: expected"),
        ('{"servr": []}', "servr: the system has no such stack; did you mean 'server'"),
    ],
)
def test_other_shapes_are_refused_with_the_right_one(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "prod.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_environment(tmp_path / "prod.json", STACKS)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not UTF-8"):
        load_environment(tmp_path / "binary.json", STACKS)
    with pytest.raises(InputError, match="cannot be read"):
        load_environment(tmp_path / "missing.json", STACKS)
