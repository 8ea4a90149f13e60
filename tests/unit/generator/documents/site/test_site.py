"""Site: one page that says what was evaluated, takes no markup from anybody, and whose every link leads somewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import cmarkgfm
import pytest
from tests.systems import weakened

from claimstack.generator.build import build
from claimstack.generator.catalog_texts import CatalogTexts
from claimstack.generator.config import Config
from claimstack.generator.documents.evidence.coverage import by_control, status_counts
from claimstack.generator.documents.site.filters import FILTERS
from claimstack.generator.documents.site.pages import status_rows, waiting_rows
from claimstack.generator.documents.site.site import PAGES, render_site
from claimstack.generator.documents.states import control_state, state_of
from claimstack.generator.emitted import REMOVE, Edit, Place, asset_id
from claimstack.generator.evaluation import Evaluated, control_status, evaluate, read_back
from claimstack.generator.paths import INDEX
from claimstack.generator.predicates import Outcome

LIMIT = 3_000_000
FILES = {"evidence/facts.json": '{"a": 1}\n', "oscal/profile.json": "{}\n"}
NEEDED = ("name", "title", "class", "certification", "region", "as_of", "front_door", "auth")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7 * 7 }} `|**x**](javascript:alert(1))"
VOID = {"meta", "link", "input", "br", "img", "path", "rect", "circle", "line", "polyline", "use"}


@dataclass
class Page(HTMLParser):
    """What a browser would find: ids, links, attributes and the text of elements with an id."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tags: Counter[str] = field(default_factory=Counter)
    attributes: list[tuple[str, str, str | None]] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    rows: dict[str, dict[str, str | None]] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            self.attributes.append((tag, name, value))
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "tr" and (control := dict(attrs).get("data-control")):
            self.rows[control] = dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@cache
def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


RENDERED: dict[int, tuple[Evaluated, dict[str, str]]] = {}


def site(evaluated: Evaluated) -> dict[str, str]:
    """Rendered once for each system: the key is an identity, so what it belongs to is kept beside it."""
    if id(evaluated) not in RENDERED:
        RENDERED[id(evaluated)] = (evaluated, render_site(evaluated, FILES))
    return RENDERED[id(evaluated)][1]


def page_of(evaluated: Evaluated) -> Page:
    return read(site(evaluated)[INDEX])


def article(text: str, control: str) -> str:
    found = re.search(rf'<article class="page control" id="{re.escape(control)}".*?</article>', text, re.DOTALL)
    assert found is not None
    return found[0]


@pytest.fixture(scope="session")
def failing(built: Callable[..., Evaluated]) -> Evaluated:
    return weakened(built(), Edit(Place("server", ("Resources", "AuditLog", "Properties", "KmsKeyId")), REMOVE))


@pytest.fixture(scope="session")
def silent() -> Evaluated:
    """A system whose system.toml states no more than it has to."""
    return evaluated_from({key: value for key, value in hostile_tables().items() if key in NEEDED} | {"title": "Silent"})


def evaluated_from(tables: dict[str, Any]) -> Evaluated:
    system = build(Config.model_validate_json(json.dumps(tables)))
    return evaluate(system, read_back({name: json.dumps(stack.to_dict()) for name, stack in system.stacks.items()}))


both = pytest.mark.parametrize("like", ["commercial", "govcloud"])


@both
def test_the_page_is_small_and_asks_for_nothing_from_elsewhere(built: Callable[..., Evaluated], like: str) -> None:
    text = site(built(like))[INDEX]
    page = read(text)
    assert len(text.encode()) < LIMIT
    loads = [
        (tag, name, value) for tag, name, value in page.attributes if name in ("src", "srcset", "action", "data", "poster", "xlink:href")
    ]
    assert loads == []
    assert [value for tag, name, value in page.attributes if tag == "link" and name == "href"] == ["data:,"]
    assert [link for link in page.links if re.match(r"[a-z]+:|//", link)] == ["data:,"]
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []


