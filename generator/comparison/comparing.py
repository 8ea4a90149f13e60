"""Comparing: two packages into everything that differs between them, and the gates that can fail on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from claimstack.controls.errors import MISSHAPEN, InputError, misshapen, raise_all
from claimstack.generator.comparison.boundary import boundary_changes, boundary_sources
from claimstack.generator.comparison.claims import claim_changes, disposition_changes, fact_changes, point_changes, remainder_changes
from claimstack.generator.comparison.findings import Comparison, FileChanges, Findings, Proposal, ValueChange
from claimstack.generator.comparison.parameters import parameter_changes
from claimstack.generator.comparison.reading import Contents
from claimstack.generator.comparison.replacement import MISSING_JUDGE, can_judge
from claimstack.generator.comparison.resources import resource_changes, template_parameter_changes
from claimstack.generator.comparison.sides import Pair
from claimstack.generator.comparison.significance import propose
from claimstack.generator.comparison.staleness import edited_files, stale_statements
from claimstack.generator.comparison.values import field_changes
from claimstack.generator.emitted import Json
from claimstack.generator.moved import MOVED, Moved
from claimstack.generator.partition import COMMERCIAL, partition_named
from claimstack.generator.paths import CPO, MANIFEST, MAS_RESOURCES, SDR, SSP, TEST_RESULTS

IMPACTS = ("confidentiality-impact", "integrity-impact", "availability-impact")


def compare(old: Contents, new: Contents, moved: tuple[Moved, ...] = MOVED, name: str | None = None) -> Comparison:
    """Both are read as they stand; nothing is built anew, and neither is changed."""
    region = (partition_named(new.manifest["partition"]) or COMMERCIAL).lint_regions[0]
    facts = tuple(fact_changes(old, new, moved))
    findings = Findings(
        system=new.system,
        class_=str(new.manifest["class"]),
        certification=str(new.manifest["certification"]),
        identity=tuple(_identity(old, new)),
        resources=resource_changes(old.resources(), new.resources(), moved, region),
        replacement_judged=can_judge(),
        template_parameters=tuple(template_parameter_changes(old.emitted, new.emitted)),
        claims=tuple(claim_changes(old, new, moved)),
        points=tuple(point_changes(old, new)),
        remainders=tuple(remainder_changes(old, new)),
        facts=facts,
        dispositions=tuple(disposition_changes(old, new)),
        parameters=tuple(parameter_changes(old, new, facts)),
        boundary=tuple(boundary_changes(old, new)),
        boundary_sources=boundary_sources(old, new),
        runtime_changed=_runtime(old) != _runtime(new),
        stale=(*stale_statements(old, "old"), *stale_statements(new, "new")),
        files=_files(old, new),
    )
    uri = new.documents.get(SDR, {}).get("certificationPackageOverviewUri")
    return Comparison(
        name=name or new.system,
        old=old.label,
        new=new.label,
        findings=findings,
        proposal=propose(findings, new),
        package_uri=uri if isinstance(uri, str) else None,
        service=_service(new),
    )


def _identity(old: Contents, new: Contents) -> Iterator[ValueChange]:
    yield from field_changes(old.manifest, new.manifest, "system", "class", "certification", "partition")
    before, after = ((side.coverage.get("leveraged") or {}).get("package_id") for side in (old, new))
    if before != after:
        yield ValueChange("leveraged authorization", before, after)
    if MAS_RESOURCES in old.documents and MAS_RESOURCES in new.documents:
        yield from field_changes(old.documents[MAS_RESOURCES], new.documents[MAS_RESOURCES], "region")
    if SSP in old.documents and SSP in new.documents:
        yield from field_changes(_categorization(old), _categorization(new), *dict.fromkeys((*_categorization(old), *_categorization(new))))


def _categorization(side: Contents) -> dict[str, str]:
    """The security categorization of the whole, and of each type of information, as the system security plan gives them."""
    said = side.documents[SSP].get("system-security-plan", {}).get("system-characteristics", {})
    found = {"security categorization": str(said.get("security-sensitivity-level"))}
    for kind in said.get("system-information", {}).get("information-types", ()):
        impacts = [str(kind.get(impact, {}).get("selected", kind.get(impact, {}).get("base"))) for impact in IMPACTS]
        found[f"information type {kind.get('title')}"] = ", ".join(impacts)
    return found


def _runtime(side: Contents) -> Json:
    results = side.documents.get(TEST_RESULTS)
    return results.get("runtime_sha256") if isinstance(results, dict) else None


def _files(old: Contents, new: Contents) -> FileChanges:
    before, after = ({path: text for path, text in side.texts.items() if path != MANIFEST} for side in (old, new))
    return FileChanges(
        added=tuple(path for path in after if path not in before),
        removed=tuple(path for path in before if path not in after),
        changed=tuple(path for path in after if path in before and before[path] != after[path]),
    )


def _service(new: Contents) -> dict[str, str]:
    """The FedRAMP id of the offering and the name of its assessor, where a document of the package gives them."""
    found: dict[str, str] = {}
    for path in (SDR, CPO):
        document = new.documents.get(path)
        for name, value in _service_entries(document) if isinstance(document, dict) else ():
            if isinstance(value, str):
                found.setdefault(name, value)
    return found


def _service_entries(document: Json) -> Iterator[tuple[str, Json]]:
    yield "fedRampId", document.get("fedRampId")
    assessor = document.get("assessor")
    yield "assessorName", assessor.get("name") if isinstance(assessor, dict) else None


def _is_stale(found: Findings) -> bool:
    """A change fails on the defects that it leaves; those of the old package are told, and a change that mends them passes."""
    return any(statement.side == "new" for statement in found.stale)


NOTIFIED = ("certification-class-change", "transformative", "adaptive")
"""Classes that somebody has to be told of."""
GATES: Mapping[str, Callable[[Findings, Proposal], bool]] = {
    "lost-claim": lambda found, _: any(item.kind == "lost" for item in found.claims),
    "weakened-claim": lambda found, _: any(item.kind == "weakened" for item in found.claims),
    "failed-fact": lambda found, _: any(item.turned and item.new_outcome == "failed" for item in found.facts),
    "replacement": lambda found, _: any(item.loses_identity or item.kind == "refused" for item in found.resources),
    "stateful-replacement": lambda found, _: any(
        item.stateful and (item.loses_identity or item.kind in ("removed", "refused")) for item in found.resources
    ),
    "worse-status": lambda found, _: any(item.direction == "worse" for item in found.points),
    "boundary": lambda found, _: bool(found.boundary),
    "significant": lambda _, proposal: proposal.class_ in NOTIFIED,
    "stale-statement": lambda found, _: _is_stale(found),
    "any": lambda found, _: not found.is_empty or _is_stale(found),
}
"""Word of --fail-on → whether a comparison meets it."""
NEEDS_JUDGE = ("replacement", "stateful-replacement")


def compare_pair(pair: Pair) -> Comparison:
    """Raises InputError for packages of two kinds, and for one that holds what no build writes."""
    redacted, others = (
        [side.label for side in (pair.old, pair.new) if bool(side.manifest.get("redacted")) is kind] for kind in (True, False)
    )
    if redacted and others:
        raise InputError(f"{redacted[0]}: is redacted, and {others[0]} is not, so that every name would differ; compare two of one kind")
    try:
        return compare(pair.old, pair.new, name=pair.name)
    except MISSHAPEN as error:
        changed = [f"{side.label}/{path}: was changed after the build" for side in (pair.old, pair.new) for path in edited_files(side)]
        raise InputError(
            *(changed or [f"{pair.old.label}, {pair.new.label}: one of them is not as claimstack build writes it"]),
            f"they cannot be compared ({misshapen(error)}); build the package again",
        ) from error


def named_gates(words: Iterable[str]) -> tuple[str, ...]:
    """Raises InputError for a word that is no gate, and for one that nothing here can judge."""
    words = tuple(words)
    raise_all(f"--fail-on: {word!r} is none of {', '.join(GATES)}" for word in words if word not in GATES)
    if not can_judge():
        raise_all(f"--fail-on {word}: {MISSING_JUDGE}" for word in words if word in NEEDS_JUDGE)
    return words


def met_gates(comparison: Comparison, gates: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the named gates that a comparison meets, in the order given."""
    return tuple(gate for gate in dict.fromkeys(gates) if GATES[gate](comparison.findings, comparison.proposal))


def as_data(comparison: Comparison) -> dict[str, Any]:
    """A comparison as JSON, in the words of the findings."""
    data = asdict(comparison, dict_factory=lambda fields: {name.rstrip("_"): value for name, value in fields})
    findings = data.pop("findings")
    return {**data, **findings, "differs": not comparison.findings.is_empty}
