"""Command line: the only part that reads the clock, the environment and the terminal."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from claimstack.controls.errors import InputError, raise_all

if TYPE_CHECKING:
    from claimstack.generator.config import Config
    from claimstack.generator.package import Package

# Heavy libraries (troposphere, trestle, cfn-lint) are imported inside the commands that need them: `--help` stays instant.

WRONG_INPUT = 2
FAILED_CHECK = 1
INTERRUPTED = 130

app = typer.Typer(
    name="claimstack",
    help="Turn one system file into a FedRAMP-aligned remote MCP server on AWS, with the evidence that follows from it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)

SystemFiles = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[SYSTEM.toml]...", help="System files; `system.toml` here when none is named.", show_default=False),
]
SystemFile = Annotated[Path, typer.Argument(metavar="[SYSTEM.toml]", help="The system file.")]
OutFolder = Annotated[Path, typer.Option("--out", "-o", help="Folder that holds one package folder for each system.")]
PackageFolder = Annotated[
    Path | None,
    typer.Option(
        "--package", "-p", help="Package folder, such as `out/commercial`; the only one below `out/` when not given.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a pipeline.")]


@app.callback(invoke_without_command=True)
def _version(show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if show_version:
        out.print(f"claimstack {installed_version('claimstack')}")
        raise typer.Exit


@app.command()
def build(
    systems: SystemFiles = None,
    out_folder: OutFolder = Path("out"),
    environment: Annotated[
        Path | None,
        typer.Option("--environment", "-e", help="Parameter values of one deployment; settles conditional facts.", show_default=False),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: exit 1 on any difference from the package, and judge its templates as they are.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the whole package of each system: templates, OSCAL, evidence, guides.

    The package is written even when facts fail, so that the failure can be read in it; the exit code is then 1.

    Example: `claimstack build examples/commercial.toml --out out`
    """
    summaries = []
    for path, config in _load(systems or [Path("system.toml")]):
        folder = out_folder / config.name
        package = _make(path, config, environment)
        problems = list(_check_problems(package, folder, environment)) if check else []
        if not check:
            from claimstack.generator.writing import write_package

            write_package(package.files, folder)
        summaries.append(_summary(package, folder, problems))
    if as_json:
        out.print_json(json.dumps(summaries))
    else:
        for summary in summaries:
            _print_summary(summary, checked=check)
    if any(summary["failed_facts"] or summary["problems"] for summary in summaries):
        raise typer.Exit(FAILED_CHECK)


