"""FedRAMP checks: whether the FedRAMP documents of a package are complete and agree, since the official schemas accept any id."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal
from urllib.parse import unquote

from claimstack.controls.catalog import label, load_catalog
from claimstack.controls.rules import ROUTES, load_rules
from claimstack.generator.documents.fedramp.common import NOT_STATED, NOT_STATED_HOST
from claimstack.generator.documents.fedramp.rules import applicable_rules
from claimstack.generator.documents.states import FEDRAMP_WORDS, SDR_STATUSES, STATES
from claimstack.generator.documents.unstated import NEEDED_CONTACTS
from claimstack.generator.emitted import ABSENT, steps_of, value_at
from claimstack.generator.evaluation import Status
from claimstack.generator.paths import COVERAGE, CPO, CPO_PAGE, FACTS, OCR_EXAMPLE, SDR, SDR_PAGE
from claimstack.generator.predicates import Outcome, worst

CLOSED: Final = ("/serviceProperties/serviceType/0", "/serviceProperties/deploymentModel")
"""Pointers into the overview where the schema has a closed list and takes no open value."""
METADATA: Final = ("version", "lastUpdated", "updateSource")
_OUTCOME: Final = re.compile(r"^(?P<check>\S+): .*?\boutcome (?P<outcome>passed|failed|conditional|not-evaluated)\b", re.DOTALL)

Level = Literal["error", "note"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    document: str
    pointer: str
    message: str
    level: Level = "error"
    """A note says what is open: it is for people, and no error."""


@dataclass(frozen=True)
class Package:
    """The documents of one package, with what its manifest says of it."""

    documents: Mapping[str, Any]
    class_: str
    certification: str
    files: Collection[str]

    @cached_property
    def fedramp(self) -> dict[str, dict[str, Any]]:
        return {path: each for path, each in self.documents.items() if path.startswith("fedramp/") and isinstance(each, dict)}

    def document(self, path: str) -> dict[str, Any]:
        return self.fedramp.get(path, {})

    def entries(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """The objects of a list of the record, each with its pointer."""
        return [(f"/{key}/{index}", each) for index, each in enumerate(_list(self.document(SDR), key)) if isinstance(each, dict)]

    @cached_property
    def base(self) -> str:
        """What every address of a file of this package begins with."""
        return str(self.document(SDR).get("certificationPackageOverviewUri", "")).removesuffix(CPO)


def check_fedramp(
    documents: Mapping[str, Any], class_: str, certification: str, files: Collection[str] | None = None
) -> tuple[Finding, ...]:
    """Hold the FedRAMP documents against the facts of the catalog and the rules, and against the documents beside them.

    `documents`: content of JSON files by path in the package. `files`: every path of the package; without it, those of `documents`,
    and nothing is said of files that are no JSON.
    """
    package = Package(documents, class_, certification, documents if files is None else files)
    rules = RULES if files is None else (*RULES, _files)
    return tuple(sorted(finding for rule in rules for finding in rule(package)))


def _complete(package: Package) -> Iterator[Finding]:
    """A certification package has an overview, a decision record and a real or an example report (rule FRC-CSO-PKG)."""
    reports = [path for path in package.fedramp if "ongoing-certification-report" in path]
    for path in (SDR, CPO, *(() if reports else (OCR_EXAMPLE,))):
        if path not in package.fedramp:
            yield Finding(path, "", "is missing or no JSON object: FRC-CSO-PKG asks for it")


def _files(package: Package) -> Iterator[Finding]:
    """The forms for people are there, and so is every file that the overview and the answers to rules name."""
    for path, rule in ((SDR_PAGE, "SDR-CSO-FRR"), (CPO_PAGE, "CPO-CSO-OVR")):
        if path not in package.files:
            yield Finding(path, "", f"is missing: {rule} asks for a form that people can read")
    for index, entry in enumerate(_list(package.document(CPO), "ruleInformation")):
        if "location" in entry:
            yield from _location(package, CPO, f"/ruleInformation/{index}/location", str(entry["location"]))
    for pointer, entry in package.entries("fedRampRequirements"):
        for index, artifact in enumerate(_list(entry, "frrArtifacts")):
            yield from _location(package, SDR, f"{pointer}/frrArtifacts/{index}", str(artifact))


def _metadata(package: Package) -> Iterator[Finding]:
    for path, rule in ((SDR, "SDR-CSO-MTD"), (CPO, "CPO-CSO-MTD")):
        stated = package.document(path).get("metadata", {})
        needed = (*METADATA, "responsibleOfficial") if path == CPO else METADATA
        for key in needed:
            if path in package.fedramp and not (isinstance(stated, dict) and stated.get(key)):
                yield Finding(path, f"/metadata/{key}", f"is missing: {rule} asks for it")
    both = [package.document(path).get("metadata", {}) for path in (SDR, CPO) if path in package.fedramp]
    if len(both) == 2 and all(isinstance(each, dict) for each in both):
        for key in METADATA:
            if both[0].get(key) != both[1].get(key):
                yield Finding(CPO, f"/metadata/{key}", f"is {both[1].get(key)!r}, and {both[0].get(key)!r} in {SDR}: not of one build")


def _certification(package: Package) -> Iterator[Finding]:
    identification = package.document(CPO).get("serviceIdentification", {})
    if CPO in package.fedramp and identification.get("certificationType") != ROUTES[package.certification]:
        stated = identification.get("certificationType")
        yield Finding(CPO, "/serviceIdentification/certificationType", f"is {stated!r}, must be {ROUTES[package.certification]!r}")


def _ids(package: Package, key: str, id_key: str, known: Collection[str], wanted: Iterable[str], kind: str) -> Iterator[Finding]:
    """Each wanted id once, and no other; `known` are those that exist at all."""
    if SDR not in package.fedramp:
        return
    wanted = tuple(wanted)
    found = Counter(str(entry.get(id_key)) for _, entry in package.entries(key))
    for pointer, entry in package.entries(key):
        id_ = str(entry.get(id_key))
        if id_ not in known:
            yield Finding(SDR, f"{pointer}/{id_key}", f"{id_} is no {kind}")
        elif id_ not in wanted:
            yield Finding(SDR, f"{pointer}/{id_key}", f"{id_} does not apply to class {package.class_} on route {package.certification}")
    yield from (Finding(SDR, f"/{key}", f"{id_} stands there {times} times") for id_, times in found.items() if times > 1)
    yield from (Finding(SDR, f"/{key}", f"{id_} is missing") for id_ in wanted if id_ not in found)


def _controls(package: Package) -> Iterator[Finding]:
    catalog = load_catalog()
    of_class = [label(control.id) for control in catalog.class_controls(package.class_)]
    yield from _ids(package, "securityControls", "controlId", {label(id_) for id_ in catalog.controls}, of_class, "control")


def _ksis(package: Package) -> Iterator[Finding]:
    ksis = load_catalog().ksis
    yield from _ids(package, "keySecurityIndicators", "ksiId", ksis, ksis, "Key Security Indicator")


def _requirements(package: Package) -> Iterator[Finding]:
    wanted = [rule.id for rule in applicable_rules(package.class_, package.certification)]
    yield from _ids(package, "fedRampRequirements", "frrID", load_rules(), wanted, "provider rule")


def _statuses(package: Package) -> Iterator[Finding]:
    """Every status stands in each of its spellings, and they agree."""
    status_of = {FEDRAMP_WORDS[state]: status for state, status in SDR_STATUSES.items()}
    for key, status_key in STATUS_KEYS.items():
        for pointer, entry in package.entries(key):
            status, word = entry.get(status_key), entry.get("statusWord")
            if status_of.get(str(word)) != status:
                yield Finding(SDR, f"{pointer}/{status_key}", f"is {status!r}, which is not what {word!r} is called in the schema")


STATUS_KEYS: Final[Mapping[str, str]] = {
    "securityControls": "controlImplementationStatus",
    "keySecurityIndicators": "ksiImplementationStatus",
    "fedRampRequirements": "frrImplementationStatus",
}


def _controls_agree(package: Package) -> Iterator[Finding]:
    """A control has the status that evidence/coverage.json gives it."""
    coverage = package.documents.get(COVERAGE)
    answers = coverage.get("answers", {}) if isinstance(coverage, dict) else {}
    by_label = {label(id_): answer for id_, answer in answers.items()}
    for pointer, entry in package.entries("securityControls"):
        answer = by_label.get(str(entry.get("controlId")))
        if answer is None:
            continue
        covered, said = answer.get("status"), entry.get("coverageStatus")
        if covered != said:
            yield Finding(SDR, f"{pointer}/coverageStatus", f"{entry.get('controlId')} is {said!r}, and {covered!r} in {COVERAGE}")
        elif (status := entry.get("controlImplementationStatus")) not in _statuses_of(str(covered)):
            yield Finding(SDR, f"{pointer}/controlImplementationStatus", f"{entry.get('controlId')} is {status!r}, though {covered}")


def _statuses_of(coverage: str) -> tuple[str, ...]:
    """What the schema may call a control of this coverage; a failed one is partial while another claim holds."""
    status = Status(coverage)
    called = (SDR_STATUSES[STATES[status]],)
    return (*called, SDR_STATUSES["partial"]) if status is Status.FAILED else called


def _facts_agree(package: Package) -> Iterator[Finding]:
    """Evidence says of a check what evidence/facts.json found, the worst first."""
    facts = package.documents.get(FACTS)
    found: dict[str, set[str]] = {}
    for fact in _list(facts, "facts"):
        found.setdefault(str(fact.get("check")), set()).add(str(fact.get("outcome")))
    right = {check: worst(outcomes) or Outcome.FAILED for check, outcomes in found.items()}
    for pointer, entry in package.entries("keySecurityIndicators"):
        for index, evidence in enumerate(_list(entry, "ksiEvidence")):
            said = _OUTCOME.match(str(evidence.get("evidenceDescription", "")))
            where = f"{pointer}/ksiEvidence/{index}/evidenceDescription"
            if said is None:
                yield Finding(SDR, where, "names no check and no outcome")
            elif isinstance(facts, dict) and right.get(said["check"], Outcome.FAILED) != said["outcome"]:
                yield Finding(SDR, where, f"{said['check']} is {said['outcome']}, and {right.get(said['check'], 'unknown')} in {FACTS}")


def _ksis_earned(package: Package) -> Iterator[Finding]:
    """No indicator is implemented with fewer methods than its class asks for, or with a check that did not pass, or without evidence."""
    for pointer, entry in package.entries("keySecurityIndicators"):
        if entry.get("ksiImplementationStatus") != "Implemented":
            continue
        methods = entry.get("methods", {})
        outcomes = {_outcome(evidence) for evidence in _list(entry, "ksiEvidence")}
        if outcomes != {"passed"} or methods.get("shown", 0) < methods.get("required", 0):
            yield Finding(
                SDR, f"{pointer}/ksiImplementationStatus", f"{entry.get('ksiId')} is Implemented, which its evidence does not show"
            )


def _outcome(evidence: Mapping[str, Any]) -> str:
    said = _OUTCOME.match(str(evidence.get("evidenceDescription", "")))
    return said["outcome"] if said is not None else "unknown"


def _assessments(package: Package) -> Iterator[Finding]:
    """What the independent assessor writes is not the provider's to fill in."""
    for key, assessment in (("keySecurityIndicators", "ksiAssessment"), ("fedRampRequirements", "frrAssessment")):
        for pointer, entry in package.entries(key):
            if entry.get(assessment):
                yield Finding(SDR, f"{pointer}/{assessment}", "is filled in: it belongs to the independent assessor")


