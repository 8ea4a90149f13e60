"""Reading: a package from the bytes of its files, or every reason why it is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from claimstack.controls.errors import MISSHAPEN, InputError, misshapen, raise_all
from claimstack.generator.documents.evidence.reading import answered
from claimstack.generator.emitted import Emitted, Json, asset_id
from claimstack.generator.evaluation import read_back
from claimstack.generator.paths import COVERAGE, CPO, FACTS, MANIFEST, MAS_FLOWS, MAS_RESOURCES, SDR, SSP, TEST_RESULTS, template_path

REQUIRED = (MANIFEST, COVERAGE, FACTS)
OPTIONAL = (SSP, MAS_FLOWS, MAS_RESOURCES, SDR, CPO)
"""Read where the package has them; those of older versions do not."""
PACKAGE_FOLDERS = ("cloudformation", "evidence")
"""Folders of every package: what has one of them and no manifest is a damaged package rather than none."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A package as it was read."""

    label: str
    """Where it was read, as a person gave it."""
    texts: Mapping[str, str]
    documents: Mapping[str, Json]
    """Every JSON file."""
    emitted: Emitted

    @property
    def manifest(self) -> Json:
        return self.documents[MANIFEST]

    @property
    def coverage(self) -> Json:
        return self.documents[COVERAGE]

    @property
    def facts(self) -> Json:
        return self.documents[FACTS]

    @property
    def system(self) -> str:
        return str(self.manifest["system"])

    def answers(self) -> Iterator[tuple[str, str, Json]]:
        """Control, point and answer; supplemental points last."""
        yield from answered(self.coverage)

    def by_point(self) -> dict[str, Json]:
        return {point: said for _, point, said in self.answers()}

    def resources(self) -> dict[str, Json]:
        """`<stack>.<logical id>` to the resource as the template has it."""
        return {asset_id(found): found.body for found in self.emitted.resources()}


def read_package(label: str, files: Mapping[str, bytes]) -> Contents:
    """Raises InputError with a line for each file that is missing, broken, or not what claimstack build writes."""
    causes = [f"{label}/{path}: missing; build the package again" for path in REQUIRED if path not in files]
    texts: dict[str, str] = {}
    documents: dict[str, Json] = {}
    for path in sorted(files):
        try:
            texts[path] = files[path].decode()
            if path.endswith(".json"):
                documents[path] = json.loads(texts[path])
        except UnicodeDecodeError:
            causes.append(f"{label}/{path}: is not UTF-8 text; build the package again")
        except (ValueError, RecursionError) as error:
            causes.append(f"{label}/{path}: is not JSON ({error}); build the package again")
    raise_all(causes)
    read = (*REQUIRED, *(path for path in OPTIONAL if path in documents))
    raise_all(f"{label}/{cause}" for path in read for cause in _shape_causes(path, documents[path]))
    listed = documents[MANIFEST]["files"]
    raise_all(f"{label}/{path}: missing, and the manifest lists it; build the package again" for path in listed if path not in files)
    return Contents(label, texts, documents, _templates(label, texts, documents))


def emptied(package: Contents) -> Contents:
    """A package of the same system with nothing in it, to compare one with that stands on one side only."""
    documents = {
        MANIFEST: {**package.manifest, "files": {}},
        COVERAGE: {**package.coverage, "answers": {}, "supplemental": {}, "parameters": {}},
        FACTS: {**package.facts, "resources": {}, "checks": [], "facts": []},
    }
    return Contents("nothing", {}, documents, Emitted({}))


def _shape_causes(path: str, document: Json) -> Iterator[str]:
    try:
        SHAPES[path](document)
    except MISSHAPEN as error:
        yield f"{path}: is not what claimstack build writes ({misshapen(error)}); build the package again"


def _manifest(document: Json) -> None:
    _texts(document, "system", "partition", "class", "certification")
    for path, digest in document["files"].items():
        _texts({"path": path, "sha256": digest}, "path", "sha256")


