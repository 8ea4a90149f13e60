"""Base: a small Debian with Python as base image, and a store for images, on a machine without a container engine or a registry."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SUITE = "trixie"
PYTHON = "3.13"
"""What the suite has."""
IMAGE = "localhost/base:built"
EPOCH = "1761955200"
"""Time of the base and of the images, 2025-11-01."""
PROGRAMS: Mapping[str, str] = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}
"""Program → its package in Debian and Ubuntu."""


def install_programs() -> None:
    """Install what is missing, where that is possible; otherwise say what to do."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError(
            f"make image needs {', '.join(missing)}: install them, on Debian with apt-get install {' '.join(missing)} as root"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "--quiet"], environment)
    run(["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *missing], environment)


def store(folder: Path) -> dict[str, str]:
    """The environment in which buildah keeps its images in a folder and starts no container."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "storage.conf"
    # Where layers cannot lie above each other, each is a copy: slow, and possible everywhere.
    overlay = os.geteuid() == 0 and "overlay" in Path("/proc/filesystems").read_text(encoding="utf-8").split()
    settings = f'[storage]\ndriver = "{"overlay" if overlay else "vfs"}"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    configuration.write_text(settings, encoding="utf-8")
    return {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": str(configuration),
        "BUILDAH_ISOLATION": "chroot",
        "SOURCE_DATE_EPOCH": EPOCH,
        "TMPDIR": str(folder),
    }


def make_base(folder: Path, environment: Mapping[str, str]) -> None:
    """Make the base and put it into the store as IMAGE."""
    archive = folder / "base.tar"
    run(["mmdebstrap", "--quiet", "--variant=essential", "--include=python3,ca-certificates", SUITE, str(archive)], environment)
    container = run(["buildah", "from", "scratch"], environment)
    run(["buildah", "add", "--quiet", container, str(archive), "/"], environment)
    run(["buildah", "commit", "--quiet", "--timestamp", EPOCH, "--rm", container, IMAGE], environment)
    archive.unlink()


def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout.strip()
