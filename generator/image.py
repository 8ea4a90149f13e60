"""Image: the runtime, its locked packages and a team's own, staged in a folder and built by docker, podman or buildah."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.parser import HeaderParser
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.markers import UndefinedComparison
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Need

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.documents.image_context import bill_of_materials, shipped
from claimstack.generator.documents.oscal.common import to_bytes
from claimstack.generator.passing import runtime_sha256, source_files
from claimstack.generator.paths import CONTAINERFILE, LOCK
from claimstack.generator.requirements import Requirement, normal_name, parse_requirements
from claimstack.generator.writing import read_manifest, sha256

BUILDERS: Final = ("docker", "podman", "buildah")
"""In the order in which they are tried."""
PROBES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "docker": (("version", "--format", "{{.Server.Version}}"), ("buildx", "version")),
    "podman": (("version",),),
    "buildah": (("version",),),
}
"""Commands that succeed where a builder can work: a client of docker is often there without its engine."""
PROCESSORS: Final[Mapping[str, str]] = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
"""Platform of an image → how files of Python packages name it."""
MANYLINUX: Final = (*(f"manylinux_2_{minor}" for minor in range(28, 4, -1)), "manylinux2014", "manylinux2010", "manylinux1")
"""What runs on glibc 2.28, the oldest of a base that is still maintained."""
PYTHON: Final = re.compile(r"3\.(1[1-9]|[2-9]\d)")
TAG: Final = re.compile(r"([a-z0-9][a-z0-9.-]*(:\d+)?/)?[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*:\w[\w.-]{0,127}", re.ASCII)
"""Within the repository a colon stands only before the port of the registry."""
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
NOT_IN_THE_IMAGE: Final = ("Containerfile", "requirements.lock")
"""Files beside the runtime's sources that only the build needs."""
SHOWN_LINES: Final = 5
"""How much of the output of a builder that fails stands in the error."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image is made from, apart from the runtime itself."""

    containerfile: str
    locks: tuple[tuple[str, str], ...]
    """Name and text: the runtime's own lock, then those of a team."""
    wheels: tuple[Path, ...] = ()
    """Files of a team's own packages."""
    python: str = "3.13"
    platform: str = "linux/amd64"
    base: str | None = None
    """The Containerfile's own when None."""
    moment: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """Time of every file in the image, and of the image."""
    name: str = "claimstack"

    def __post_init__(self) -> None:
        wrong = []
        if not PYTHON.fullmatch(self.python):
            wrong.append(f"--python {self.python}: is no Python that the runtime supports; say 3.11 or newer, such as 3.13")
        if self.platform not in PROCESSORS:
            wrong.append(f"--platform {self.platform}: Lambda has {' and '.join(PROCESSORS)}; choose one")
        if self.base is not None and not re.fullmatch(r"[\w.:/@+-]+", self.base):
            wrong.append(f"--base {self.base!r}: is no name of an image; name one with its registry, best by digest")
        wrong += [f"--wheel {path}: is no wheel file; build one with pip wheel --no-deps" for path in self.wheels if not _is_wheel(path)]
        raise_all(wrong)


def load_recipe(package: Path | None, requirements: Iterable[Path] = (), **chosen: object) -> Recipe:
    """The recipe in a package folder, or the one that is installed, with the locks of a team. Raises InputError."""
    locks = [(str(path), _text(path)) for path in requirements]
    if package is None:
        return Recipe(shipped("Containerfile"), (("requirements.lock", shipped("requirements.lock")), *locks), **chosen)  # type: ignore[arg-type]  # the caller names fields
    manifest = read_manifest(package)
    listed = manifest.get("files", {})
    texts: dict[str, str] = {}
    wrong: list[str] = []
    for path in (CONTAINERFILE, LOCK):
        if path not in listed:
            wrong.append(f"{package}: is no package with {path}; write one with claimstack build")
        elif sha256(texts.setdefault(path, _text(package / path))) != listed[path]:
            wrong.append(f"{package / path}: is not what the manifest says; run claimstack build, or check what has changed")
    raise_all(wrong)
    chosen.setdefault("moment", datetime.fromisoformat(manifest["timestamp"]))
    chosen.setdefault("name", manifest["system"])
    return Recipe(texts[CONTAINERFILE], ((str(package / LOCK), texts[LOCK]), *locks), **chosen)  # type: ignore[arg-type]  # as above


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); correct the path") from error


