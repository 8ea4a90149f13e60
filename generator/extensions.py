"""Extensions: a team's own resources, claims and dispositions, under the same checks as ours.

An extension is a Python module with a function `extend(system: System) -> None`: a file beside system.toml, or an installed
package that names its module under the entry point group `claimstack.extensions`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from claimstack.controls.errors import InputError
from claimstack.generator.system import System

GROUP = "claimstack.extensions"

Extension = Callable[[System], None]


def load_extensions(names: tuple[str, ...], folder: Path) -> tuple[Extension, ...]:
    """The `extend` function of each extension that system.toml names; files are looked up in its folder.

    Raises InputError for a file or entry point that does not exist, cannot be imported or has no `extend`.
    """
    return tuple(_from_file(folder / name) if name.endswith(".py") else _from_entry_point(name) for name in names)


def apply(extension: Extension, system: System) -> None:
    """Let an extension add to a system; whatever goes wrong in it is told by its name."""
    try:
        extension(system)
    except InputError:
        raise
    except Exception as error:  # foreign code: whatever it raises is told by its name
        raise InputError(f"{extension.__module__}: extend() failed: {type(error).__name__}: {error}") from error


def _from_file(path: Path) -> Extension:
    if not path.is_file():
        raise InputError(f"system.toml: extensions: {path} does not exist; an overlay is a Python file beside system.toml")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    return _extend_of(module, str(path))


def _from_entry_point(name: str) -> Extension:
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none is installed"
        raise InputError(f"system.toml: extensions: no entry point {name!r} in {GROUP} ({known}); a file beside system.toml ends in .py")
    try:
        module = installed[name].load()
    except Exception as error:
        raise InputError(f"extension {name}: cannot be imported: {type(error).__name__}: {error}") from error
    return _extend_of(module, f"extension {name}")


def _extend_of(module: object, where: str) -> Extension:
    extend = getattr(module, "extend", None)
    if not callable(extend):
        raise InputError(f"{where}: has no function extend(system)")
    return extend  # type: ignore[no-any-return]  # a team's module is not type-checked with ours