def _locations(package: Package) -> Iterator[Finding]:
    """Evidence lies in files of this package, and its pointers lead somewhere."""
    for pointer, entry in package.entries("keySecurityIndicators"):
        for index, evidence in enumerate(_list(entry, "ksiEvidence")):
            where = f"{pointer}/ksiEvidence/{index}/evidenceLocation"
            yield from _location(package, SDR, where, str(evidence.get("evidenceLocation", "")))


def _location(package: Package, document: str, where: str, uri: str) -> Iterator[Finding]:
    if not package.base or not uri.startswith(package.base):
        yield Finding(document, where, f"{uri} is outside this package, which begins with {package.base}")
        return
    path, _, fragment = uri.removeprefix(package.base).partition("#")
    if path not in package.files:
        yield Finding(document, where, f"{path} is no file of this package")
    elif fragment and path in package.documents and value_at(package.documents[path], steps_of(unquote(fragment))) is ABSENT:
        yield Finding(document, where, f"{path} has nothing at {unquote(fragment)}")


def _overview_uri(package: Package) -> Iterator[Finding]:
    """One address of the overview in every document, and it lies where the overview says that the package does."""
    first = package.document(SDR).get("certificationPackageOverviewUri")
    for path, document in package.fedramp.items():
        uri = document.get("certificationPackageOverviewUri", first)
        if uri != first:
            yield Finding(path, "/certificationPackageOverviewUri", f"is {uri}, and {first} in {SDR}")
    repositories = _list(package.document(CPO).get("serviceProperties", {}), "additionalRepositories")
    published = [str(each.get("url")) for each in repositories if "Certification Package" in each.get("repositoryType", ())]
    if SDR in package.fedramp and CPO in package.fedramp and first not in [f"{url}/{CPO}" for url in published]:
        yield Finding(SDR, "/certificationPackageOverviewUri", f"is {first}, and {CPO} says that the package is at {', '.join(published)}")


