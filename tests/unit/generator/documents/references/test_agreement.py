"""Reference agreement: each rule has documents that disagree in one thing and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.unit.generator.documents.references.test_assessment import (
    DELETE,
    ITEMS,
    OBSERVATION,
    PLAN,
    RESULT,
    RESULTS,
    SSP,
    check,
    own,
    uuid,
)

from claimstack.generator.documents.oscal.common import TRESTLE_NS
from claimstack.generator.documents.references import check as references
from claimstack.generator.documents.references.agreement import AGREEMENT_RULES, WORDS
from claimstack.generator.documents.references.check import Finding

COMPONENTS = "oscal/component-definition.json"
POAM = "/plan-of-action-and-milestones"
REQUIREMENT = "/system-security-plan/control-implementation/implemented-requirements/0"
ANSWER = f"{REQUIREMENT}/statements/0/by-components"
SUPPORTED = "/component-definition/components/0/control-implementations/0/implemented-requirements/0"
SUPPORT = f"{SUPPORTED}/statements/0"
CHARACTERISTICS = "/system-security-plan/system-characteristics"
TYPES = f"{CHARACTERISTICS}/system-information/information-types"
ITEM = "/system-security-plan/system-implementation/inventory-items/0"
POINTER = "cloudformation/server.json#/Resources/AuditLog"

Edits = list[tuple[str, str, Any]]


def found(*edits: tuple[str, str, Any]) -> list[Finding]:
    """What the edits bring about; later ones change copies, never the values of earlier ones."""
    return check(*((file, path, value if value is DELETE else copy.deepcopy(value)) for file, path, value in edits))


def coverage(word: str) -> list[dict[str, str]]:
    return [own("coverage-status", word)]


def grouped(name: str, value: str, group: str = "server.AuditLog") -> dict[str, str]:
    return {**own(name, value), "group": group}


def observed(check_id: str = "one", outcome: str = "passed", sha256: str = "a" * 64) -> list[dict[str, str]]:
    return [own("check-id", check_id), own("check-sha256", sha256), own("outcome", outcome)]


def evidence(outcome: str = "passed") -> list[dict[str, str]]:
    return [own("json-pointer", POINTER), own("expected", "e"), own("actual", "a"), own("outcome", outcome)]


FAILED: Edits = [
    (SSP, f"{ANSWER}/0/props", coverage("failed")),
    (SSP, f"{ANSWER}/0/implementation-status/state", "planned"),
    (RESULTS, f"{RESULT}/findings/0/props", coverage("failed")),
    (ITEMS, f"{POAM}/findings/0/props", coverage("failed")),
    (ITEMS, f"{POAM}/poam-items/0/props", [own("point", "au-11_smt"), *coverage("failed")]),
]
"""A failed statement that every document knows of."""
SEEN: Edits = [
    (PLAN, "/assessment-plan/local-definitions/activities/0/props/-", own("check-id", "one")),
    (PLAN, "/assessment-plan/local-definitions/activities/0/props/-", own("check-sha256", "a" * 64)),
    (RESULTS, f"{OBSERVATION}/props", observed()),
    (RESULTS, f"{OBSERVATION}/relevant-evidence/0/props", evidence()),
]
"""A check whose observation is told in full."""
GROUP: Edits = [
    (SSP, f"{ITEM}/props/0/value", "server.AuditLog"),
    (SSP, f"{ITEM}/props/-", grouped("cfn-logical-id", "AuditLog")),
    (SSP, f"{ITEM}/props/-", grouped("json-pointer", POINTER)),
    (RESULTS, f"{RESULT}/local-definitions", DELETE),
]
NAMED: Edits = [
    (SSP, "/system-security-plan/back-matter/resources/-", {"uuid": uuid(998), "rlinks": [{"href": "component-definition.json"}]}),
    (SSP, "/system-security-plan/system-implementation/components/-", {"uuid": uuid(102), "type": "service"}),
    (SSP, "/system-security-plan/system-implementation/components/-", {"uuid": uuid(111), "type": "validation"}),
]
"""A plan that names the component definition and has its components."""
IMPACTS: Edits = [
    (SSP, f"{TYPES}/0/{objective}-impact", {"base": f"fips-199-{level}"})
    for objective, level in (("confidentiality", "high"), ("integrity", "low"), ("availability", "low"))
]
ABOUT = "/metadata/props"

BROKEN: list[tuple[str, Edits, Edits, tuple[str, str, str, str]]] = [
    (
        "_words",
        [],
        [(SSP, f"{ANSWER}/0/props", coverage("done"))],
        (SSP, f"{ANSWER}/0/props/0/value", "done", f"coverage-status done is none of {', '.join(WORDS['coverage-status'])}"),
    ),
    (
        "_words",
        [],
        [(RESULTS, f"{OBSERVATION}/props", [own("truth-tier", "seen")])],
        (RESULTS, f"{OBSERVATION}/props/0/value", "seen", "truth-tier seen is none of declared, deployed, effective"),
    ),
    (
        "_one_package",
        [(SSP, f"/system-security-plan{ABOUT}", [own("certification-class", "C")])],
        [(RESULTS, f"/assessment-results{ABOUT}", [own("certification-class", "B")])],
        (RESULTS, "/assessment-results/metadata", "B", f"certification-class is B here and C in {SSP}"),
    ),
    (
        "_one_word",
        [(SSP, f"{ANSWER}/0/props", coverage("implemented"))],
        [(COMPONENTS, f"{SUPPORT}/props/-", own("coverage-status", "partial"))],
        (SSP, f"{ANSWER}/0", "au-11_smt", f"au-11_smt is implemented here and partial in {COMPONENTS}"),
    ),
    (
        "_states",
        [],
        [(SSP, f"{ANSWER}/0/props", coverage("partial"))],
        (SSP, f"{ANSWER}/0", "au-11_smt", "au-11_smt is implemented although its coverage is partial: partial"),
    ),
    (
        "_states",
        [],
        [(SSP, f"{ANSWER}/1/props", coverage("partial"))],
        (SSP, f"{ANSWER}/1", "au-11_smt", "au-11_smt is implemented although its coverage is partial: partial or planned"),
    ),
    (
        "_states",
        [],
        [(COMPONENTS, f"{SUPPORT}/props", [*coverage("inherited"), {"name": "implementation-status", "value": "implemented"}])],
        (COMPONENTS, SUPPORT, "au-11_smt", "au-11_smt is implemented although its coverage is inherited: partial"),
    ),
    (
        "_controls",
        [(SSP, f"{ANSWER}/0/props", coverage("implemented"))],
        [(SSP, f"{REQUIREMENT}/props", coverage("partial"))],
        (SSP, REQUIREMENT, "au-11", "au-11 is called partial, its statements together implemented"),
    ),
    (
        "_controls",
        [(COMPONENTS, f"{SUPPORTED}/props/-", own("coverage-status", "partial"))],
        [(SSP, f"{REQUIREMENT}/props", coverage("planned"))],
        (SSP, REQUIREMENT, "au-11", f"au-11 is planned here and partial in {COMPONENTS}"),
    ),
    (
        "_rules",
        [],
        [(SSP, f"{ANSWER}/0/props", [{"name": "Rule_Id", "ns": TRESTLE_NS, "value": "gone"}])],
        (SSP, f"{ANSWER}/0", "gone", "no component defines rule gone"),
    ),
    (
        "_parties",
        [(SSP, "/system-security-plan/metadata/parties/-", {"uuid": uuid(997), "type": "person", "name": "One"})],
        [(RESULTS, "/assessment-results/metadata/parties/-", {"uuid": uuid(997), "type": "person", "name": "Two"})],
        (
            RESULTS,
            "/assessment-results/metadata/parties/1",
            uuid(997),
            f"party {uuid(997)} is person Two here and person One in {SSP}",
        ),
    ),
    (
        "_failed_everywhere",
        FAILED,
        [
            (
                RESULTS,
                f"{RESULT}/findings/0/target",
                {"type": "objective-id", "target-id": "au-11_obj", "status": {"state": "not-satisfied"}},
            )
        ],
        (RESULTS, "/assessment-results", "au-11_smt", f"au-11_smt failed in {SSP} and has none of findings here"),
    ),
    (
        "_failed_everywhere",
        FAILED,
        [(ITEMS, f"{POAM}/poam-items/0/props", [])],
        (ITEMS, POAM, "au-11_smt", f"au-11_smt failed in {SSP} and has none of poam-items here"),
    ),
    (
        "_items",
        FAILED,
        [(ITEMS, f"{POAM}/poam-items/0/related-findings", DELETE)],
        (ITEMS, f"{POAM}/poam-items/0", "au-11_smt", "item of au-11_smt, which failed, names no finding"),
    ),
    (
        "_items",
        [],
        [(ITEMS, f"{POAM}/poam-items/0/props", [own("point", "sc-28_smt")])],
        (ITEMS, f"{POAM}/poam-items/0", "au-11_smt", "item of sc-28_smt names a finding of au-11_smt"),
    ),
    (
        "_items",
        [(ITEMS, f"{POAM}/poam-items/0/related-findings", DELETE)],
        [(ITEMS, f"{POAM}/poam-items/0/props", [own("point", "sc-28_smt.z")])],
        (ITEMS, f"{POAM}/poam-items/0", "sc-28_smt.z", "sc-28_smt.z is not a part of any control statement"),
    ),
    (
        "_checks",
        SEEN,
        [(RESULTS, f"{OBSERVATION}/props", observed(sha256="b" * 64))],
        (RESULTS, OBSERVATION, "one", f"one has another hash than in {PLAN}"),
    ),
    (
        "_checks",
        SEEN,
        [(RESULTS, f"{OBSERVATION}/props", observed("two"))],
        (RESULTS, OBSERVATION, "two", "two is observed for the task of one"),
    ),
    (
        "_checks",
        SEEN,
        [
            (
                COMPONENTS,
                "/component-definition/components/1/props/-",
                {"name": "Check_Id", "ns": TRESTLE_NS, "value": "one", "remarks": "r"},
            ),
            (COMPONENTS, "/component-definition/components/1/props/-", {**own("check-sha256", "b" * 64), "remarks": "r"}),
            (RESULTS, f"{OBSERVATION}/props", observed(sha256="b" * 64)),
        ],
        (PLAN, "/assessment-plan/local-definitions/activities/0", "one", f"one has another hash than in {COMPONENTS}"),
    ),
    (
        "_observations",
        SEEN,
        [(RESULTS, f"{OBSERVATION}/subjects", DELETE)],
        (RESULTS, OBSERVATION, "one", "observation of one has no subjects"),
    ),
    (
        "_observations",
        SEEN,
        [(RESULTS, f"{OBSERVATION}/relevant-evidence/0/props/2", DELETE)],
        (RESULTS, f"{OBSERVATION}/relevant-evidence/0", "one", "evidence of one has no actual"),
    ),
    (
        "_observations",
        SEEN,
        [(RESULTS, f"{OBSERVATION}/relevant-evidence/0/props", evidence("failed"))],
        (RESULTS, OBSERVATION, "one", "observation of one is called passed, its evidence failed"),
    ),
    (
        "_observations",
        SEEN,
        [(RESULTS, f"{RESULT}/props", [own("facts", "1"), own("facts-passed", "2"), own("facts-failed", "0")])],
        (RESULTS, RESULT, "2", "facts-passed is 2, and the observations have 1"),
    ),
    (
        "_groups",
        GROUP,
        [(SSP, f"{ITEM}/props/2/value", "cloudformation/server.json#/Resources/Sessions")],
        (
            SSP,
            ITEM,
            "cloudformation/server.json#/Resources/Sessions",
            "json-pointer cloudformation/server.json#/Resources/Sessions is not that of server.AuditLog",
        ),
    ),
    (
        "_groups",
        GROUP,
        [(SSP, f"{ITEM}/props/1/value", "Sessions")],
        (SSP, ITEM, "Sessions", "cfn-logical-id Sessions is not that of server.AuditLog"),
    ),
    (
        "_groups",
        GROUP,
        [(SSP, f"{ITEM}/props/0/value", "server.Sessions")],
        (SSP, ITEM, "server.Sessions", "inventory item server.Sessions has props of server.AuditLog"),
    ),
    (
        "_components",
        NAMED,
        [(SSP, "/system-security-plan/system-implementation/components/2/uuid", uuid(999))],
        (COMPONENTS, "/component-definition/components/0", uuid(102), f"component {uuid(102)} is not in {SSP}"),
    ),
    (
        "_impact",
        IMPACTS,
        [(SSP, f"{CHARACTERISTICS}/security-sensitivity-level", "fips-199-low")],
        (
            SSP,
            f"{CHARACTERISTICS}/security-sensitivity-level",
            "fips-199-low",
            "security-sensitivity-level is fips-199-low, the highest of the information types fips-199-high",
        ),
    ),
    (
        "_impact",
        IMPACTS,
        [(SSP, f"{CHARACTERISTICS}/security-impact-level", {"security-objective-integrity": "fips-199-high"})],
        (
            SSP,
            f"{CHARACTERISTICS}/security-impact-level/security-objective-integrity",
            "fips-199-high",
            "security-objective-integrity is fips-199-high, the highest of the information types fips-199-low",
        ),
    ),
]


@pytest.mark.parametrize(("rule", "base", "edits", "finding"), BROKEN)
def test_documents_that_disagree_give_exactly_the_finding(
    rule: str, base: Edits, edits: Edits, finding: tuple[str, str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(*base, *edits) == [Finding(*finding)]
    monkeypatch.setattr(references, "AGREEMENT_RULES", tuple(each for each in AGREEMENT_RULES if each.__name__ != rule))
    assert found(*base, *edits) == []


def test_every_rule_has_documents_that_disagree() -> None:
    assert {rule for rule, *_ in BROKEN} == {rule.__name__ for rule in AGREEMENT_RULES}


@pytest.mark.parametrize("edits", [FAILED, SEEN, GROUP, NAMED, IMPACTS])
def test_documents_that_agree_have_no_finding(edits: Edits) -> None:
    assert found(*edits) == []


@pytest.mark.parametrize(
    "edits",
    [
        [(RESULTS, f"{RESULT}/start", "yesterday")],
        [(RESULTS, f"{RESULT}/end", "2026-11-22T00:00:00")],
        [(RESULTS, f"{OBSERVATION}/collected", "2026-11-22T00:00:00+00:0x")],
        [(RESULTS, f"{OBSERVATION}/props", [{"name": "outcome"}, {"name": "truth-tier"}])],
        [(SSP, "/system-security-plan/back-matter/resources/0/rlinks/-", {})],
    ],
)
def test_what_the_schema_refuses_does_not_stop_the_checker(edits: Edits) -> None:
    found(*edits)
