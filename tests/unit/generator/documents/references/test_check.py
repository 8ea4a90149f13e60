"""References: each rule has a document that breaks it and nothing else, and two plans of others are read."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.official import OFFICIAL, needs_official

from claimstack.controls.catalog import load_catalog
from claimstack.generator.documents.oscal.common import OWN_NS, TRESTLE_NS, to_bytes
from claimstack.generator.documents.oscal.profile import render_profile
from claimstack.generator.documents.references.check import (
    IMPORTS,
    REFERENCES,
    TYPED_REFERENCES,
    UNIQUE,
    UNIQUE_VALUES,
    Finding,
    check_references,
)
from claimstack.generator.documents.references.index import IMPORTED

PACKAGE = json.loads((Path(__file__).parent / "package.json").read_text())
"""Six small documents in which every reference resolves; NIST's schema and trestle accept them (tests/conformance)."""
POINTER = "cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays"
REPOSITORY = Path(__file__).parents[5]
DELETE = object()
NOBODY = "00000000-0000-4000-8000-000000009999"

PROFILE = "oscal/profile.json"
COMPONENTS = "oscal/component-definition.json"
PLAN = "oscal/system-security-plan.json"
ASSESSMENT = "oscal/assessment-plan.json"
RESULTS = "oscal/assessment-results.json"
ITEMS = "oscal/plan-of-action-and-milestones.json"
REQUIREMENT = "control-implementation/implemented-requirements/0"
STATEMENT = f"{REQUIREMENT}/statements/0"
FIRST = f"{STATEMENT}/by-components/0"
SECOND = f"{STATEMENT}/by-components/1"
AUDIT_LOG = "components/0"
IMPLEMENTATION = f"{AUDIT_LOG}/control-implementations/0"
LOG_REQUIREMENT = f"{IMPLEMENTATION}/implemented-requirements/0"


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def holder_of(package: dict[str, Any], document: str, path: str) -> tuple[Any, str | int]:
    (value,) = package[document].values()
    *steps, last = path.split("/")
    for step in steps:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value, int(last) if isinstance(value, list) else last


def edited(document: str, path: str, value: Any) -> dict[str, Any]:
    """The package with one value set, appended (path ends with a new index) or deleted; hashes between documents follow."""
    package = copy.deepcopy(PACKAGE)
    holder, key = holder_of(package, document, path)
    if value is DELETE:
        del holder[key]
    elif isinstance(holder, list) and key == len(holder):
        holder.append(value)
    else:
        holder[key] = value
    rehash(package)
    return package


def rehash(package: dict[str, Any]) -> None:
    for reader in package:  # the file lists a document after those it imports
        (content,) = package[reader].values()
        for resource in content.get("back-matter", {}).get("resources", ()):
            for rlink in resource.get("rlinks", ()):
                named = f"oscal/{rlink['href']}"
                if named in package and "hashes" in rlink:
                    rlink["hashes"][0]["value"] = hashlib.sha256(to_bytes(package[named])).hexdigest()


def check(package: dict[str, Any], class_: str | None = None) -> tuple[Finding, ...]:
    return check_references(package, load_catalog(), class_, lambda pointer: pointer == POINTER)


def model(document: str) -> str:
    return document.removeprefix("oscal/").removesuffix(".json")


CONTROLS = "control-selections/0/include-controls"
REVIEWED = f"reviewed-controls/{CONTROLS}"
ACTIVITY = "local-definitions/activities/0/related-controls"
OBJECTIVE = f"{ACTIVITY}/control-objective-selections/0/include-objectives/0/objective-id"
BEYOND = f"{AUDIT_LOG}/control-implementations/1"
INVENTORY = "system-implementation/inventory-items/0"
LOCAL_INVENTORY = "results/0/local-definitions/inventory-items/0"
GONE = "cloudformation/server.json#/Resources/Gone"
HASH = "back-matter/resources/0/rlinks/0/hashes/0"
UNKNOWN_CONTROL = "{id} is not in the catalog, or withdrawn: copy the id from the catalog"
UNKNOWN_PARAMETER = "{id} is not a control parameter of the catalog that takes a value"
UNSELECTED = "{id} is not among the controls of the profile"
NOT_EMITTED = "{id} is not in what the build emits"
NO_RESOURCE = "no back-matter resource is {id}"
NO_COMPONENT = "no component is {id}"
ALGORITHMS = "SHA-224, SHA-256, SHA-384, SHA-512, SHA3-224, SHA3-256, SHA3-384, SHA3-512"