@app.command()
def coverage(
    package: PackageFolder = None,
    family: Annotated[
        str | None, typer.Option("--family", "-f", help="List the points of one family, such as `au`.", show_default=False)
    ] = None,
    status: Annotated[
        str | None, typer.Option("--status", "-s", help="List the points of one status, such as `partial`.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count the points and controls of the whole class by computed status, and list those you ask for."""
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
def explain(
    what: Annotated[
        str, typer.Argument(help="A control (`sc-28`), a point (`sc-28_smt`), a resource (`AuditLog`), a component or a check id.")
    ],
    package: PackageFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the chain from a claim to its checks, the places they looked at, and what they found there."""
    from claimstack.generator.explain import explain as explain_evidence
    from claimstack.generator.explain import load_evidence
    from claimstack.generator.report import explanation_tree

    explanation = explain_evidence(load_evidence(package), what)
    if as_json:
        out.print_json(json.dumps(explanation))
    else:
        out.print(explanation_tree(explanation))


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="[SYSTEM.toml]", help="The system file to write; never overwritten.")] = Path(
        "system.toml"
    ),
    interactive: Annotated[bool, typer.Option("--interactive", "-i", help="Ask for each value.")] = False,
    name: Annotated[str, typer.Option(help="Short name: lower case, digits, hyphens.")] = "mcp-server",
    title: Annotated[str, typer.Option(help="Title for the documents.")] = "MCP server",
    class_: Annotated[str, typer.Option("--class", help="FedRAMP class: B, C or D.")] = "C",
    certification: Annotated[str, typer.Option(help="Certification route: 20x or rev5.")] = "20x",
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1",
    front_door: Annotated[str, typer.Option(help="http-api or rest-api.")] = "http-api",
    domain: Annotated[str | None, typer.Option(help="Custom domain; rest-api needs one.", show_default=False)] = None,
    waf: Annotated[bool, typer.Option("--waf", help="AWS WAF (rest-api).")] = False,
    streaming: Annotated[bool, typer.Option("--streaming", help="Stream responses (rest-api).")] = False,
    auth: Annotated[str, typer.Option(help="cognito, external or none.")] = "cognito",
    consumer: Annotated[
        list[str] | None, typer.Option(help="A program that calls the server (cognito); repeatable.", show_default=False)
    ] = None,
    callback_url: Annotated[
        list[str] | None, typer.Option(help="Redirect of a public client with PKCE (cognito); repeatable.", show_default=False)
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="OIDC issuer (external, http-api).", show_default=False)] = None,
    audience: Annotated[list[str] | None, typer.Option(help="Accepted audience (external); repeatable.", show_default=False)] = None,
    user_pool_arn: Annotated[str | None, typer.Option(help="Existing user pool (external, rest-api).", show_default=False)] = None,
    sessions: Annotated[bool, typer.Option("--sessions", help="DynamoDB table for sessions.")] = False,
    endpoints: Annotated[bool, typer.Option("--endpoints", help="VPC endpoints stack.")] = False,
    key: Annotated[bool, typer.Option("--key", help="Own KMS key stack; otherwise give a key ARN when deploying.")] = False,
    registry: Annotated[bool, typer.Option("--registry/--no-registry", help="Own ECR stack.")] = True,
) -> None:
    """Write a commented system.toml, from flags or by asking.

    Example: `claimstack init --name desk --front-door rest-api --domain mcp.example.gov --waf`
    """
    from claimstack.generator.init import Answers, interview, limits_of, proposed_front_door, render_system_toml
    from claimstack.generator.writing import write_new

    today = datetime.now(UTC).date()  # noqa: TID251  # the one place that reads the clock: the date goes into the file
    if interactive:
        answers = interview(lambda text, *, default=None: str(typer.prompt(text, default=default)), as_of=today, tell=err.print)
    else:
        answers = Answers(
            name=name, title=title, as_of=today, class_=class_, certification=certification, region=region, front_door=front_door,
            domain=domain, waf=waf, streaming=streaming, auth=auth,
            consumers=tuple(consumer or (["analyst-desk"] if auth == "cognito" and not callback_url else [])),
            callback_urls=tuple(callback_url or ()), issuer=issuer, audience=tuple(audience or ()), user_pool_arn=user_pool_arn,
            sessions=sessions, endpoints=endpoints, key=key, registry=registry,
        )  # fmt: skip
    write_new(file, render_system_toml(answers))
    out.print(f"{file} written. Next: claimstack build {file}", markup=False, soft_wrap=True)
    limits = limits_of(answers.front_door)
    if limits:
        err.print(f"The {answers.front_door} front door cannot have:")
        for limit in limits:
            err.print(f"  - {limit}", markup=False)
    if answers.front_door != proposed_front_door(answers.class_):
        err.print(f"At class {answers.class_} we propose --front-door {proposed_front_door(answers.class_)}.", markup=False)


@app.command()
def lint(
    packages: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PACKAGE]...", help="Package folders; every one below `out/` when none is named.", show_default=False),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option("--region", "-r", help="Regions to lint for; those of the package's partition when not given.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold the templates against cfn-lint and the OSCAL documents against the reference checker; exit 1 on any finding."""
    from claimstack.generator.lint import LINT_REGIONS, lint_package, partition_of_package
    from claimstack.generator.partition import partition_of

    for asked in region or ():
        partition_of(asked)
    folders = packages or sorted(path.parent for path in Path("out").glob("*/manifest.json"))
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
    key_policy: Annotated[
        Path, typer.Option("--key-policy", help="Key policy as JSON, as `aws kms get-key-policy --output text` prints it.")
    ],
    system: SystemFile = Path("system.toml"),
    as_json: AsJson = False,
) -> None:
    """Say which consumers of the KMS key would fail under a key policy, and which would fail silently. Asks nothing of AWS."""
    from claimstack.generator.loading import load_config
    from claimstack.generator.preflight import load_key_policy
    from claimstack.generator.preflight import preflight as judge_policy
    from claimstack.generator.report import preflight_table

    verdicts = [dataclasses.asdict(verdict) for verdict in judge_policy(load_config(system), load_key_policy(key_policy))]
    if as_json:
        out.print_json(json.dumps(verdicts))
    else:
        out.print(preflight_table(verdicts))
    if not all(verdict["ok"] for verdict in verdicts):
        raise typer.Exit(FAILED_CHECK)


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


def _check_problems(package: Package, folder: Path, environment: Path | None) -> Iterator[str]:
    """Differences between a package on disk and what its system file gives, then what fails in templates that somebody edited."""
    from claimstack.generator.package import judge
    from claimstack.generator.writing import differences

    if not folder.is_dir():
        yield f"{folder}: does not exist; run claimstack build"
        return
    yield from (f"differs: {difference}" for difference in differences(package.files, folder))
    texts = {}
    for stack in package.system.stacks:
        path = folder / "cloudformation" / f"{stack}.json"
        try:
            texts[stack] = path.read_text(encoding="utf-8")
            readable = _is_template(json.loads(texts[stack]))
        except (OSError, ValueError):
            readable = False
        if not readable:
            yield f"not judged: {path}: is no template"
            return
    if all(package.files[f"cloudformation/{stack}.json"] == text for stack, text in texts.items()):
        return
    for fact in judge(package.system, texts, environment).failed:
        if fact not in package.evaluated.failed:
            yield f"failed: {folder}/{_failure(dataclasses.asdict(fact))}"


def _is_template(document: Any) -> bool:
    resources = document.get("Resources") if isinstance(document, dict) else None
    return isinstance(resources, dict) and all(isinstance(body, dict) and isinstance(body.get("Type"), str) for body in resources.values())


def _failure(fact: dict[str, Any]) -> str:
    found = "nothing" if fact["actual"] is None else json.dumps(fact["actual"], ensure_ascii=False)
    return f"{fact['pointer']}: {fact['expected']}; found {found} ({fact['check']})"


def _summary(package: Package, folder: Path, problems: list[str]) -> dict[str, Any]:
    from claimstack.generator.documents.coverage import render_coverage

    evaluated = package.evaluated
    counted = render_coverage(evaluated)
    return {
        "system": package.system.config.name,
        "folder": str(folder),
        "files": len(package.files),
        "facts": len(evaluated.facts),
        "failed_facts": [
            {"check": fact.check, "pointer": fact.pointer, "expected": fact.expected, "actual": fact.actual} for fact in evaluated.failed
        ],
        "points": counted["points"],
        "controls": counted["controls"],
        "warnings": package.system.warnings,
        "problems": problems,
    }


def _print_summary(summary: dict[str, Any], *, checked: bool) -> None:
    counted = summary["points"]
    verb = "checked" if checked else "written"
    out.print(f"{summary['system']}  {summary['files']} files {verb} in {summary['folder']}", markup=False, soft_wrap=True)
    out.print(f"  {summary['facts']} facts, {len(summary['failed_facts'])} failed")
    out.print(
        f"  of {counted['total']} points: "
        + ", ".join(f"{number} {status}" for status, number in counted.items() if status != "total" and number)
    )
    for warning in summary["warnings"]:
        err.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    for fact in summary["failed_facts"]:
        err.print(f"failed: {_failure(fact)}", style="red", markup=False, soft_wrap=True)
    for problem in summary["problems"]:
        err.print(problem, style="red", markup=False, soft_wrap=True)


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
