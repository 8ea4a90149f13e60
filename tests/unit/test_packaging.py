"""Packaging: what the distribution holds, and what its command line loads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from claimstack.generator.passing import recorded_results

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS: dict[str, str] = PYPROJECT["tool"]["setuptools"]["package-dir"]
RESULTS = "tests/results.json"
"""Beside the packages: what claims about the runtime rest on, wherever the generator runs."""
HEAVY = ("cfnlint", "trestle", "troposphere")

IMPORT_ALL = """
import claimstack, importlib, pkgutil
names = sorted(module.name for module in pkgutil.walk_packages(claimstack.__path__, "claimstack."))
files = {importlib.import_module(name).__file__ for name in names}
from claimstack.generator.cli import main
assert callable(main)
print("\\n".join(sorted(files)))
"""

PRINT_RESULTS = """
import json
from claimstack.generator.passing import RESULTS, recorded_results
print(RESULTS)
print(json.dumps(recorded_results()))
"""

HELP = f"""
import sys
from claimstack.generator.cli import main
sys.argv = ["claimstack", "--help"]
try:
    main()
finally:
    print("loaded:", *[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


def is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the sources: setuptools leaves build/ behind, whose stale files would end up in the next wheel."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    (source / "tests").mkdir()
    shutil.copy(ROOT / RESULTS, source / RESULTS)
    for folder in FOLDERS.values():
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", built, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = built.iterdir()
    return path


def test_the_package_list_equals_the_tree() -> None:
    tree = {
        ".".join((package, *path.parent.relative_to(ROOT / folder).parts))
        for package, folder in FOLDERS.items()
        for path in (ROOT / folder).rglob("*.py")
    }
    assert sorted(PYPROJECT["tool"]["setuptools"]["packages"]) == sorted(tree)


def test_every_package_folder_has_an_init_file() -> None:
    folders = {path.parent for folder in FOLDERS.values() for path in (ROOT / folder).rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_the_wheel_holds_every_source_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    dist_info = f"claimstack-{PYPROJECT['project']['version']}.dist-info/"
    sources = [
        f"{package.replace('.', '/')}/{path.relative_to(ROOT / folder).as_posix()}"
        for package, folder in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if is_source(path)
    ]
    assert sorted(name for name in names if not name.startswith(dist_info)) == sorted([*sources, f"claimstack/{RESULTS}"])
    assert f"{dist_info}licenses/LICENSE" in names


def test_an_installed_wheel_imports_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    # -S leaves out the .pth file of the editable install, which would answer for what the wheel lacks.
    path = os.pathsep.join((str(tmp_path), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    command = [sys.executable, "-S", "-c", IMPORT_ALL]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env={"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(str(file) for file in (tmp_path / "claimstack").rglob("*.py"))


def test_an_installed_wheel_reads_the_recorded_results_of_its_own_runtime(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    path = os.pathsep.join((str(tmp_path), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    command = [sys.executable, "-S", "-c", PRINT_RESULTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env={"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    file, printed = done.stdout.splitlines()
    assert (file, json.loads(printed)) == (str(tmp_path / "claimstack" / RESULTS), recorded_results())


def test_help_loads_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "loaded:\n")
    assert "Usage" in done.stdout
