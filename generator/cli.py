"""Command line: the only part that reads the clock, the environment and the terminal."""

from __future__ import annotations

import sys

INTERRUPTED = 130

try:
    import dataclasses
    import json
    import os
    from collections.abc import Iterator
    from contextlib import contextmanager, suppress
    from datetime import UTC, datetime
    from importlib.metadata import version as installed_version
    from pathlib import Path
    from typing import TYPE_CHECKING, Annotated, Any, TextIO

    import typer
    from rich.console import Console

    from claimstack.controls.errors import InputError, raise_all
    from claimstack.generator import options
except KeyboardInterrupt:  # these take a tenth of a second, in which main() is not there yet to answer
    sys.exit(INTERRUPTED)

if TYPE_CHECKING:
    from claimstack.generator.config import Config
    from claimstack.generator.package import Package

# Heavy libraries (troposphere, trestle, cfn-lint) are imported inside the commands that need them: `--help` stays instant.

WRONG_INPUT = 2
FAILED_CHECK = 1
UNFOLDED = 1_000_000
"""Columns of a pipe, so that ids and pointers stay on one line for grep and for the clipboard."""


def _console(stream: TextIO, *, stderr: bool = False) -> Console:
    """As wide as the terminal, or as COLUMNS says; a pipe folds nothing."""
    folded = stream.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(stderr=stderr, highlight=False, width=None if folded else UNFOLDED)


