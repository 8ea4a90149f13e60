"""Catalog texts: statements, objectives and parameters in the words of NIST, read from the catalog that a user passes; none is kept."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from claimstack.controls.catalog import Catalog, Source
from claimstack.controls.errors import InputError

_INSERT: Final = re.compile(r"\{\{ *insert: *param, *([\w.-]+) *\}\}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words: of the standard, a value that system.toml sets, or a place where a value is missing."""

    text: str
    kind: Literal["text", "set", "open"] = "text"


@dataclass(frozen=True, slots=True)
class Line:
    """A part of a statement with its label, such as `a.`, below the part it stands in."""

    label: str
    depth: int
    pieces: tuple[Piece, ...]


Valued = Callable[[str], str | None]
"""Control parameter id → the value that system.toml sets, or None."""


@dataclass(frozen=True, slots=True)
class CatalogTexts:
    """The texts of one catalog file, found by the ids of our facts."""

    title: str
    version: str
    sha256: str
    _parts: Mapping[str, Any]
    """Every part that has an id."""
    _parameters: Mapping[str, Any]

    def statement(self, part: str, valued: Valued) -> tuple[Line, ...]:
        """The wording of a control statement or of one point, its own parts below it."""
        return tuple(self._lines(self._parts.get(part), valued, 0))

    def objective(self, id_: str, valued: Valued) -> tuple[Piece, ...]:
        """The wording of one assessment objective."""
        return self._pieces(self._parts.get(id_, {}).get("prose", ""), valued)

    def parameter(self, id_: str) -> str:
        """What a control parameter asks for."""
        return self._asked(id_)

    def _lines(self, part: Any, valued: Valued, depth: int) -> Iterator[Line]:
        if part is None:
            return
        label = next((prop["value"] for prop in part.get("props", ()) if prop["name"] == "label"), "")
        if part.get("prose"):
            yield Line(label, depth, self._pieces(part["prose"], valued))
        for inner in part.get("parts", ()):
            yield from self._lines(inner, valued, depth + 1)

    def _pieces(self, prose: str, valued: Valued) -> tuple[Piece, ...]:
        pieces: list[Piece] = []
        at = 0
        for found in _INSERT.finditer(prose):
            pieces += [Piece(prose[at : found.start()])] if found.start() > at else []
            pieces += self._inserted(found[1], valued)
            at = found.end()
        return (*pieces, *([Piece(prose[at:])] if at < len(prose) else []))

    def _inserted(self, parameter: str, valued: Valued) -> list[Piece]:
        value = valued(parameter)
        if value is not None:
            return [Piece(value, "set")]
        parts = [prop["value"] for prop in self._parameters.get(parameter, {}).get("props", ()) if prop["name"] == "aggregates"]
        values = [valued(part) for part in parts]
        if parts and all(value is not None for value in values):
            return [Piece("; ".join(str(value) for value in values), "set")]
        return [Piece(f"[{self._asked(parameter)}: not set]", "open")]

    def _asked(self, parameter: str) -> str:
        """Label or choices of a parameter as one phrase; what is inserted into a choice is named by its own label."""
        said = self._parameters.get(parameter, {})
        if "label" in said:
            return str(said["label"])
        choices = said.get("select", {}).get("choice", ())
        return " or ".join(_INSERT.sub(lambda found: self._asked(found[1]), choice) for choice in choices) or parameter


def load_catalog_texts(path: Path, catalog: Catalog) -> CatalogTexts:
    """The texts of the one catalog file that the facts of this version were taken from.

    Raises InputError for any other file: texts of another version would stand beside answers to this one.
    """
    wanted = _wanted(catalog)
    want = f"wanted is the NIST SP 800-53 catalog {wanted.version} in OSCAL JSON, the file that oscal/profile.json imports"
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"--catalog: {path}: cannot be read ({error.strerror}); {want}") from error
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(f"--catalog: {path}: is not JSON ({error}); {want}") from error
    if not isinstance(document, dict) or not isinstance(document.get("catalog"), dict):
        kinds: dict[type, str] = {dict: "an empty object", list: "a list", str: "a text"}
        held = repr(next(iter(document))) if isinstance(document, dict) and document else kinds.get(type(document), "a single value")
        raise InputError(f"--catalog: {path}: is no OSCAL catalog (it holds {held}); {want}")
    metadata = document["catalog"].get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    title, version = (str(metadata.get(key, "not stated")) for key in ("title", "version"))
    if version != wanted.version:
        named = repr(title) if "title" in metadata else "a catalog without a title"
        raise InputError(f"--catalog: {path}: is {named}, version {version}; {want}")
    digest = hashlib.sha256(raw).hexdigest()
    if digest != wanted.sha256:
        raise InputError(
            f"--catalog: {path}: says version {version}, but its sha256 is {digest}, not {wanted.sha256}: it was changed or is another "
            f"edition; {want}"
        )
    return _texts(document["catalog"], title, version, digest)


def _wanted(catalog: Catalog) -> Source:
    return next(source for source in catalog.sources if source.file.startswith("nist/"))


def _texts(catalog: Any, title: str, version: str, digest: str) -> CatalogTexts:
    parts: dict[str, Any] = {}
    parameters: dict[str, Any] = {}

    def enter_part(part: Any) -> None:
        if "id" in part:
            parts[part["id"]] = part
        for inner in part.get("parts", ()):
            enter_part(inner)

    def enter_control(control: Any) -> None:
        parameters.update((parameter["id"], parameter) for parameter in control.get("params", ()))
        for part in control.get("parts", ()):
            enter_part(part)
        for inner in control.get("controls", ()):
            enter_control(inner)

    for group in catalog["groups"]:
        for control in group.get("controls", ()):
            enter_control(control)
    return CatalogTexts(title, version, digest, parts, parameters)
