"""Image: builds the image of the MCP server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from claimstack.controls.errors import InputError
from claimstack.generator import options
from claimstack.generator.console import progress, say, source_date, tell


def image(
    package: options.ImagePackage = None,
    base: options.Base = None,
    python: options.Python = "3.13",
    platform: options.Platform = "linux/amd64",
    tag: options.ImageTag = None,
    push: options.Push = False,
    builder: options.Builder = None,
    requirements: options.Requirements = None,
    wheel: options.OwnWheels = None,
    wheels: options.WheelFolder = None,
    context: options.Context = None,
    sbom: options.SbomFile = None,
) -> None:
    """Build the image of the MCP server with docker, podman or buildah, and print its digest. Same input, same digest.

    Packages are downloaded with pip as it is configured here, and checked against their hashes; the build itself fetches its base only.
    The time in the image is SOURCE_DATE_EPOCH, otherwise that of the package.

    Example: `claimstack image out/commercial --tag "$REPOSITORY_URI:$TAG" --push`

    Example: `claimstack image --wheel dist/desk_tools-1.0-py3-none-any.whl --sbom image.cdx.json`
    """
    import tempfile

    from claimstack.generator.image import build_image, check_tag, find_builder, load_recipe, stage, write_sbom

    chosen: dict[str, Any] = {"base": base, "python": python, "platform": platform, "wheels": tuple(wheel or ())}
    if moment := source_date():
        chosen["moment"] = moment
    recipe = load_recipe(package, requirements or (), **chosen)
    if push and tag is None:
        raise InputError("--push: names no registry; say --tag REPOSITORY:TAG")
    name = tag or f"{recipe.name}:built"
    check_tag(name, push=push)
    program = None if context is not None else find_builder(builder)
    with tempfile.TemporaryDirectory() as temporary:
        folder = context or Path(temporary) / "image"
        with progress("Collecting the packages"):
            packages = stage(recipe, folder, wheels)
        if sbom is not None:
            write_sbom(recipe, packages, sbom)
        if program is None:
            tell(f"{folder} holds what the image is built from")
            return
        with progress(f"Building {name} with {program}"):
            digest = build_image(recipe, folder, program, tag=name, push=push)
    tell(f"{'pushed' if push else 'built'} {name} with {program}")
    say(f"{name.rpartition(':')[0]}@{digest}" if push else digest)
