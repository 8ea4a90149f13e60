from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.systems import package_of

from claimstack.controls.errors import InputError
from claimstack.generator.documents.image_context import shipped
from claimstack.generator.image import (
    BUILDERS,
    Recipe,
    build_image,
    buildah_commands,
    check_tag,
    docker_commands,
    fetch_wheels,
    find_builder,
    load_recipe,
    packages_of,
    stage,
    unpack_wheels,
    write_sbom,
)
from claimstack.generator.passing import runtime_sha256
from claimstack.generator.requirements import Requirement
from claimstack.generator.writing import write_package

ROOT = Path(__file__).parents[3]
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
DIGEST = f"sha256:{'a' * 64}"


def wheel(folder: Path, name: str, release: str, members: Mapping[str, str] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{release}-py3-none-any.whl"
    dist_info = {
        f"{name}-{release}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n",
        f"{name}-{release}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in {f"{name}/__init__.py": "", **dist_info, **(members or {})}.items():
            archive.writestr(member, text)
    return path


def locked(*paths: Path) -> str:
    """The lock of wheels."""
    return "".join(f"{'=='.join(path.name.split('-')[:2])} --hash=sha256:{sha256(path)}\n" for path in paths)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def recipe(*locks: str, **chosen: object) -> Recipe:
    texts = tuple((f"{index}.lock", text) for index, text in enumerate(locks))
    return Recipe(shipped("Containerfile"), texts, moment=MOMENT, **chosen)  # type: ignore[arg-type]  # the caller names fields


def tree(folder: Path) -> dict[str, tuple[int, float, bytes]]:
    """Mode, time and content of each file."""
    return {
        path.relative_to(folder).as_posix(): (stat.S_IMODE(path.stat().st_mode), path.stat().st_mtime, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def causes(error: pytest.ExceptionInfo[InputError]) -> tuple[str, ...]:
    return error.value.causes


# ---- staging


def test_context_holds_packages_runtime_and_nothing_else(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    lock = locked(wheel(wheels, "desk", "1.0"))
    stage(recipe(lock), tmp_path / "context", wheels)
    found = {path.relative_to(tmp_path / "context").as_posix() for path in (tmp_path / "context").glob("*/*")}
    assert found == {"packages/desk", "packages/desk-1.0.dist-info", "app/claimstack", f"app/claimstack-{version('claimstack')}.dist-info"}
    runtime = {path for path in tree(tmp_path / "context" / "app" / "claimstack") if "/tools/" not in path}
    sources = {f"runtime/{path.name}" for path in (ROOT / "runtime").iterdir() if path.is_file()}
    assert runtime == sources - {"runtime/Containerfile", "runtime/requirements.lock"}


def test_same_input_stages_the_same_bytes_modes_and_times(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    lock = locked(wheel(wheels, "desk", "1.0"), wheel(wheels, "help", "2.0"))
    before = os.umask(0o077)
    try:
        stage(recipe(lock), tmp_path / "one", wheels)
        os.umask(0o002)
        stage(recipe(lock), tmp_path / "two", wheels)
    finally:
        os.umask(before)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert {(mode, time) for mode, time, _ in tree(tmp_path / "one").values()} == {(0o644, MOMENT.timestamp())}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "one").rglob("*") if path.is_dir()} == {0o755}


def test_staged_containerfile_needs_no_argument(tmp_path: Path) -> None:
    base = f"registry.example.gov/python@{DIGEST}"
    stage(recipe("", base=base, python="3.12"), tmp_path / "context", tmp_path)
    lines = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("ARG ")] == [
        f"ARG BASE={base}",
        "ARG PYTHON=3.12",
        "ARG BASE",
        f"ARG VERSION={version('claimstack')}",
        f"ARG RUNTIME_SHA256={runtime_sha256()}",
    ]


def test_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        stage(recipe(""), tmp_path, tmp_path)
    assert causes(caught) == (f"{tmp_path}: is not an empty folder; choose another --context",)
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]


def test_wheel_is_unpacked_without_scripts_and_with_its_libraries(tmp_path: Path) -> None:
    members = {"desk-1.0.data/purelib/more.py": "more", "desk-1.0.data/scripts/desk": "#!", "desk-1.0.data/data/share/x": "x"}
    path = wheel(tmp_path / "wheels", "desk", "1.0", members)
    unpack_wheels([path], packages_of(recipe(locked(path))), tmp_path / "there")
    assert sorted(tree(tmp_path / "there")) == ["desk-1.0.dist-info/METADATA", "desk-1.0.dist-info/WHEEL", "desk/__init__.py", "more.py"]


def test_file_that_no_lock_names_is_refused_and_so_is_a_missing_one(tmp_path: Path) -> None:
    right, wrong = wheel(tmp_path / "a", "desk", "1.0"), wheel(tmp_path / "b", "desk", "1.0", {"desk/backdoor.py": ""})
    with pytest.raises(InputError) as caught:
        unpack_wheels([wrong], packages_of(recipe(locked(right))), tmp_path / "there")
    assert causes(caught) == (
        f"{wrong}: its SHA-256 stands in no lock; take it away, or lock it",
        "desk 1.0: its file is missing",
    )
    assert not (tmp_path / "there").exists()


def test_two_files_of_one_package_are_refused(tmp_path: Path) -> None:
    paths = [wheel(tmp_path, "desk", "1.0"), wheel(tmp_path / "other", "desk", "1.0", {"desk/more.py": ""})]
    package = Requirement("desk", "1.0", frozenset(map(sha256, paths)))
    with pytest.raises(InputError, match="is the same package"):
        unpack_wheels(paths, [package], tmp_path / "there")


def test_packages_that_bring_the_same_file_are_refused(tmp_path: Path) -> None:
    paths = [wheel(tmp_path, "desk", "1.0", {"shared.py": "1"}), wheel(tmp_path, "help", "1.0", {"shared.py": "2"})]
    with pytest.raises(InputError) as caught:
        unpack_wheels(paths, packages_of(recipe(locked(*paths))), tmp_path / "there")
    assert causes(caught) == ("help-1.0-py3-none-any.whl: shared.py is in desk too; the image cannot hold both",)


@pytest.mark.parametrize("member", ["../outside.py", "/etc/outside.py", "desk/../../outside.py"])
def test_archive_that_reaches_outside_is_refused(member: str, tmp_path: Path) -> None:
    path = wheel(tmp_path / "wheels", "desk", "1.0", {member: "x"})
    with pytest.raises(InputError, match="lies outside"):
        unpack_wheels([path], packages_of(recipe(locked(path))), tmp_path / "there" / "packages")
    assert not list(tmp_path.rglob("outside.py"))


# ---- packages


def test_team_brings_its_own_lock_and_wheels(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    ours, theirs = wheel(wheels, "anyio", "4.1"), wheel(wheels, "boto", "2.0")
    own = wheel(tmp_path / "dist", "desk_tools", "1.0")
    chosen = recipe(locked(ours), locked(ours, theirs), wheels=(own,))
    packages = stage(chosen, tmp_path / "context", wheels)
    assert [(package.name, package.version) for package in packages] == [("anyio", "4.1"), ("boto", "2.0"), ("desk-tools", "1.0")]
    assert (tmp_path / "context" / "packages" / "desk_tools" / "__init__.py").exists()
    write_sbom(chosen, packages, tmp_path / "image.cdx.json")
    bill = json.loads((tmp_path / "image.cdx.json").read_text(encoding="utf-8"))
    assert [component["name"] for component in bill["components"]] == ["claimstack", "anyio", "boto", "desk-tools"]


def test_team_cannot_change_a_version_of_ours(tmp_path: Path) -> None:
    old, new = wheel(tmp_path, "anyio", "4.1"), wheel(tmp_path, "anyio", "5.0")
    with pytest.raises(InputError) as caught:
        packages_of(recipe(locked(old), locked(new)))
    assert causes(caught) == (
        "1.lock: anyio 5.0: the image holds 4.1 already; lock with --constraint and the requirements.lock of the runtime",
    )
    with pytest.raises(InputError, match="anyio is in a lock or among the wheels already"):
        packages_of(recipe(locked(old), wheels=(new,)))


REPORT = "report_tools-1.0.dist-info/METADATA"


def report_tools(folder: Path, *needs: str) -> Path:
    lines = "".join(f"Requires-Dist: {need}\n" for need in needs)
    return wheel(
        folder, "report_tools", "1.0", {REPORT: f"Metadata-Version: 2.1\nName: report-tools\nVersion: 1.0\n{lines}\nRequires-Dist: x\n"}
    )


def test_wheel_gets_what_it_needs_or_is_refused(tmp_path: Path) -> None:
    own = report_tools(tmp_path, "claimstack[runtime]>=9", "humanize>=4")
    with pytest.raises(InputError) as caught:
        stage(recipe("", wheels=(own,)), tmp_path / "context", tmp_path)
    assert causes(caught) == ("report-tools needs humanize>=4, which is not among the packages of the image: lock it with --requirements",)
    old, new = wheel(tmp_path / "old", "Humanize", "3.9"), wheel(tmp_path / "new", "humanize", "4.10")
    for chosen in (recipe(locked(old), wheels=(own,)), recipe("", wheels=(own, old))):
        with pytest.raises(InputError) as caught:
            packages_of(chosen)
        assert causes(caught) == (
            "report-tools needs humanize>=4, and the image holds 3.9: have the wheel take that version, or give another",
        )
    for chosen in (recipe("", locked(new), wheels=(own,)), recipe("", wheels=(own, new))):
        assert {package.name for package in packages_of(chosen)} == {"humanize", "report-tools"}


@pytest.mark.parametrize(
    ("need", "shown"),
    [
        ("humanize", "humanize"),
        ("humanize (>=4, <5)", "humanize<5,>=4"),
        ("humanize[fast, Small] >= 4,<5 ; python_version >= '3.9'", "humanize[Small,fast]<5,>=4"),
        ("humanize @ https://example.gov/humanize.whl ; sys_platform == 'linux'", "humanize @ https://example.gov/humanize.whl"),
        ("humanize; '3.13' == python_version and platform_machine in 'x86_64 amd64'", "humanize"),
        ("humanize; (os_name == 'nt' or os_name == 'posix') and implementation_name != 'pypy'", "humanize"),
        ("humanize; python_full_version >= '3.13.1'", "humanize"),
        ("humanize; extra == 'fast'", None),
        ("humanize; python_version < '3.9' or sys_platform == 'win32'", None),
        ("humanize; platform_machine not in 'x86_64 amd64'", None),
        ("humanize; os_name == 'nt' and (os_name == 'posix' or os_name == 'posix')", None),
    ],
)
def test_conditions_of_a_need_are_those_of_the_image(need: str, shown: str | None, tmp_path: Path) -> None:
    chosen = recipe("", wheels=(report_tools(tmp_path, need),))
    if shown is None:
        assert len(packages_of(chosen)) == 1
        return
    with pytest.raises(InputError) as caught:
        packages_of(chosen)
    assert causes(caught) == (f"report-tools needs {shown}, which is not among the packages of the image: lock it with --requirements",)


def test_extra_of_another_wheel_is_needed_too(tmp_path: Path) -> None:
    metadata = "Name: desk\nRequires-Dist: desk[rich]; extra == 'all'\nRequires-Dist: rich; extra == 'rich'\nRequires-Dist: six\n"
    other = wheel(tmp_path, "desk", "1.0", {"desk-1.0.dist-info/METADATA": metadata})
    with pytest.raises(InputError) as caught:
        packages_of(recipe("", wheels=(report_tools(tmp_path, "desk[all]"), other)))
    assert [cause.partition(",")[0] for cause in causes(caught)] == ["desk needs six", "desk needs rich"]


@pytest.mark.parametrize(
    "need",
    ["humanize>4x", "humanize 4", "-humanize", "humanize; colour == 'red'", "humanize; (os_name == 'posix'", "six; os_name", "six~=1"],
)
def test_need_that_is_not_understood_is_refused(need: str, tmp_path: Path) -> None:
    held = wheel(tmp_path / "held", "humanize", "4.0"), wheel(tmp_path / "held", "six", "1.0")
    with pytest.raises(InputError) as caught:
        packages_of(recipe(locked(*held), wheels=(report_tools(tmp_path, need),)))
    assert causes(caught) == (f"report-tools: Requires-Dist: {need}: is not understood; correct it where the wheel is made",)


def test_wrong_choices_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "desk.whl").write_text("", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        recipe("", python="3.9", platform="windows/amd64", base="a b", wheels=(tmp_path / "desk.whl",))
    assert [cause.split(":")[0] for cause in causes(caught)] == [
        "--python 3.9",
        "--platform windows/amd64",
        "--base 'a b'",
        f"--wheel {tmp_path / 'desk.whl'}",
    ]


def test_download_asks_pip_for_the_locked_files_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds the files in a folder: no index is asked."""
    right = wheel(tmp_path / "found", "desk", "1.0")
    for variable, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(right.parent), "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(variable, value)
    (tmp_path / "fetched").mkdir()
    fetch_wheels(recipe(locked(right)), tmp_path / "fetched")
    assert [path.name for path in (tmp_path / "fetched").glob("*.whl")] == [right.name]
    wheel(tmp_path / "found", "desk", "1.0", {"desk/backdoor.py": ""})
    lock = f"desk==1.0 --hash=sha256:{'0' * 64}\n"
    with pytest.raises(InputError) as caught:
        fetch_wheels(recipe(lock), tmp_path / "fetched")
    assert causes(caught)[-1].startswith("python")
    assert "--wheels FOLDER" in causes(caught)[-1]


def test_failed_download_names_the_python_without_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "missing"
    for variable, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(missing), "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(InputError) as caught:
        fetch_wheels(recipe(f"desk==1.0 --hash=sha256:{'0' * 64}\n", python="3.99"), tmp_path)
    assert [cause for cause in causes(caught) if "WARNING" in cause] == []
    assert "ERROR: No matching distribution found for desk==1.0" in causes(caught)[-2]
    assert causes(caught)[-1].endswith(
        "or see that pip can download and that every package is made for --python 3.99 and --platform linux/amd64"
    )


@pytest.mark.parametrize("there", [False, True])
def test_folder_of_files_that_is_none_is_told_once(there: bool, tmp_path: Path) -> None:  # noqa: FBT001
    wheels = tmp_path / "wheels"
    if there:
        wheels.write_text("", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        stage(recipe(shipped("requirements.lock")), tmp_path / "context", wheels)
    assert causes(caught) == (f"--wheels {wheels}: is no folder; name the one that holds the files of the locked packages",)
    assert not (tmp_path / "context").exists()


# ---- recipe of a package


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "commercial"
    write_package(package_of("commercial").files, folder)
    return folder


def test_package_gives_name_time_and_lock(package: Path) -> None:
    found = load_recipe(package, base="registry.example.gov/python:3.13")
    assert (found.name, found.moment) == ("commercial", datetime(2026, 11, 1, tzinfo=UTC))
    assert found.locks == ((str(package / "image" / "requirements.lock"), shipped("requirements.lock")),)
    assert found.containerfile == shipped("Containerfile")
    assert found.base == "registry.example.gov/python:3.13"


def test_time_that_is_given_goes_before_that_of_the_package(package: Path) -> None:
    moment = datetime(2027, 1, 1, tzinfo=UTC)
    assert load_recipe(package, moment=moment).moment == moment


def test_edited_package_is_refused(package: Path) -> None:
    lock = package / "image" / "requirements.lock"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text + "#\n", encoding="utf-8")
    try:
        with pytest.raises(InputError) as caught:
            load_recipe(package)
    finally:
        lock.write_text(text, encoding="utf-8")
    assert causes(caught) == (f"{lock}: is not what the manifest says; run claimstack build, or check what has changed",)


def test_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_recipe(tmp_path)
    assert causes(caught) == (
        f"{tmp_path}: is no package with image/Containerfile; write one with claimstack build",
        f"{tmp_path}: is no package with image/requirements.lock; write one with claimstack build",
    )


# ---- builders


def program(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def test_first_builder_that_works_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "docker", "sys.exit('Cannot connect to the engine')")
    program(tmp_path, "buildah", "")
    assert find_builder() == "buildah"
    program(tmp_path, "podman", "")
    assert find_builder() == "podman"
    assert find_builder("buildah") == "buildah"
    program(tmp_path, "docker", "sys.exit('buildx' in sys.argv)")
    assert find_builder() == "podman"
    program(tmp_path, "docker", "")
    assert find_builder() == "docker"


def test_each_builder_says_why_it_does_not_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "docker", "sys.exit('Cannot connect to the engine')")
    with pytest.raises(InputError) as caught:
        find_builder()
    assert causes(caught) == (
        "docker: cannot be used: Cannot connect to the engine",
        "podman: is not installed",
        "buildah: is not installed",
        "no image can be built here; install one of them, or stage the build for another machine with --context FOLDER",
    )
    with pytest.raises(InputError, match="--builder kaniko: is none of docker, podman, buildah"):
        find_builder("kaniko")


@pytest.mark.parametrize("builder", BUILDERS[1:])
@pytest.mark.parametrize("push", [False, True])
def test_buildah_and_podman_build_then_tell_the_digest(builder: str, push: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.setenv("PATH", str(tmp_path))
    log = tmp_path / "log"
    program(
        tmp_path,
        builder,
        f"open({str(log)!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))\n"
        f"if sys.argv[1] == 'push': open(sys.argv[sys.argv.index('--digestfile') + 1], 'w').write({DIGEST!r})",
    )
    tag = "registry.example.gov/mcp:1"
    assert build_image(recipe("", platform="linux/arm64"), tmp_path, builder, tag=tag, push=push) == DIGEST
    build, pushed = log.read_text(encoding="utf-8").splitlines()
    assert build == (
        f"build --platform linux/arm64 --format oci --timestamp {int(MOMENT.timestamp())} --layers=false "
        f"--tag {tag} --file {tmp_path}/Containerfile {tmp_path}"
    )
    assert pushed.split()[-2] == tag
    assert pushed.split()[-1].startswith(f"docker://{tag}" if push else "oci:")


def test_docker_makes_a_plain_manifest_with_fixed_times_and_tells_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(
        tmp_path,
        "docker",
        f"open(sys.argv[sys.argv.index('--metadata-file') + 1], 'w').write('{{\"containerimage.digest\": \"{DIGEST}\"}}')",
    )
    assert build_image(recipe(""), tmp_path, "docker", tag="mcp:built", push=False) == DIGEST
    (local,) = docker_commands("docker", recipe(""), tmp_path, tmp_path, tag="mcp:built", push=False)
    (pushed,) = docker_commands("docker", recipe(""), tmp_path, tmp_path, tag="r.example.gov/mcp:1", push=True)
    assert local[:3] == ["docker", "buildx", "build"]
    assert {"--provenance=false", "--sbom=false", f"SOURCE_DATE_EPOCH={int(MOMENT.timestamp())}"} <= set(local)
    assert "type=docker,name=mcp:built,rewrite-timestamp=true" in local
    assert "type=image,push=true,name=r.example.gov/mcp:1,rewrite-timestamp=true" in pushed


def test_failing_builder_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "buildah", "sys.exit('no such base')")
    with pytest.raises(InputError) as caught:
        build_image(recipe(""), tmp_path, "buildah", tag="mcp:built", push=False)
    assert causes(caught) == (
        "buildah: no such base",
        "buildah ended with 1: the lines above are the builder's; correct what they name",
    )


def test_builder_that_names_no_digest_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "docker", "open(sys.argv[sys.argv.index('--metadata-file') + 1], 'w').write('{}')")
    with pytest.raises(InputError, match="names no digest"):
        build_image(recipe(""), tmp_path, "docker", tag="mcp:built", push=False)


def test_only_what_leaves_the_machine_needs_a_registry() -> None:
    check_tag("mcp-server:built", push=False)
    check_tag("111122223333.dkr.ecr.us-gov-west-1.amazonaws.com/mcp:2026-11-01", push=True)
    with pytest.raises(InputError, match="names no registry to push to"):
        check_tag("mcp-server:built", push=True)
    check_tag("registry.example.gov:5000/team/mcp_server:1", push=True)
    for wrong in (
        "mcp-server",
        "MCP:built",
        "mcp:a b",
        f"mcp@{DIGEST}",
        "x:y:z",
        "x:1:z",
        "x/y:1/z:1",
        "host:port/mcp:1",
        "x//y:1",
        "x/:1",
    ):
        with pytest.raises(InputError, match="is not REPOSITORY:TAG"):
            check_tag(wrong, push=False)


def test_image_is_never_built_from_what_a_name_smuggles_in(tmp_path: Path) -> None:
    for base in ("python:3.13\nRUN evil", "python --platform=x", "", "$(id)"):
        with pytest.raises(InputError, match="--base"):
            recipe("", base=base)
    words = buildah_commands("buildah", recipe(""), tmp_path, tmp_path, tag="mcp:built", push=False)
    assert all(isinstance(word, str) for command in words for word in command)
