"""Site: the audit package as one page that opens from the file system, and its twins in Markdown for review in a repository."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

from jinja2 import Environment
from markupsafe import Markup

from claimstack.controls.catalog import FAMILY_TITLES, label
from claimstack.generator.catalog_texts import CatalogTexts
from claimstack.generator.documents.evidence.coverage import parameters
from claimstack.generator.documents.fedramp.counts import fedramp_summary
from claimstack.generator.documents.fedramp.diagram import architecture_svg
from claimstack.generator.documents.fedramp.ksis import KsiResult, ksi_results, methods_line
from claimstack.generator.documents.generator_sources import release
from claimstack.generator.documents.markdown import skeleton, skeleton_environment
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.documents.rendered import text_of
from claimstack.generator.documents.site.checks import checks, sources
from claimstack.generator.documents.site.filters import FILTERS
from claimstack.generator.documents.site.markdown import markdown_environment
from claimstack.generator.documents.site.pages import (
    assets,
    components,
    disposition_groups,
    downloads,
    failed_facts,
    level_rows,
    open_facts,
    planned_rows,
    remains_groups,
    responsibilities,
    status_rows,
    template_parameters,
    totals,
    unset_parameters,
    waiting_rows,
)
from claimstack.generator.documents.site.views import families, supplemental, with_outside
from claimstack.generator.documents.states import FEDRAMP_WORDS
from claimstack.generator.documents.unstated import unstated
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.flows import DERIVATIONS, UNDERIVED, flow_map
from claimstack.generator.paths import INDEX
from claimstack.generator.predicates import Outcome

PAGES: Final = (
    ("overview", "Overview", "README.md"),
    ("architecture", "Architecture", None),
    ("controls", "Controls", None),
    ("open-items", "Open items", "open-items.md"),
    ("cannot-see", "What we cannot see", "what-we-cannot-see.md"),
    ("ksis", "Key Security Indicators", "ksis.md"),
    ("inventory", "Inventory", "inventory.md"),
    ("flows", "Flows", "flows.md"),
    ("responsibility", "Responsibility matrix", "responsibility-matrix.md"),
    ("checks", "Checks", None),
    ("documents", "Documents", None),
)
"""Id of a page of the site, its name, and its twin."""


VERIFY: Final = """jq -r '.files | to_entries[] | "\\(.value)  \\(.key)"' manifest.json | sha256sum -c"""
"""Compares every file of a package with its manifest."""


def render_site(evaluated: Evaluated, files: Mapping[str, str], texts: CatalogTexts | None = None) -> dict[str, str]:
    """The files of `site/`. `files`: every other file of the package but the manifest, for links and hashes.

    The wording of the controls stands in the page only, and only where `texts` is given.
    """
    values = _values(evaluated, files)
    rendered = {INDEX: _page(evaluated, values, texts)}
    environment = markdown_environment()
    for id_, name, twin in PAGES:
        if twin is not None:
            rendered[f"site/{twin}"] = _markdown(environment, f"site/{twin}.j2", {**values, "page": name, "page_id": id_})
    for family, outside in with_outside(values["families"], values["supplemental"]):
        said = {**values, "family": family, "outside": outside}
        rendered[f"site/controls/{family.id}.md"] = _markdown(environment, "site/family.md.j2", said)
    return rendered


def _markdown(environment: Environment, name: str, values: Mapping[str, Any]) -> str:
    text = environment.get_template(name).render(values)
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = [line for index, line in enumerate(lines) if line or (index and lines[index - 1])]
    return "\n".join(kept) + "\n"


def _page(evaluated: Evaluated, values: Mapping[str, Any], texts: CatalogTexts | None) -> str:
    style, first, script = (skeleton(f"site/{name}.j2") for name in ("style.css", "first.js", "site.js"))
    stated = {id_: said["value"] for id_, said in evaluated.once(parameters).items()}
    page = {
        **values,
        "texts": texts,
        "values": stated.get,
        "explained": _explained(values["template_parameters"]),
        "style": Markup(style),  # noqa: S704 - files of this package, no value goes into them
        "first_script": Markup(first),  # noqa: S704 - as above
        "script": Markup(script),  # noqa: S704 - as above
        "script_hashes": [_csp_hash(first), _csp_hash(script)],
    }
    return _NEEDLESS.sub("", _html().get_template("site/index.html.j2").render(page)).rstrip() + "\n"


_NEEDLESS: Final = re.compile(r"</(?:td|th|tr|li|dd|dt|thead|tbody)>\n?")
"""End tags that HTML does not ask for."""


def _values(evaluated: Evaluated, files: Mapping[str, str]) -> dict[str, Any]:
    """What every page may say; all of it is text, and escaped where it goes in."""
    system = evaluated.system
    config = system.config
    by_family, outside = families(evaluated), supplemental(evaluated)
    controls = [control for family in by_family for control in family.controls]
    figures, failed, flows, entries = totals(evaluated), failed_facts(evaluated), flow_map(evaluated), checks(evaluated)
    shown = {control.id for control in (*controls, *outside)}
    notes = {
        "controls": figures["controls"],
        "open-items": len(failed) or None,
        "inventory": figures["resources"],
        "flows": len(flows.flows),
        "checks": figures["checks"],
        "ksis": len(system.catalog.ksis),
    }
    return {
        "title": config.title,
        "name": config.name,
        "description": config.description,
        "class_": config.class_,
        "certification": config.certification,
        "counts_ksis": config.certification == "20x",
        "partition": config.partition.title,
        "region": config.region,
        "as_of": config.as_of.isoformat(),
        "environment": evaluated.emitted.environment,
        "leveraged": config.leveraged,
        "with_fedramp_id": f", FedRAMP id {config.service.fedramp_id}" if config.service.fedramp_id is not None else "",
        "assessor": config.assessor,
        "warnings": system.warnings,
        "pages": [(id_, name, notes.get(id_)) for id_, name, _ in PAGES],
        "example": next((control.id for control in controls if control.id == "sc-28" and control.claims), controls[0].id),
        "totals": figures,
        "statuses": status_rows(evaluated),
        "levels": level_rows(evaluated),
        "originations": sorted({word for control in controls for word in control.originations}),
        "families": by_family,
        "supplemental": outside,
        "shown_controls": shown,
        "failed": failed,
        "conditional": open_facts(evaluated, Outcome.CONDITIONAL),
        "unanswered": open_facts(evaluated, Outcome.NOT_EVALUATED),
        "planned": planned_rows(evaluated),
        "waiting": waiting_rows(evaluated),
        "unset": unset_parameters(evaluated),
        "unstated": tuple(unstated(config)),
        "remains": remains_groups(evaluated),
        "dispositions": disposition_groups(evaluated),
        "ksis": [_ksi(result) for result in evaluated.once(ksi_results)],
        "ksi_counts": fedramp_summary(evaluated)["keySecurityIndicators"],
        "assets": assets(evaluated),
        "components": components(evaluated),
        "template_parameters": template_parameters(evaluated),
        "flows": flows,
        "ends": {end.id: end for end in flows.ends},
        "derivations": {key: how for key, how in DERIVATIONS.items() if any(flow.derived_by == key for flow in flows.flows)},
        "underived": UNDERIVED,
        "responsibility": responsibilities(evaluated),
        "diagram": Markup(text_of(evaluated, architecture_svg)),  # noqa: S704 - our own drawing, which escapes what it writes
        "checks": entries,
        "sources": sources(entries),
        "downloads": downloads(files),
        "verify": VERIFY,
        "version": release(),
        "label": label,
        "who": lambda party: PARTIES[party].name,
        "family_title": lambda family: f"{family.upper()} {FAMILY_TITLES.get(family, '')}".strip(),
    }


def _ksi(result: KsiResult) -> dict[str, Any]:
    answer = result.answer
    said = {
        "Measures": result.measures if answer.measures else "",
        "Objective": answer.objective,
        "Cycle": answer.cycle,
        "Why nothing is shown": answer.reason,
        "Risk to customers": answer.risk,
    }
    outcomes = [check.outcome for check in result.checks]
    return {
        "id": result.ksi.id,
        "title": result.ksi.title,
        "theme": result.ksi.theme,
        "coverage": result.coverage.value,
        "word": FEDRAMP_WORDS[result.state],
        "methods": methods_line(result),
        "optional": result.optional,
        "said": [(term, text) for term, text in said.items() if text],
        "points": tuple(each.point.id for each in result.points),
        "controls": result.ksi.controls,
        "remains": answer.remains,
        "checks": len(outcomes),
        "tally": ", ".join(f"{outcomes.count(outcome)} {outcome.value}" for outcome in Outcome if outcome in outcomes),
    }


@cache
def _html() -> Environment:
    environment = skeleton_environment(autoescape=True)
    environment.filters |= FILTERS | {"raw_text": _raw_text}
    return environment


def _raw_text(value: str) -> Markup:
    """Text between tags, never inside one: quotes stay, since JSON would grow by half."""
    return Markup(value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704 - escaped here


def _explained(names: Iterable[str]) -> Callable[[str], Markup]:
    """Text in which each name of a template parameter leads to what it is."""
    known = frozenset(names)

    def linked(text: str) -> Markup:
        words = _WORDS.split(text)
        return Markup("").join(Markup('<a href="#value-{0}">{0}</a>').format(word) if word in known else word for word in words)

    return linked


_WORDS: Final = re.compile(r"(\w+)")


def _csp_hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
