"""The guides of the reference systems and of systems with other features: every name in them exists, every command can be run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatch
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jmespath
import pytest
import typer
from botocore import xform_name
from botocore.session import Session

from claimstack.generator import cli
from claimstack.generator.build import build
from claimstack.generator.config import Config
from claimstack.generator.documents.cloudformation.deployer_policy import deployer_statements, render_deployer_policy, star_reasons
from claimstack.generator.documents.cloudformation.guide_views import (
    IMPORT_IDENTIFIERS,
    AlarmView,
    KeptView,
    LogGroupView,
    alarm_views,
    kept_views,
    left_behind,
    log_group_views,
    stack_views,
)
from claimstack.generator.documents.cloudformation.guides import render_deploy_guide, render_operations_guide
from claimstack.generator.documents.cloudformation.key_policy import render_key_policy
from claimstack.generator.documents.cloudformation.template_text import INLINE_LIMIT, template_text
from claimstack.generator.documents.markdown import WIDTH, reflow
from claimstack.generator.emitted import Edit, Emitted, Place
from claimstack.generator.evaluation import Evaluated, evaluate, read_back
from claimstack.generator.loading import parse_config
from claimstack.generator.package import emit
from claimstack.generator.resources.alarms import ALARMS
from claimstack.generator.resources.door import log_fields

EXAMPLES = Path(__file__).parents[5] / "examples"
PLAIN = """
name = "plain"
title = "A server with as little as possible"
class = "B"
certification = "20x"
region = "us-west-2"
as_of = 2026-11-01
auth = { type = "none" }
registry = { stack = false }
network = { security_groups = "given" }
organisation = { alarm_topic = "given", log_archive = true, permissions_boundary = true }
"""
EXTERNAL = """
name = "external"
title = "A server behind an issuer that exists"
class = "C"
certification = "20x"
region = "us-gov-east-1"
as_of = 2026-11-01
auth = { type = "external", issuer = "https://login.example.gov/tenant", audience = ["mcp"] }
runtime = { sessions = true }
key = { stack = true }
"""
SYSTEMS = {
    "commercial": (EXAMPLES / "commercial.toml").read_text(encoding="utf-8"),
    "govcloud": (EXAMPLES / "govcloud.toml").read_text(encoding="utf-8"),
    "plain": PLAIN,
    "external": EXTERNAL,
}
GUIDES = {"deploy": render_deploy_guide, "operations": render_operations_guide}


@cache
def evaluated(name: str) -> Evaluated:
    config: Config = parse_config(SYSTEMS[name], f"{name}.toml")
    system = build(config)
    return evaluate(system, read_back({stack: template_text(body.to_dict()) for stack, body in system.stacks.items()}))


@cache
def guide(name: str, kind: str) -> str:
    return GUIDES[kind](evaluated(name))


each = pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in SYSTEMS for kind in GUIDES])
each_system = pytest.mark.parametrize("name", SYSTEMS)


def shell(text: str) -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def uncommented(block: str) -> str:
    return "\n".join(line for line in block.splitlines() if not line.lstrip().startswith("#"))


def commands(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Service, operation and option names of every AWS command, wherever it stands in a pipe or a substitution."""
    for block in shell(text):
        bare = re.sub(r"'[^']*'", "''", uncommented(block).replace("\\\n", " "))
        bare = re.sub(r"\$\(\(.*?\)\)", "_", bare)
        while "$(" in bare and (inner := re.search(r"\$\(([^()]*)\)", bare)):
            if inner[1].startswith("aws "):
                yield from _command(inner[1])
            bare = bare.replace(inner[0], "_", 1)
        for piece in re.split(r"[|;\n]|&&", bare):
            yield from _command(piece.strip())


def _command(piece: str) -> Iterator[tuple[str, str, list[str]]]:
    found = re.search(r"(?:^|[ =])aws ([a-z0-9-]+) ((?:wait )?[a-z0-9-]+)", piece)
    if found:
        yield found[1], found[2], re.findall(r" --([a-z0-9-]+)", piece)


@each
def test_every_shell_block_can_be_parsed(name: str, kind: str) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    blocks = shell(guide(name, kind))
    assert blocks
    for block in blocks:
        parsed = subprocess.run([bash, "-n"], input=block, capture_output=True, text=True, check=False)
        assert (parsed.returncode, parsed.stderr) == (0, ""), block