# (document, path, value that makes it wrong, message); the finding stands at the path and its id is the value.
WRONG: list[tuple[str, str, str, str]] = [
    (PROFILE, "metadata/oscal-version", "9.9.9", "oscal-version is '9.9.9', must be '1.2.1'"),
    (PROFILE, "uuid", "00000000-0000-1000-8000-000000000001", "uuid {id} is not of version 4 or 5"),
    (PLAN, f"{SECOND}/inherited/0/uuid", uuid(213), f"uuid {{id}} already names /system-security-plan/{FIRST}"),
    # one entry for each key
    (PROFILE, "imports/0/include-controls/0/with-ids/3", "au-3", "{id} is twice in with-ids"),
    (ASSESSMENT, f"{REVIEWED}/1/control-id", "au-11", "control-id {id} is twice in this list"),
    (ASSESSMENT, f"{ACTIVITY}/{CONTROLS}/0/statement-ids/1", "au-11_smt", "{id} is twice in statement-ids"),
    (PLAN, "system-implementation/users/0/role-ids/1", "provider", "{id} is twice in role-ids"),
    (PLAN, "metadata/responsible-parties/0/party-uuids/1", uuid(201), "{id} is twice in party-uuids"),
    # controls, statements, objectives and control parameters
    (PROFILE, "imports/0/include-controls/0/with-ids/3", "au-99", UNKNOWN_CONTROL),
    (PLAN, "control-implementation/implemented-requirements/1/control-id", "SC-28", UNKNOWN_CONTROL),
    (COMPONENTS, f"{BEYOND}/implemented-requirements/0/control-id", "ia-99", UNKNOWN_CONTROL),
    (ASSESSMENT, f"{REVIEWED}/1/control-id", "ac-2", UNSELECTED),
    (COMPONENTS, f"{LOG_REQUIREMENT}/statements/0/statement-id", "sc-28_smt", "{id} is not a part of the statement of au-11"),
    (PLAN, f"{STATEMENT}/statement-id", "au-11_smt.a", "{id} is not a part of the statement of au-11"),
    (ASSESSMENT, f"{ACTIVITY}/{CONTROLS}/0/statement-ids/0", "au-3_smt.a", "{id} is not a part of the statement of au-11"),
    (RESULTS, "results/0/findings/0/target/target-id", "au-11_smt.z", "{id} is not a part of any control statement"),
    (RESULTS, "results/0/findings/1/target/target-id", "au-11_smt", "{id} is not an assessment objective"),
    (ASSESSMENT, OBJECTIVE, "au-11_smt", "{id} is not an assessment objective"),
    (PROFILE, "modify/set-parameters/0/param-id", "au-11_prm_1", UNKNOWN_PARAMETER),
    (PROFILE, "modify/set-parameters/0/param-id", "ac-02_odp.01", "{id} sets ac-2, which the profile does not select"),
    (COMPONENTS, f"{IMPLEMENTATION}/set-parameters/0/param-id", "ac-2_odp.01", UNKNOWN_PARAMETER),
    (PLAN, f"{REQUIREMENT}/set-parameters/0/param-id", "sc-28_odp.01", "{id} is a parameter of sc-28, not of this control"),
    # roles and parties
    (COMPONENTS, f"{AUDIT_LOG}/responsible-roles/0/role-id", "owner", "no role is {id}"),
    (PLAN, "system-implementation/users/0/role-ids/0", "owner", "no role is {id}"),
    (COMPONENTS, f"{AUDIT_LOG}/responsible-roles/0/party-uuids/0", NOBODY, "no party is {id}"),
    (PLAN, "system-implementation/leveraged-authorizations/0/party-uuid", NOBODY, "no party is {id}"),
    # objects
    (COMPONENTS, "capabilities/0/incorporates-components/0/component-uuid", NOBODY, NO_COMPONENT),
    (PLAN, f"{SECOND}/component-uuid", NOBODY, NO_COMPONENT),
    (PLAN, f"{INVENTORY}/implemented-components/0/component-uuid", NOBODY, NO_COMPONENT),
    (PLAN, "system-implementation/components/1/props/0/value", NOBODY, "no leveraged authorization is {id}"),
    (PLAN, f"{FIRST}/export/responsibilities/0/provided-uuid", NOBODY, "no provided capability is {id}"),
    (PLAN, f"{SECOND}/inherited/0/provided-uuid", NOBODY, "no provided capability is {id}"),
    (PLAN, f"{SECOND}/satisfied/0/responsibility-uuid", uuid(214), "no responsibility is {id}"),
    (ASSESSMENT, "assessment-assets/assessment-platforms/0/uses-components/0/component-uuid", NOBODY, NO_COMPONENT),
    (ASSESSMENT, "tasks/0/associated-activities/0/activity-uuid", NOBODY, "no activity is {id}"),
    (ASSESSMENT, "tasks/1/dependencies/0/task-uuid", NOBODY, "no task is {id}"),
    (ASSESSMENT, "assessment-subjects/0/include-subjects/0/subject-uuid", NOBODY, "no inventory-item is {id}"),
    (RESULTS, "results/0/observations/0/subjects/0/subject-uuid", NOBODY, "no inventory-item is {id}"),
    (RESULTS, "results/0/observations/0/origins/0/actors/0/actor-uuid", NOBODY, NO_COMPONENT),
    (RESULTS, "results/0/observations/0/origins/0/related-tasks/0/task-uuid", NOBODY, "no task is {id}"),
    (RESULTS, "results/0/risks/0/mitigating-factors/0/implementation-uuid", NOBODY, "no implementation statement is {id}"),
    (RESULTS, "results/0/risks/0/risk-log/entries/0/related-responses/0/response-uuid", NOBODY, "no response is {id}"),
    (RESULTS, "results/0/findings/0/implementation-statement-uuid", NOBODY, "no implementation statement is {id}"),
    (RESULTS, "results/0/findings/0/related-observations/0/observation-uuid", NOBODY, "no observation is {id}"),
    (RESULTS, "results/0/findings/0/related-risks/0/risk-uuid", NOBODY, "no risk is {id}"),
    (ITEMS, "observations/0/subjects/0/subject-uuid", NOBODY, NO_COMPONENT),
    (ITEMS, "poam-items/0/related-findings/0/finding-uuid", NOBODY, "no finding is {id}"),
    (ITEMS, "poam-items/0/related-observations/0/observation-uuid", uuid(404), "no observation is {id}"),
    (ITEMS, "poam-items/0/related-risks/0/risk-uuid", uuid(406), "no risk is {id}"),
    # links, hashes and pointers
    (COMPONENTS, f"{AUDIT_LOG}/links/0/href", f"#{NOBODY}", NO_RESOURCE),
    (COMPONENTS, f"{AUDIT_LOG}/links/0/href", f"#{uuid(102)}", NO_RESOURCE),
    (COMPONENTS, f"{BEYOND}/source", "#", NO_RESOURCE),
    (
        PLAN,
        "system-implementation/components/1/links/0/href",
        f"#{NOBODY}",
        "no component or inventory-item or back-matter resource is {id}",
    ),
    (PLAN, "import-profile/href", f"#{NOBODY}", NO_RESOURCE),
    (RESULTS, "results/0/observations/0/relevant-evidence/0/href", f"#{NOBODY}", NO_RESOURCE),
    (PROFILE, f"{HASH}/value", "a" * 40, "{id} is not a SHA-256 hash of 64 digits"),
    (PROFILE, f"{HASH}/value", "g" * 64, "{id} is not a SHA-256 hash of 64 digits"),
    (PROFILE, f"{HASH}/algorithm", "SHA-1", f"{{id}} is none of {ALGORITHMS}"),
    (COMPONENTS, "components/1/props/3/value", "b" * 63, "{id} is not a SHA-256 hash of 64 digits"),
    (COMPONENTS, f"{LOG_REQUIREMENT}/statements/0/props/1/value", GONE, NOT_EMITTED),
    (COMPONENTS, f"{LOG_REQUIREMENT}/statements/0/links/0/href", f"../{GONE}", f"{GONE} is not in what the build emits"),
    (RESULTS, "results/0/observations/0/relevant-evidence/0/props/0/value", GONE, NOT_EMITTED),
    # rules in trestle's convention
    (COMPONENTS, f"{LOG_REQUIREMENT}/props/0/value", "gone", "no component defines rule {id}"),
    (COMPONENTS, f"{LOG_REQUIREMENT}/statements/0/props/0/value", "gone", "no component defines rule {id}"),
    (COMPONENTS, "components/1/props/0/value", "gone", "no component defines rule {id}"),
    # one asset has one uuid
    (RESULTS, f"{LOCAL_INVENTORY}/uuid", uuid(9000), f"asset AuditLog is {uuid(210)} in {PLAN}"),
]


