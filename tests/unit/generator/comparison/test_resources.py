"""Resources: what CloudFormation would replace, refuse or keep, by the provider schemas that cfn-lint carries."""

from __future__ import annotations

from typing import Any

import pytest

from claimstack.generator.comparison import replacement, resources
from claimstack.generator.comparison.findings import ResourceChange, ValueChange
from claimstack.generator.comparison.replacement import changed_create_only, is_stateful, keeps_own_name, schema_of, values_at
from claimstack.generator.comparison.resources import resource_changes
from claimstack.generator.emitted import ABSENT
from claimstack.generator.moved import Moved

REGION = "us-east-1"
STAYS = "the old one stays in the account, outside the stack; what it holds does not move along"
DELETED = "the old one is deleted, with what it holds"


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


def table(name: str, **attributes: Any) -> dict[str, Any]:
    return {**resource("AWS::DynamoDB::Table", TableName=name), **attributes}


def changes(old: dict[str, Any], new: dict[str, Any], *moved: Moved) -> list[ResourceChange]:
    return list(resource_changes(old, new, moved, REGION))


def test_equal_resources_do_not_change() -> None:
    both = {"server.T": table("a")}
    assert changes(both, dict(both)) == []


def test_what_only_the_metadata_say_is_no_update() -> None:
    assert changes({"server.T": table("a")}, {"server.T": table("a", Metadata={"Compliance": {"Points": ["au-4_smt"]}})}) == []


def test_a_change_in_place_names_the_values() -> None:
    old, new = (resource("AWS::Logs::LogGroup", RetentionInDays=days) for days in (1096, 1827))
    assert changes({"server.Log": old}, {"server.Log": new}) == [
        ResourceChange("changed", "server.Log", "AWS::Logs::LogGroup", stateful=True, changes=(ValueChange("RetentionInDays", 1096, 1827),))
    ]


def test_a_create_only_property_replaces_the_resource_and_says_what_becomes_of_the_old_one() -> None:
    for attributes, old_one in (({}, DELETED), ({"UpdateReplacePolicy": "Retain"}, STAYS)):
        (found,) = changes({"server.T": table("a", **attributes)}, {"server.T": table("b", **attributes)})
        assert found == ResourceChange(
            "replaced",
            "server.T",
            "AWS::DynamoDB::Table",
            stateful=True,
            changes=(ValueChange("TableName", "a", "b"),),
            because=("TableName changed, which cannot be changed in place",),
            old_one=old_one,
        )


def test_a_property_that_replaces_under_conditions_may_replace() -> None:
    old, new = (resource("AWS::DynamoDB::Table", KeySchema=[{"AttributeName": name, "KeyType": "HASH"}]) for name in "ab")
    (found,) = changes({"server.T": old}, {"server.T": new})
    assert (found.kind, found.because) == ("may-be-replaced", ("KeySchema changed, which cannot be changed in place",))


def test_whatever_refers_to_a_replaced_resource_in_a_create_only_property_is_replaced_too() -> None:
    def stack(protocol: str) -> dict[str, Any]:
        return {
            "server.Api": resource("AWS::ApiGateway::RestApi", Name="api"),
            "server.Group": resource("AWS::EC2::SecurityGroup", GroupDescription=protocol),
            "server.Rule": resource("AWS::EC2::SecurityGroupIngress", GroupId={"Fn::GetAtt": ["Group", "GroupId"]}, IpProtocol="tcp"),
            "other.Rule": resource("AWS::EC2::SecurityGroupIngress", GroupId={"Ref": "Group"}, IpProtocol="tcp"),
        }

    found = {item.resource: (item.kind, item.because) for item in changes(stack("a"), stack("b"))}
    assert found == {
        "server.Group": ("replaced", ("GroupDescription changed, which cannot be changed in place",)),
        "server.Rule": ("replaced", ("GroupId refers to server.Group, which is replaced",)),
    }


def test_a_resource_that_keeps_its_own_name_cannot_be_replaced() -> None:
    old, new = (resource("AWS::DynamoDB::Table", TableName="t", ImportSourceSpecification={"InputFormat": form}) for form in ("CSV", "ION"))
    (found,) = changes({"server.T": old}, {"server.T": new})
    assert found.because == (
        "ImportSourceSpecification changed, which cannot be changed in place",
        "its own name stays, and CloudFormation refuses to replace a resource under the name it has",
    )
    assert not keeps_own_name(resource("AWS::DynamoDB::Table"), resource("AWS::DynamoDB::Table"), REGION)


