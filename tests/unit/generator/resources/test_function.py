"""The function: image, environment, limits and logging."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.emitted import REMOVE
from claimstack.generator.resources.function import ENVIRONMENT, image_pattern

DIGEST = "a" * 64


def test_function_of_a_plain_system(workload: Callable[..., Any]) -> None:
    properties = {key: value for key, value in workload().properties("Function").items() if key != "Tags"}
    assert properties == {
        "Description": "MCP server grants-tools",
        "PackageType": "Image",
        "Code": {"ImageUri": {"Ref": "ImageUri"}},
        "Role": {"Fn::GetAtt": ["FunctionRole", "Arn"]},
        "Timeout": 25,
        "MemorySize": 1024,
        "ReservedConcurrentExecutions": {"Ref": "ReservedConcurrency"},
        "KmsKeyArn": {"Ref": "KeyArn"},
        "VpcConfig": {"SubnetIds": {"Ref": "SubnetIds"}, "SecurityGroupIds": [{"Fn::GetAtt": ["FunctionGroup", "GroupId"]}]},
        "TracingConfig": {"Mode": "Active"},
        "LoggingConfig": {"LogGroup": {"Ref": "AuditLog"}, "LogFormat": "JSON"},
        "Environment": {
            "Variables": {
                "CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp",
                "CLAIMSTACK_STATE_SECRET_ARN": {"Ref": "StateSecret"},
                "CLAIMSTACK_ALLOWED_ORIGINS": "",
                "AWS_USE_FIPS_ENDPOINT": "true",
            }
        },
    }


def test_govcloud_has_no_json_log_format(workload: Callable[..., Any]) -> None:
    assert workload(region="us-gov-west-1").properties("Function")["LoggingConfig"] == {"LogGroup": {"Ref": "AuditLog"}}


def test_function_is_made_after_the_policies_that_lambda_tries_out(workload: Callable[..., Any]) -> None:
    body = workload().emitted.resource("server", "Function").body
    assert body["DependsOn"] == ["LogsPolicy", "NetworkPolicy", "TracingPolicy", "SecretPolicy", "KeyPolicy"]


def test_secrets_manager_is_called_by_its_standard_name_through_a_vpc_endpoint(workload: Callable[..., Any]) -> None:
    by_name = {"Fn::Sub": "https://secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}
    variable = "AWS_ENDPOINT_URL_SECRETS_MANAGER"

    def variables(**tables: Any) -> dict[str, Any]:
        found: dict[str, Any] = workload(**tables).properties("Function")["Environment"]["Variables"]
        return {name: value for name, value in found.items() if name.startswith("AWS_")}

    assert variables() == {"AWS_USE_FIPS_ENDPOINT": "true"}
    assert variables(network={"endpoints": True}) == {"AWS_USE_FIPS_ENDPOINT": "true", variable: by_name}
    assert variables(network={"endpoints": True}, runtime={"fips_endpoints": False}) == {}


def test_claim_about_fips_names_the_exception(workload: Callable[..., Any]) -> None:
    def sentences(**tables: Any) -> list[str]:
        answer = workload(**tables).evaluated.answers.get("sc-13_smt.b")
        return [result.claim.sentence for result in answer.claims] if answer else []

    assert sentences() == ["The AWS SDK in the function calls the FIPS endpoints of AWS services."]
    assert sentences(network={"endpoints": True}) == [
        "The AWS SDK in the function calls the FIPS endpoints of AWS services, except secretsmanager, whose VPC endpoint has no FIPS name."
    ]
    assert sentences(runtime={"fips_endpoints": False}) == []


@pytest.mark.parametrize(
    ("image", "accepted_in"),
    [
        (f"111122223333.dkr.ecr.us-east-1.amazonaws.com/mcp@sha256:{DIGEST}", ["us-east-1"]),
        (f"111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com/team/mcp@sha256:{DIGEST}", ["us-gov-west-1"]),
        (f"111122223333.dkr.ecr.us-east-1.amazonaws.com.example.org/mcp@sha256:{DIGEST}", []),
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com/mcp:latest", []),
        (f"111122223333.dkr.ecr.us-east-1.amazonaws.com/mcp:v1@sha256:{DIGEST}", []),
        (f"docker.io/library/mcp@sha256:{DIGEST}", []),
        (f"111122223333.dkr.ecr.us-east-1.amazonaws.com/mcp@sha256:{DIGEST[:-1]}", []),
    ],
)
def test_image_is_named_by_digest_in_ecr_of_the_partition(workload: Callable[..., Any], image: str, accepted_in: list[str]) -> None:
    patterns = {region: image_pattern(workload(region=region).system.config) for region in ("us-east-1", "us-gov-west-1")}
    assert [region for region, pattern in patterns.items() if re.fullmatch(pattern, image)] == accepted_in


def test_parameters_of_the_function_are_bounded(workload: Callable[..., Any]) -> None:
    built = workload(runtime={"concurrency": 7})
    parameters = built.emitted.stacks["server"]["Parameters"]
    assert parameters["ImageUri"]["AllowedPattern"] == image_pattern(built.system.config)
    concurrency = {key: value for key, value in parameters["ReservedConcurrency"].items() if key != "Description"}
    assert concurrency == {"Type": "Number", "Default": 7, "MinValue": 1, "MaxValue": 1000}


def test_variables_outside_the_contract_are_refused_all_at_once(workload: Callable[..., Any]) -> None:
    with pytest.raises(InputError) as raised:
        workload(environment={"CLAIMSTACK_TABEL": "x", "AWS_USE_FIPS_ENDPOINT": "false", "TOOL_BUCKET": "fine"})
    assert raised.value.causes == (
        f"environment variable CLAIMSTACK_TABEL: is not in the contract with the runtime ({', '.join(ENVIRONMENT)})",
        "environment variable AWS_USE_FIPS_ENDPOINT: is set by the function module; leave it out",
    )


def test_a_variable_of_a_tool_is_part_of_the_claimed_environment(workload: Callable[..., Any]) -> None:
    built = workload(environment={"TOOL_BUCKET": "reports"})
    assert "system.environment-holds" in built.set("Function", "Environment", "Variables", "TOOL_BUCKET", to=REMOVE)


@pytest.mark.parametrize(
    ("path", "value", "check"),
    [
        (
            ("Code", "ImageUri"),
            "111122223333.dkr.ecr.us-east-1.amazonaws.com/mcp:latest",
            "system.AWS-Lambda-Function.Code.ImageUri.matches",
        ),
        (("Timeout",), 30, "system.AWS-Lambda-Function.Timeout.at-most"),
        (("ReservedConcurrentExecutions",), 0, "system.AWS-Lambda-Function.ReservedConcurrentExecutions.at-least"),
        (("TracingConfig", "Mode"), "PassThrough", "system.AWS-Lambda-Function.TracingConfig.Mode.equals"),
        (
            ("Environment", "Variables", "AWS_USE_FIPS_ENDPOINT"),
            "false",
            "server.Function.Environment.Variables.AWS_USE_FIPS_ENDPOINT.equals",
        ),
        (
            ("Environment", "Variables", "CLAIMSTACK_ALLOWED_ORIGINS"),
            "https://x",
            "server.Function.Environment.Variables.CLAIMSTACK_ALLOWED_ORIGINS.matches",
        ),
        (("Role",), {"Ref": "Other"}, "server.Function.Role.equals"),
        (("VpcConfig",), REMOVE, "system.AWS-Lambda-Function.VpcConfig.SubnetIds.equals"),
        (("ImageConfig",), {"Command": ["other.handler"]}, "system.AWS-Lambda-Function.ImageConfig.absent"),
        (("FileSystemConfigs",), [{"Arn": "arn"}], "system.AWS-Lambda-Function.FileSystemConfigs.absent"),
        (("LoggingConfig", "ApplicationLogLevel"), "FATAL", "server.Function.LoggingConfig.ApplicationLogLevel.absent"),
        (("LoggingConfig", "SystemLogLevel"), "WARN", "server.Function.LoggingConfig.SystemLogLevel.absent"),
    ],
)
def test_a_weaker_function_is_noticed(workload: Callable[..., Any], path: tuple[str, ...], value: Any, check: str) -> None:
    assert check in workload().set("Function", *path, to=value)
