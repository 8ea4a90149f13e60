"""`out/` is what the generator emits, byte for byte: its diff is the review of a change."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
from tests.systems import REFERENCES, overlay, package_of

from claimstack.generator.package import Package
from claimstack.generator.writing import differences

ROOT = Path(__file__).parents[2]
SYSTEMS: Mapping[str, Callable[[], Package]] = {
    **{f"examples/{name}.toml": partial(package_of, name) for name in REFERENCES},
    "examples/overlay/system.toml": overlay,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_committed_package_is_what_the_generator_emits(name: str) -> None:
    package = package_of(name)
    assert package.system.config.name == name
    assert list(differences(package.files, ROOT / "out" / name)) == [], "run make build, and read the diff of out/ as an assessor would"


def test_out_holds_the_reference_systems_and_nothing_else() -> None:
    assert sorted(path.name for path in (ROOT / "out").iterdir() if not path.name.startswith(".")) == sorted(REFERENCES)


PRINT_HASHES = """
import hashlib, sys
from pathlib import Path
from claimstack.generator.extensions import load_extensions
from claimstack.generator.loading import load_config
from claimstack.generator.package import make_package
for name in sys.argv[1:]:
    config = load_config(Path(name))
    package = make_package(config, load_extensions(config.extensions, Path(name).parent))
    for path, text in package.files.items():
        print(name, path, hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_bytes_depend_neither_on_the_process_nor_on_time_place_language_or_hash_seed(seed: str, tmp_path: Path) -> None:
    surroundings = {
        "PYTHONHASHSEED": seed,
        "TZ": "Asia/Kathmandu",
        "LANG": "C",
        "LC_ALL": "C",
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
    }
    printed = subprocess.run(
        [sys.executable, "-c", PRINT_HASHES, *(str(ROOT / system) for system in SYSTEMS)],
        cwd=tmp_path,
        env=surroundings,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    expected = [
        f"{ROOT / system} {path} {hashlib.sha256(text.encode()).hexdigest()}"
        for system, make in SYSTEMS.items()
        for path, text in make().files.items()
    ]
    assert printed.splitlines() == expected


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_file_names_the_machine_that_built_it(system: str) -> None:
    traces = (str(ROOT), str(Path.home()) + os.sep)
    files = SYSTEMS[system]().files
    assert [(path, trace) for path, text in files.items() for trace in traces if trace in text] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_manifest_lists_every_other_file_with_its_hash(system: str) -> None:
    files = SYSTEMS[system]().files
    manifest = json.loads(files["manifest.json"])
    assert manifest["files"] == {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items() if path != "manifest.json"}