app = typer.Typer(
    name="claimstack",
    help="""Turn one system file into a FedRAMP-aligned remote MCP server on AWS, with the evidence that follows from it.

    Begin with `claimstack init`, then `claimstack build`.

    Exit codes: 0 all is well; 1 a fact failed, a package differs, a linter found something, a key policy does not surely admit a
    consumer or a call of AWS failed; 2 wrong input, told with one line for each cause; 130 interrupted, and nothing is left half-written.
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

rotating = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(
    rotating,
    name="rotate",
    help="""Rotate the state secret of a system, or the secret of one of its clients, in the AWS account of the credentials in use.

    Both overlap: what the old value has given out stays valid. An interrupted run is resumed by the same command. Exit codes: 2 wrong
    input, or refused and nothing done; 1 a call of AWS failed, and how things stand is said.
    """,
)

err = _console(sys.stderr, stderr=True)
out = _console(sys.stdout)


@app.callback(invoke_without_command=True)
def _version(show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if show_version:
        out.print(f"claimstack {installed_version('claimstack')}")
        raise typer.Exit


@app.command()
def build(
    systems: options.SystemFiles = None,
    out_folder: options.OutFolder = Path("out"),
    environment: options.Environment = None,
    check: options.Check = False,
    as_json: options.AsJson = False,
) -> None:
    """Write the whole package of each system: templates, OSCAL, evidence, guides.

    The package is written even when facts fail, so that the failure can be read in it; the exit code is then 1.

    Example: `claimstack build examples/commercial.toml --out out`

    Example: `claimstack build --check --json`, in CI; exits 1 on any difference and on any fact that fails in the package.
    """
    from claimstack.generator.checking import check_package, summary
    from claimstack.generator.writing import write_package

    summaries = []
    for path, config in _load(systems or [Path("system.toml")]):
        folder = out_folder / config.name
        package = _make(path, config, environment)
        checked = check_package(package, folder, environment) if check else None
        if checked is None:
            write_package(package.files, folder)
        summaries.append(summary(package, folder, checked))
    if as_json:
        out.print_json(json.dumps(summaries))
    else:
        for said in summaries:
            _print_summary(said, checked=check)
    if any(said["failed_facts"] or said["problems"] or (said["built"] or said)["failed_facts"] for said in summaries):
        raise typer.Exit(FAILED_CHECK)


@app.command()
def coverage(
    package: options.PackageFolder = None,
    family: options.Family = None,
    status: options.Status = None,
    as_json: options.AsJson = False,
) -> None:
    """Count the points and controls of the whole class by computed status, and list those you ask for.

    Example: `claimstack coverage --package out/commercial --family au --status partial`
    """
    from claimstack.generator.explain import load_evidence, select_points
    from claimstack.generator.report import coverage_table, points_table

    evidence = load_evidence(package)
    selected = list(select_points(evidence, family, status)) if family or status else []
    if as_json:
        chosen: Any = {point: said for _, point, said in selected} if family or status else evidence.coverage
        out.print_json(json.dumps(chosen))
        return
    out.print(coverage_table(evidence.coverage))
    if selected:
        out.print(points_table(selected))


@app.command()
def explain(what: options.What, package: options.PackageFolder = None, full: options.Full = False, as_json: options.AsJson = False) -> None:
    """Show the chain from a claim to its checks, the places they looked at, and what they found there.

    Of a resource or a component it shows what it is, and one line for each check; ask for the check, or for --full.

    Example: `claimstack explain sc-28 --package out/commercial`

    Example: `claimstack explain AuditLog --full | grep cloudformation/`
    """
    from claimstack.generator.explain import explain as explain_evidence
    from claimstack.generator.explain import load_evidence
    from claimstack.generator.report import explanation_tree

    explanation = explain_evidence(load_evidence(package), what)
    if as_json:
        out.print_json(json.dumps(explanation))
    else:
        out.print(explanation_tree(explanation, full=full or "resources" not in explanation))


@app.command()
def init(
    context: typer.Context,
    file: options.NewFile = Path("system.toml"),
    interactive: options.Interactive = False,
    name: options.Name = "mcp-server",
    title: options.Title = "MCP server",
    class_: options.Class = "C",
    certification: options.Certification = "20x",
    region: options.Region = "us-east-1",
    front_door: options.FrontDoor = "http-api",
    domain: options.Domain = None,
    waf: options.Waf = False,
    streaming: options.Streaming = False,
    auth: options.Auth = "cognito",
    consumer: options.Consumers = None,
    callback_url: options.CallbackUrls = None,
    issuer: options.Issuer = None,
    audience: options.Audience = None,
    user_pool_arn: options.UserPoolArn = None,
    sessions: options.Sessions = False,
    endpoints: options.Endpoints = False,
    key: options.Key = False,
    registry: options.Registry = True,
) -> None:
    """Write a commented system.toml, from flags or by asking.

    Example: `claimstack init --name desk --front-door rest-api --domain mcp.example.gov --waf`

    Example: `claimstack init --interactive desk.toml`
    """
    from claimstack.generator.init import PROGRAM, Answers, interview, limits_of, proposed_front_door, render_system_toml
    from claimstack.generator.writing import refuse_existing, write_new

    refuse_existing(file)
    today = datetime.now(UTC).date()  # noqa: TID251  # the one place that reads the clock: the date goes into the file
    answers = Answers(
        name=name, title=title, as_of=today, class_=class_, certification=certification, region=region, front_door=front_door,
        domain=domain, waf=waf, streaming=streaming, auth=auth,
        consumers=tuple(consumer or ([PROGRAM] if auth == "cognito" and not callback_url else [])),
        callback_urls=tuple(callback_url or ()), issuer=issuer, audience=tuple(audience or ()), user_pool_arn=user_pool_arn,
        sessions=sessions, endpoints=endpoints, key=key, registry=registry,
    )  # fmt: skip
    if interactive:
        fields = {"consumer": "consumers", "callback_url": "callback_urls"}
        typed = [fields.get(flag, flag) for flag in context.params if _is_typed(context, flag)]
        given = {field: getattr(answers, field) for field in typed if hasattr(answers, field)}
        answers = interview(_ask, as_of=today, given=given, tell=lambda line: err.print(line, markup=False))
    write_new(file, render_system_toml(answers))
    out.print(f"{file} written. Next: claimstack build {file}", markup=False, soft_wrap=True)
    limits = limits_of(answers.front_door)
    if limits:
        err.print(f"The {answers.front_door} front door cannot have:")
        for limit in limits:
            err.print(f"  - {limit}", markup=False)
    if answers.front_door != proposed_front_door(answers.class_):
        err.print(f"At class {answers.class_} we propose --front-door {proposed_front_door(answers.class_)}.", markup=False)


def _is_typed(context: typer.Context, flag: str) -> bool:
    source = context.get_parameter_source(flag)
    return source is not None and source.name == "COMMANDLINE"


def _ask(text: str, *, default: str | None = None) -> str:
    """typer.prompt, except that an interrupt stays one and the end of the input is an error of its own."""
    try:
        return str(typer.prompt(text, default=default))
    except typer.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            raise InputError("--interactive: the input has ended before the last question; answer on a terminal, or use flags") from None
        raise KeyboardInterrupt from None


@app.command()
def lint(packages: options.Packages = None, region: options.LintRegions = None, as_json: options.AsJson = False) -> None:
    """Hold the templates against cfn-lint and the OSCAL documents against the reference checker; exit 1 on any finding.

    Example: `claimstack lint out/commercial --region us-east-1 --region us-west-2`
    """
    from claimstack.generator.lint import LINT_REGIONS, lint_package, partition_of_package
    from claimstack.generator.partition import partition_of
    from claimstack.generator.writing import built_packages

    for asked in region or ():
        partition_of(asked)
    folders = packages or built_packages()
    if not folders:
        raise InputError("out: holds no package; run claimstack build, or name a package folder")
    found: dict[str, list[dict[str, str]]] = {}
    for folder in folders:
        with _progress(f"Linting {folder}"):
            findings = lint_package(folder, tuple(region or LINT_REGIONS[partition_of_package(folder)]))
        found[str(folder)] = [dataclasses.asdict(finding) for finding in findings]
    if as_json:
        out.print_json(json.dumps(found))
    else:
        for package, rows in found.items():
            out.print(f"{package}: {len(rows)} findings", markup=False, soft_wrap=True)
            for row in rows:
                out.print(f"  {row['rule']} {row['file']}#/{row['where']}: {row['message']}", markup=False, soft_wrap=True)
    if any(found.values()):
        raise typer.Exit(FAILED_CHECK)


@app.command()
def preflight(
    key_policy: options.KeyPolicy,
    system: options.SystemFile = Path("system.toml"),
    account: options.Account = None,
    caller: options.Caller = None,
    function_role: options.FunctionRole = None,
    as_json: options.AsJson = False,
) -> None:
    """Say which consumers of the KMS key would fail under a key policy, and which would fail silently. Asks nothing of AWS.

    Exits 1 when the policy leaves a consumer out, and also when the policy alone does not tell: the table says which of the two.

    Example: `claimstack preflight --key-policy policy.json --caller aws:PrincipalOrgID=o-abcdefghij system.toml`
    """
    from claimstack.generator.loading import load_config
    from claimstack.generator.preflight import known_of, load_key_policy
    from claimstack.generator.preflight import preflight as judge_policy
    from claimstack.generator.report import preflight_table

    known = known_of(account, caller or (), function_role)
    judged = judge_policy(load_config(system), load_key_policy(key_policy), known, name=str(key_policy))
    verdicts = [verdict.data() for verdict in judged]
    if as_json:
        out.print_json(json.dumps(verdicts))
    else:
        out.print(preflight_table(verdicts))
        if any(verdict["outcome"] == "undecided" for verdict in verdicts):
            err.print("Say more about who calls with --account, --caller or --function-role.", soft_wrap=True)
    if not all(verdict["ok"] for verdict in verdicts):
        raise typer.Exit(FAILED_CHECK)


@app.command()
def serve(
    package: options.ServedPackage = None,
    host: options.ServeHost = "127.0.0.1",
    port: options.Port = 8765,
    buffered: options.Buffered = False,
    issuer: options.ServeIssuer = None,
    client_id: options.ClientIds = None,
    scope: options.ServeScopes = None,
) -> None:
    """Run the MCP server on this machine: what an assessor's MCP client asks a package questions through.

    Audit records go to the standard output, one JSON line for each request. Tools of installed packages (entry points of the group
    `claimstack.tools`) are served too.

    Example: `claimstack serve out/commercial`
    """
    from claimstack.generator.serve import Local, open_server

    local = Local(
        package, host, port, "json" if buffered else "stream", issuer=issuer, client_ids=tuple(client_id or ()), scopes=tuple(scope or ())
    )
    with _progress("Starting"):
        server, listener, url = open_server(local, os.environ)
    from claimstack.runtime.local import serve as serve_until_interrupted

    err.print(f"MCP server at {url}" + (f", with the evidence of {package}" if package else ""), markup=False, soft_wrap=True)
    token = ' --header "Authorization: Bearer $TOKEN"' if issuer else ""
    err.print(f"  claude mcp add --transport http claimstack {url}{token}", markup=False, soft_wrap=True)
    err.print("Ctrl-C ends it.")
    with suppress(KeyboardInterrupt):
        serve_until_interrupted(server, listener)


@app.command()
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
    if moment := _source_date():
        chosen["moment"] = moment
    recipe = load_recipe(package, requirements or (), **chosen)
    if push and tag is None:
        raise InputError("--push: names no registry; say --tag REPOSITORY:TAG")
    name = tag or f"{recipe.name}:built"
    check_tag(name, push=push)
    program = None if context is not None else find_builder(builder)
    with tempfile.TemporaryDirectory() as temporary:
        folder = context or Path(temporary) / "image"
        with _progress("Collecting the packages"):
            packages = stage(recipe, folder, wheels)
        if sbom is not None:
            write_sbom(recipe, packages, sbom)
        if program is None:
            err.print(f"{folder} holds what the image is built from", markup=False, soft_wrap=True)
            return
        with _progress(f"Building {name} with {program}"):
            digest = build_image(recipe, folder, program, tag=name, push=push)
    err.print(f"{'pushed' if push else 'built'} {name} with {program}", markup=False, soft_wrap=True)
    out.print(f"{name.rpartition(':')[0]}@{digest}" if push else digest, markup=False, soft_wrap=True)


@rotating.command("state")
def rotate_state(
    name: options.SystemName,
    package: options.RotatedPackage = None,
    stack: options.ServerStack = None,
    region: options.StackRegion = None,
    force: options.Force = False,
    dry_run: options.DryRun = False,
) -> None:
    """Put a new value into the state secret; the one before goes on opening what it has sealed.

    Refused for fifteen minutes after the last rotation, in which such states may be alive: a second one makes them unreadable.

    Example: `claimstack rotate state commercial`
    """
    from claimstack.generator import rotate

    server = rotate.server_of(name, package, stack, region)
    now = datetime.now(UTC)  # noqa: TID251  # a rotation is an act, and writes no package
    with _told_failures():
        rotate.rotate_state(server, rotate.connect_to(server.region), _say, now, force=force, dry_run=dry_run)


@rotating.command("client")
def rotate_client(
    name: options.ConsumerName,
    try_current: options.Try = False,
    finish: options.Finish = False,
    package: options.RotatedPackage = None,
    stack: options.ServerStack = None,
    region: options.StackRegion = None,
    dry_run: options.DryRun = False,
) -> None:
    """Rotate the secret of a consumer's client in three steps, each a run of its own.

    Without a flag it gives the client a second secret and puts it where the consumer reads its own; both get tokens. With `--try` it sees
    that what the consumer reads gets a token. With `--finish`, once the consumer's owner has confirmed that every instance reads the new
    secret, it deletes the old one.

    Example: `claimstack rotate client analyst-desk -p out/commercial`

    Example: `claimstack rotate client analyst-desk --finish --stack commercial-server --region us-east-1`
    """
    from claimstack.generator import rotate

    if try_current and finish:
        raise InputError("--try, --finish: are steps of their own; run them one after the other")
    step = rotate.finish_client if finish else rotate.try_client if try_current else rotate.begin_client
    server = rotate.server_of(None, package, stack, region)
    rotate.check_consumer(server, name)
    with _told_failures():
        step(server, name, rotate.connect_to(server.region), _say, dry_run=dry_run)


def _say(line: str) -> None:
    out.print(line, markup=False, soft_wrap=True)


@contextmanager
def _told_failures() -> Iterator[None]:
    """A call of AWS that failed ends with how things stand and exit code 1; an interrupt is told how to go on."""
    from claimstack.generator.rotate import RotationError

    try:
        yield
    except RotationError as error:
        err.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED_CHECK) from error
    except KeyboardInterrupt:
        err.print("Stopped in between; the same command goes on from where things stand.")
        raise


def _load(paths: list[Path]) -> list[tuple[Path, Config]]:
    """Every system file, before anything is built: raises InputError with the causes of all of them."""
    from claimstack.generator.loading import load_config

    loaded: dict[str, tuple[Path, Config]] = {}
    causes: list[str] = []
    for path in paths:
        try:
            config = load_config(path)
        except InputError as error:
            causes += error.causes
            continue
        if config.name in loaded:
            causes.append(f"{path}: name: {loaded[config.name][0]} has the name '{config.name}' too; rename one, for it names the folder")
        loaded.setdefault(config.name, (path, config))
    raise_all(causes)
    return list(loaded.values())


def _make(path: Path, config: Config, environment: Path | None) -> Package:
    with _progress(f"Building {config.name}"):
        from claimstack.generator.extensions import load_extensions
        from claimstack.generator.package import make_package

        extensions = load_extensions(config.extensions, path.parent)
        return make_package(config, extensions, timestamp=_source_date(), environment=environment)


def _source_date() -> datetime | None:
    """SOURCE_DATE_EPOCH as a time (https://reproducible-builds.org/specs/source-date-epoch/); None without it."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return None
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"SOURCE_DATE_EPOCH: {epoch!r} is not a number of seconds since 1970") from error


def _print_summary(said: dict[str, Any], *, checked: bool) -> None:
    from claimstack.generator.checking import failure

    built = said["built"] or said
    out.print(
        f"{said['system']}  {said['files']} files {'checked' if checked else 'written'} in {said['folder']}", markup=False, soft_wrap=True
    )
    out.print(
        f"  {said['facts']} facts, {len(said['failed_facts'])} failed, {said['conditional_facts']} conditional"
        + (f", {said['not_evaluated_facts']} not evaluated" if said["not_evaluated_facts"] else "")
        + ("" if said["judged"] else ", none judged there")
    )
    out.print(
        f"  of {said['points']['total']} points: "
        + ", ".join(f"{number} {status}" for status, number in said["points"].items() if status != "total" and number)
    )
    for warning in said["warnings"]:
        err.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    for fact in built["failed_facts"]:
        err.print(f"failed: {failure(fact)}", style="red", markup=False, soft_wrap=True)
    for problem in said["problems"]:
        err.print(problem, style="red", markup=False, soft_wrap=True)
    for fact in said["failed_facts"]:
        if fact not in built["failed_facts"]:
            err.print(f"failed: {said['folder']}/{failure(fact)}", style="red", markup=False, soft_wrap=True)


@contextmanager
def _progress(what: str) -> Iterator[None]:
    """A spinner on a terminal; nothing in a pipe."""
    with err.status(what):
        yield


def main() -> None:
    """Run the command line; wrong input ends with one line for each cause and exit code 2, an interrupt with 130."""
    try:
        app()
    except InputError as error:
        for cause in error.causes:
            err.print(f"error: {cause}", style="red", markup=False, soft_wrap=True)
        sys.exit(WRONG_INPUT)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer has turned the KeyboardInterrupt into it
            err.print("interrupted; no package was left half-written")
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