@pytest.mark.parametrize(("document", "path", "value", "message"), WRONG)
def test_wrong_value_gives_exactly_its_finding(document: str, path: str, value: str, message: str) -> None:
    assert check(edited(document, path, value)) == (Finding(document, f"/{model(document)}/{path}", value, message.format(id=value)),)


# (document, path of a second entry, the entry, key that the list already has).
SECOND_ENTRIES: list[tuple[str, str, dict[str, Any], str]] = [
    (PLAN, "metadata/roles/1", {"id": "provider", "title": "Again"}, "id"),
    (PLAN, "metadata/responsible-parties/1", {"role-id": "provider", "party-uuids": [uuid(201)]}, "role-id"),
    (PLAN, "control-implementation/implemented-requirements/2", {"uuid": NOBODY, "control-id": "sc-28"}, "control-id"),
    (PLAN, f"{REQUIREMENT}/set-parameters/1", {"param-id": "au-11_odp", "values": ["1"]}, "param-id"),
    (PLAN, f"{REQUIREMENT}/statements/1", {"uuid": NOBODY, "statement-id": "au-11_smt"}, "statement-id"),
    (PLAN, f"{STATEMENT}/by-components/2", {"uuid": NOBODY, "component-uuid": uuid(208), "description": "Again."}, "component-uuid"),
    (PLAN, f"{INVENTORY}/implemented-components/1", {"component-uuid": uuid(209)}, "component-uuid"),
    (COMPONENTS, f"{AUDIT_LOG}/responsible-roles/1", {"role-id": "provider"}, "role-id"),
    (ASSESSMENT, f"{REVIEWED}/2", {"control-id": "au-11"}, "control-id"),
]


