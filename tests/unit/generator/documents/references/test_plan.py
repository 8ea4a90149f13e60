"""Reference plan: each rule about security plans has a plan that breaks it and nothing else."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claimstack.controls.catalog import load_catalog
from claimstack.generator.documents.oscal.common import FEDRAMP_NS, OWN_NS, to_bytes
from claimstack.generator.documents.references.check import Finding, check_references
from claimstack.generator.documents.references.plan import PLAN_RULES

PACKAGE = json.loads((Path(__file__).parent / "package.json").read_text())
PROFILE, COMPONENTS, PLAN = "oscal/profile.json", "oscal/component-definition.json", "oscal/system-security-plan.json"
ROOT = "/system-security-plan"
REQUIREMENTS = f"{ROOT}/control-implementation/implemented-requirements"
STATEMENT = f"{REQUIREMENTS}/0/statements/0"
THIS_SYSTEM, SERVICE = "00000000-0000-4000-8000-000000000208", "00000000-0000-4000-8000-000000000209"
NEW = "00000000-0000-4000-8000-0000000090"


def broken(change: Callable[[dict[str, Any]], object]) -> tuple[Finding, ...]:
    """What is found once the plan of the package is changed; the other documents hold hashes of it and stay out."""
    documents = {name: copy.deepcopy(PACKAGE[name]) for name in (PROFILE, COMPONENTS, PLAN)}
    change(documents[PLAN]["system-security-plan"])
    return check_references(documents, load_catalog())


def statement(plan: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = plan["control-implementation"]["implemented-requirements"][0]["statements"][0]
    return found


def by_component(plan: dict[str, Any], index: int) -> dict[str, Any]:
    found: dict[str, Any] = statement(plan)["by-components"][index]
    return found


def component(plan: dict[str, Any], index: int) -> dict[str, Any]:
    found: dict[str, Any] = plan["system-implementation"]["components"][index]
    return found


def prop(name: str, value: str, ns: str = FEDRAMP_NS) -> dict[str, str]:
    return {"name": name, "value": value, "ns": ns}


def answers_inside(plan: dict[str, Any]) -> None:
    component(plan, 1)["props"] = []


BROKEN: list[tuple[Callable[[dict[str, Any]], object], tuple[tuple[str, str, str], ...]]] = [
    (
        lambda plan: by_component(plan, 0).pop("implementation-status"),
        ((STATEMENT, "au-11_smt", "au-11_smt is answered without an implementation-status"),),
    ),
    (
        lambda plan: plan["control-implementation"]["implemented-requirements"][1]["statements"][0].pop("by-components"),
        ((f"{REQUIREMENTS}/1/statements/0", "sc-28_smt", "sc-28_smt is not answered by the component of type this-system"),),
    ),
    (
        answers_inside,
        tuple(
            (
                f"{STATEMENT}/by-components/1/{key}/0",
                SERVICE,
                f"{key} of component {SERVICE}, which is neither external nor under a leveraged authorization",
            )
            for key in ("inherited", "satisfied")
        ),
    ),
    (
        lambda plan: plan["system-characteristics"]["system-information"]["information-types"][0].pop("uuid"),
        ((f"{ROOT}/system-characteristics/system-information/information-types/0", "Records", "information type 'Records' has no uuid"),),
    ),
    (
        lambda plan: component(plan, 1).update(protocols=[{"name": "https"}]),
        ((f"{ROOT}/system-implementation/components/1/protocols/0", "https", "protocol 'https' has no uuid"),),
    ),
    (
        lambda plan: component(plan, 1).update(protocols=[{"uuid": f"{NEW}01", "port-ranges": [{"start": 444, "end": 443}]}]),
        (
            (
                f"{ROOT}/system-implementation/components/1/protocols/0/port-ranges/0/start",
                "444",
                "port range begins at 444 and ends at 443",
            ),
        ),
    ),
    (
        lambda plan: plan["system-characteristics"]["authorization-boundary"]["diagrams"][0].pop("links"),
        (
            (
                f"{ROOT}/system-characteristics/authorization-boundary/diagrams/0",
                "00000000-0000-4000-8000-000000000204",
                "diagram 00000000-0000-4000-8000-000000000204 has no link to a picture",
            ),
        ),
    ),
    (
        lambda plan: statement(plan).update(props=[prop("control-origination", "hybrid")]),
        (
            (
                f"{STATEMENT}/props/0/value",
                "hybrid",
                "control-origination hybrid is none of sp-corporate, sp-system, customer-configured, customer-provided, inherited, shared",
            ),
        ),
    ),
    *(
        (
            lambda plan, wrong=wrong: by_component(plan, 0).update(props=[prop("planned-completion-date", wrong)]),
            ((f"{STATEMENT}/by-components/0/props/0/value", wrong, f"planned-completion-date {wrong} is no date"),),
        )
        for wrong in ("soon", "2026-02-30", "2026-2-3")
    ),
    (
        lambda plan: plan["control-implementation"]["implemented-requirements"][0]["set-parameters"][0].update(values=["30 days"]),
        (
            (
                f"{REQUIREMENTS}/0/set-parameters/0/values",
                "au-11_odp",
                "au-11_odp is ['30 days'] here and ['1096 days'] in the profile",
            ),
        ),
    ),
]


@pytest.mark.parametrize(("change", "expected"), BROKEN)
def test_broken_plan_gives_exactly_its_findings(
    change: Callable[[dict[str, Any]], object], expected: tuple[tuple[str, str, str], ...]
) -> None:
    assert broken(change) == tuple(Finding(PLAN, *found) for found in expected)


def test_plan_as_it_stands_has_no_finding() -> None:
    assert broken(lambda plan: plan) == ()


@pytest.mark.parametrize("value", ["2027-03-31", "2027-03-31Z", "2027-03-31+01:00"])
def test_dates_as_oscal_writes_them_are_dates(value: str) -> None:
    assert broken(lambda plan: by_component(plan, 0).update(props=[prop("planned-completion-date", value)])) == ()


def test_origination_of_another_namespace_is_not_ours_to_judge() -> None:
    assert broken(lambda plan: statement(plan).update(props=[prop("control-origination", "hybrid", OWN_NS)])) == ()


def test_external_component_may_be_inherited_from_without_a_leveraged_authorization() -> None:
    external = [{"name": "implementation-point", "value": "external"}]
    assert broken(lambda plan: component(plan, 1).update(props=external)) == ()


def whole_plan() -> dict[str, Any]:
    """A plan that answers class B by the system alone."""
    catalog = load_catalog()
    plan = copy.deepcopy(PACKAGE[PLAN])
    plan["system-security-plan"]["control-implementation"]["implemented-requirements"] = [
        {
            "uuid": f"{number:08}-0000-4000-8000-000000000001",
            "control-id": control.id,
            "statements": [
                {
                    "uuid": f"{number:08}-0000-4000-8000-1{index:011}",
                    "statement-id": point,
                    "by-components": [
                        {
                            "uuid": f"{number:08}-0000-4000-8000-2{index:011}",
                            "component-uuid": THIS_SYSTEM,
                            "description": "How.",
                            "implementation-status": {"state": "planned"},
                        }
                    ],
                }
                for index, point in enumerate(control.points)
            ],
        }
        for number, control in enumerate(catalog.class_controls("B"))
    ]
    plan["system-security-plan"]["import-profile"]["href"] = "https://example.com/profile.json"
    return dict(plan)


def test_class_has_to_be_answered_control_by_control_and_point_by_point() -> None:
    plan = whole_plan()
    requirements = plan["system-security-plan"]["control-implementation"]["implemented-requirements"]
    assert check_references({PLAN: plan}, load_catalog(), "B") == ()
    (at,) = [index for index, requirement in enumerate(requirements) if requirement["control-id"] == "ac-2"]
    requirements[at]["statements"][0]["statement-id"] = "ac-2_smt"
    gone = requirements.pop(0)["control-id"]
    at -= 1
    points = ", ".join(load_catalog().controls["ac-2"].points)
    assert check_references({PLAN: plan}, load_catalog(), "B") == (
        Finding(PLAN, REQUIREMENTS, gone, f"{gone} of class B is not answered"),
        Finding(PLAN, f"{REQUIREMENTS}/{at}/statements", "ac-2_smt.a", "response point ac-2_smt.a is not answered"),
        Finding(
            PLAN,
            f"{REQUIREMENTS}/{at}/statements/0/statement-id",
            "ac-2_smt",
            f"ac-2_smt is no response point: answer {points}",
        ),
    )


def test_plan_without_a_class_may_answer_what_it_likes() -> None:
    assert check_references({PLAN: PACKAGE[PLAN], PROFILE: PACKAGE[PROFILE]}, load_catalog()) == ()


def test_named_files_are_there_with_the_hash_that_is_said_of_them() -> None:
    documents = {name: copy.deepcopy(PACKAGE[name]) for name in (PROFILE, PLAN)}
    resources = documents[PLAN]["system-security-plan"]["back-matter"]["resources"]
    picture, other = (hashlib.sha256(text.encode()).hexdigest() for text in ("<svg/>", "<svg></svg>"))
    hashes = [{"algorithm": "SHA-256", "value": picture}, {"algorithm": "SHA-512", "value": "0" * 128}]
    resources[1]["rlinks"] = [{"href": "../fedramp/architecture.svg", "hashes": hashes}]
    texts = {name: to_bytes(document).decode() for name, document in documents.items()} | {"fedramp/architecture.svg": "<svg/>"}
    assert check_references(documents, load_catalog(), files=texts) == ()
    pointer = f"{ROOT}/back-matter/resources/1/rlinks/0"
    changed = texts | {"fedramp/architecture.svg": "<svg></svg>"}
    assert check_references(documents, load_catalog(), files=changed) == (
        Finding(PLAN, f"{pointer}/hashes/0/value", picture, f"{picture} is not the hash of fedramp/architecture.svg: {other}"),
    )
    del texts["fedramp/architecture.svg"]
    assert check_references(documents, load_catalog(), files=texts) == (
        Finding(PLAN, f"{pointer}/href", "fedramp/architecture.svg", "fedramp/architecture.svg is not in the package"),
    )
    assert check_references(documents, load_catalog()) == ()


def test_every_rule_about_plans_is_asked() -> None:
    from claimstack.generator.documents.references.check import RULES

    assert set(PLAN_RULES) <= set(RULES)
