"""Function: what runs on the emulator in place of the image: the image's entry point, on the packages of this virtual environment."""

from __future__ import annotations

import io
import json
import shlex
import sys
import zipfile
from pathlib import Path

from claimstack.generator.documents.image_context import shipped

BUCKET = "functions"
"""Followed by the region."""
KEY = "function.zip"
RUNTIME = "provided.al2023"
"""A bootstrap that speaks the Lambda Runtime API, as an image does; handlers of a Python runtime would leave our client of it out."""
TOOLS = Path(__file__).with_name("asking_tools.py")


def function_zip() -> bytes:
    """The entry point, and a package of tools installed beside the runtime as the image would have it."""
    files = {
        TOOLS.name: TOOLS.read_text(encoding="utf-8"),
        "asking_tools-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: asking-tools\nVersion: 1\n",
        "asking_tools-1.dist-info/entry_points.txt": f"[claimstack.tools]\nasking = {TOOLS.stem}:ASKING\n",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        archive.writestr(bootstrap, _bootstrap())
    return packed.getvalue()


def _bootstrap() -> str:
    (entry_point,) = [line.removeprefix("ENTRYPOINT ") for line in shipped("Containerfile").splitlines() if line.startswith("ENTRYPOINT ")]
    command = shlex.join([sys.executable, *json.loads(entry_point)[1:]])
    return f'#!/bin/sh\nPYTHONPATH="$LAMBDA_TASK_ROOT" PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 exec {command}\n'