def _coverage(document: Json) -> None:
    for _, _, said in answered(document):
        _texts(said, "status", "why")
        for claim in said.get("claims", ()):
            _texts(claim, "resource", "component", "sentence", "outcome")
            _lists(claim, "checks", "meets")
        _lists({"unmet_objectives": (), "remains": (), **said}, "unmet_objectives", "remains")
        for remainder in said.get("remains", ()):
            _texts(remainder, "who", "what")
        if "disposition" in said:
            _texts(said["disposition"], "status", "origination", "source")
    for parameter in document.get("parameters", {}).values():
        _texts(parameter, "control")


def _facts(document: Json) -> None:
    for resource, said in document["resources"].items():
        _texts({"id": resource, **said}, "id", "type", "component")
    known = set()
    for check in document["checks"]:
        _texts(check, "id", "sentence", "sha256")
        _texts(check["expression"], "kind")
        known.add(check["id"])
    for fact in document["facts"]:
        _texts(fact, "check", "pointer", "expected", "outcome")
        if fact["check"] not in known:
            raise ValueError(f"a fact names the check {fact['check']!r}, which is not listed")
        fact["actual"], fact["environment"]


def _ssp(document: Json) -> None:
    said = document["system-security-plan"]["system-characteristics"]
    _texts(said, "system-name")
    _tables(said["system-information"], "information-types")
    for kind in said["system-information"]["information-types"]:
        _texts(kind, "title")
    _tables(document["system-security-plan"]["control-implementation"], "implemented-requirements")


def _flows(document: Json) -> None:
    _tables(document, "ends", "flows")


def _resources(document: Json) -> None:
    _texts(document, "region")
    _tables(document, "resources")


def _record(document: Json) -> None:
    _tables(document, "securityControls")
    for control in document["securityControls"]:
        _texts(control, "controlId")


def _overview(document: Json) -> None:
    _texts(document["metadata"], "updateSource")


def _tables(table: Any, *keys: str) -> None:
    for key in keys:
        if not isinstance(table[key], list) or not all(isinstance(entry, dict) for entry in table[key]):
            raise TypeError(f"{key} is not a list of objects")


def _texts(table: Any, *keys: str) -> None:
    for key in keys:
        if not isinstance(table[key], str):
            raise TypeError(f"{key} is {json.dumps(table[key])[:40]}, not a text")


def _lists(table: Any, *keys: str) -> None:
    for key in keys:
        if not isinstance(table[key], list | tuple):
            raise TypeError(f"{key} is not a list")


SHAPES: Mapping[str, Callable[[Json], None]] = {
    MANIFEST: _manifest,
    COVERAGE: _coverage,
    FACTS: _facts,
    SSP: _ssp,
    MAS_FLOWS: _flows,
    MAS_RESOURCES: _resources,
    SDR: _record,
    CPO: _overview,
}
"""Raise what Python raises where a document has not the shape that the comparison relies on."""


def _templates(label: str, texts: Mapping[str, str], documents: Mapping[str, Json]) -> Emitted:
    """The templates of a package: JSON below cloudformation/ with Resources, and every stack that the facts speak of."""
    stacks = dict.fromkeys(resource.partition(".")[0] for resource in documents[FACTS]["resources"])
    causes = [
        f"{label}/{template_path(stack)}: missing, and {FACTS} speaks of its resources; build the package again"
        for stack in stacks
        if template_path(stack) not in texts
    ]
    causes += [
        f"{label}/{template_path(stack)}: is no template: it has no Resources; build the package again"
        for stack in stacks
        if template_path(stack) in texts and "Resources" not in (documents[template_path(stack)] or ())
    ]
    raise_all(causes)
    for path, document in documents.items():
        folder, _, name = path.rpartition("/")
        if folder == "cloudformation" and isinstance(document, dict) and "Resources" in document:
            stacks[name.removesuffix(".json")] = None
    try:
        return read_back({stack: texts[template_path(stack)] for stack in stacks}, results=documents.get(TEST_RESULTS))
    except InputError as error:
        raise InputError(*(f"{label}/{cause}; build the package again" for cause in error.causes)) from None