def _contacts(package: Package) -> Iterator[Finding]:
    if CPO in package.fedramp:
        kinds = {str(each.get("contactType")) for each in _list(package.document(CPO), "contactInformation")}
        for kind in NEEDED_CONTACTS:
            if kind not in kinds:
                yield Finding(CPO, "/contactInformation", f"has no contact of type {kind}, which CDS-CSO-PUB asks for")


def _fedramp_id(package: Package) -> Iterator[Finding]:
    """The FedRAMP id, once assigned, stands in all certification data (rule CDS-CSO-FID)."""
    assigned = package.document(CPO).get("fedRampId")
    for path, document in package.fedramp.items():
        if document.get("fedRampId") != assigned:
            yield Finding(
                path, "/fedRampId", f"is {document.get('fedRampId')!r}, and {assigned!r} in {CPO}: CDS-CSO-FID asks for it everywhere"
            )


def _open(package: Package) -> Iterator[Finding]:
    """Values that system.toml does not state: a note, unless the schema takes nothing open there."""
    for pointer, text in _texts(package.document(CPO)):
        if pointer in CLOSED and text.startswith(NOT_STATED):
            yield Finding(CPO, pointer, f"{text}: the schema takes only its own words here")
        elif text.startswith(NOT_STATED) or NOT_STATED_HOST in text:
            yield Finding(CPO, pointer, text, "note")
    if NOT_STATED_HOST in package.base:
        yield Finding(SDR, "/certificationPackageOverviewUri", f"{package.base}: [service] package_url is not stated", "note")


def _texts(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, f"{pointer}/{index}")


def _list(document: Any, key: str) -> list[Any]:
    found = document.get(key) if isinstance(document, dict) else None
    return found if isinstance(found, list) else []


RULES: Final[tuple[Callable[[Package], Iterator[Finding]], ...]] = (
    _complete,
    _metadata,
    _certification,
    _controls,
    _ksis,
    _requirements,
    _statuses,
    _controls_agree,
    _facts_agree,
    _ksis_earned,
    _assessments,
    _locations,
    _overview_uri,
    _contacts,
    _fedramp_id,
    _open,
)
