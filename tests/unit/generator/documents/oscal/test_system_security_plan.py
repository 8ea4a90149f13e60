"""System security plan: every point of the class answered once and truly, and nothing said that nobody stated or found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.systems import weakened
from troposphere import s3

from claimstack.controls.families import Disposition
from claimstack.generator.build import build
from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.documents.evidence.coverage import by_control
from claimstack.generator.documents.evidence.responsibility import responsibility_rows
from claimstack.generator.documents.inventory import inventory_uuid
from claimstack.generator.documents.oscal.common import FEDRAMP_NS, OWN_NS, Document, to_bytes
from claimstack.generator.documents.oscal.component_definition import component_uuid, render_component_definition, validation_uuid
from claimstack.generator.documents.oscal.profile import render_class_profile
from claimstack.generator.documents.oscal.ssp_boundary import network_text
from claimstack.generator.documents.oscal.ssp_controls import LEADS, by_component_uuid, left_over, statement_uuid
from claimstack.generator.documents.oscal.ssp_implementation import infrastructure_uuid, public_ways, this_system_uuid
from claimstack.generator.documents.oscal.system_security_plan import render_system_security_plan
from claimstack.generator.documents.outside import GIVEN, aws_services, given, service_id
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.documents.references.check import check_references
from claimstack.generator.documents.states import MEANINGS, origination_of, state_of
from claimstack.generator.emitted import REMOVE, Edit, Place, asset_id
from claimstack.generator.evaluation import Evaluated, Status, evaluate, read_back
from claimstack.generator.expressions import prop
from claimstack.generator.flows import flow_map
from claimstack.generator.passing import cited
from claimstack.generator.paths import SSP
from claimstack.generator.predicates import Outcome
from claimstack.generator.stated import InformationType, high_water

Build = Callable[..., Evaluated]
LEVERAGED = {"title": "Cloud", "package_id": "F123", "date_authorized": "2020-01-01"}
INFORMATION = [
    {"title": "Grants", "description": "Grants.", "confidentiality": "low", "integrity": "moderate", "availability": "low"},
    {
        "title": "Names",
        "description": "Names.",
        "sp800_60": ["C.2.8.9"],
        "confidentiality": "high",
        "integrity": "low",
        "availability": "low",
    },
]
SERVICE = {
    "acronym": "GT",
    "model": "SaaS",
    "deployment": "Government Community Cloud",
    "state": "operational",
    "operational_since": "2026-10-01",
    "fedramp_id": "FR0000000001",
}
PEOPLE = [{"name": "Owner", "roles": ["system-owner", "asset-owner"]}, {"name": "Office", "roles": ["asset-administrator"]}]
PROVIDERS = {
    "siem": {
        "title": "SIEM",
        "description": "Reads logs.",
        "operator": "Watchers",
        "website": "https://siem.example",
        "fedramp_id": "FR1234567890",
    }
}


RENDERED: list[tuple[Evaluated, dict[str, Any]]] = []
"""Plans of systems that were already rendered; tests only read them."""


def plan(found: Evaluated) -> dict[str, Any]:
    for known, content in RENDERED:
        if known is found:
            return content
    RENDERED.append((found, render_system_security_plan(found)["system-security-plan"]))
    return RENDERED[-1][1]


def requirements(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["control-id"]: each for each in content["control-implementation"]["implemented-requirements"]}


def statements(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["statement-id"]: each for requirement in requirements(content).values() for each in requirement["statements"]}


def answer_of(content: dict[str, Any], point: str, component: str) -> dict[str, Any]:
    (found,) = [each for each in statements(content)[point]["by-components"] if each["component-uuid"] == component]
    return dict(found)


def components(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["title"]: each for each in content["system-implementation"]["components"]}


def values(holder: dict[str, Any], name: str) -> list[str]:
    return [each["value"] for each in holder.get("props", ()) if each["name"] == name]


def everything(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from everything(item)
    elif isinstance(value, list):
        for item in value:
            yield from everything(item)


def findings(found: Evaluated) -> list[str]:
    documents: dict[str, Document] = {
        "oscal/profile.json": render_class_profile(found),
        "oscal/component-definition.json": render_component_definition(found),
        SSP: {"system-security-plan": plan(found)},
    }
    config = found.system.config
    return [str(each) for each in check_references(documents, found.system.catalog, config.class_, found.emitted.resolves)]


CONFIGURATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "commercial": ("commercial", {}),
    "govcloud": ("govcloud", {}),
    "stated": (
        "commercial",
        {
            "leveraged": LEVERAGED,
            "information": INFORMATION,
            "service": SERVICE,
            "people": PEOPLE,
            "providers": PROVIDERS,
            "organisation": {"name": "Example Agency", "log_archive": True, "alarm_topic": "given", "permissions_boundary": True},
            "assurance": {"identity": 2, "federation": 1},
            "dispositions": {"au-6": {"status": "inherited", "reason": "The SIEM reviews records.", "provider": "siem"}},
            "plans": {"sc-4": {"owner": "system-owner", "completion": "2027-03-31", "milestone": "Test it."}},
        },
    ),
    "given": (
        "govcloud",
        {
            "registry": {"stack": False},
            "network": {"security_groups": "given"},
            "front_door": {"type": "rest-api", "domain": "mcp.example.gov", "account_role": "given"},
        },
    ),
    "external": ("commercial", {"auth": {"type": "external", "issuer": "https://login.example.gov", "audience": ["mcp"]}}),
    "pool": (
        "govcloud",
        {
            "auth": {
                "type": "external",
                "user_pool_arn": "arn:aws-us-gov:cognito-idp:us-gov-west-1:111122223333:userpool/us-gov-west-1_Abcdefghi",
                "audience": ["mcp"],
                "scopes": ["mcp/invoke"],
            }
        },
    ),
    "no domain": ("commercial", {"front_door": {}, "network": {"endpoints": True}}),
    "open": ("commercial", {"auth": {"type": "none"}}),
    "class B": ("commercial", {"class": "B"}),
    "class D": ("govcloud", {"class": "D"}),
}


@pytest.fixture(params=CONFIGURATIONS)
def any_system(request: pytest.FixtureRequest, built: Build) -> Evaluated:
    like, tables = CONFIGURATIONS[request.param]
    return built(like, **tables)


@pytest.fixture
def stated(built: Build) -> Evaluated:
    like, tables = CONFIGURATIONS["stated"]
    return built(like, **tables)


def test_every_reference_resolves_in_every_configuration(any_system: Evaluated) -> None:
    assert findings(any_system) == []


def test_every_point_of_the_class_is_answered_once_with_the_state_that_the_table_gives(any_system: Evaluated) -> None:
    content, system = plan(any_system), any_system.system
    said = {}
    for point, statement in statements(content).items():
        (own,) = [each for each in statement["by-components"] if each["component-uuid"] == this_system_uuid(system)]
        said[point] = (own["implementation-status"]["state"], values(own, "coverage-status"))
        assert own["implementation-status"]["remarks"].startswith(MEANINGS[any_system.answers[point].status])
    assert said == {
        answer.point.id: (state_of(answer), [answer.status.value]) for answers in by_control(any_system).values() for answer in answers
    }
    assert list(requirements(content)) == [control.id for control in system.catalog.class_controls(system.config.class_)]


def test_no_two_objects_share_a_uuid(any_system: Evaluated) -> None:
    assert [
        uuid for uuid, count in Counter(each["uuid"] for each in everything(plan(any_system)) if "uuid" in each).items() if count > 1
    ] == []


def test_wherever_a_state_is_given_the_coverage_word_stands_beside_it(any_system: Evaluated) -> None:
    content = plan(any_system)["control-implementation"]
    with_state = [each for each in everything(content) if "implementation-status" in each or values(each, "implementation-status")]
    assert with_state
    assert [each for each in with_state if len(values(each, "coverage-status")) != 1] == []


def test_components_are_those_of_the_component_definition_with_their_words_for_each_point(stated: Evaluated) -> None:
    content = plan(stated)
    definition = render_component_definition(stated)["component-definition"]
    ours = {each["uuid"]: each for each in content["system-implementation"]["components"]}
    for component in definition["components"]:
        assert ours[component["uuid"]]["title"] == component["title"]
        if component["uuid"] != validation_uuid(stated.system):
            assert ours[component["uuid"]].get("protocols") == component.get("protocols")
        for implementation in component.get("control-implementations", ()):
            for requirement in implementation["implemented-requirements"]:
                for statement in requirement["statements"]:
                    if stated.system.is_supplemental(statement["statement-id"]):
                        continue
                    said = answer_of(content, statement["statement-id"], component["uuid"])
                    assert said["description"] == statement["description"]
                    assert said["remarks"] == statement["remarks"]
                    assert said["props"] == statement["props"][1:]
                    assert said["implementation-status"]["state"] == statement["props"][0]["value"]


def test_claimed_point_counts_what_was_found_and_says_what_remains(built: Build) -> None:
    found = built()
    answer = next(each for each in found.answers.values() if each.status is Status.PARTIAL and each.remains)
    own = answer_of(plan(found), answer.point.id, this_system_uuid(found.system))
    assert f": {len(answer.claims)} claim" in own["description"]
    for remainder in answer.remains:
        assert f"Remains for {PARTIES[remainder.who].name}: {remainder.what}" in own["description"]
    objectives = len(answer.point.objectives)
    spoken = f"Assessment objectives that a passing claim speaks to: {objectives - len(answer.unmet)} of {objectives} (declared"
    assert spoken in own["description"]


def test_failed_fact_is_told_in_full_and_never_called_implemented(built: Build) -> None:
    whole = built()
    place = Place("server", ("Resources", "AuditLog", "Properties", "RetentionInDays"))
    found = weakened(whole, Edit(place, 7))
    content = plan(found)
    own = answer_of(content, "au-11_smt", this_system_uuid(found.system))
    assert own["implementation-status"]["state"] in ("planned", "partial")
    assert values(own, "coverage-status") == ["failed"]
    (told,) = [line for line in own["description"].splitlines() if line.startswith("FAILED: ")]
    assert f"at {place.pointer}. Expected: RetentionInDays is at least 914" in told
    assert told.endswith("Found: 7")
    assert values(requirements(content)["au-11"], "implementation-status") == [own["implementation-status"]["state"]]
    assert values(requirements(content)["au-11"], "coverage-status") == ["failed"]
    assert own["implementation-status"]["remarks"].endswith("Owner and date are not stated in system.toml [plans].")
    assert components(content)["Audit log"]["remarks"].endswith("FAILED: it claims what is not true at au-4_smt, au-11_smt.")
    assert findings(found) == []


def test_nothing_is_offered_to_others_of_a_point_that_failed(built: Build) -> None:
    whole = built()
    place = Place("server", ("Resources", "AuditLog", "Properties", "KmsKeyId"))
    found = weakened(whole, Edit(place, REMOVE))
    answer = found.answers["sc-28_smt"]
    assert answer.status is Status.FAILED
    assert any(result.outcome is Outcome.PASSED for result in answer.claims)
    assert "export" not in answer_of(plan(found), "sc-28_smt", this_system_uuid(found.system))


def test_reason_of_a_disposition_cannot_be_read_as_found(any_system: Evaluated) -> None:
    content = plan(any_system)
    for answer in any_system.answers.values():
        if not answer.claims and not answer.supplemental:
            own = answer_of(content, answer.point.id, this_system_uuid(any_system.system))
            assert own["description"].startswith(f"{LEADS[answer.status]} ")
    assert set(LEADS) == set(Status) - {Status.IMPLEMENTED, Status.PARTIAL, Status.FAILED}


def test_plan_and_responsibility_matrix_leave_the_same_to_the_same(stated: Evaluated) -> None:
    content = plan(stated)
    rows = [row for row in responsibility_rows(stated) if row.part == "remains" and row.source == "ceiling of the point"]
    assert any(not stated.answers[row.point].claims for row in rows)
    for row in rows:
        answer = stated.answers[row.point]
        if answer.status not in (Status.NOT_APPLICABLE, Status.NOT_ADDRESSED):
            own = answer_of(content, row.point, this_system_uuid(stated.system))
            assert f": {row.what}" in own["description"]


@pytest.mark.parametrize(("stack", "others"), [(True, "AWS"), (False, "the provider of the key and AWS")])
def test_shared_origination_of_claims_says_with_whom(built: Build, stack: bool, others: str) -> None:  # noqa: FBT001 - a parameter
    said = requirements(plan(built(key={"stack": stack})))
    (shared,) = [each for each in said["sc-12"]["props"] if each["name"] == "control-origination"]
    assert shared["remarks"] == f"Shared with {others}. Nothing of it is left to the customer."
    (customer,) = [each for each in said["ia-8"]["props"] if each["name"] == "control-origination"]
    assert customer["remarks"] == "Shared with the customer."


def test_resource_that_left_the_template_leaves_no_dangling_reference(built: Build) -> None:
    whole = built()
    assert findings(weakened(whole, Edit(Place("server", ("Resources", "Sessions")), REMOVE))) == []


def test_origination_is_what_the_table_of_states_says(any_system: Evaluated) -> None:
    content = plan(any_system)
    said = requirements(content)
    for control, answers in by_control(any_system).items():
        expected = dict.fromkeys(origination_of(answer) for answer in answers if answer.status is not Status.NOT_ADDRESSED)
        assert values(said[control], "control-origination") == list(expected)
    for point, statement in statements(content).items():
        for origination in values(statement, "control-origination"):
            assert origination == origination_of(any_system.answers[point])


def test_without_a_leveraged_authorization_nothing_is_inherited_and_the_plan_says_why(built: Build) -> None:
    content = plan(built())
    assert "leveraged-authorizations" not in content["system-implementation"]
    assert [each for each in everything(content) if "inherited" in each] == []
    assert "inherited" not in {
        each["value"] for each in everything(content) if each.get("name") in ("control-origination", "coverage-status")
    }
    assert [each for each in everything(content) if each.get("name") == "leveraged-authorization-uuid"] == []
    own = answer_of(content, "pe-2_smt.a", this_system_uuid(built().system))
    assert own["description"].startswith("Not addressed: Would be inherited, but system.toml names no [leveraged] authorization: ")
    assert "system.toml names no leveraged authorization" in content["control-implementation"]["description"]
    assert "Amazon Web Services" not in [party["name"] for party in content["metadata"].get("parties", ())]


def test_leveraged_authorization_is_the_stated_one_and_covers_the_services(stated: Evaluated) -> None:
    content, system = plan(stated), stated.system
    (leveraged,) = content["system-implementation"]["leveraged-authorizations"]
    (party,) = [each for each in content["metadata"]["parties"] if each["uuid"] == leveraged["party-uuid"]]
    assert (party["name"], leveraged["title"], leveraged["date-authorized"]) == ("Amazon Web Services", "Cloud", "2020-01-01")
    assert leveraged["props"] == [{"name": "package-id", "value": "F123", "ns": FEDRAMP_NS}]
    for service in aws_services(stated):
        assert values(components(content)[service.title], "leveraged-authorization-uuid") == [leveraged["uuid"]]
    inherited = answer_of(content, "pe-2_smt.a", infrastructure_uuid(system))
    assert inherited["implementation-status"]["state"] == "partial"
    assert values(inherited, "coverage-status") == ["inherited"]
    assert "provided-uuid" not in inherited["inherited"][0]


def test_what_a_claim_leaves_to_aws_is_named_there_without_a_state(stated: Evaluated) -> None:
    answer = next(each for each in stated.answers.values() if each.claims and any(left.who == "aws" for left in each.remains))
    left = answer_of(plan(stated), answer.point.id, infrastructure_uuid(stated.system))
    assert left["description"] == "\n\n".join(remainder.what for remainder in answer.remains if remainder.who == "aws")
    assert "implementation-status" not in left


def test_provider_named_by_a_disposition_answers_for_its_points(stated: Evaluated) -> None:
    content = plan(stated)
    siem = components(content)["SIEM"]
    assert siem["links"] == [{"href": "https://siem.example", "rel": "homepage"}]
    (role,) = siem["responsible-roles"]
    assert [each["name"] for each in content["metadata"]["parties"] if each["uuid"] in role["party-uuids"]] == ["Watchers"]
    said = answer_of(content, "au-6_smt.a", siem["uuid"])
    assert said["description"] == "The SIEM reviews records."
    assert len(said["inherited"]) == 1
    own = answer_of(content, "au-6_smt.a", this_system_uuid(stated.system))
    assert own["description"] == (
        "Inherited, not looked at: The SIEM reviews records.\n\nAnswered by SIEM, package FR1234567890, as system.toml states.\n\n"
        "As system.toml states it."
    )


def test_customer_responsibilities_are_exported_with_what_they_build_on(built: Build) -> None:
    found = built()
    content = plan(found)
    for answer in found.answers.values():
        if answer.supplemental:
            continue
        export = answer_of(content, answer.point.id, this_system_uuid(found.system)).get("export", {})
        left = [answer.why] if answer.status is Status.CUSTOMER else []
        left += [remainder.what for remainder in left_over(answer) if remainder.who == "customer"]
        assert [each["description"] for each in export.get("responsibilities", ())] == left
        passing = [result for result in answer.claims if result.outcome.value == "passed"]
        assert bool(export.get("provided")) == bool(passing)
        for each in export.get("responsibilities", ()):
            assert ("provided-uuid" in each) == bool(passing)


def test_plan_gives_date_milestone_and_owner_of_an_open_point(stated: Evaluated) -> None:
    content = plan(stated)
    own = answer_of(content, "sc-4_smt", this_system_uuid(stated.system))
    assert {"name": "planned-completion-date", "value": "2027-03-31", "ns": FEDRAMP_NS, "remarks": "Test it."} in own["props"]
    assert "system-owner" in [role["role-id"] for role in own["responsible-roles"]]


def test_roles_are_defined_once_and_only_where_they_are_used_or_held(any_system: Evaluated) -> None:
    content = plan(any_system)
    defined = [role["id"] for role in content["metadata"]["roles"]]
    used = {each["role-id"] for each in everything(content) if "role-id" in each}
    used |= {role for each in everything(content) for role in each.get("role-ids", ())}
    assert len(set(defined)) == len(defined)
    assert set(defined) == used


def test_system_is_characterised_as_stated(stated: Evaluated) -> None:
    said = plan(stated)["system-characteristics"]
    assert said["system-ids"][0] == {"identifier-type": FEDRAMP_NS, "id": "FR0000000001"}
    assert len(said["system-ids"]) == 2
    assert said["system-name-short"] == "GT"
    assert said["props"] == [
        {"name": "cloud-service-model", "value": "saas"},
        {"name": "cloud-deployment-model", "value": "government-only-cloud", "remarks": "Government Community Cloud"},
        {"name": "identity-assurance-level", "value": "2"},
        {"name": "federation-assurance-level", "value": "1"},
        {"name": "fully-operational-date", "value": "2026-10-01T00:00:00Z", "ns": FEDRAMP_NS},
    ]
    assert said["security-sensitivity-level"] == "fips-199-high"
    assert said["security-impact-level"] == {
        "security-objective-confidentiality": "fips-199-high",
        "security-objective-integrity": "fips-199-moderate",
        "security-objective-availability": "fips-199-low",
    }
    assert said["status"]["state"] == "operational"
    assert [each["title"] for each in said["system-information"]["information-types"]] == ["Grants", "Names"]
    assert said["system-information"]["information-types"][1]["categorizations"][0]["information-type-ids"] == ["C.2.8.9"]


def test_what_nobody_stated_stays_visibly_open(built: Build) -> None:
    said = plan(built())["system-characteristics"]
    assert len(said["system-ids"]) == 1
    assert said["description"] == "Not stated in system.toml: description"
    assert "props" not in said
    assert "security-sensitivity-level" not in said
    assert "security-impact-level" not in said
    (information,) = said["system-information"]["information-types"]
    assert information["title"] == "Not stated in system.toml: [[information]]"
    assert not [key for key in information if key.endswith("-impact")]


@pytest.mark.parametrize(
    ("levels", "highest"), [(("low", "low"), "low"), (("low", "moderate"), "moderate"), (("high", "moderate"), "high")]
)
def test_high_water_mark_is_the_highest_impact(levels: tuple[str, str], highest: str) -> None:
    types = [
        InformationType.model_validate(
            {"title": level, "description": level, "confidentiality": level, "integrity": "low", "availability": "low"}
        )
        for level in levels
    ]
    assert high_water(types, ("confidentiality", "integrity")) == highest


def test_inventory_has_each_resource_once_under_the_names_that_all_documents_use(stated: Evaluated) -> None:
    content = plan(stated)
    items = {values(item, "asset-id")[0]: item for item in content["system-implementation"]["inventory-items"]}
    assert list(items) == [asset_id(declared) for declared in stated.system.declared()]
    for declared in stated.system.declared():
        item = items[asset_id(declared)]
        assert item["uuid"] == inventory_uuid(stated, asset_id(declared))
        assert item["implemented-components"] == [{"component-uuid": component_uuid(stated.system, declared.component)}]
        assert values(item, "virtual") == ["yes"]
        assert values(item, "cfn-type") == [declared.type]
        assert [party["role-id"] for party in item["responsible-parties"]] == ["asset-owner", "asset-administrator"]
        (scanned,) = [each for each in item["props"] if each["name"] == "is-scanned"]
        assert scanned["remarks"]
    assert values(items["registry.Repository"], "is-scanned") == ["yes"]
    assert values(items["server.Sessions"], "asset-type") == ["database"]


@pytest.mark.parametrize(
    ("like", "expected"),
    [
        ("commercial", {"server.UserPool", "server.TokenDomain", "server.CustomDomain", "server.HttpApi"}),
        ("govcloud", {"server.UserPool", "server.TokenDomain", "server.CustomDomain", "server.RestApi"}),
    ],
)
def test_public_is_what_the_internet_reaches(like: str, expected: set[str], built: Build) -> None:
    found = built(like)
    items = plan(found)["system-implementation"]["inventory-items"]
    assert {values(item, "asset-id")[0] for item in items if values(item, "public") == ["yes"]} == expected


def test_api_without_a_domain_is_public_by_its_own_endpoint(built: Build) -> None:
    found = built(front_door={}, network={"endpoints": True})
    assert public_ways(found.emitted)["server.HttpApi"] == ("Public entrance: HttpApi default endpoint",)


def test_boundary_network_and_flows_are_read_from_the_stacks(built: Build) -> None:
    said = plan(built("govcloud"))["system-characteristics"]
    boundary = " ".join(said["authorization-boundary"]["description"].split())
    for expected in (
        "region us-gov-west-1 of partition aws-us-gov",
        "RestApi custom domain (server.CustomDomain)",
        "Supplied encryption key.",
        "Supplied VPC.",
        "CP-6",
        "CP-7",
        "server.Sessions: its records",
        "server.UserPool: its users, and the ids and secrets of its clients",
        "registry.Repository: its images",
        "the key given as KeyArn",
        "system.toml names no authorization of theirs",
    ):
        assert expected in boundary
    network = " ".join(said["network-architecture"]["description"].split())
    assert "server.Function is placed in the subnets SubnetIds" in network
    assert "server.FunctionGroup: tcp port 443 to EgressCidr" in network
    assert "The templates declare no VPC, no subnet" in network
    assert "MCP client → Front door: HTTPS 443" in " ".join(said["data-flow"]["description"].split())


def test_egress_that_no_rule_bounds_is_said_as_checks_and_flows_say_it(built: Build) -> None:
    group, beside = Place("server", ("Resources", "FunctionGroup", "Properties")), Place("server", ("Resources", "Beside"))
    rule = {"GroupId": {"Ref": "FunctionGroup"}, "IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
    weak = weakened(
        built("govcloud"),
        Edit(group.below("SecurityGroupEgress"), REMOVE),
        Edit(group.below("SecurityGroupIngress"), ["unreadable"]),
        Edit(beside, {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": rule}),
    )
    assert [line for line in network_text(weak).splitlines() if "FunctionGroup:" in line] == [
        "- server.FunctionGroup: a rule that cannot be read in the template",
        "- FunctionGroup: every protocol to 0.0.0.0/0 (server.Beside)",
        "- server.FunctionGroup: every protocol to anywhere, since the group declares no egress rule",
    ]


def test_rebuild_in_a_second_region_loses_what_an_extension_keeps() -> None:
    config = Config.model_validate_json(
        json.dumps(
            {
                "name": "demo",
                "title": "Demo",
                "class": "C",
                "certification": "20x",
                "region": "us-east-1",
                "as_of": "2026-11-01",
                "providers": PROVIDERS,
            }
        )
    )
    system = build(config)
    system.stacks["server"].add(
        Component("reports", "Reports", "Reports of tools."),
        s3.Bucket("Reports", DeletionPolicy="Retain", VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled")),
        Claim("cp-9_smt.a", "Reports have versions.", prop("VersioningConfiguration.Status").equals("Enabled"), meets=("cp-9_obj.a",)),
    )
    system.override(Disposition("ca-6", "customer", "customer-provided", "The agency signs.", source="overlay.py"))
    tests = dict.fromkeys(cited(declared.check for declared in system.checks.values()), "passed")
    found = evaluate(
        system,
        read_back(
            {name: json.dumps(stack.to_dict()) for name, stack in system.stacks.items()},
            results={"tested_sha256": "a", "runtime_sha256": "a", "tests": tests},
        ),
    )
    content = plan(found)
    assert "server.Reports: its objects" in content["system-characteristics"]["authorization-boundary"]["description"]
    assert "Amazon S3" in components(content)
    assert findings(found) == []


@pytest.mark.parametrize("each", GIVEN, ids=lambda each: each.id)
def test_each_thing_that_can_be_given_is_given_by_some_configuration_and_not_by_another(each: Any, built: Build) -> None:
    taken = {name for name, (like, tables) in CONFIGURATIONS.items() if each in given(built(like, **tables).system.config)}
    assert taken
    assert each.id == "vpc" or taken < set(CONFIGURATIONS)


def test_given_thing_points_at_the_parameter_that_names_it(built: Build) -> None:
    content = plan(built("govcloud"))
    key = components(content)["Supplied encryption key"]
    assert values(key, "json-pointer") == [
        "cloudformation/registry.json#/Parameters/KeyArn",
        "cloudformation/server.json#/Parameters/KeyArn",
    ]
    assert key["status"]["state"] == "other"


def test_what_a_claim_leaves_to_the_provider_of_a_supplied_key_is_named_there(built: Build) -> None:
    found = built("govcloud")
    answer = next(each for each in found.answers.values() if each.claims and any(left.who == "provider-of-key" for left in each.remains))
    (key,) = [each for each in given(found.system.config) if each.id == "key"]
    left = answer_of(plan(found), answer.point.id, key.uuid(found.system))
    assert left["responsible-roles"] == [{"role-id": "key-administrator"}]


def test_users_follow_the_configuration(built: Build) -> None:
    def kinds(found: Evaluated) -> list[str]:
        return [user["role-ids"][0] for user in plan(found)["system-implementation"]["users"]]

    rest = ["deployer", "key-administrator", "tool-author"]
    assert kinds(built()) == ["program-client", *rest]
    people = built(auth={"consumers": ["reporting"], "callback_urls": ["http://localhost:8976/callback"]})
    assert kinds(people) == ["program-client", "person-client", *rest]
    open_to_all = plan(built(auth={"type": "none"}))["system-implementation"]["users"][0]
    assert open_to_all["remarks"] == "WITHOUT AUTHENTICATION: callers are not told apart."
    assert "POST /mcp" in open_to_all["authorized-privileges"][0]["functions-performed"]


def test_users_have_the_privileges_that_policies_give(built: Build) -> None:
    users = {user["role-ids"][0]: user for user in plan(built())["system-implementation"]["users"]}
    assert users["program-client"]["authorized-privileges"] == [
        {"title": "Call the MCP server", "functions-performed": ["DELETE /mcp", "GET /mcp", "POST /mcp"]}
    ]
    granted = {each["title"]: each["functions-performed"] for each in users["tool-author"]["authorized-privileges"]}
    assert granted["Statement ReadStateSecret of server.SecretPolicy"] == ["secretsmanager:GetSecretValue"]
    assert "kms:PutKeyPolicy" in users["key-administrator"]["authorized-privileges"][0]["functions-performed"]
    supplied = {user["role-ids"][0]: user for user in plan(built("govcloud"))["system-implementation"]["users"]}
    assert supplied["key-administrator"]["authorized-privileges"][0]["title"] == "Keep the supplied key"


def test_control_parameters_without_a_value_are_listed(built: Build) -> None:
    said = requirements(plan(built()))
    assert said["au-11"]["set-parameters"][0]["param-id"] == "au-11_odp"
    assert "Control parameters without a value in system.toml: cp-07_odp.01, cp-07_odp.02." in said["cp-7"]["remarks"]
    assert said["cp-7"]["remarks"].startswith("The system is built for one region, and its stacks do nothing for this control.")


def test_controls_outside_the_class_are_mentioned_and_not_answered(built: Build) -> None:
    content = plan(built())
    assert "ia-9" not in requirements(content)
    assert "IA-9" in content["control-implementation"]["description"]


def test_uuids_are_those_that_other_documents_ask_for(built: Build) -> None:
    found = built()
    content = plan(found)
    statement = statements(content)["au-11_smt"]
    assert statement["uuid"] == statement_uuid(found.system, "au-11_smt")
    assert statement["by-components"][0]["uuid"] == by_component_uuid(found.system, "au-11_smt", this_system_uuid(found.system))


def test_plan_imports_the_profile_and_names_the_component_definition_by_their_bytes(built: Build) -> None:
    found = built()
    content = plan(found)
    resources = {each["rlinks"][0]["href"]: each for each in content["back-matter"]["resources"]}
    assert content["import-profile"]["href"] == f"#{resources['profile.json']['uuid']}"
    documents = {
        "oscal/profile.json": render_class_profile(found),
        "oscal/component-definition.json": render_component_definition(found),
        SSP: render_system_security_plan(found),
    }
    texts = {name: to_bytes(document).decode() for name, document in documents.items()}
    del texts["oscal/component-definition.json"]
    wrong = check_references({SSP: documents[SSP]}, found.system.catalog, "C", None, texts)
    assert "oscal/component-definition.json is not in the package" in [finding.message for finding in wrong]


def test_services_are_found_by_type_by_action_and_by_parameter(built: Build) -> None:
    titles = {service.id: service for service in aws_services(built("govcloud"))}
    assert titles["apigateway"].components == ("front-door",)
    assert {"xray", "certificatemanager", "kms", "cloudformation", "wafv2"} <= set(titles)
    assert service_id("AWS::ApiGatewayV2::Api") == "apigateway"
    assert service_id("Custom::Thing") == "custom::thing"


def test_services_of_inline_role_policies_are_found_as_flows_find_them(built: Build) -> None:
    actions = ["S3:GetObject", "sqs:SendMessage", "cognito-idp:ListUsers", {"Ref": "KeyArn"}]
    inline = {"PolicyName": "More", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}}
    denied = {"PolicyName": "Less", "PolicyDocument": {"Statement": {"Effect": "Deny", "Action": "sns:Publish", "Resource": "*"}}}
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [inline, denied]}}
    evaluated = built(auth={"type": "none"}, organisation={"alarm_topic": "given"})
    known = {service.id for service in aws_services(evaluated)}
    weak = weakened(evaluated, Edit(Place("server", ("Resources", "Reader")), role))
    assert {service.id for service in aws_services(weak)} - known == {"s3", "sqs", "cognito"}
    assert {"aws-s3", "aws-sqs", "aws-cognito-idp"} <= {end.id for end in flow_map(weak).ends}


def test_equal_systems_give_equal_bytes(built: Build) -> None:
    found = built()
    assert to_bytes(render_system_security_plan(found)) == to_bytes(render_system_security_plan(found))


def test_own_props_have_our_namespace(built: Build) -> None:
    names = {"coverage-status", "truth-tier", "json-pointer", "cfn-type", "cfn-logical-id"}
    assert {each.get("ns") for each in everything(plan(built())) if each.get("name") in names} == {OWN_NS}