def _is_wheel(path: Path) -> bool:
    return path.suffix == ".whl" and path.name.count("-") in (4, 5) and zipfile.is_zipfile(path)


# ---- packages


def packages_of(recipe: Recipe) -> tuple[Requirement, ...]:
    """Every package of an image.

    Raises InputError where two locks want different versions, a wheel is locked as well, or it needs what the image does not hold.
    """
    found: dict[str, Requirement] = {}
    wrong = []
    for file, text in recipe.locks:
        for package in parse_requirements(text, file):
            known = found.setdefault(package.name, package)
            if known.version != package.version:
                wrong.append(
                    f"{file}: {package.name} {package.version}: the image holds {known.version} already; "
                    "lock with --constraint and the requirements.lock of the runtime"
                )
            else:
                found[package.name] = replace(known, sha256=known.sha256 & package.sha256)
    for wheel in recipe.wheels:
        name, release = wheel.name.split("-")[:2]
        package = Requirement(normal_name(name), release, frozenset({_sha256(wheel)}))
        if found.setdefault(package.name, package) is not package:
            wrong.append(f"{wheel}: {package.name} is in a lock or among the wheels already; give it once")
    wrong += dict.fromkeys(_unmet(recipe, {package.name: package.version for package in found.values()}))
    raise_all(wrong)
    return tuple(found.values())


def fetch_wheels(recipe: Recipe, folder: Path) -> None:
    """Let pip bring the files that the locks name, from wherever pip is configured to find packages. Raises InputError."""
    locks: list[str | Path] = []
    for index, (_, text) in enumerate(recipe.locks):
        locks += ["--requirement", folder / f"{index}.lock"]
        (folder / f"{index}.lock").write_text(text, encoding="utf-8")
    processor = PROCESSORS[recipe.platform]
    platforms = (option for tag in MANYLINUX for option in ("--platform", f"{tag}_{processor}"))
    _run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps",
            "--only-binary", ":all:", "--implementation", "cp", "--python-version", recipe.python, *platforms, *locks, "--dest", folder,
        ],
        "give --wheels FOLDER with the files of the packages, or see that pip can download and that every package is made for "
        f"--python {recipe.python} and --platform {recipe.platform}",
        unshown="WARNING:",
    )  # fmt: skip


def unpack_wheels(wheels: Iterable[Path], packages: Iterable[Requirement], target: Path) -> None:
    """Install packages the plain way: a wheel is an archive of what an import finds. Scripts and data of a wheel stay out.

    Raises InputError where a file is not one that the locks name, where one is missing, or where two packages bring the same file.
    """
    by_hash = {digest: package for package in packages for digest in package.sha256}
    chosen: dict[str, Path] = {}
    wrong = []
    for wheel in sorted(wheels):
        package = by_hash.get(_sha256(wheel))
        if package is None:
            wrong.append(f"{wheel}: its SHA-256 stands in no lock; take it away, or lock it")
        elif chosen.setdefault(package.name, wheel) is not wheel:
            wrong.append(f"{wheel}: {chosen[package.name].name} is the same package; keep the one for the image")
    wrong += [f"{package.name} {package.version}: its file is missing" for package in packages if package.name not in chosen]
    raise_all(wrong)
    owners: dict[str, str] = {}
    for name, wheel in sorted(chosen.items()):
        for path, content in _members(wheel):
            if owners.setdefault(path, name) != name:
                wrong.append(f"{wheel.name}: {path} is in {owners[path]} too; the image cannot hold both")
            else:
                _write(target / path, content)
    raise_all(wrong)


