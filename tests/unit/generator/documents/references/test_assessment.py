"""Reference assessment: each rule has documents that break it and nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from claimstack.controls.catalog import load_catalog
from claimstack.generator.documents.oscal.common import OWN_NS
from claimstack.generator.documents.references import check as references
from claimstack.generator.documents.references.assessment import ASSESSMENT_RULES
from claimstack.generator.documents.references.check import Finding, check_references

PACKAGE = json.loads((Path(__file__).parent / "package.json").read_text())
"""Six small documents in which every reference resolves (test_references.py)."""
SSP = "oscal/system-security-plan.json"
PLAN = "oscal/assessment-plan.json"
RESULTS = "oscal/assessment-results.json"
ITEMS = "oscal/plan-of-action-and-milestones.json"
RESULT = "/assessment-results/results/0"
OBSERVATION = f"{RESULT}/observations/0"
DELETE = object()

Documents = dict[str, Any]


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def own(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": OWN_NS, "value": value}


def put(documents: Documents, file: str, path: str, value: Any) -> None:
    """Set, append (path ends in `-`) or delete the value at a path of a document."""
    holder = documents[file]
    *steps, last = path.removeprefix("/").split("/")
    for step in steps:
        holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, [] if last == "-" else {})
    if value is DELETE:
        del holder[int(last) if isinstance(holder, list) else last]
    elif last == "-":
        holder.append(value)
    elif isinstance(holder, list):
        holder[int(last)] = value
    else:
        holder[last] = value


def check(*edits: tuple[str, str, Any], without: tuple[str, ...] = ()) -> list[Finding]:
    documents = copy.deepcopy({name: document for name, document in PACKAGE.items() if name not in without})
    for file, path, value in edits:
        put(documents, file, path, value)
    for document in documents.values():  # what is edited has another hash, which is not the question here
        for resource in next(iter(document.values())).get("back-matter", {}).get("resources", ()):
            for rlink in resource.get("rlinks", ()):
                rlink.pop("hashes", None)
    return list(check_references(documents, load_catalog()))


ITEM = f"{OBSERVATION}/subjects/0"
SECOND_ITEM = {"uuid": uuid(218), "description": "Another.", "props": [{"name": "asset-id", "value": "AccessLog"}]}
LATER, EARLIER = "2026-11-23T00:00:00+00:00", "2026-11-21T00:00:00+00:00"
TASK = f"{PLAN}#/assessment-plan/tasks/0"
POAM = "/plan-of-action-and-milestones"

# rule → (edits, finding): file, pointer, id, message.
BROKEN: list[tuple[str, list[tuple[str, str, Any]], Finding]] = [
    (
        "_method_words",
        [(PLAN, "/assessment-plan/local-definitions/activities/0/props", [own("method", "EXAMINE")])],
        Finding(PLAN, "/assessment-plan/local-definitions/activities/0", uuid(303), f"activity {uuid(303)} has no method"),
    ),
    (
        "_method_words",
        [(ITEMS, f"{POAM}/observations/0/methods", ["LOOK"])],
        Finding(ITEMS, f"{POAM}/observations/0", "LOOK", "method LOOK is none of EXAMINE, INTERVIEW, TEST, UNKNOWN"),
    ),
    (
        "_activities",
        [
            (
                PLAN,
                "/assessment-plan/local-definitions/activities/-",
                {"uuid": uuid(308), "description": "Idle.", "props": [{"name": "method", "value": "TEST"}]},
            )
        ],
        Finding(PLAN, "/assessment-plan/local-definitions/activities/1", uuid(308), f"no task carries out activity {uuid(308)}"),
    ),
    (
        "_coverage",
        [(RESULTS, f"{OBSERVATION}/origins/0/related-tasks", DELETE)],
        Finding(RESULTS, "/assessment-results/results", uuid(306), f"task {uuid(306)} ({TASK}) has no observation"),
    ),
    (
        "_coverage",
        [(RESULTS, f"{OBSERVATION}/methods", ["TEST"])],
        Finding(RESULTS, OBSERVATION, "TEST", "method TEST is not that of the task, EXAMINE"),
    ),
    (
        "_coverage",
        [(RESULTS, f"{OBSERVATION}/subjects/-", {"subject-uuid": uuid(209), "type": "component"})],
        Finding(RESULTS, OBSERVATION, uuid(209), f"subject {uuid(209)} is none of task {uuid(306)}"),
    ),
    (
        "_inventory_subjects",
        [
            (RESULTS, f"{RESULT}/local-definitions/inventory-items/-", SECOND_ITEM),
            (PLAN, "/assessment-plan/tasks/0/associated-activities/0/subjects/0", {"type": "inventory-item", "include-all": {}}),
            (RESULTS, f"{ITEM}/subject-uuid", uuid(218)),
        ],
        Finding(RESULTS, f"{ITEM}/subject-uuid", uuid(218), f"inventory item {uuid(218)} is not in {SSP}"),
    ),
    (
        "_inventory_subjects",
        [(RESULTS, f"{ITEM}/props", [own("asset-id", "AccessLog")])],
        Finding(RESULTS, ITEM, uuid(210), f"inventory item {uuid(210)} is called AccessLog, and AuditLog in {SSP}"),
    ),
    (
        "_tools",
        [(RESULTS, f"{OBSERVATION}/origins/0/actors/0/actor-uuid", uuid(209))],
        Finding(RESULTS, f"{OBSERVATION}/origins/0/actors/0/actor-uuid", uuid(209), f"tool {uuid(209)} is no assessment asset"),
    ),
    (
        "_evidence_files",
        [(RESULTS, f"{OBSERVATION}/relevant-evidence/0/href", "../cloudformation/key.json")],
        Finding(
            RESULTS,
            f"{OBSERVATION}/relevant-evidence/0/href",
            "cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays",
            "cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays is not in cloudformation/key.json",
        ),
    ),
    (
        "_times",
        [(RESULTS, f"{RESULT}/end", EARLIER), (RESULTS, f"{OBSERVATION}/collected", DELETE)],
        Finding(RESULTS, f"{RESULT}/end", EARLIER, "ends before it starts, 2026-11-22T00:00:00+00:00"),
    ),
    (
        "_times",
        [(RESULTS, f"{OBSERVATION}/collected", EARLIER)],
        Finding(RESULTS, f"{OBSERVATION}/collected", EARLIER, "is not between start and end of its result"),
    ),
    (
        "_times",
        [(RESULTS, f"{OBSERVATION}/props", [own("truth-tier", "declared")]), (RESULTS, f"{OBSERVATION}/expires", LATER)],
        Finding(RESULTS, f"{OBSERVATION}/expires", LATER, "facts that are declared do not expire"),
    ),
    (
        "_conclusions",
        [(RESULTS, f"{RESULT}/findings/0/related-observations", DELETE)],
        Finding(RESULTS, f"{RESULT}/findings/0", uuid(410), f"finding {uuid(410)} names no observation"),
    ),
    (
        "_conclusions",
        [(ITEMS, f"{POAM}/findings/0/related-risks", DELETE)],
        Finding(ITEMS, f"{POAM}/findings/0", uuid(505), f"finding {uuid(505)} names no risk"),
    ),
    (
        "_conclusions",
        [
            (
                ITEMS,
                f"{POAM}/observations/-",
                {"uuid": uuid(506), "description": "Also.", "methods": ["TEST"], "props": [own("outcome", "failed")]},
            )
        ],
        Finding(ITEMS, f"{POAM}/observations/1", uuid(506), f"no finding names the failed observation {uuid(506)}"),
    ),
    (
        "_reviewed",
        [(RESULTS, f"{RESULT}/reviewed-controls/control-selections/0/include-controls/-", {"control-id": "au-3"})],
        Finding(RESULTS, f"{RESULT}/reviewed-controls", "au-3", "au-3 is not reviewed by the plan"),
    ),
    (
        "_reviewed",
        [
            (RESULTS, f"{RESULT}/findings/1/target", {"type": "statement-id", "target-id": "sc-28_smt", "status": {"state": "satisfied"}}),
        ],
        Finding(RESULTS, f"{RESULT}/findings/1/target/target-id", "sc-28_smt", "sc-28_smt is of a control that is not reviewed"),
    ),
    (
        "_items",
        [(ITEMS, f"{POAM}/poam-items/0/uuid", DELETE)],
        Finding(ITEMS, f"{POAM}/poam-items/0", "Longer retention", "item Longer retention has no uuid"),
    ),
    (
        "_items",
        [(ITEMS, f"{POAM}/poam-items/0/related-risks", DELETE)],
        Finding(ITEMS, f"{POAM}/risks/0", uuid(503), f"no item names risk {uuid(503)}"),
    ),
    (
        "_items",
        [(ITEMS, f"{POAM}/findings/0/target/target-id", "sc-28_smt")],
        Finding(ITEMS, f"{POAM}/findings", "au-11_smt", f"au-11_smt is not satisfied in {RESULTS}"),
    ),
]


@pytest.mark.parametrize(("rule", "edits", "finding"), BROKEN)
def test_what_breaks_a_rule_gives_exactly_its_finding(
    rule: str, edits: list[tuple[str, str, Any]], finding: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check(*edits) == [finding]
    monkeypatch.setattr(references, "RULES", tuple(each for each in references.RULES if each.__name__ != rule))
    assert check(*edits) == []


def test_every_rule_has_a_failing_fixture() -> None:
    assert {rule for rule, _, _ in BROKEN} == {rule.__name__ for rule in ASSESSMENT_RULES}


def test_documents_that_agree_have_no_finding() -> None:
    assert check() == []


# What a rule must not object to.
ADMITTED: list[list[tuple[str, str, Any]]] = [
    [(RESULTS, f"{OBSERVATION}/props", [own("truth-tier", "deployed")]), (RESULTS, f"{OBSERVATION}/expires", LATER)],
    [(RESULTS, f"{ITEM}/props", [own("asset-id", "AuditLog")])],
    [(ITEMS, f"{POAM}/observations/0/methods", ["UNKNOWN"])],
    [(PLAN, "/assessment-plan/reviewed-controls/control-selections", [{"include-all": {}}])],
    [(RESULTS, f"{RESULT}/findings/1/target", {"type": "statement-id", "target-id": "ia-9_smt", "status": {"state": "satisfied"}})],
    [(RESULTS, f"{OBSERVATION}/relevant-evidence/0/href", "https://example.com/server.json")],
    [(RESULTS, f"{RESULT}/end", LATER)],
]


@pytest.mark.parametrize("edits", ADMITTED)
def test_what_a_rule_admits_gives_no_finding(edits: list[tuple[str, str, Any]]) -> None:
    assert check(*edits) == []


@pytest.mark.parametrize("absent", [SSP, PLAN, RESULTS])
def test_rules_ask_only_documents_that_are_at_hand(absent: str) -> None:
    for finding in check(without=(absent,)):
        assert "is no document of this package" in finding.message or finding.message.startswith("no "), finding