@pytest.mark.parametrize(("document", "path", "entry", "key"), SECOND_ENTRIES)
def test_second_entry_for_a_key_is_found(document: str, path: str, entry: dict[str, Any], key: str) -> None:
    message = f"{key} {entry[key]} is twice in this list"
    assert check(edited(document, path, entry)) == (Finding(document, f"/{model(document)}/{path}/{key}", entry[key], message),)


def test_component_type_this_system_is_there_once() -> None:
    pointer = "/system-security-plan/system-implementation/components"
    for component, type_, count in ((0, "service", 0), (1, "this-system", 2)):
        message = f"{count} components have the type this-system, must be 1"
        package = edited(PLAN, f"system-implementation/components/{component}/type", type_)
        assert check(package) == (Finding(PLAN, pointer, "this-system", message),)


# (document, path, value, pointer of the finding, id, message) where the finding stands beside the value, or has another id.
BESIDE: list[tuple[str, str, Any, str, str, str]] = [
    (PLAN, "metadata/parties/0/location-uuids", [NOBODY], "metadata/parties/0/location-uuids/0", NOBODY, "no location is {id}"),
    (PLAN, "back-matter/resources/1/base64", DELETE, "back-matter/resources/1", uuid(205), "resource {id} has neither rlinks nor base64"),
    (
        COMPONENTS,
        f"{AUDIT_LOG}/links/0/media-type",
        "application/json",
        f"{AUDIT_LOG}/links/0/media-type",
        f"#{uuid(103)}",
        "link {id} has a media-type, which its resource says",
    ),
    (
        COMPONENTS,
        f"{AUDIT_LOG}/props/1/remarks",
        "rule_set_9",
        f"{AUDIT_LOG}/props/0",
        "au-log-retention",
        "rule {id} has no Rule_Description with the same remarks",
    ),
    (
        RESULTS,
        "results/0/observations/0/subjects/0/type",
        "planet",
        "results/0/observations/0/subjects/0/subject-uuid",
        uuid(210),
        "no object of type 'planet' is {id}",
    ),
    (
        RESULTS,
        f"{LOCAL_INVENTORY}/props/0/value",
        "Other",
        f"{LOCAL_INVENTORY}/uuid",
        uuid(210),
        f"uuid {{id}} is asset AuditLog in {PLAN}",
    ),
    (ITEMS, "import-ssp/href", "old/plan.json", "import-ssp/href", "oscal/old/plan.json", "{id} is no document of this package"),
    (
        ITEMS,
        "import-ssp/href",
        "assessment-plan.json",
        "import-ssp/href",
        ASSESSMENT,
        "{id} is assessment-plan, must be system-security-plan",
    ),
]