def _members(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            path = PurePosixPath(member.filename)
            if member.is_dir():
                continue
            if path.is_absolute() or ".." in path.parts:
                raise InputError(f"{wheel}: holds {member.filename}, which lies outside; do not use it")
            if path.parts[0].endswith(".data"):
                if path.parts[1] not in ("purelib", "platlib"):
                    continue
                path = PurePosixPath(*path.parts[2:])
            yield str(path), archive.read(member)


# ---- what a team's own packages need


def _unmet(recipe: Recipe, held: Mapping[str, str]) -> Iterator[str]:
    """A line for each package that a wheel needs, for this Python and platform, and that the image does not hold so."""
    needs = {normal_name(wheel.name.split("-")[0]): _requires_dist(wheel) for wheel in recipe.wheels}
    asked = [(name, "") for name in needs]
    for name, extra in asked:  # grows by the extras of other wheels
        for line in needs[name]:
            try:
                need = Need(line)
                holds = need.marker is None or need.marker.evaluate(_known(recipe, extra))
            except (InvalidRequirement, UndefinedComparison):
                yield f"{name}: Requires-Dist: {line}: is not understood; correct it where the wheel is made"
                continue
            there = normal_name(need.name)
            if there == "claimstack" or not holds:
                continue
            extras = f"[{','.join(sorted(need.extras))}]" if need.extras else ""
            shown = f"{need.name}{extras}{f' @ {need.url}' if need.url else need.specifier}"
            if there not in held:
                yield f"{name} needs {shown}, which is not among the packages of the image: lock it with --requirements"
            elif not need.specifier.contains(held[there], prereleases=True):
                yield f"{name} needs {shown}, and the image holds {held[there]}: have the wheel take that version, or give another"
            if there in needs:
                asked += [(there, each) for each in sorted(need.extras) if (there, each) not in asked]


def _requires_dist(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        for path in map(PurePosixPath, archive.namelist()):
            if len(path.parts) == 2 and path.parts[0].endswith(".dist-info") and path.name == "METADATA":
                metadata = HeaderParser().parsestr(archive.read(str(path)).decode("utf-8", "replace"))
                return [" ".join(str(line).split()) for line in metadata.get_all("Requires-Dist", [])]
    return []


def _known(recipe: Recipe, extra: str) -> dict[str, str]:
    """What markers ask about. The patch of Python is the base's: as one that is maintained, it has the newest."""
    full = f"{recipe.python}.99"
    return {
        "extra": extra, "implementation_name": "cpython", "implementation_version": full, "os_name": "posix",
        "platform_machine": PROCESSORS[recipe.platform], "platform_python_implementation": "CPython", "platform_release": "",
        "platform_system": "Linux", "platform_version": "", "python_full_version": full, "python_version": recipe.python,
        "sys_platform": "linux",
    }  # fmt: skip


# ---- staging


def stage(recipe: Recipe, folder: Path, wheels: Path | None = None) -> tuple[Requirement, ...]:
    """Write the build context into a folder that is empty or not there; `wheels` spares the download. Raises InputError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is not an empty folder; choose another --context")
    if wheels is not None and not wheels.is_dir():
        raise InputError(f"--wheels {wheels}: is no folder; name the one that holds the files of the locked packages")
    packages = packages_of(recipe)
    with tempfile.TemporaryDirectory() as fetched:
        if wheels is None:
            fetch_wheels(recipe, Path(fetched))
        unpack_wheels([*(wheels or Path(fetched)).glob("*.whl"), *recipe.wheels], packages, folder / "packages")
    _write(folder / "Containerfile", _filled_in(recipe).encode())
    for path, content in source_files(files("claimstack.runtime")):
        if path in NOT_IN_THE_IMAGE:
            continue
        _write(folder / "app" / "claimstack" / "runtime" / path, content)
    own = version("claimstack")
    metadata = f"Metadata-Version: 2.1\nName: claimstack\nVersion: {own}\nLicense: Apache-2.0\n"
    _write(folder / "app" / f"claimstack-{own}.dist-info" / "METADATA", metadata.encode())
    for entry in sorted(folder.rglob("*")):  # the same whatever the umask was
        entry.chmod(0o755 if entry.is_dir() else 0o644)
        os.utime(entry, (recipe.moment.timestamp(),) * 2)
    folder.chmod(0o755)
    return packages


def _filled_in(recipe: Recipe) -> str:
    """The Containerfile with its arguments, so that whoever builds the folder has to say none of them."""
    arguments = {"PYTHON": recipe.python, "VERSION": version("claimstack"), "RUNTIME_SHA256": runtime_sha256()}
    if recipe.base is not None:
        arguments["BASE"] = recipe.base
    text = recipe.containerfile
    for name, value in arguments.items():
        text = re.sub(rf"^ARG {name}(=.*)?$", f"ARG {name}={value}", text, count=1, flags=re.MULTILINE)
    return text


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_sbom(recipe: Recipe, packages: Iterable[Requirement], path: Path) -> None:
    """Write the bill of materials of one image. Raises InputError where the file cannot be written."""
    try:
        path.write_bytes(to_bytes(bill_of_materials(recipe.name, recipe.moment, packages)))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another file, or mend the permissions") from error


# ---- building


def find_builder(asked: str | None = None) -> str:
    """The builder that is asked for, or the first that works. Raises InputError with what is wrong with each."""
    if asked is not None and asked not in BUILDERS:
        raise InputError(f"--builder {asked}: is none of {', '.join(BUILDERS)}; choose one")
    wrong = []
    for name in BUILDERS if asked is None else (asked,):
        problem = _problem(name)
        if problem is None:
            return name
        wrong.append(f"{name}: {problem}")
    raise InputError(
        *wrong, "no image can be built here; install one of them, or stage the build for another machine with --context FOLDER"
    )


def _problem(name: str) -> str | None:
    if shutil.which(name) is None:
        return "is not installed"
    for arguments in PROBES[name]:
        done = subprocess.run([name, *arguments], capture_output=True, text=True, check=False)  # noqa: S603  # fixed words
        if done.returncode:
            return f"cannot be used: {_last_lines(done.stderr or done.stdout, 1)}"
    return None


def check_tag(tag: str, *, push: bool) -> None:
    """Raise InputError before anything is downloaded for nothing."""
    if not TAG.fullmatch(tag):
        raise InputError(f"--tag {tag}: is not REPOSITORY:TAG in lower case; name both, such as mcp-server:built")
    if push and "/" not in tag:
        raise InputError(f"--tag {tag}: names no registry to push to; name the repository in full, as the registry stack prints it")


def build_image(recipe: Recipe, context: Path, builder: str, *, tag: str, push: bool) -> str:
    """Build what is staged, push it if asked, and return the digest of its manifest. Raises InputError where the builder fails."""
    with tempfile.TemporaryDirectory() as folder:
        commands = (docker_commands if builder == "docker" else buildah_commands)(
            builder, recipe, context, Path(folder), tag=tag, push=push
        )
        for command in commands:
            _run(command, "the lines above are the builder's; correct what they name")
        return _digest(Path(folder))


DIGEST_FILE: Final = "digest"
METADATA_FILE: Final = "metadata.json"


def docker_commands(builder: str, recipe: Recipe, context: Path, told: Path, *, tag: str, push: bool) -> list[list[str]]:
    """Lambda takes a plain manifest: no attestations beside it."""
    epoch = int(recipe.moment.timestamp())
    kind = "image,push=true" if push else "docker"
    return [
        [
            builder, "buildx", "build", "--platform", recipe.platform, "--provenance=false", "--sbom=false",
            "--build-arg", f"SOURCE_DATE_EPOCH={epoch}",
            "--output", f"type={kind},name={tag},rewrite-timestamp=true", "--metadata-file", str(told / METADATA_FILE),
            "--file", str(context / "Containerfile"), str(context),
        ]
    ]  # fmt: skip


def buildah_commands(builder: str, recipe: Recipe, context: Path, told: Path, *, tag: str, push: bool) -> list[list[str]]:
    """podman and buildah. Only what leaves the store has a manifest with compressed layers, hence a copy where nothing is pushed."""
    epoch = int(recipe.moment.timestamp())
    target = f"docker://{tag}" if push else f"oci:{told / 'layout'}"
    return [
        [
            builder, "build", "--platform", recipe.platform, "--format", "oci", "--timestamp", str(epoch), "--layers=false",
            "--tag", tag, "--file", str(context / "Containerfile"), str(context),
        ],
        [builder, "push", "--digestfile", str(told / DIGEST_FILE), tag, target],
    ]  # fmt: skip


def _digest(told: Path) -> str:
    if (told / METADATA_FILE).exists():
        said = str(json.loads((told / METADATA_FILE).read_text(encoding="utf-8")).get("containerimage.digest"))
    else:
        said = (told / DIGEST_FILE).read_text(encoding="utf-8").strip()
    if not DIGEST.fullmatch(said):
        raise InputError(f"the builder names no digest ({said}); its version may be too old")
    return said


def _run(command: Sequence[str | Path], remedy: str, *, unshown: str | None = None) -> None:
    """Raise InputError with the last lines of a command that fails, but for those that begin as `unshown` says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # a list of words, no shell
    if done.returncode:
        name = " ".join(str(word) for word in command[:3]) if command[0] == sys.executable else str(command[0])
        said = (done.stderr or done.stdout).splitlines()
        told = "\n".join(line for line in said if unshown is None or not line.startswith(unshown))
        lines = _last_lines(told, SHOWN_LINES).splitlines()
        raise InputError(*(f"{Path(name).name}: {line}" for line in lines), f"{Path(name).name} ended with {done.returncode}: {remedy}")


def _last_lines(text: str, number: int) -> str:
    return "\n".join([line for line in text.splitlines() if line.strip()][-number:])