def test_a_type_is_not_changed_under_one_logical_id() -> None:
    (found,) = changes({"server.X": resource("AWS::SQS::Queue")}, {"server.X": resource("AWS::SNS::Topic")})
    assert (found.kind, found.stateful) == ("refused", True)
    assert "CloudFormation refuses to change the type" in found.because[0]


def test_resources_come_and_go() -> None:
    retained = {**resource("AWS::IAM::Role"), "DeletionPolicy": "Retain"}
    assert changes({"server.Role": retained}, {"server.T": table("a")}) == [
        ResourceChange("added", "server.T", "AWS::DynamoDB::Table", stateful=True),
        ResourceChange("removed", "server.Role", "AWS::IAM::Role", stateful=True, old_one=STAYS),
    ]


def test_a_moved_entry_tells_a_renamed_resource() -> None:
    moved = Moved("logical-id", "server.Sessions", "server.Tokens", "Restore the table from its backup.")
    (found,) = changes({"server.Sessions": table("a")}, {"server.Tokens": table("b")}, moved)
    assert (found.kind, found.resource, found.stateful, found.old_one) == ("renamed", "server.Tokens", True, DELETED)
    assert found.because == (
        "was server.Sessions: CloudFormation makes a new one under the new logical id",
        "Restore the table from its backup.",
    )


def test_a_moved_entry_admits_a_replacement_aloud() -> None:
    moved = Moved("replacement", "server.T", None, "Sessions last minutes.")
    (found,) = changes({"server.T": table("a")}, {"server.T": table("b")}, moved)
    assert found.because[-1] == "admitted in generator/moved.py: Sessions last minutes."
    assert changes({"server.T": table("a")}, {"server.T": table("a", DeletionProtectionEnabled=True)}, moved)[0].because == ()


def test_a_resource_named_by_its_content_is_renewed() -> None:
    old, new = ({f"server.Deployment{number}": resource("AWS::ApiGateway::Deployment", Description=number)} for number in "12")
    (found,) = changes(old, new)
    assert (found.kind, found.resource, found.because) == ("renewed", "server.Deployment2", ("takes the place of server.Deployment1",))


def test_a_type_without_provider_schema_is_said_not_to_be_judged() -> None:
    (found,) = changes({"server.X": resource("AWS::No::Type", A=1)}, {"server.X": resource("AWS::No::Type", A=2)})
    assert (found.kind, found.because) == ("changed", ("replacement not judged: there is no provider schema of AWS::No::Type",))


def test_without_cfn_lint_no_replacement_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "can_judge", lambda: False)
    (found,) = changes({"server.T": table("a")}, {"server.T": table("b")})
    assert (found.kind, found.because) == ("changed", ())


def test_whether_cfn_lint_is_here_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert replacement.can_judge()
    monkeypatch.setattr(replacement, "find_spec", lambda _: None)
    assert not replacement.can_judge()


def test_create_only_properties_are_those_of_the_provider_schema() -> None:
    types = ("AWS::Logs::LogGroup", "AWS::ECR::Repository", "AWS::KMS::Key", "AWS::DynamoDB::Table")
    logs, registry, key, sessions = (schema.create_only for type_ in types if (schema := schema_of(type_, REGION)) is not None)
    assert logs == {("LogGroupName",): "always"}
    assert registry == {("EncryptionConfiguration",): "always", ("RepositoryName",): "always"}
    assert key == {}
    assert (sessions["TableName",], sessions["KeySchema",]) == ("always", "conditionally")
    assert schema_of("AWS::No::Type", REGION) is None
    assert changed_create_only(table("a"), table("b"), REGION) == {"TableName": "always"}


def test_values_below_a_list_are_found() -> None:
    document = {"A": [{"B": 1}, {"C": 2}]}
    assert list(values_at(document, ("A", "*", "B"))) == [1, ABSENT]
    assert list(values_at(document, ("D",))) == [ABSENT]
    assert list(values_at({"A": 1}, ("A", "*"))) == []


def test_what_stores_something_or_is_retained_is_stateful() -> None:
    assert is_stateful(table("a"))
    assert is_stateful({**resource("AWS::IAM::Role"), "DeletionPolicy": "RetainExceptOnCreate"})
    assert not is_stateful(resource("AWS::IAM::Role"))