@pytest.mark.parametrize(("document", "path", "value", "pointer", "found", "message"), BESIDE)
def test_wrong_object_gives_exactly_its_finding(document: str, path: str, value: Any, pointer: str, found: str, message: str) -> None:
    assert check(edited(document, path, value)) == (Finding(document, f"/{model(document)}/{pointer}", found, message.format(id=found)),)


# (document, path to edit, value, rest of the path to the file name).
IMPORTED_FILES = [
    (COMPONENTS, "import-component-definitions", [{"href": "gone.json"}], "/0/href"),
    (COMPONENTS, f"{IMPLEMENTATION}/source", "gone.json", ""),
    (ITEMS, "import-ssp/href", "gone.json", ""),
    (PLAN, "import-profile/href", "gone.json", ""),
    (PROFILE, "imports/0/href", "gone.json", ""),
    (RESULTS, "import-ap/href", "gone.json", ""),
]


@pytest.mark.parametrize(("document", "path", "value", "below"), IMPORTED_FILES)
def test_import_of_a_file_that_is_not_there_is_found(document: str, path: str, value: Any, below: str) -> None:
    expected = Finding(document, f"/{model(document)}/{path}{below}", "oscal/gone.json", "oscal/gone.json is no document of this package")
    assert check(edited(document, path, value)) == (expected,)


def test_package_in_which_everything_resolves_has_no_finding() -> None:
    assert check(PACKAGE) == ()


def test_every_key_that_is_checked_has_a_failing_fixture() -> None:
    pointers = [path for _, path, *_ in WRONG] + [pointer for *_, pointer, _, _ in BESIDE]
    keys = {step for pointer in pointers for step in pointer.split("/")[-2:]}
    assert {*REFERENCES, *TYPED_REFERENCES, *UNIQUE_VALUES} <= keys
    assert set(IMPORTS) == {next(step for step in path.split("/") if step in IMPORTS) for _, path, *_ in IMPORTED_FILES}
    assert set(UNIQUE) == {path.split("/")[-2] for _, path, *_ in SECOND_ENTRIES}


@pytest.mark.parametrize("reader", IMPORTED)
def test_document_without_those_it_imports_says_so(reader: str) -> None:
    name = f"oscal/{reader}.json"
    messages = {finding.message for finding in check({name: PACKAGE[name]})}
    assert {
        "oscal/assessment-plan.json is no document of this package",
        "oscal/system-security-plan.json is no document of this package",
    } & messages


def test_hash_of_another_version_of_a_document_is_noticed() -> None:
    package = copy.deepcopy(PACKAGE)
    package[ITEMS]["plan-of-action-and-milestones"]["metadata"]["version"] = "2"
    assert check(package) == ()
    package[PLAN]["system-security-plan"]["metadata"]["version"] = "2"
    old, new = (hashlib.sha256(to_bytes(each[PLAN])).hexdigest() for each in (PACKAGE, package))
    pointer = "/assessment-plan/back-matter/resources/0/rlinks/0/hashes/0/value"
    assert check(package) == (Finding(ASSESSMENT, pointer, old, f"{old} is not the hash of {PLAN}, which is {new}"),)


def test_profile_answers_exactly_the_class() -> None:
    catalog = load_catalog()
    profile = render_profile(catalog, "C", "Class C", datetime(2026, 11, 22, tzinfo=UTC), {})
    assert check({PROFILE: profile}, "C") == ()
    selected = profile["profile"]["imports"][0]["include-controls"][0]["with-ids"]
    selected[selected.index("sc-28")] = "ia-9"
    position = selected.index("ia-9")
    assert check({PROFILE: profile}, "C") == (
        Finding(PROFILE, "/profile/imports", "sc-28", "sc-28 of class C is not selected"),
        Finding(PROFILE, f"/profile/imports/0/include-controls/0/with-ids/{position}", "ia-9", "ia-9 is not in class C"),
    )


def test_class_stands_in_for_a_profile_that_is_not_at_hand() -> None:
    package = {ITEMS: PACKAGE[ITEMS], PLAN: edited(PLAN, "control-implementation/implemented-requirements/1/control-id", "ia-9")[PLAN]}
    found = {finding.message for finding in check(package, "C")}
    assert "ia-9 is not among the controls of the profile" in found
    assert "ia-9 is not among the controls of the profile" not in {finding.message for finding in check(package)}


