"""Upgrade: this commit keeps every identity of the previous one and replaces nothing that stores data, unless it says so."""

from __future__ import annotations

import json
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

from claimstack.generator.loading import load_config
from claimstack.generator.moved import MOVED, Moved
from claimstack.generator.package import make_package

from .upgrade import Build, previous_package, problems, read_build

REPOSITORY = Path(__file__).parents[2]
REGION = "us-gov-west-1"
POOL_UUID = "11111111-1111-5111-8111-111111111111"

pytestmark = pytest.mark.conformance


def table(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::DynamoDB::Table", "Properties": {"BillingMode": "PAY_PER_REQUEST", **properties}}


def role(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": properties}


BEFORE = Build(
    resources={"server.Sessions": table(TableName="sessions"), "server.Role": role(RoleName="one")},
    components={POOL_UUID: "User pool"},
    checks=frozenset({"server.Sessions.BillingMode.equals"}),
)


def after(
    resources: dict[str, Any] | None = None, components: dict[str, str] | None = None, checks: frozenset[str] = BEFORE.checks
) -> Build:
    return Build(BEFORE.resources if resources is None else resources, BEFORE.components if components is None else components, checks)


@pytest.mark.parametrize("system", ["commercial", "govcloud"])
def test_this_build_upgrades_what_the_previous_commit_deployed(system: str) -> None:
    config = load_config(REPOSITORY / "examples" / f"{system}.toml")
    revision, files = previous_package(REPOSITORY, config.name)
    current = read_build(make_package(config).files)
    if revision == "HEAD":
        warnings.warn(f"{system}: no previous commit here (first commit or shallow clone); compared with out/ of HEAD", stacklevel=1)
    if not files:
        warnings.warn(f"{system}: {revision} holds no out/{config.name}; nothing deployed that could break", stacklevel=1)
        assert problems(current, current, MOVED, config.region) == []
        return
    assert problems(read_build(files), current, MOVED, config.region) == []


def test_an_equal_build_has_no_problem() -> None:
    assert problems(BEFORE, after(), (), REGION) == []


def test_additions_and_changes_in_place_are_no_problem() -> None:
    now = after(
        resources={
            "server.Sessions": table(TableName="sessions", DeletionProtectionEnabled=True),
            "server.Role": role(RoleName="two"),
            "server.Topic": {"Type": "AWS::SNS::Topic"},
        },
        components={**BEFORE.components, "22222222-2222-5222-8222-222222222222": "Topic"},
        checks=BEFORE.checks | {"server.Topic.KmsMasterKeyId.present"},
    )
    assert problems(BEFORE, now, (), REGION) == []


def test_a_renamed_resource_needs_a_moved_entry() -> None:
    now = after(resources={"server.Sessions": BEFORE.resources["server.Sessions"], "server.FunctionRole": role(RoleName="one")})
    assert problems(BEFORE, now, (), REGION) == [
        "logical-id server.Role (AWS::IAM::Role) is gone; keep it, or add Moved('logical-id', 'server.Role', …) to generator/moved.py"
    ]
    assert problems(BEFORE, now, (Moved("logical-id", "server.Role", "server.FunctionRole", "Says whose role it is."),), REGION) == []


def test_a_moved_entry_has_to_lead_somewhere() -> None:
    now = after(checks=frozenset({"server.Sessions.BillingMode.one-of"}))
    wrong = Moved("check", "server.Sessions.BillingMode.equals", "server.Sessions.Billing", "Renamed.")
    assert problems(BEFORE, now, (wrong,), REGION) == [
        "check server.Sessions.BillingMode.equals has moved to server.Sessions.Billing, which this build does not have; "
        "correct generator/moved.py"
    ]


def test_a_moved_entry_of_another_kind_does_not_help() -> None:
    now = after(checks=frozenset())
    wrong = Moved("logical-id", "server.Sessions.BillingMode.equals", None, "Not a logical id.")
    assert problems(BEFORE, now, (wrong,), REGION) == [
        "check server.Sessions.BillingMode.equals is gone; "
        "keep it, or add Moved('check', 'server.Sessions.BillingMode.equals', …) to generator/moved.py"
    ]


def test_a_changed_component_uuid_needs_a_moved_entry() -> None:
    now = after(components={"33333333-3333-5333-8333-333333333333": "User pool"})
    assert problems(BEFORE, now, (), REGION) == [
        f"uuid {POOL_UUID} (User pool) is gone; keep it, or add Moved('uuid', '{POOL_UUID}', …) to generator/moved.py"
    ]
    assert problems(BEFORE, now, (Moved("uuid", POOL_UUID, None, "The component was split."),), REGION) == []


def test_a_removed_check_needs_a_moved_entry() -> None:
    gone = Moved("check", "server.Sessions.BillingMode.equals", None, "Asked nothing that mattered.")
    assert len(problems(BEFORE, after(checks=frozenset()), (), REGION)) == 1
    assert problems(BEFORE, after(checks=frozenset()), (gone,), REGION) == []


@pytest.mark.parametrize(
    ("resource", "changed"),
    [
        (table(TableName="tokens"), "TableName"),
        (table(), "TableName"),
        (table(TableName="sessions", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}]), "KeySchema"),
    ],
)
def test_a_stateful_resource_is_not_replaced_silently(resource: dict[str, Any], changed: str) -> None:
    now = after(resources={**BEFORE.resources, "server.Sessions": resource})
    assert problems(BEFORE, now, (), REGION) == [
        f"stateful server.Sessions (AWS::DynamoDB::Table) would be replaced: {changed} changed, which cannot be changed in place; "
        "keep it, or admit the loss with Moved('replacement', 'server.Sessions', …) in generator/moved.py"
    ]
    assert problems(BEFORE, now, (Moved("replacement", "server.Sessions", None, "Sessions last minutes."),), REGION) == []


