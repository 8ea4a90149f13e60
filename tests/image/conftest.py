"""Fixtures of the image: built twice from one base, and unpacked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from claimstack.generator.passing import sources_sha256

from .base import IMAGE, PYTHON, install_programs, make_base, run, store

TAG = "localhost/mcp-server:built"


@dataclass(frozen=True, slots=True)
class Built:
    digests: tuple[str, str]
    """What two builds printed."""
    sources_sha256: str
    """Of the runtime that they were built from."""
    manifest: dict[str, Any]
    config: dict[str, Any]
    """Entry point, user, environment and labels."""
    base_layers: int
    root: Path
    """The file system of the image."""

    @property
    def base_bytes(self) -> int:
        return sum(layer["size"] for layer in self.manifest["layers"][: self.base_layers])

    @property
    def own_bytes(self) -> int:
        return sum(layer["size"] for layer in self.manifest["layers"][self.base_layers :])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "image: builds the runtime image and calls it in a sandbox; run by `make image`")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    install_programs()
    folder = tmp_path_factory.mktemp("image")
    environment = store(folder / "store")
    make_base(folder, environment)
    command = [sys.executable, "-c", "from claimstack.generator.cli import main; main()"]
    build = [*command, "image", "--builder", "buildah", "--base", IMAGE, "--python", PYTHON, "--tag", TAG]
    sources = sources_sha256(files("claimstack.runtime"))
    digests = (run(build, environment), run(build, environment))
    assert sources_sha256(files("claimstack.runtime")) == sources, "the runtime was edited while it was built: run make image again"
    layout = folder / "layout"
    run(["buildah", "push", "--quiet", TAG, f"oci:{layout}"], environment)
    (listed,) = json.loads((layout / "index.json").read_text(encoding="utf-8"))["manifests"]
    manifest = blob(layout, listed["digest"])
    base = json.loads(run(["buildah", "inspect", "--type", "image", IMAGE], environment))
    container = run(["buildah", "from", "--pull-never", TAG], environment)
    root = Path(run(["buildah", "mount", container], environment))
    yield Built(
        digests, sources, manifest, blob(layout, manifest["config"]["digest"])["config"], len(base["OCIv1"]["rootfs"]["diff_ids"]), root
    )
    subprocess.run(["buildah", "rm", "--all"], env=environment, capture_output=True, check=False)
    subprocess.run(["buildah", "rmi", "--all", "--force"], env=environment, capture_output=True, check=False)


def blob(layout: Path, digest: str) -> dict[str, Any]:
    document = json.loads((layout / "blobs" / digest.replace(":", "/")).read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document
