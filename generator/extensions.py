"""Extensions: a team's own resources, claims and dispositions, under the same checks as ours.

An extension is a Python module with a function `extend(system: System) -> None`: a file beside system.toml, or an installed
package that names its module under the entry point group `claimstack.extensions`. It may hold ENVIRONMENT as well: variables that its
tools find in the function's environment, name to text or symbol.
"""

from __future__ import annotations

import importlib.util
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.emitted import plain
from claimstack.generator.resources.function import OPTIONAL
from claimstack.generator.system import System

GROUP = "claimstack.extensions"
VARIABLE = r"[A-Za-z][A-Za-z0-9_]*"
RESERVED = ("CLAIMSTACK_", "AWS_", "LAMBDA_")
"""Prefixes of variables that the contract with the runtime, except for OPTIONAL, and AWS Lambda keep for themselves."""
FOREIGN = (Exception, SystemExit)
"""Whatever foreign code raises is told by its name; only an interrupt is the user's."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension as it was loaded."""

    name: str
    """As its errors call it."""
    extend: Callable[[System], None]
    environment: Mapping[str, Any] = field(default_factory=dict)


def load_extensions(names: tuple[str, ...], folder: Path) -> tuple[Extension, ...]:
    """The extensions that system.toml names; files are looked up in its folder.

    Raises InputError, with a cause for each, where a file or entry point does not exist, cannot be imported or is no extension.
    """
    found: list[Extension] = []
    causes: list[str] = []
    for name in names:
        try:
            found.append(_from_file(folder / name) if name.endswith(".py") else _from_entry_point(name))
        except InputError as error:
            causes += error.causes
    raise_all(causes)
    return tuple(found)


def environment_of(extensions: Iterable[Extension]) -> dict[str, Any]:
    """The variables of all extensions; raise InputError where two set the same one differently."""
    variables: dict[str, Any] = {}
    causes: list[str] = []
    for extension in extensions:
        for name, value in extension.environment.items():
            if plain(variables.setdefault(name, value)) != plain(value):
                causes.append(f"{extension.name}: ENVIRONMENT: another extension sets {name} to something else; rename one")
    raise_all(causes)
    return variables


def apply(extension: Extension, system: System) -> None:
    """Let an extension add to a system; whatever goes wrong in it is told by its name."""
    try:
        extension.extend(system)
    except InputError as error:
        file = Path(extension.name).name
        raise InputError(*(cause if file in cause else f"{extension.name}: {cause}" for cause in error.causes)) from error
    except FOREIGN as error:
        code = getattr(extension.extend, "__code__", None)
        raise InputError(f"{extension.name}: extend() failed: {_told(error, code and code.co_filename)}") from error


def _from_file(path: Path) -> Extension:
    if not path.is_file():
        raise InputError(f"{path}: no such file, though `extensions` names it; an overlay is a Python file beside system.toml")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except FOREIGN as error:
        raise InputError(f"{path}: cannot be imported: {_told(error, spec.origin)}") from error
    return _extension(module, str(path))


def _from_entry_point(name: str) -> Extension:
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none"
        raise InputError(f"extensions: no entry point {name!r} in {GROUP} (installed: {known}); a file beside system.toml ends in .py")
    try:
        module = installed[name].load()
    except FOREIGN as error:
        raise InputError(f"extension {name}: cannot be imported: {_told(error)}") from error
    return _extension(module, f"extension {name}")


def _extension(module: object, where: str) -> Extension:
    extend = getattr(module, "extend", None)
    if not callable(extend):
        raise InputError(f"{where}: has no function extend(system); write one that adds to the system")
    environment = getattr(module, "ENVIRONMENT", {})
    if not isinstance(environment, Mapping):
        raise InputError(f"{where}: ENVIRONMENT is no mapping of variables to values")
    raise_all(
        f"{where}: ENVIRONMENT: {name!r} is no name for a variable of a tool; use letters, digits and _, and none of {', '.join(RESERVED)}"
        for name in environment
        if name not in OPTIONAL and (not isinstance(name, str) or not re.fullmatch(VARIABLE, name) or name.upper().startswith(RESERVED))
    )
    return Extension(where, extend, environment)


def _told(error: BaseException, file: str | None = None) -> str:
    """An error of foreign code on one line, with the line of `file` that led to it, else of the last foreign file."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename).name}, line {error.lineno})"
    ours = (str(Path(__file__).parent), str(Path(importlib.util.__file__).parent), "<frozen")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
    frames = [frame for frame in frames if frame.filename == file] or frames
    at = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    what = f"it calls sys.exit({error.code!r})" if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
    return " ".join(what.split()) + at
