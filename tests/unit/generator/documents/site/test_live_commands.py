"""Live commands: for every resource that systems emit, commands that exist, that bash can read, and that show no secret."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from tests.unit.generator.documents.cloudformation.test_guides import SYSTEMS, _unknown, commands, evaluated

from claimstack.generator.claims import Component, Exempt
from claimstack.generator.documents.site.live_commands import READS, live_command
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.system import Declared

READING = ("describe-", "get-", "list-")
SECRET = ("get-secret-value", "get-random-password", "get-session-token", "get-authorization-token")
COMMANDS = [(name, f"{declared.stack}.{declared.logical_id}") for name in SYSTEMS for declared in evaluated(name).system.declared()]


def of(name: str, asset: str) -> str:
    return live_command(evaluated(name), declared_of(evaluated(name), asset))


def declared_of(found: Evaluated, asset: str) -> Declared:
    return next(declared for declared in found.system.declared() if f"{declared.stack}.{declared.logical_id}" == asset)


def parsed(text: str) -> Iterator[tuple[str, str, list[str]]]:
    return commands(f"```bash\n{text}```\n")


def test_every_command_exists_with_its_options() -> None:
    wrong = {
        (name, asset, service, operation, option)
        for name, asset in COMMANDS
        for service, operation, options in parsed(of(name, asset))
        for option in _unknown(service, operation, options)
    }
    assert wrong == set()


def test_commands_only_read_and_ask_for_no_secret() -> None:
    for name, asset in COMMANDS:
        for _, operation, _ in parsed(of(name, asset)):
            assert operation.startswith(READING), (asset, operation)
            assert operation not in SECRET


def test_the_secret_of_a_client_stays_out_of_the_answer() -> None:
    text = of("commercial", "server.AnalystDeskClient")
    assert "--query 'UserPoolClient.[" in text
    assert "ClientSecret" not in text


def test_bash_can_read_every_command() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    text = "\n".join(of(name, asset) for name, asset in COMMANDS)
    found = subprocess.run([bash, "-n"], input=text, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_every_variable_is_asked_for_before_it_is_used() -> None:
    for name, asset in COMMANDS:
        text = of(name, asset)
        asked = re.findall(r"^(\w+)=\$\(aws cloudformation ", text, re.MULTILINE)
        assert set(re.findall(r"\$\{(\w+)\}", text)) == set(asked), text


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_call_names_the_region_of_the_system(name: str) -> None:
    region = evaluated(name).system.config.region
    for each, asset in COMMANDS:
        if each == name:
            text = of(name, asset)
            assert text.count(f"--region {region} ") + text.count(f"--region {region}\n") == len(
                re.findall(r"\baws [a-z0-9-]+ [a-z]", text)
            )


def test_the_types_that_systems_emit_are_read_from_their_own_service() -> None:
    assert {declared.type for name in SYSTEMS for declared in evaluated(name).system.declared()} <= set(READS)
    assert not any("cloudcontrol" in of(name, asset) for name, asset in COMMANDS)


def test_a_type_of_an_extension_is_read_through_the_cloud_control_api(built: Callable[..., Evaluated]) -> None:
    declared = Declared("server", "Parameter", "AWS::SSM::Parameter", Component("x", "X", "X."), (), Exempt("test"), {}, {})
    text = live_command(built(), declared)
    assert list(parsed(text))[-1] == ("cloudcontrol", "get-resource", ["region", "type-name", "identifier", "query", "output"])
    assert "--type-name AWS::SSM::Parameter" in text


def test_a_command_names_partition_stack_and_parent_as_deployed() -> None:
    assert of("govcloud", "server.WebAclAssociation").endswith(
        "aws wafv2 get-web-acl-for-resource --region us-gov-west-1 --resource-arn "
        '"arn:aws-us-gov:apigateway:us-gov-west-1::/restapis/${RestApi}/stages/${RestApiStage}"\n'
    )
    assert of("commercial", "server.AuditLog") == (
        "AuditLog=$(aws cloudformation describe-stack-resource --region us-east-1 --stack-name commercial-server "
        "--logical-resource-id AuditLog --query StackResourceDetail.PhysicalResourceId --output text)\n"
        'aws logs describe-log-groups --region us-east-1 --log-group-name-prefix "${AuditLog}"\n'
    )
