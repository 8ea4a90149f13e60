"""Our own rules over the FedRAMP documents: quiet on what a build writes, and each of them heard when something is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from claimstack.generator.documents.evidence.coverage import render_coverage
from claimstack.generator.documents.evidence.facts import render_facts
from claimstack.generator.documents.evidence.results import render_results
from claimstack.generator.documents.fedramp import checks as fedramp_checks
from claimstack.generator.documents.fedramp.accepted_vulnerabilities import render_accepted_vulnerabilities
from claimstack.generator.documents.fedramp.certification_package_overview import render_certification_package_overview
from claimstack.generator.documents.fedramp.checks import Finding, check_fedramp
from claimstack.generator.documents.fedramp.ongoing_certification_report import render_ongoing_certification_report
from claimstack.generator.documents.fedramp.security_decision_record import render_security_decision_record
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.paths import CPO, CPO_PAGE, OCR_EXAMPLE, SDR, SDR_PAGE

SERVICE = {
    "acronym": "GT",
    "model": "SaaS",
    "deployment": "Public Cloud",
    "website": "https://www.example.gov/",
    "logo": "https://www.example.gov/logo.png",
    "package_url": "https://www.example.gov/package",
    "fedramp_id": "FR0000000000",
}
PEOPLE = [
    {"name": "Security office", "email": "security@example.gov", "contact": ["Security"]},
    {"name": "Service desk", "email": "desk@example.gov", "contact": ["Sales"]},
    {"name": "Official", "roles": ["package-official"]},
]
Built = Callable[..., Evaluated]
Documents = dict[str, Any]


def documents(evaluated: Evaluated) -> Documents:
    rendered = {
        **{f"cloudformation/{stack}.json": template for stack, template in evaluated.emitted.stacks.items()},
        "evidence/coverage.json": render_coverage(evaluated),
        "evidence/facts.json": render_facts(evaluated),
        "evidence/test-results.json": render_results(evaluated),
        "fedramp/accepted-vulnerabilities.json": render_accepted_vulnerabilities(evaluated),
        OCR_EXAMPLE: render_ongoing_certification_report(evaluated),
        CPO: render_certification_package_overview(evaluated),
        SDR: render_security_decision_record(evaluated),
    }
    copied: Documents = json.loads(json.dumps(rendered))
    return copied


@pytest.fixture(scope="module")
def sound(built: Built) -> Documents:
    return documents(built(service=SERVICE, people=PEOPLE, organisation={"name": "Agency"}))


def errors(found: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in found if finding.level == "error"]


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
@pytest.mark.parametrize("class_", ["B", "C", "D"])
def test_what_a_build_writes_is_complete_and_agrees(built: Built, like: str, class_: str) -> None:
    route = "20x" if like == "commercial" and class_ != "D" else "rev5"
    evaluated = built(like, **{"class": class_, "certification": route, "service": SERVICE, "people": PEOPLE})
    assert errors(check_fedramp(documents(evaluated), class_, route)) == []


def test_what_is_not_stated_is_a_note_and_an_error_only_where_the_schema_takes_nothing_open(built: Built) -> None:
    found = check_fedramp(documents(built()), "C", "20x")
    assert [finding.pointer for finding in errors(found)] == list(reversed(fedramp_checks.CLOSED))
    notes = {finding.pointer for finding in found if finding.level == "note"}
    assert {"/serviceIdentification/website", "/contactInformation/0/contactName", "/certificationPackageOverviewUri"} <= notes


def _entry(found: Documents, key: str, id_key: str, id_: str) -> dict[str, Any]:
    entry: dict[str, Any] = next(each for each in found[SDR][key] if each[id_key] == id_)
    return entry


def _control(found: Documents, id_: str) -> dict[str, Any]:
    return _entry(found, "securityControls", "controlId", id_)


def _ksi(found: Documents, id_: str) -> dict[str, Any]:
    return _entry(found, "keySecurityIndicators", "ksiId", id_)


def _rename(entry: dict[str, Any], key: str, value: str) -> None:
    entry[key] = value


WRONG: dict[str, tuple[Callable[[Documents], object], str]] = {
    "_complete": (lambda d: d.pop(OCR_EXAMPLE), f"{OCR_EXAMPLE} : is missing or no JSON object: FRC-CSO-PKG asks for it"),
    "_complete: no object": (lambda d: d.update({CPO: []}), f"{CPO} : is missing or no JSON object: FRC-CSO-PKG asks for it"),
    "_metadata": (lambda d: d[SDR]["metadata"].pop("version"), "/metadata/version: is missing: SDR-CSO-MTD asks for it"),
    "_metadata: official": (
        lambda d: d[CPO]["metadata"].pop("responsibleOfficial"),
        "/metadata/responsibleOfficial: is missing: CPO-CSO-MTD asks for it",
    ),
    "_metadata: other build": (lambda d: d[CPO]["metadata"].update(version="2025-01-01"), "not of one build"),
    "_certification": (
        lambda d: d[CPO]["serviceIdentification"].update(certificationType="Rev5"),
        "/serviceIdentification/certificationType: is 'Rev5', must be '20x'",
    ),
    "_controls": (lambda d: d[SDR]["securityControls"].pop(0), "/securityControls: AC-1 is missing"),
    "_controls: doubled": (
        lambda d: d[SDR]["securityControls"].append(_control(d, "AC-2")),
        "/securityControls: AC-2 stands there 2 times",
    ),
    "_controls: other spelling": (lambda d: _rename(_control(d, "AC-2(1)"), "controlId", "ac-2.1"), "ac-2.1 is no control"),
    "_controls: outside the class": (
        lambda d: _rename(_control(d, "AC-2"), "controlId", "IA-9"),
        "IA-9 does not apply to class C on route 20x",
    ),
    "_ksis": (lambda d: d[SDR]["keySecurityIndicators"].pop(0), "/keySecurityIndicators: KSI-CED-RAT is missing"),
    "_ksis: unknown": (lambda d: _rename(_ksi(d, "KSI-CED-RAT"), "ksiId", "KSI-CED-RAX"), "KSI-CED-RAX is no Key Security Indicator"),
    "_ksis: doubled": (
        lambda d: d[SDR]["keySecurityIndicators"].append(_ksi(d, "KSI-CED-RAT")),
        "/keySecurityIndicators: KSI-CED-RAT stands there 2 times",
    ),
    "_requirements": (
        lambda d: d[SDR]["fedRampRequirements"].remove(_entry(d, "fedRampRequirements", "frrID", "SDR-CSO-FRR")),
        "/fedRampRequirements: SDR-CSO-FRR is missing",
    ),
    "_requirements: other route": (
        lambda d: _rename(_entry(d, "fedRampRequirements", "frrID", "SDR-CSX-KSI"), "frrID", "SDR-CSF-CTF"),
        "SDR-CSF-CTF does not apply to class C on route 20x",
    ),
    "_requirements: unknown": (
        lambda d: _rename(_entry(d, "fedRampRequirements", "frrID", "SDR-CSX-KSI"), "frrID", "SDR-CSX-XXX"),
        "SDR-CSX-XXX is no provider rule",
    ),
    "_statuses": (
        lambda d: _control(d, "AC-1").update(controlImplementationStatus="Implemented"),
        "is 'Implemented', which is not what 'Planned' is called in the schema",
    ),
    "_controls_agree": (
        lambda d: _control(d, "AC-1").update(coverageStatus="planned"),
        "AC-1 is 'planned', and 'organisational' in evidence/coverage.json",
    ),
    "_controls_agree: status": (
        lambda d: _control(d, "AC-1").update(controlImplementationStatus="Implemented", statusWord="Implemented"),
        "AC-1 is 'Implemented', though organisational",
    ),
    "_facts_agree": (lambda d: _failed_fact(d), "is passed, and failed in evidence/facts.json"),
    "_facts_agree: silent": (
        lambda d: _ksi(d, "KSI-CNA-RNT")["ksiEvidence"][0].update(evidenceDescription="All is well."),
        "names no check and no outcome",
    ),
    "_ksis_earned": (
        lambda d: _ksi(d, "KSI-CED-RAT").update(ksiImplementationStatus="Implemented", statusWord="Implemented"),
        "KSI-CED-RAT is Implemented, which its evidence does not show",
    ),
    "_ksis_earned: one method": (
        lambda d: _ksi(d, "KSI-CMT-LMC").update(ksiImplementationStatus="Implemented", statusWord="Implemented"),
        "KSI-CMT-LMC is Implemented, which its evidence does not show",
    ),
    "_assessments": (
        lambda d: _ksi(d, "KSI-CNA-RNT").update(ksiAssessment=["Assessed."]),
        "/ksiAssessment: is filled in: it belongs to the independent assessor",
    ),
    "_assessments: rule": (
        lambda d: d[SDR]["fedRampRequirements"][0].update(frrAssessment=["Assessed."]),
        "/frrAssessment: is filled in: it belongs to the independent assessor",
    ),
    "_locations": (
        lambda d: d["cloudformation/server.json"]["Resources"].pop("FunctionGroup"),
        "cloudformation/server.json has nothing at /Resources/FunctionGroup",
    ),
    "_locations: elsewhere": (
        lambda d: _ksi(d, "KSI-CNA-RNT")["ksiEvidence"][0].update(evidenceLocation="https://elsewhere.example/x.json#/a"),
        "https://elsewhere.example/x.json#/a is outside this package, which begins with https://www.example.gov/package/",
    ),
    "_locations: no file": (lambda d: d.pop("cloudformation/key.json"), "cloudformation/key.json is no file of this package"),
    "_overview_uri": (
        lambda d: d[OCR_EXAMPLE].update(certificationPackageOverviewUri="https://elsewhere.example/cpo.json"),
        f"/certificationPackageOverviewUri: is https://elsewhere.example/cpo.json, and https://www.example.gov/package/{CPO} in {SDR}",
    ),
    "_overview_uri: moved": (
        lambda d: d[CPO]["serviceProperties"]["additionalRepositories"][0].update(url="https://elsewhere.example"),
        "says that the package is at https://elsewhere.example",
    ),
    "_contacts": (
        lambda d: d[CPO]["contactInformation"].pop(0),
        "/contactInformation: has no contact of type Security, which CDS-CSO-PUB asks for",
    ),
    "_fedramp_id": (
        lambda d: d["fedramp/accepted-vulnerabilities.json"].pop("fedRampId"),
        "/fedRampId: is None, and 'FR0000000000' in fedramp/certification-package-overview.json: CDS-CSO-FID asks for it everywhere",
    ),
    "_open": (
        lambda d: d[CPO]["serviceProperties"].update(deploymentModel="Not stated in system.toml: [service] deployment"),
        "the schema takes only its own words here",
    ),
}


def _failed_fact(found: Documents) -> None:
    check = _ksi(found, "KSI-CNA-RNT")["ksiTests"][0].partition(": ")[0]
    next(fact for fact in found["evidence/facts.json"]["facts"] if fact["check"] == check)["outcome"] = "failed"


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_found(sound: Documents, case: str) -> None:
    damaged = copy.deepcopy(sound)
    damage, expected = WRONG[case]
    damage(damaged)
    lines = [f"{finding.document} {finding.pointer}: {finding.message}" for finding in errors(check_fedramp(damaged, "C", "20x"))]
    assert [line for line in lines if expected in line], lines


def test_every_rule_has_a_case_that_fails_it() -> None:
    assert {case.partition(":")[0] for case in WRONG} == {rule.__name__ for rule in fedramp_checks.RULES}


def test_a_file_that_is_named_has_to_be_there(sound: Documents) -> None:
    files = frozenset({*sound, SDR_PAGE, *_named(sound)}) - {CPO_PAGE}
    found = [f"{each.document} {each.message}" for each in errors(check_fedramp(sound, "C", "20x", files))]
    assert f"{CPO_PAGE} is missing: CPO-CSO-OVR asks for a form that people can read" in found
    assert set(found[1:]) == {f"{SDR} {CPO_PAGE} is no file of this package"}
    lacking = frozenset({*sound, SDR_PAGE, *_named(sound)}) - {"fedramp/mas-flows.json"}
    assert f"{CPO} fedramp/mas-flows.json is no file of this package" in [
        f"{each.document} {each.message}" for each in errors(check_fedramp(sound, "C", "20x", lacking))
    ]
    assert check_fedramp(sound, "C", "20x", frozenset({*sound, SDR_PAGE, *_named(sound)})) == check_fedramp(sound, "C", "20x")


def _named(found: Documents) -> Iterator[str]:
    base = "https://www.example.gov/package/"
    yield from (each["location"].removeprefix(base) for each in found[CPO]["ruleInformation"] if "location" in each)
    for entry in found[SDR]["fedRampRequirements"]:
        yield from (artifact.removeprefix(base).partition("#")[0] for artifact in entry["frrArtifacts"])


def test_a_damaged_folder_is_judged_without_falling_over() -> None:
    found = check_fedramp({SDR: None, CPO: {"serviceProperties": [], "contactInformation": "x"}, OCR_EXAMPLE: {}}, "C", "20x")
    assert f"{SDR} is missing or no JSON object: FRC-CSO-PKG asks for it" in [f"{each.document} {each.message}" for each in found]