@each
def test_markdown_is_clean(name: str, kind: str) -> None:
    text = guide(name, kind)
    fenced = False
    for line in text.splitlines():
        assert line == line.rstrip()
        fenced = fenced is not line.startswith("```")
        assert fenced or line.startswith(("|", "#", "```")) or len(line) <= WIDTH, line
    assert not fenced
    assert text.count("\n\n```bash\n") * 2 == text.count("\n```")
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not re.search(r"\{\{|\{%|%\}|\bNone\b", text)
    assert all(len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", head)) for head, row in _rows(text)), "table"


def _rows(text: str) -> Iterator[tuple[str, str]]:
    lines = text.splitlines()
    head = ""
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|"):
            head = line if not before.startswith("|") else head
            yield head, line


@each
def test_every_name_exists_in_the_templates(name: str, kind: str) -> None:
    text = guide(name, kind)
    stacks = {view.deployed: evaluated(name).emitted.stacks[view.name] for view in stack_views(evaluated(name))}
    blocks = "\n".join(uncommented(block) for block in shell(text))
    named = set(re.findall(r"--stack-name ([^\s\"]+)", blocks)) | {
        stack for loop in re.findall(r"for STACK in ([^;]+);", blocks) for stack in loop.split()
    }
    assert named == set(stacks)
    outputs = re.findall(r"(?<![\w-])output ([a-z0-9-]+) ([A-Za-z0-9]+)", blocks)
    assert {(stack, output) for stack, output in outputs if output not in stacks[stack]["Outputs"]} == set()
    resources = re.findall(r"\b(?:physical|left) ([a-z0-9-]+) ([A-Za-z0-9]+)", blocks)
    assert resources
    assert {(stack, id_) for stack, id_ in resources if id_ not in stacks[stack]["Resources"]} == set()
    for stack, template in re.findall(r"^protect ([a-z0-9-]+) ([a-z]+)$", blocks, re.MULTILINE):
        assert stack == f"{name}-{template}"
    for template in re.findall(r"\$PACKAGE/([a-z]+)\.json", blocks):
        assert f"{name}-{template}" in stacks
    for stack, output in re.findall(r"is the output `(\w+)` of `([a-z0-9-]+)`", text):
        assert stack in stacks[output]["Outputs"]


@each
def test_every_template_parameter_in_prose_exists(name: str, kind: str) -> None:
    parameters = {parameter for view in stack_views(evaluated(name)) for parameter in (entry.name for entry in view.parameters)}
    outputs = {output for view in stack_views(evaluated(name)) for output in view.outputs}
    offered = {"LogDestinationArn"}  # what log_archive = true would ask for
    prose = re.sub(r"^```bash\n.*?^```$", "", guide(name, kind), flags=re.DOTALL | re.MULTILINE)
    known = ("KeyArn|ImageUri|VpcId|SubnetIds|RouteTableIds|CertificateArn|AlarmEmail|AlarmTopicArn|PermissionsBoundaryArn|"
             "LogDestinationArn|ReservedConcurrency|DynamoDbPrefixListId|EndpointSecurityGroupId|EgressCidr|SecurityGroupIds")  # fmt: skip
    assert set(re.findall(rf"\b({known})\b", prose)) - parameters - outputs - offered == set()


@each
def test_every_command_names_the_region_and_partition_of_the_system(name: str, kind: str) -> None:
    text = guide(name, kind)
    config = evaluated(name).system.config
    for service, operation, options in commands(text):
        assert "region" in options, (service, operation)
    assert set(re.findall(r"--region (\S+)", text)) == {config.region}
    assert set(re.findall(r"\b(?:us|us-gov)-(?:east|west)-\d\b", text)) == {config.region}
    assert set(re.findall(r"\barn:(aws[a-z-]*):", text)) <= {config.partition.name}


NOT_IN_THE_MODELS = {("ecr", "get-login-password"): {"region"}}
"""Commands that the AWS CLI makes up itself, with their options."""
GLOBAL_OPTIONS = {"region", "query", "output", "max-items"}


@each
def test_every_aws_command_exists_with_its_options(name: str, kind: str) -> None:
    found = list(commands(guide(name, kind)))
    assert len(found) == sum(len(re.findall(r"\baws [a-z0-9-]+ [a-z]", uncommented(block))) for block in shell(guide(name, kind))) > 20
    unknown = [(service, operation, option) for service, operation, options in found for option in _unknown(service, operation, options)]
    assert unknown == []


def _unknown(service: str, operation: str, options: list[str]) -> Iterator[str]:
    if (service, operation) in NOT_IN_THE_MODELS:
        yield from set(options) - NOT_IN_THE_MODELS[service, operation]
        return
    model, waiters = _model({"s3api": "s3"}.get(service, service))
    if operation.startswith("wait "):
        waiter = {xform_name(known, "-"): waiters.get_waiter(known).operation for known in waiters.waiter_names}.get(operation[5:])
        api = waiter
    else:
        api = {xform_name(known, "-"): known for known in model.operation_names}.get(operation)
    if api is None:
        yield "no such command"
        return
    shape = model.operation_model(api).input_shape
    members = {xform_name(member, "-"): member for member in shape.members}
    for option in options:
        if option not in GLOBAL_OPTIONS and option not in members and option.removeprefix("no-") not in members:
            yield option
    missing = {xform_name(member, "-") for member in shape.required_members} - {option.removeprefix("no-") for option in options}
    yield from (f"lacks {option}" for option in missing)


@cache
def _model(service: str) -> tuple[Any, Any]:
    session = Session()
    try:
        waiters = session.get_waiter_model(service)
    except Exception:  # noqa: BLE001 - a service without waiters; botocore raises one of several errors
        waiters = None
    return session.get_service_model(service), waiters


@each
def test_every_claimstack_command_exists_with_its_options(name: str, kind: str) -> None:
    for line in uncommented("\n".join(shell(guide(name, kind)))).replace("\\\n", " ").splitlines():
        if line.startswith("claimstack "):
            words = shlex.split(re.sub(r"\$\([^)]*\)", "_", line), comments=False)[1:]
            command: Any = typer.main.get_command(cli.app)
            while hasattr(command, "commands"):
                assert words[0] in command.commands, line
                command = command.commands[words.pop(0)]
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            assert {word for word in words if word.startswith("-")} <= known, line


@each_system
def test_each_alarm_has_its_own_runbook(name: str) -> None:
    text = guide(name, "operations")
    alarms = alarm_views(evaluated(name))
    assert re.findall(r"^### (\w+)$", text.partition("## Alarms")[2].partition("\n## Keys")[0], re.MULTILINE) == [
        alarm.id for alarm in alarms
    ]
    assert {alarm.id for alarm in alarms} <= {spec.id for spec in ALARMS}
    assert "Whoever declares the alarm" not in text
    assert text.count("- Likely: ") == text.count("- Action: ") == len(alarms)


def test_an_alarm_of_an_extension_gets_its_description_and_its_history() -> None:
    own = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmDescription": "The queue is full.", "Namespace": "AWS/SQS"}}
    text = render_operations_guide(_edited("plain", Edit(Place("server", ("Resources", "QueueDepth")), own)))
    runbook = text.partition("### QueueDepth\n")[2].partition("\n## ")[0]
    assert runbook.startswith("\nThe queue is full.\n")
    assert '"$(physical plain-server QueueDepth)"' in runbook


@each_system
def test_queries_of_the_access_log_use_its_fields(name: str) -> None:
    fields = {field.name for field in log_fields(evaluated(name).system.config)}
    text = guide(name, "operations")
    queries = re.findall(r"insights \"\$\(output \S+ AccessLogGroup\)\" \d+ (?:\\\n\s*)?'([^']*)'", text)
    assert queries
    words = {word for query in queries for word in re.findall(r"\b[a-z]+[A-Z][A-Za-z]*\b", query)}
    assert words
    assert words <= fields


def test_what_stays_is_read_from_the_templates() -> None:
    log = "AWS::Logs::LogGroup"
    assert kept_views(evaluated("commercial")) == (
        KeptView("key", "Key", "AWS::KMS::Key", False, None, "KeyId", ()),  # noqa: FBT003
        KeptView("registry", "Repository", "AWS::ECR::Repository", False, None, "RepositoryName", ()),  # noqa: FBT003
        KeptView("server", "UserPool", "AWS::Cognito::UserPool", True, None, "UserPoolId", ()),  # noqa: FBT003
        KeptView("server", "AuditLog", log, True, "/claimstack/commercial-server/audit", "LogGroupName", ()),  # noqa: FBT003
        KeptView("server", "AccessLog", log, True, "/aws/vendedlogs/claimstack/commercial-server/access", "LogGroupName", ()),  # noqa: FBT003
        KeptView("server", "StateSecret", "AWS::SecretsManager::Secret", False, None, "Id", ()),  # noqa: FBT003
        KeptView("server", "Sessions", "AWS::DynamoDB::Table", True, None, "TableName", ("ResourcePolicy",)),  # noqa: FBT003
    )


@each_system
def test_each_resource_that_stays_is_in_the_deletion(name: str) -> None:
    text = guide(name, "deploy")
    deletion = text.partition("### Delete what stays")[2].partition("### Take up again")[0]
    for kept in kept_views(evaluated(name)):
        assert f"| `{name}-{kept.stack}` | `{kept.logical_id}` | `{kept.type}` |" in text
        assert f"`{kept.logical_id}` of `{name}-{kept.stack}`:" in deletion
        assert (f"`{kept.logical_id}` (`{kept.type}`) cannot be taken up" in text) is (kept.identifier is None)
    assert "resource of an extension" not in deletion


def test_protection_is_lifted_before_a_resource_is_deleted() -> None:
    text = guide("govcloud", "deploy").partition("### Delete what stays")[2]
    for lift, delete in (
        ("put-log-group-deletion-protection", "delete-log-group"),
        ("update-table", "delete-table"),
        ("update-user-pool", "delete-user-pool"),
    ):
        assert text.count(f" {lift} ") == text.count(f" {delete} ") > 0
        assert text.index(f" {lift} ") < text.index(f" {delete} ")


def test_an_import_takes_nothing_that_needs_what_is_gone() -> None:
    server = next(left for left in left_behind(evaluated("govcloud")) if left.stack.name == "server")
    template = evaluated("govcloud").emitted.stacks["server"]["Resources"]
    assert {kept.logical_id for kept in server.kept if kept.identifier is None} == {"ExecutionLog", "ApiGatewayAccount"}
    taken = {kept.logical_id: kept for kept in server.importable}
    for logical_id, kept in taken.items():
        body = {key: value for key, value in template[logical_id].items() if key != "Metadata"}
        body["Properties"] = {key: value for key, value in body["Properties"].items() if key not in kept.set_later}
        named = set(re.findall(r'(?:"Ref": "|"Fn::GetAtt": \["|\$\{)(\w+)', json.dumps(body)))
        assert named & set(template) <= set(taken)


def test_import_identifiers_are_those_of_the_resource_schemas() -> None:
    spec = find_spec("cfnlint")
    assert spec is not None
    assert spec.submodule_search_locations
    schemas = Path(spec.submodule_search_locations[0]) / "data" / "schemas"
    providers = json.loads((schemas / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    for type_, identifier in IMPORT_IDENTIFIERS.items():
        schema = json.loads((schemas / "resources" / f"{providers[type_]}.json").read_text(encoding="utf-8"))
        assert schema["primaryIdentifier"] == [f"/properties/{identifier}"], type_


def test_a_stack_policy_is_cut_to_the_template_by_the_command_of_the_guide(tmp_path: Path) -> None:
    jq = shutil.which("jq")
    assert jq is not None, "the guides need jq, and so does this test"
    program = re.search(r"'(\.Statement \|= .*?)' \"\$PACKAGE/stack-policy", guide("commercial", "deploy"), re.DOTALL)
    assert program is not None
    allow = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Principal": "*", "Action": ["Update:Replace"], "Resource": ["LogicalResourceId/Key", "LogicalResourceId/X"]}
    (tmp_path / "policy.json").write_text(json.dumps({"Statement": [allow, deny]}), encoding="utf-8")

    def cut(*present: str) -> Any:
        (tmp_path / "key.json").write_text(json.dumps({"Resources": {key: {} for key in present}}), encoding="utf-8")
        arguments = [jq, "--slurpfile", "template", str(tmp_path / "key.json"), program[1], str(tmp_path / "policy.json")]
        return json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)

    assert cut("Key") == {"Statement": [allow, {**deny, "Resource": ["LogicalResourceId/Key"]}]}
    assert cut("Other") == {"Statement": [allow]}


def test_an_output_replaces_the_value_in_the_parameters_file(tmp_path: Path) -> None:
    jq = shutil.which("jq")
    assert jq is not None, "the guides need jq, and so does this test"
    program = re.search(
        r"jq --arg KeyArn \S+ \S+ \S+ +\\\n  '(\(\.registry .*?)' \"\$ENVIRONMENT", guide("commercial", "deploy"), re.DOTALL
    )
    assert program is not None
    environment = {"registry": [{"ParameterKey": "KeyArn", "ParameterValue": "old"}, {"ParameterKey": "Own", "ParameterValue": "kept"}]}
    (tmp_path / "prod.json").write_text(json.dumps(environment), encoding="utf-8")
    done = subprocess.run(
        [jq, "--arg", "KeyArn", "new", program[1], str(tmp_path / "prod.json")], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [
        {"ParameterKey": "Own", "ParameterValue": "kept"},
        {"ParameterKey": "KeyArn", "ParameterValue": "new"},
    ]


@each_system
def test_every_placeholder_of_the_policies_is_filled_in(name: str) -> None:
    filled = set(re.findall(r"s\|(<[A-Z_]+>)\|", guide(name, "deploy")))
    for policy in (render_deployer_policy(evaluated(name)), render_key_policy(evaluated(name))):
        assert set(re.findall(r"<[A-Z_]+>", json.dumps(policy))) <= filled


@each
def test_each_section_sets_the_variables_that_its_commands_use(name: str, kind: str) -> None:
    shell_section, _, rest = guide(name, kind).partition("## Shell\n")[2].partition("\n## ")
    known = set(re.findall(r"^(?:export )?([A-Z][A-Z_]+)=", "\n".join(shell(shell_section)), re.MULTILINE))
    for section in re.split(r"^#{2,3} ", rest, flags=re.MULTILINE):
        blocks = "\n".join(uncommented(block) for block in shell(section))
        for used in re.finditer(r"\$\{?([A-Z][A-Z_]+)", blocks):
            before = blocks[: used.start()]
            assert used[1] in known or re.search(rf"(?:^|\s)(?:{used[1]}=|for {used[1]} in|read .*{used[1]}$)", before, re.MULTILINE), (
                section.partition("\n")[0],
                used[1],
            )


@each
def test_every_link_leads_to_a_heading_of_the_guide(name: str, kind: str) -> None:
    text = guide(name, kind)
    anchors = {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) - anchors == set()


@each_system
def test_the_commands_of_the_guide_make_one_complete_document_of_each_deployer_policy(name: str, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    function = re.search(r"^(?:BOUNDARY_ARN=.*\n)?deployer_policies\(\) \{\n.*?^\}\n", guide(name, "deploy"), re.DOTALL | re.MULTILINE)
    assert function is not None
    policies = render_deployer_policy(evaluated(name))
    (tmp_path / "deployer-policy.json").write_text(json.dumps(policies, indent=2), encoding="utf-8")
    (tmp_path / "work").mkdir()
    config = evaluated(name).system.config
    key = f"arn:{config.partition.name}:kms:{config.region}:111122223333:key/1234"
    setting = f"set -eu\nACCOUNT=111122223333\nPACKAGE='{tmp_path}'\nWORK='{tmp_path}/work'\n"
    done = subprocess.run([bash], input=f"{setting}{function[0]}deployer_policies {key}\n", capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(policies)
    boundary = f"arn:{config.partition.name}:iam::111122223333:policy/name-of-the-boundary"
    for policy, document in policies.items():
        text = json.dumps(document)
        for place, value in (("<ACCOUNT_ID>", "111122223333"), ("<KEY_ARN>", key), ("<PERMISSIONS_BOUNDARY_ARN>", boundary)):
            text = text.replace(place, value)
        expected = json.loads(text.replace(f"{key.rpartition('/')[0]}/*", key))
        assert json.loads((tmp_path / "work" / f"{policy}.json").read_text(encoding="utf-8")) == expected
        assert "<" not in json.dumps(expected)
    assert key in (tmp_path / "work" / "deployer-policy.json").read_text(encoding="utf-8")


@each_system
def test_the_deployer_cannot_change_its_own_policies(name: str) -> None:
    paths = set(re.findall(r"--path (\S+)", guide(name, "deploy")))
    assert paths == {"/deployers/"}
    policies = [f"policy{path}{policy}" for path in paths for policy in render_deployer_policy(evaluated(name))]
    for statement in deployer_statements(evaluated(name)):
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        if any(action.startswith("iam:") for action in statement["Action"]):
            assert not any(fnmatch(policy, resource.rpartition(":")[2]) for resource in resources for policy in policies), statement["Sid"]


def test_the_path_of_the_deployer_policies_is_never_that_of_the_roles() -> None:
    config = evaluated("plain").system.config
    moved = config.model_copy(update={"organisation": config.organisation.model_copy(update={"role_path": "/deployers/"})})
    system = replace(evaluated("plain").system, config=moved)
    text = render_deploy_guide(replace(evaluated("plain"), system=system))
    assert set(re.findall(r"--path (\S+)", text)) == {"/deployer-policies/"}


@each_system
def test_each_star_of_the_deployer_stands_with_its_reason(name: str) -> None:
    table = guide(name, "deploy").partition("| statement | why |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [f"| `{sid}` | {reason} |" for sid, reason in star_reasons(evaluated(name)).items()]


def test_the_rights_on_every_key_end_with_the_first_deployment() -> None:
    section = guide("commercial", "deploy").partition("### Only this key\n")[2].partition("\n### ")[0]
    assert "KEY_ARN=$(output commercial-key KeyArn)\n" in section
    assert " iam create-policy-version " in section
    assert "### Only this key" not in guide("govcloud", "deploy")


@each_system
def test_the_evidence_is_built_again_when_the_image_is_known(name: str) -> None:
    image = guide(name, "deploy").partition("### The image\n")[2].partition("\n## ")[0]
    registry = evaluated(name).system.config.registry.stack
    assert (image != "") is registry
    if registry:
        assert shell(image)[-1] == 'claimstack build "$SYSTEM" --environment "$ENVIRONMENT"\n'
        assert image.index("--arg uri") < image.index("claimstack build")


@each_system
def test_parameters_of_a_stack_come_from_stacks_that_were_taken_up_whole(name: str) -> None:
    again = guide(name, "deploy").partition("### Take up again what stayed\n")[2]
    whole: set[str] = set()
    for stack, body in re.findall(r"^#### \d\. (\S+)\n(.*?)(?=^#### |\Z)", again, re.DOTALL | re.MULTILINE):
        assert set(re.findall(r"\$\(output (\S+) ", body)) <= whole
        plain = " ".join(body.split())
        assert (f"[Update {stack}](#update-{stack})" in plain) is (" --change-set-type IMPORT " in plain)
        assert (f"[Stack {stack}](#stack-{stack})" in plain) is (" --change-set-type IMPORT " not in plain)
        whole.add(stack)
    assert whole == {view.deployed for view in stack_views(evaluated(name))}


@each_system
def test_a_change_set_is_read_before_it_is_executed(name: str) -> None:
    for block in shell(guide(name, "deploy").partition("## Deletion")[0]):
        assert not ("create-change-set" in block and "execute-change-set" in block)


@each_system
def test_what_a_failed_first_creation_cannot_delete_is_named(name: str) -> None:
    section = guide(name, "deploy").partition("### A first creation that fails\n")[2].partition("\n## ")[0]
    first = " ".join(section.split()).partition("can refuse it: ")[2].partition(" The stack then ends")[0]
    protected = [kept.logical_id for kept in kept_views(evaluated(name)) if kept.protected]
    assert protected
    assert re.findall(r"`(\w+)`", first) == protected
    assert "--deletion-mode FORCE_DELETE_STACK" in section


def test_a_client_secret_is_deleted_in_a_step_of_its_own_and_never_the_newest() -> None:
    blocks = shell(guide("commercial", "operations"))
    consumers = evaluated("commercial").system.config.auth.consumers
    deleting = [block for block in blocks if "delete-user-pool-client-secret" in block]
    assert len(deleting) == len([block for block in blocks if "add-user-pool-client-secret" in block]) == len(consumers)
    for block in deleting:
        assert "add-user-pool-client-secret" not in block
        query = re.search(r"--query '(sort_by[^']*)'", block)
        assert query is not None
        secrets = [
            {"ClientSecretId": id_, "ClientSecretCreateDate": f"2026-0{day}-01"} for id_, day in (("new", 3), ("old", 1), ("mid", 2))
        ]
        assert jmespath.search(query[1], {"ClientSecrets": secrets}) == ["old", "mid"]
        assert jmespath.search(query[1], {"ClientSecrets": secrets[:1]}) == []


def test_a_person_is_invited_with_an_address_and_can_be_helped() -> None:
    invitation = guide("commercial", "deploy").partition("### People\n")[2].partition("\n## ")[0]
    assert '--user-attributes "Name=email,Value=$PERSON" Name=email_verified,Value=true' in invitation
    pool = evaluated("commercial").emitted.resource("server", "UserPool").properties
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    assert f"lapses after {pool['Policies']['PasswordPolicy']['TemporaryPasswordValidityDays']} day" in " ".join(invitation.split())
    people = guide("commercial", "operations").partition("## People\n")[2].partition("\n## ")[0]
    assert [operation for _, operation, _ in commands(people) if operation.startswith("admin-")] == [
        "admin-user-global-sign-out",
        "admin-delete-software-token",
        "admin-set-user-password",
        "admin-create-user",
        "admin-user-global-sign-out",
        "admin-disable-user",
    ]
    assert "People\n" not in guide("govcloud", "deploy") + guide("govcloud", "operations")


@each_system
def test_the_session_table_is_reached_once_before_it_is_relied_on(name: str) -> None:
    runtime = evaluated(name).system.config.runtime
    verification = guide(name, "deploy").partition("## Verification\n")[2].partition("\n## ")[0]
    assert ('"method": "initialize"' in verification) is runtime.sessions
    assert ("`fips_endpoints = false`" in verification) is (runtime.sessions and runtime.fips_endpoints)


def test_the_way_past_fips_names_what_is_claimed_no_longer() -> None:
    assert any("FIPS" in result.claim.sentence for result in evaluated("external").answers["sc-13_smt.b"].claims)
    text = SYSTEMS["external"].replace("sessions = true", "sessions = true, fips_endpoints = false")
    config = parse_config(text, "external.toml")
    system = build(config)
    without = evaluate(system, read_back({stack: template_text(body.to_dict()) for stack, body in system.stacks.items()}))
    assert not any("FIPS" in result.claim.sentence for result in without.answers["sc-13_smt.b"].claims)
    assert "fips" not in render_deploy_guide(without).lower()


@each
def test_log_groups_are_named_by_the_outputs_of_the_stack(name: str, kind: str) -> None:
    text = guide(name, kind).partition("\n## Deletion\n")[0]  # after which there are no outputs
    named = re.findall(r"(?:--log-group-name(?:-prefix)? |^insights )\"([^\"]*)\"", text, re.MULTILINE)
    groups = {group.id: group.command for group in log_group_views(evaluated(name), "server")}
    assert set(named) - {"$1"} <= set(groups.values())
    assert set(groups.values()) == {f"$(output {name}-server {id_}Group)" for id_ in groups}


def test_a_log_group_without_an_output_is_found_by_its_logical_id() -> None:
    own = {"Type": "AWS::Logs::LogGroup", "Properties": {}}
    groups = log_group_views(_edited("plain", Edit(Place("server", ("Resources", "ToolLog")), own)), "server")
    tool = LogGroupView("ToolLog", None, "$(physical plain-server ToolLog)", "see `ToolLog` in the template")
    assert [group for group in groups if group.id == "ToolLog"] == [tool]


def test_an_alarm_on_an_expression_shows_the_expression() -> None:
    stat = {"Metric": {"Namespace": "AWS/Lambda", "MetricName": "ConcurrentExecutions"}, "Period": 60, "Stat": "Maximum"}
    metrics = [{"Id": "used", "MetricStat": stat, "ReturnData": False}, {"Id": "share", "Expression": {"Fn::Sub": "100 * used / ${Limit}"}}]
    own = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": metrics, "Threshold": 80, "EvaluationPeriods": 3}}
    found = alarm_views(_edited("plain", Edit(Place("server", ("Resources", "Share")), own)))
    share = AlarmView("server", "Share", "AWS/Lambda", "ConcurrentExecutions", "`100 * used / ${Limit}`", "80", 60, 3, "")
    assert [alarm for alarm in found if alarm.id == "Share"] == [share]


@each_system
def test_the_size_of_a_template_decides_how_it_is_handed_over(name: str) -> None:
    text = guide(name, "deploy")
    for stack, body in evaluated(name).system.stacks.items():
        size = len(template_text(body.to_dict()).encode())
        how = "inline" if size <= INLINE_LIMIT else "through S3"
        assert f"| `{name}-{stack}` | `{stack}.json` | {size:,} | {how} |" in text
        assert (f'--template-body "file://$PACKAGE/{stack}.json"' in text) is (how == "inline")
        assert (f"{name}-{stack}/$(sha256sum" in text) is (how == "through S3")


@each_system
def test_the_size_is_that_of_the_file_in_the_package(name: str) -> None:
    system = evaluated(name).system
    assert emit(system) == {stack: template_text(body.to_dict()) for stack, body in system.stacks.items()}


def test_capabilities_are_asked_for_where_iam_is_in_the_template() -> None:
    assert {view.name: view.capability for view in stack_views(evaluated("commercial"))} == {
        "key": None,
        "registry": None,
        "endpoints": None,
        "server": "CAPABILITY_IAM",
    }
    named = _edited("commercial", Edit(Place("server", ("Resources", "FunctionRole", "Properties", "RoleName")), "mcp"))
    assert stack_views(named)[-1].capability == "CAPABILITY_NAMED_IAM"


@each_system
def test_stacks_come_in_the_order_of_deployment_and_go_in_the_other(name: str) -> None:
    text = guide(name, "deploy")
    order = [f"{name}-{stack}" for stack in evaluated(name).system.stacks]
    assert re.findall(r"--stack-name (\S+) \\\n  --change-set-name create --change-set-type CREATE", text) == order
    assert re.findall(r"delete-stack --region \S+ --stack-name ([a-z-]+)", text) == order[::-1]
    assert re.findall(r"^### Update (\S+)$", text, re.MULTILINE) == order
    assert re.findall(r"^#### \d\. (\S+)$", text.partition("### Take up again")[2], re.MULTILINE) == order


@each_system
def test_when_records_stop_every_log_group_and_the_key_are_looked_at(name: str) -> None:
    section = guide(name, "operations").partition("\n## When records stop\n")[2].partition("\n## ")[0]
    groups = [group.command for group in log_group_views(evaluated(name), "server")]
    assert re.findall(r'IncomingBytes "Name=LogGroupName,Value=(.*)"$', section, re.MULTILINE) == groups
    assert "aws kms describe-key" in section
    assert ("DeliveryErrors" in section) is evaluated(name).system.config.organisation.log_archive
    assert "operations.md" in evaluated(name).answers["au-5_smt.b"].why


@each_system
def test_what_remains_is_grouped_by_who_and_complete(name: str) -> None:
    said = guide(name, "operations").partition("## What remains")[2]
    plain = " ".join(said.split())
    for answer in evaluated(name).answers.values():
        for remainder in answer.remains if answer.claims else ():
            assert " ".join(remainder.what.split()) in plain
            assert f"`{answer.point.id}`" in plain


def test_each_counted_rule_is_listed_with_its_reason() -> None:
    text = guide("govcloud", "operations")
    acl = evaluated("govcloud").emitted.stacks["server"]["Resources"]["WebAcl"]
    counted = [
        override["Name"]
        for rule in acl["Properties"]["Rules"]
        for override in rule["Statement"].get("ManagedRuleGroupStatement", {}).get("RuleActionOverrides", [])
    ]
    assert counted
    assert [row.split("`")[3] for row in text.splitlines() if row.startswith("| `AWSManaged")] == counted
    assert "No reason is on record." not in text
    assert "WAF" not in guide("commercial", "operations")


@each
def test_no_client_secret_is_shown_or_passed_as_an_argument(name: str, kind: str) -> None:
    text = guide(name, kind)
    assert not re.search(r"--secret-string (?!file:///dev/stdin)", text)
    assert not re.search(r"(--user|-u|--data)\s+\"?\$?\{?CLIENT_SECRET", text)
    assert "echo" not in text


@each
def test_a_guide_is_the_same_for_the_same_system(name: str, kind: str) -> None:
    assert GUIDES[kind](evaluated(name)) == guide(name, kind)


def test_reflow_wraps_prose_and_leaves_code_and_tables_alone() -> None:
    long = "word " * 40
    wrapped = reflow(f"# {long}\n{long}\n\n\n\n- {long}\n- two\n| {long} |\n```bash\n{long}\n\n\nx\n```\n\n")
    words = ["word"] * 24
    assert wrapped.splitlines() == [
        f"# {long}".rstrip(),
        " ".join(words),
        " ".join(["word"] * 16),
        "",
        "- " + " ".join(["word"] * 23),
        "  " + " ".join(["word"] * 17),
        "- two",
        f"| {long} |",
        "```bash",
        long.rstrip(),
        "",
        "",
        "x",
        "```",
    ]


def _edited(name: str, *edits: Edit) -> Evaluated:
    emitted: Emitted = evaluated(name).emitted.edited(*edits)
    return replace(evaluated(name), emitted=emitted)