def test_control_beyond_the_class_is_answered_from_the_catalog_only() -> None:
    path = f"{AUDIT_LOG}/control-implementations/1/source"
    assert check(edited(COMPONENTS, path, f"#{uuid(105)}")) == (
        Finding(
            COMPONENTS,
            f"/component-definition/{AUDIT_LOG}/control-implementations/1/implemented-requirements/0/control-id",
            "ia-9",
            "ia-9 is not among the controls of the profile",
        ),
    )


def test_pointers_are_checked_only_where_the_templates_are_at_hand() -> None:
    package = edited(COMPONENTS, f"{LOG_REQUIREMENT}/statements/0/props/1/value", "cloudformation/server.json#/Resources/Gone")
    assert check_references(package, load_catalog()) == ()


def test_props_of_other_namespaces_are_no_rules() -> None:
    props = [{"name": "Rule_Id", "ns": OWN_NS, "value": "gone"}, {"name": "Rule_Id", "ns": TRESTLE_NS, "value": "au-log-retention"}]
    assert check(edited(COMPONENTS, f"{LOG_REQUIREMENT}/props", props)) == ()


def test_file_that_is_no_oscal_document_is_named() -> None:
    message = (
        "is none of the OSCAL models profile, component-definition, system-security-plan, assessment-plan, assessment-results, "
        "plan-of-action-and-milestones"
    )
    assert check({"evidence/facts.json": {"facts": []}}) == (Finding("evidence/facts.json", "", "", message),)


def test_findings_read_as_file_pointer_and_cause() -> None:
    (finding,) = check(edited(PLAN, "import-profile/href", "#gone"))
    assert str(finding) == f"{PLAN}#/system-security-plan/import-profile/href: no back-matter resource is #gone"


SHARED = "407 statements have the uuid of a requirement, and one requirement has that of another."
MISPLACED = "251 parameters of an enhancement are set at its base control, 8 at another control."
KNOWN = {
    "uuid _ already names _": (408, SHARED),
    "_ is a parameter of _ not of this control": (259, MISPLACED),
    "_ is not a control parameter of the catalog that takes a value": (10, "`ac-2_odp.NN` is in no catalog: it is `ac-02_odp.NN`."),
    "no role is administrator": (8, "Components and users name a role that metadata does not define."),
    "no role is external-users": (1, "As above."),
    "no role is public": (1, "As above."),
    "no component is _": (5, "By-components of policies and components that the plan does not list."),
    "no component or inventory-item or back-matter resource is _": (5, "Links left empty (`#`), and a validation that is not listed."),
    "no provided capability is _": (1, "What is inherited stands in the plan of the leveraged system, which is not at hand."),
    "_ is answered without an implementation-status": (1, "The answer of the system as a whole to ia-1_smt.a has no state."),
    "security-objective-availability is _ the highest of the information types _": (
        1,
        "One information type is high, the system moderate.",
    ),
}
"""What is wrong in the OSCAL Foundation's example plan: the kind of finding, how often it is found, and what is behind it."""


@needs_official
def test_example_plan_has_the_known_findings() -> None:
    name = "fedramp-ssp-example_NORMALIZED_.oscal.json"
    findings = check_references({name: json.loads((OFFICIAL / "fedramp-rev5" / name).read_text())}, load_catalog())
    kinds = Counter(re.sub(r"\S*[\d#]\S*", "_", finding.message) for finding in findings)
    assert kinds == {kind: count for kind, (count, _) in KNOWN.items()}


def test_docs_explain_the_verdict_on_the_example_plan() -> None:
    told = " ".join((REPOSITORY / "docs" / "oscal.md").read_text().split())
    rows = dict(re.findall(r"\| `([^`]+)` \| (\d+) \|", told))
    assert rows == {kind: str(count) for kind, (count, _) in KNOWN.items()}
    assert f"{sum(count for count, _ in KNOWN.values())} findings" in told


@needs_official
def test_new_core_example_plan_has_no_finding() -> None:
    name = "fedramp-ssp-example_new-core.oscal.json"
    assert check_references({name: json.loads((OFFICIAL / "fedramp-rev5" / name).read_text())}, load_catalog()) == ()
