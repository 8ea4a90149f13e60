"""Build: writes the package of each system, or holds it against what is there."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator import options
from claimstack.generator.console import FAILED_CHECK, out, progress, say, source_date, tell

if TYPE_CHECKING:
    from claimstack.generator.catalog_texts import CatalogTexts
    from claimstack.generator.config import Config
    from claimstack.generator.package import Package
    from claimstack.generator.redaction import Redaction

ALLOCATIONS = 1_000_000
"""Between two searches for cycles of objects. Documents are trees without any; with Python's 700 a seventh of a build is searching."""


def build(
    systems: options.SystemFiles = None,
    out_folder: options.OutFolder = Path("out"),
    environment: options.Environment = None,
    check: options.Check = False,
    redact: options.Redact = False,
    catalog: options.CatalogFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Write the whole package of each system: templates, OSCAL, evidence, guides.

    The package is written even when facts fail, so that the failure can be read in it; the exit code is then 1.

    Example: `claimstack build examples/commercial.toml --out out`

    Example: `claimstack build --redact --out outside one.toml two.toml`; systems built together share their stand-ins.

    Example: `claimstack build --catalog NIST_SP-800-53_rev5_catalog.json`; --check then needs the same file.

    Example: `claimstack build --check --json`, in CI; exits 1 on any difference and on any fact that fails in the package.
    """
    gc.set_threshold(ALLOCATIONS)
    from claimstack.generator.checking import check_package, summary
    from claimstack.generator.redaction import Redaction, refuse_other_kind
    from claimstack.generator.writing import write_package

    summaries = []
    redaction = Redaction() if redact else None
    texts = _texts(catalog) if catalog is not None else None
    for path, config in _load(systems or [Path("system.toml")]):
        package = _make(path, config, environment, redaction, texts)
        folder = out_folder / package.system.config.name
        refuse_other_kind(folder, redacted=redact)
        checked = check_package(package, folder, environment) if check else None
        if checked is None:
            write_package(package.files, folder)
        summaries.append({**summary(package, folder, checked), **({"redacted": redaction.summary()} if redaction else {})})
    if as_json:
        out.print_json(json.dumps(summaries))
    else:
        for said in summaries:
            _print_summary(said, checked=check)
        if redaction is not None:
            _print_redaction(redaction)
    if any(said["failed_facts"] or said["problems"] or (said["built"] or said)["failed_facts"] for said in summaries):
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


def _texts(catalog: Path) -> CatalogTexts:
    """Before anything is built: raises InputError for another file than the one our facts come from."""
    from claimstack.controls.catalog import load_catalog
    from claimstack.generator.catalog_texts import load_catalog_texts

    return load_catalog_texts(catalog, load_catalog())


def _make(path: Path, config: Config, environment: Path | None, redaction: Redaction | None, texts: CatalogTexts | None) -> Package:
    with progress(f"Building {config.name}"):
        from claimstack.generator.extensions import load_extensions
        from claimstack.generator.package import make_package

        extensions = load_extensions(config.extensions, path.parent)
        return make_package(config, extensions, timestamp=source_date(), environment=environment, redaction=redaction, texts=texts)


def _print_summary(said: dict[str, Any], *, checked: bool) -> None:
    from claimstack.generator.checking import failure

    built = said["built"] or said
    say(f"{said['system']}  {said['files']} files {'checked' if checked else 'written'} in {said['folder']}")
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
        tell(f"warning: {warning}", "yellow")
    for fact in built["failed_facts"]:
        tell(f"failed: {failure(fact)}", "red")
    for problem in said["problems"]:
        tell(problem, "red")
    for fact in said["failed_facts"]:
        if fact not in built["failed_facts"]:
            tell(f"failed: {said['folder']}/{failure(fact)}", "red")


def _print_redaction(redaction: Redaction) -> None:
    from claimstack.generator.redaction import KEPT

    said = redaction.summary()
    kept = ", ".join(key for key in KEPT if not key.endswith("{}"))
    say(f"redacted: {said['replaced']} values are replaced, each by one stand-in everywhere")
    say(f"  left as they were: dates, numbers, words of fixed lists, ids of catalogs, {kept}")
    if said["not_looked_for"]:
        say(f"  replaced, but not looked for in the files, since claimstack uses such words itself: {', '.join(said['not_looked_for'])}")