@both
def test_every_link_leads_to_an_anchor_or_to_a_file_of_the_package(built: Callable[..., Evaluated], like: str) -> None:
    page = page_of(built(like))
    assert [id_ for id_, number in Counter(page.ids).items() if number > 1] == []
    assert sorted({link for link in page.links if link.startswith("#") and link[1:] not in page.ids}) == []
    stacks = {f"../cloudformation/{stack}.json" for stack in built(like).emitted.stacks}
    known = (
        {f"../{path}" for path in FILES}
        | stacks
        | {"../manifest.json", "../evidence/responsibility-matrix.csv", "../evidence/test-results.json"}
        | {"../fedramp/architecture.svg", "../fedramp/data-flow.svg"}
    )
    assert {link for link in page.links if link.startswith("../")} <= known


@both
def test_labels_and_descriptions_name_elements_that_exist(built: Callable[..., Evaluated], like: str) -> None:
    page = page_of(built(like))
    named = {
        part
        for _, name, value in page.attributes
        if name in ("aria-labelledby", "aria-describedby", "for")
        for part in (value or "").split()
    }
    assert named - set(page.ids) == set()


@both
def test_headings_go_down_one_level_at_a_time(built: Callable[..., Evaluated], like: str) -> None:
    headings = page_of(built(like)).headings
    assert headings[0] == headings.count(1) == 1
    assert [pair for pair in pairwise(headings) if pair[1] > pair[0] + 1] == []


@both
def test_every_control_of_the_class_has_a_section_under_its_own_id(built: Callable[..., Evaluated], like: str) -> None:
    found = built(like)
    page = page_of(found)
    controls = {control.id for control in found.system.catalog.class_controls("C")}
    assert controls <= set(page.ids)
    assert {answer.point.id for answer in found.answers.values()} <= set(page.ids)
    assert {id_ for id_, _, _ in PAGES} <= set(page.ids)


@both
def test_statuses_are_those_that_were_evaluated(built: Callable[..., Evaluated], like: str) -> None:
    assert_statuses(built(like))


def test_statuses_of_a_failing_system_are_those_that_were_evaluated(failing: Evaluated) -> None:
    assert_statuses(failing)


def assert_statuses(found: Evaluated) -> None:
    text = site(found)[INDEX]
    page = read(text)
    for control, answers in by_control(found).items():
        status = control_status(answer.status for answer in answers).value
        assert (page.rows[control]["data-status"] or "").split()[0] == status
        section = article(text, control)
        assert f'<b class="s-{status}">{status}</b> OSCAL: {control_state(answers)}.' in section
        for answer in answers:
            point = section[section.index(f'id="{answer.point.id}"') :]
            assert re.search(r'<b class="s-([a-z-]+)">', point)[1] == answer.status.value
            assert re.search(r"<small>OSCAL: ([a-z-]+)\.", point)[1] == state_of(answer)


def test_every_claim_shows_its_facts_where_they_were_found(built: Callable[..., Evaluated]) -> None:
    found = built()
    text = site(found)[INDEX]
    for answer in found.answers.values():
        section = article(text, answer.point.control)
        for result in answer.claims:
            own = f"cloudformation/{result.declared.stack}.json#/Resources/{result.declared.logical_id}/"
            for fact in result.facts:
                if fact.pointer.startswith(own) or fact.level == "effective" or fact.outcome is not Outcome.PASSED:
                    assert fact.pointer in section
            for check in result.checks:
                assert f'href="#{FILTERS["anchor"](check.id)}"' in section


