"""Systems: what a declaration becomes, and the message for each wrong one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from troposphere import Ref, apigatewayv2, awslambda, ecr, logs, sns

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import InputError
from claimstack.controls.families import Ceiling, Disposition, Families
from claimstack.generator.claims import Claim, Component, Exempt
from claimstack.generator.config import Config
from claimstack.generator.expressions import Check, Scope, every, prop
from claimstack.generator.system import Declared, DeclaredCheck, Stack, System, TemplateParameter

AUDIT = Component("audit-log", "Audit log", "Record of every call.")
ALARMING = Component("alarming", "Alarming", "Tells people.")
RETENTION = prop("RetentionInDays").at_least(914)
KEPT = Claim("au-11_smt", "Audit records stay available for thirty months.", RETENTION)
ENCRYPTED = Claim("sc-28_smt", "Audit records are encrypted.", prop("KmsKeyId").present())
CEILING = Ceiling("au-12_smt.a", "none", (), "it is about people")


def a_system(**settings: Any) -> System:
    config = Config.model_validate(
        {
            "name": "demo",
            "title": "Demo",
            "class": "C",
            "certification": "20x",
            "region": "us-east-1",
            "as_of": date(2026, 11, 1),
            **settings,
        }
    )
    return System(config, load_catalog(), Families({"au-12_smt.a": CEILING}, {}))


def a_stack(**settings: Any) -> Stack:
    return a_system(**settings).stack("server", "Demo server")


def a_group(title: str = "AuditLog") -> logs.LogGroup:
    return logs.LogGroup(title, RetentionInDays=1096, KmsKeyId="key")


WRONG: dict[str, tuple[tuple[Any, ...], str]] = {
    "unknown point, with the nearest": (
        (Claim("au-11_stm", "Kept.", RETENTION),),
        "claims au-11_stm: point 'au-11_stm' is not in the catalog: did you mean au-11_smt?",
    ),
    "no claim and no exemption": ((), "makes no claim; give it a Claim, or an Exempt with the reason"),
    "claim and exemption": ((KEPT, Exempt("no control")), "makes claims and is exempt; choose one"),
    "unknown property": (
        (Claim("au-11_smt", "Kept.", prop("RetentionDays").at_least(914)),),
        "claims au-11_smt by a check of AWS::Logs::LogGroup.RetentionDays, a property that does not exist",
    ),
    "unknown property of a population": (
        (Claim("au-11_smt", "Kept.", every(sns.Topic).prop("Key").present()),),
        "claims au-11_smt by a check of AWS::SNS::Topic.Key, a property that does not exist",
    ),
    "ceiling none": (
        (Claim("au-12_smt.a", "Records are made.", RETENTION),),
        "claims au-12_smt.a, which no template can support: it is about people",
    ),
    "missing meets": (
        (Claim("sc-28.1_smt", "Encrypted.", RETENTION),),
        "claims sc-28.1_smt, which has several objectives; say with meets=(…) which of sc-28.1_obj-1, sc-28.1_obj-2 it meets",
    ),
    "unknown objective": (
        (Claim("sc-28.1_smt", "Encrypted.", RETENTION, meets=("sc-28.1_obj-3",)),),
        "claims sc-28.1_smt and says that it meets sc-28.1_obj-3; its objectives are sc-28.1_obj-1, sc-28.1_obj-2",
    ),
    "meets as text": (
        (Claim("sc-28.1_smt", "Encrypted.", RETENTION, meets="sc-28.1_obj-1"),),  # type: ignore[arg-type]  # the wrong type is what must fail
        "claims sc-28.1_smt with meets='sc-28.1_obj-1', which is no tuple; name objectives as in meets=('…',)",
    ),
    "claim without check": (
        (Claim("au-11_smt", "Kept."),),
        "claims au-11_smt without a check; a claim is a sentence plus checks that can fail",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_declaration_is_named_with_its_file_and_its_cause(wrong: str) -> None:
    says, cause = WRONG[wrong]

    with pytest.raises(InputError) as raised:
        a_stack().add(AUDIT, a_group(), *says)

    (message,) = raised.value.causes
    where, _, what = message.partition(": server.AuditLog ")
    assert what == cause
    assert where.startswith("generator/test_system.py:")


def test_all_causes_of_a_declaration_come_at_once() -> None:
    with pytest.raises(InputError) as raised:
        a_stack().add(AUDIT, a_group(), Claim("au-11_smt", "Kept."), Claim("sc-28.1_smt", "Encrypted.", RETENTION), Exempt("none"))

    assert [cause.partition("AuditLog ")[2].split(",")[0].split(";")[0] for cause in raised.value.causes] == [
        "makes claims and is exempt",
        "claims au-11_smt without a check",
        "claims sc-28.1_smt",
    ]


def test_a_wrong_declaration_adds_nothing() -> None:
    stack = a_stack()
    with pytest.raises(InputError):
        stack.add(AUDIT, a_group())

    assert (stack.declared, stack.system.checks, stack.to_dict()["Resources"]) == ({}, {}, {})


def test_two_checks_under_one_id_are_told_apart_by_name() -> None:
    stack = a_stack()
    other = prop("RetentionInDays").at_least(30)

    with pytest.raises(InputError) as raised:
        stack.add(AUDIT, a_group(), KEPT, Claim("au-4_smt", "Kept.", other))
    where, _, what = raised.value.causes[0].partition(": ")
    assert where.startswith("generator/test_system.py:")
    assert what == "AuditLog: two different checks have the id server.AuditLog.RetentionInDays.at-least; tell one apart with .named(…)"

    fresh = a_stack()
    fresh.add(AUDIT, a_group(), KEPT, Claim("au-4_smt", "Kept.", other.named("month")))
    assert list(fresh.system.checks) == ["server.AuditLog.RetentionInDays.at-least", "server.AuditLog.month"]


def test_equal_checks_of_one_scope_are_one_check() -> None:
    stack = a_stack()
    check: Check = every(logs.LogGroup).prop("KmsKeyId").equals(Ref("KeyArn"))
    stack.add(AUDIT, a_group("First"), Claim("sc-28_smt", "Encrypted.", check))
    stack.add(AUDIT, a_group("Second"), Claim("sc-28_smt", "Encrypted.", every(logs.LogGroup).prop("KmsKeyId").equals(Ref("KeyArn"))))

    id_ = "system.AWS-Logs-LogGroup.KmsKeyId.equals"
    assert stack.system.checks == {id_: DeclaredCheck(id_, check, Scope("server", "First"), check.sha256())}


def test_a_declared_resource_keeps_all_that_it_says() -> None:
    stack = a_stack()
    stack.add(AUDIT, a_group(), ENCRYPTED, KEPT, resource_star={"Trace": "no resources"}, accepts={"CKV_AWS_1": "not here"})

    assert list(stack.system.declared()) == [
        Declared(
            "server",
            "AuditLog",
            "AWS::Logs::LogGroup",
            AUDIT,
            (ENCRYPTED, KEPT),
            None,
            {"Trace": "no resources"},
            {"CKV_AWS_1": "not here"},
        )
    ]
    assert [claim for _, claim in stack.system.claims()] == [ENCRYPTED, KEPT]


def test_metadata_and_tag_follow_from_the_claims() -> None:
    stack = a_stack(organisation={"tags": {"Owner": "team one"}})
    encrypted_again = Claim("sc-28.1_smt", "Encrypted.", prop("KmsKeyId").present(), meets=("sc-28.1_obj-1",))
    stack.add(AUDIT, a_group(), encrypted_again, ENCRYPTED, KEPT, resource_star={"Trace": "why"}, accepts={"CKV_AWS_1": "because"})

    assert stack.to_dict()["Resources"]["AuditLog"] == {
        "Type": "AWS::Logs::LogGroup",
        "Metadata": {
            "Compliance": {
                "Component": "audit-log",
                "Points": ["au-11_smt", "sc-28.1_smt", "sc-28_smt"],
                "Checks": ["server.AuditLog.KmsKeyId.present", "server.AuditLog.RetentionInDays.at-least"],
                "ResourceStar": {"Trace": "why"},
            },
            "checkov": {"skip": [{"id": "CKV_AWS_1", "comment": "because"}]},
        },
        "Properties": {
            "RetentionInDays": 1096,
            "KmsKeyId": "key",
            "Tags": [{"Key": "FedRAMPControls", "Value": "AU-11 SC-28 SC-28.1"}, {"Key": "Owner", "Value": "team one"}],
        },
    }


def test_an_exempt_resource_says_why_and_has_no_controls_tag() -> None:
    stack = a_stack()
    stack.add(ALARMING, sns.Topic("Topic"), Exempt("It only forwards."))

    assert stack.to_dict()["Resources"]["Topic"] == {
        "Type": "AWS::SNS::Topic",
        "Metadata": {"Compliance": {"Component": "alarming", "Exempt": "It only forwards."}},
    }


def test_tags_take_the_shape_of_their_type() -> None:
    stack = a_stack(organisation={"tags": {"Owner": "team"}})
    stack.add(ALARMING, apigatewayv2.Api("Api", Name="x", ProtocolType="HTTP"), Exempt("A door."))
    stack.add(ALARMING, sns.TopicPolicy("Policy", Topics=[], PolicyDocument={}), Exempt("Takes no tags."))
    found = {name: body["Properties"].get("Tags") for name, body in stack.to_dict()["Resources"].items()}

    assert found == {"Api": {"Owner": "team"}, "Policy": None}


def test_more_controls_than_a_tag_holds_are_refused() -> None:
    stack = a_stack()
    points = [point for point in load_catalog().class_points("C") if len(point.objectives) == 1 and point.id != "au-12_smt.a"]
    claims = [Claim(point.id, "Holds.", prop("RepositoryName").present()) for point in points]

    with pytest.raises(InputError, match="Repository supports more controls than a tag can hold"):
        stack.add(AUDIT, ecr.Repository("Repository"), *claims)


def test_a_parameter_asked_for_twice_is_one_parameter() -> None:
    stack = a_stack()
    first = stack.parameter("KeyArn", "Key.", example="arn:x", AllowedPattern="arn:.*", ConstraintDescription="An ARN.")
    again = stack.parameter("KeyArn", "Other words.", example="other")

    assert (first.to_dict(), again.to_dict()) == ({"Ref": "KeyArn"}, {"Ref": "KeyArn"})
    assert stack.parameters == {"KeyArn": TemplateParameter("KeyArn", "arn:x")}
    assert stack.to_dict()["Parameters"] == {
        "KeyArn": {"Type": "String", "Description": "Key.", "AllowedPattern": "arn:.*", "ConstraintDescription": "An ARN."}
    }


def test_a_pattern_without_words_is_refused() -> None:
    with pytest.raises(InputError, match=r"template parameter KeyArn has a pattern; say in ConstraintDescription what it wants"):
        a_stack().parameter("KeyArn", "Key.", example="x", AllowedPattern=".*")


def test_outputs_and_rules_are_cloudformation() -> None:
    stack = a_stack()
    stack.output("Topic", Ref("Topic"), "The topic.")
    stack.rule("Subnets", "In the VPC.", {"Fn::Equals": ["a", "a"]})

    assert stack.to_dict() == {
        "Description": "Demo server",
        "Outputs": {"Topic": {"Value": {"Ref": "Topic"}, "Description": "The topic."}},
        "Resources": {},
        "Rules": {"Subnets": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "a"]}, "AssertDescription": "In the VPC."}]}},
    }


def test_components_come_in_the_order_of_their_resources() -> None:
    system = a_system()
    first, second = system.stack("key", "Key"), system.stack("server", "Server")
    second.add(AUDIT, a_group(), KEPT)
    first.add(ALARMING, sns.Topic("Topic"), Exempt("A topic."))
    second.add(ALARMING, sns.Topic("Other"), Exempt("A topic."))

    assert system.components() == (ALARMING, AUDIT)
    assert list(system.stacks) == ["key", "server"]


def test_a_point_outside_the_class_is_supplemental() -> None:
    system = a_system()

    assert [system.is_supplemental(point) for point in ("ia-9_smt", "au-11_smt")] == [True, False]


@pytest.mark.parametrize(
    ("status", "origination"), [("inherited", "inherited"), ("organisational", "sp-corporate"), ("customer", "customer-provided")]
)
def test_a_disposition_of_system_toml_goes_with_its_usual_origination(status: str, origination: str) -> None:
    system = a_system(dispositions={"pe-2": {"status": status, "reason": "Because."}})

    assert system.overrides == {"pe-2": Disposition("pe-2", status, origination, "Because.", source="system.toml")}


def test_an_overlay_is_named_where_it_declares(tmp_path: Any) -> None:
    file = tmp_path / "team" / "tools.py"
    file.parent.mkdir()
    source = "\n\ndef add(stack, component, resource):\n    stack.add(component, resource)\n"
    namespace: dict[str, Callable[..., Any]] = {}
    exec(compile(source, str(file), "exec"), namespace)

    with pytest.raises(InputError, match=r"^team/tools\.py:4: server\.AuditLog makes no claim"):
        namespace["add"](a_stack(), AUDIT, a_group())


def test_every_cause_of_a_wrong_override_names_where_it_is_declared() -> None:
    with pytest.raises(InputError) as raised:
        a_system().override(Ceiling("sc-28_smt", "partial", (), ""))

    where = [cause.partition(": ")[0].partition(":")[0] for cause in raised.value.causes]
    assert where == ["generator/test_system.py", "generator/test_system.py"]
    assert [cause.partition(": ")[2] for cause in raised.value.causes] == [
        "ceiling of sc-28_smt: is overridden without a reason; say it in `because`",
        "ceiling of sc-28_smt: remains: empty; say what is left and for whom, or state highest = 'implemented'",
    ]


def test_an_overridden_ceiling_is_kept_with_the_file_that_overrides_it() -> None:
    system = a_system()
    raised = Ceiling("sc-28_smt", "implemented", (), "Nothing else holds data here.")
    system.override(raised)

    assert (system.ceilings["sc-28_smt"], system.overridden_ceilings) == (raised, {"sc-28_smt": "test_system.py"})


def test_an_override_is_held_to_the_same_rules_as_a_family_file() -> None:
    with pytest.raises(InputError) as raised:
        a_system().override(Disposition("ra-2", "inherited", "sp-system", " Theirs.", provider="siem"))

    assert [cause.partition(": disposition of ra-2: ")[2] for cause in raised.value.causes] == [
        "origination: 'sp-system' contradicts status 'inherited'; use inherited, shared",
        "reason: found ' Theirs.'; write one line without space at either end",
        "provider: 'siem' is not in [providers] of system.toml; describe it there, or correct the name",
    ]


def test_a_type_that_the_partition_lacks_is_refused() -> None:
    url = awslambda.Url("Url", AuthType="AWS_IAM", TargetFunctionArn="function")

    with pytest.raises(InputError, match=r"server\.Url is of type AWS::Lambda::Url, which aws-us-gov does not have"):
        a_stack(region="us-gov-west-1").add(ALARMING, url, Exempt("Not reached."))
    assert a_stack().add(ALARMING, url, Exempt("Not reached.")) is url