def test_a_moved_logical_id_does_not_admit_that_a_stateful_resource_is_replaced() -> None:
    now = after(resources={"server.Role": BEFORE.resources["server.Role"], "server.Tokens": table(TableName="sessions")})
    renamed = Moved("logical-id", "server.Sessions", "server.Tokens", "Holds tokens.")
    assert problems(BEFORE, now, (renamed,), REGION) == [
        "stateful server.Sessions (AWS::DynamoDB::Table) would be replaced: its logical id is gone; "
        "keep it, or admit the loss with Moved('replacement', 'server.Sessions', …) in generator/moved.py"
    ]


def test_a_resource_that_moves_to_another_stack_is_replaced() -> None:
    now = after(resources={"server.Role": BEFORE.resources["server.Role"], "data.Sessions": BEFORE.resources["server.Sessions"]})
    renamed = Moved("logical-id", "server.Sessions", "data.Sessions", "A stack of its own.")
    assert [line.partition(":")[0] for line in problems(BEFORE, now, (renamed,), REGION)] == ["stateful server.Sessions (AWS"]


def test_a_retained_resource_of_any_type_counts_as_stateful() -> None:
    retained = {**role(Path="/"), "DeletionPolicy": "Retain"}
    before = Build({"server.Role": retained}, {}, frozenset())
    now = Build({"server.Role": {**retained, "Properties": {"Path": "/mcp/"}}}, {}, frozenset())
    (line,) = problems(before, now, (), REGION)
    assert line.startswith("stateful server.Role (AWS::IAM::Role) would be replaced: Path changed")


def test_a_client_whose_id_and_secret_others_hold_is_not_replaced_silently() -> None:
    def client(*, secret: bool) -> Build:
        resource = {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"GenerateSecret": secret}}
        return Build({"server.Client": resource}, {}, frozenset())

    (line,) = problems(client(secret=True), client(secret=False), (), REGION)
    assert line.startswith("stateful server.Client (AWS::Cognito::UserPoolClient) would be replaced: GenerateSecret changed")


def test_a_logical_id_does_not_change_its_type() -> None:
    now = after(resources={**BEFORE.resources, "server.Role": {"Type": "AWS::IAM::ManagedPolicy"}})
    assert problems(BEFORE, now, (), REGION) == [
        "logical-id server.Role was AWS::IAM::Role and is AWS::IAM::ManagedPolicy: CloudFormation refuses to change a type; "
        "take a new logical id"
    ]


def test_a_deployment_named_by_its_content_may_change_its_name() -> None:
    before = Build({"server.Deployment1": {"Type": "AWS::ApiGateway::Deployment"}}, {}, frozenset())
    now = Build({"server.Deployment2": {"Type": "AWS::ApiGateway::Deployment"}}, {}, frozenset())
    assert problems(before, now, (), REGION) == []


def test_moved_entries_give_a_reason_and_lead_elsewhere() -> None:
    assert [entry for entry in MOVED if not entry.reason or entry.old == entry.new] == []
    assert len({(entry.kind, entry.old) for entry in MOVED}) == len(MOVED)


def make_repository(folder: Path, *builds: dict[str, str]) -> Path:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, "-C", folder, *arguments], check=True, capture_output=True)

    git("init")
    for files in builds:
        for path, text in files.items():
            (folder / "out" / "demo" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "out" / "demo" / path).write_text(text)
        git("add", ".")
        git("commit", "--allow-empty", "-m", "A build")
    return folder


def test_the_previous_commit_is_what_a_build_is_compared_with(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {"evidence/facts.json": "old"}, {"evidence/facts.json": "new"})
    assert previous_package(repository, "demo") == ("HEAD~1", {"evidence/facts.json": "old"})
    assert previous_package(repository, "other") == ("HEAD~1", {})


def test_a_first_commit_is_compared_with_itself(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, {"evidence/facts.json": "only"})
    assert previous_package(repository, "demo") == ("HEAD", {"evidence/facts.json": "only"})


def test_a_package_is_read_for_its_identities() -> None:
    files = {
        "cloudformation/server.json": json.dumps({"Resources": {"Role": role(RoleName="one")}}),
        "cloudformation/deployer-policy.json": json.dumps({"Statement": []}),
        "cloudformation/deploy.md": "# Deploy",
        "oscal/component-definition.json": json.dumps(
            {"component-definition": {"components": [{"uuid": POOL_UUID, "title": "User pool", "type": "service"}]}}
        ),
        "evidence/facts.json": json.dumps({"checks": [{"id": "server.Role.RoleName.present"}]}),
    }
    assert read_build(files) == Build(
        {"server.Role": role(RoleName="one")}, {POOL_UUID: "User pool"}, frozenset({"server.Role.RoleName.present"})
    )