def test_how_sc_28_is_met_can_be_read_in_its_own_section(built: Callable[..., Evaluated]) -> None:
    section = article(site(built())[INDEX], "sc-28")
    for shown in (
        "SC-28",
        "Protection of Information at Rest",
        "Audit records are encrypted at rest",
        "cloudformation/server.json#/Resources/AuditLog/Properties/KmsKeyId",
        'href="#resource-server.AuditLog">See it live</a>',
        "Remains for the provider:",
        "generator/expressions.py",
        "INTERVIEW",
        "sc-28_obj",
        "2026-11-01",
    ):
        assert shown in section


def test_commands_of_a_resource_stand_with_it_once(built: Callable[..., Evaluated]) -> None:
    text = site(built())[INDEX]
    for declared in built().system.declared():
        entry = text[text.index(f'id="resource-{asset_id(declared)}"') :].partition("</section>")[0]
        assert entry.count("aws ") > 0
    assert text.count("aws logs describe-log-groups") == text.count("<p>AWS::Logs::LogGroup, ")


@both
def test_every_check_stands_in_the_appendix_with_hash_and_json(built: Callable[..., Evaluated], like: str) -> None:
    found = built(like)
    text = site(found)[INDEX]
    for declared in found.system.checks.values():
        entry = text[text.index(f'id="{FILTERS["anchor"](declared.id)}"') :]
        entry = entry[: entry.index("</section>")]
        assert declared.sha256 in entry
        raw = re.search(r"<summary>Raw JSON</summary><pre><code>(.*?)</code></pre>", entry, re.DOTALL)
        assert raw is not None
        data = json.loads(raw[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        assert data["expression"] == json.loads(json.dumps(declared.check.data()))
        facts = [fact for fact in found.facts if fact.check == declared.id]
        assert [(fact["pointer"], fact["outcome"], fact["actual"]) for fact in data["facts"]] == [
            (fact.pointer, fact.outcome.value, fact.actual) for fact in facts
        ]


def test_the_denominator_is_the_whole_class(built: Callable[..., Evaluated]) -> None:
    text = " ".join("".join(page_of(built()).text).split())
    claimed = [answer for answer in built().answers.values() if answer.claims and not answer.supplemental]
    assert f"{len(claimed)} of 686 points in {len({answer.point.control for answer in claimed})} of 322 controls" in text
    others = 686 - len(claimed)
    assert f"Of the other {others} points, {others - status_counts(built())['points']['not-addressed']} have a stated answer" in text


def test_points_that_are_not_addressed_are_never_called_answered(silent: Evaluated) -> None:
    counts = status_counts(silent)["points"]
    text = " ".join("".join(page_of(silent).text).split())
    assert counts["not-addressed"] > 0
    assert f"and {counts['not-addressed']} are not addressed." in text
    assert f"**{counts['not-addressed']} are not addressed**" in site(silent)["site/README.md"]


def test_who_has_to_act_is_said_for_every_point_that_waits(failing: Evaluated, silent: Evaluated, built: Callable[..., Evaluated]) -> None:
    for found in (failing, silent, built("govcloud")):
        counts = status_counts(found)["points"]
        rows = waiting_rows(found)
        met = counts["implemented"] + counts["not-applicable"]
        assert sum(row.points for row in rows) == 686 - met
        assert {row.where for row in rows} <= set(page_of(found).ids)
        assert all(row.who for row in rows)
        for row in rows:
            assert f"| {row.status} | {row.points} |" in site(found)["site/open-items.md"]
    assert waiting_rows(failing)[0].status == "failed"


@both
def test_what_is_given_when_deploying_is_explained(built: Callable[..., Evaluated], like: str) -> None:
    evaluated = built(like)
    files = site(evaluated)
    for stack in evaluated.system.stacks.values():
        for name in stack.parameters:
            assert f'id="value-{name}"' in files[INDEX]
            assert f"- `{name}`: " in files["site/inventory.md"]


def test_a_failing_system_says_so_first_and_everywhere(failing: Evaluated) -> None:
    files = site(failing)
    text = files[INDEX]
    fact = failing.failed[0]
    short = article(text, "sc-28").partition("</div>")[0]
    assert "How it is met" not in article(text, "sc-28")
    assert fact.pointer in short
    assert "all passed" not in short
    assert article(text, "sc-28").index('class="claim o-failed"') < article(text, "sc-28").index('class="claim o-passed"')
    assert '<body class="has-failed">' in text
    assert (
        text.index('<p class="red-line">')
        < text.index('id="overview"')
        < text.index('<section class="banner"')
        < text.index('class="start"')
    )
    assert "No point they fall upon is called implemented" in text
    for control in ("sc-28", "au-9"):
        if any(
            result.outcome is Outcome.FAILED
            for answer in failing.answers.values()
            if answer.point.control == control
            for result in answer.claims
        ):
            assert '<b class="s-failed">failed</b>' in article(text, control)
    assert fact.pointer in text[text.index('id="open-items"') :]
    assert "have failed.**" in files["site/README.md"] or "has failed.**" in files["site/README.md"]
    assert fact.pointer in files["site/open-items.md"]
    assert "| failed |" in files["site/controls/sc.md"]


def test_a_sound_system_has_no_banner(built: Callable[..., Evaluated]) -> None:
    text = site(built())[INDEX]
    assert 'class="banner"' not in text
    assert 'class="red-line"' not in text
    assert "has-failed" not in text.partition("</style>")[2]


def test_documents_are_listed_with_the_hash_of_their_bytes(built: Callable[..., Evaluated]) -> None:
    text = site(built())[INDEX]
    for path, content in FILES.items():
        row = text[text.index(f'href="../{path}" download') :].partition("<tr>")[0]
        assert hashlib.sha256(content.encode()).hexdigest() in row


def test_the_overview_gives_the_state_that_failed_points_have(failing: Evaluated) -> None:
    states = {state_of(answer) for answer in failing.answers.values() if answer.status.value == "failed" and not answer.supplemental}
    row = next(row for row in status_rows(failing) if row.status == "failed")
    assert row.state == " or ".join(sorted(states))


# ---- what people write


def hostile_tables() -> dict[str, Any]:
    said = HOSTILE
    return {
        "name": "hostile",
        "title": said,
        "description": said,
        "class": "C",
        "certification": "20x",
        "region": "us-east-1",
        "as_of": "2026-11-01",
        "front_door": {"domain": "mcp.example.gov"},
        "auth": {"consumers": ["reporting"]},
        "organisation": {"name": said},
        "leveraged": {"title": said, "package_id": "EXAMPLE", "date_authorized": "2026-01-01"},
        "parameters": {"au-11_odp": {"value": "1096 days", "reason": said, "approver": said, "date": "2026-11-01"}},
        "providers": {"siem": {"title": said, "description": said, "operator": said}},
        "dispositions": {"ac-1": {"status": "organisational", "reason": said, "provider": "siem"}},
        "people": [{"name": said, "title": said, "roles": ["system-owner"]}],
        "plans": {"sc-4": {"owner": "system-owner", "completion": "2027-01-01", "milestone": said}},
        "assessor": {"name": said, "id": "123456"},
    }


@cache
def hostile_files() -> dict[str, str]:
    found = evaluated_from(hostile_tables())
    found.system.warnings.append(HOSTILE)
    return render_site(found, {**FILES, "oscal/<b>.json": "{}"})


def test_what_people_write_is_never_markup() -> None:
    text = hostile_files()[INDEX]
    page = read(text)
    assert page.tags["script"] == 2
    assert page.tags["img"] == 0
    assert [name for _, name, _ in page.attributes if name.startswith("on")] == []
    assert [link for link in page.links if "javascript:" in link] == []
    assert text.count("{{ 7 * 7 }}") > 5
    assert "<script>alert(1)</script>" in "".join(page.text)


def test_only_the_scripts_of_the_page_may_run() -> None:
    text = hostile_files()[INDEX]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts}
    assert hashes == set(re.findall(r"'sha256-[^']+'", policy[1]))


def test_what_people_write_is_never_markdown() -> None:
    for path, text in hostile_files().items():
        if path.endswith(".md"):
            page = read(cmarkgfm.github_flavored_markdown_to_html(text, options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE))
            assert page.tags["script"] == page.tags["img"] == 0, path
            assert [link for link in page.links if link.startswith("javascript:")] == [], path
            assert "**x**" in "".join(page.text) or HOSTILE not in "".join(page.text), path


def test_tables_of_the_twins_keep_their_columns() -> None:
    for path, text in hostile_files().items():
        if path.endswith(".md"):
            assert list(broken_tables(text)) == [], path


@both
def test_no_dollar_of_the_twins_begins_a_formula(built: Callable[..., Evaluated], like: str) -> None:
    for path, text in site(built(like)).items():
        if path.endswith(".md"):
            html = cmarkgfm.github_flavored_markdown_to_html(text, options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
            words = re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)
            assert "$" not in words.replace("<span>$</span>", ""), path


def broken_tables(text: str) -> Iterator[str]:
    """Rows with another number of cells than their head: GitHub splits at every bar that no backslash escapes, even in code."""
    width = 0
    for line in text.splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        if width and cells != width:
            yield line
        width = width or cells


# ---- the twins


@both
def test_links_of_the_twins_lead_to_files_and_anchors(built: Callable[..., Evaluated], like: str) -> None:
    files = site(built(like))
    anchors = {path: set(re.findall(r'<a id="([^"]+)"></a>', text)) for path, text in files.items()}
    for path, text in files.items():
        for target in re.findall(r"\]\(([^)]+)\)", text) if path.endswith(".md") else ():
            file, _, anchor = target.partition("#")
            parts = [*path.split("/")[:-1], *file.split("/")]
            while ".." in parts:
                at = parts.index("..")
                del parts[at - 1 : at + 1]
            resolved = "/".join(parts)
            assert resolved in files, (path, target)
            assert not anchor or anchor in anchors[resolved], (path, target)


@both
def test_the_twins_say_what_was_evaluated(built: Callable[..., Evaluated], like: str) -> None:
    found = built(like)
    files = site(found)
    for control, answers in by_control(found).items():
        text = files[f"site/controls/{control.partition('-')[0]}.md"]
        section = text[text.index(f'<a id="{control}"></a>') :]
        status = control_status(answer.status for answer in answers).value
        assert re.search(r"^\*\*([a-z-]+)\*\*\. OSCAL: ([a-z-]+)\.", section, re.MULTILINE).groups() == (status, control_state(answers))
    assert set(files) == {INDEX, *(f"site/{twin}" for _, _, twin in PAGES if twin), *(path for path in files if "/controls/" in path)}


# ---- the wording of the standard


def test_the_wording_of_controls_appears_only_in_the_page_and_only_when_given(built: Callable[..., Evaluated]) -> None:
    parts = {
        "sc-28_smt": {"id": "sc-28_smt", "prose": "Wording of the statement of {{ insert: param, sc-28_odp.01 }} <b>."},
        "sc-28_obj": {"id": "sc-28_obj", "prose": "wording of the objective."},
    }
    texts = CatalogTexts("A catalog", "5.2.0", "0" * 64, parts, {"sc-28_odp.01": {"label": "a choice"}})
    files = render_site(built(), FILES, texts)
    section = article(files[INDEX], "sc-28")
    assert "Wording of the statement of <mark>[a choice: not set]</mark> &lt;b&gt;." in section
    assert "wording of the objective." in section
    assert not any("ording of the" in text for path, text in files.items() if path != INDEX)
    assert "Wording of the statement" not in site(built())[INDEX]


def test_the_same_input_gives_the_same_bytes(built: Callable[..., Evaluated]) -> None:
    assert render_site(built(), FILES) == site(built())
