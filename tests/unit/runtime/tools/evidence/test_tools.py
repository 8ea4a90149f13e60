"""What an assessor's client hears is what the package says, in pages of bearable size."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from claimstack.generator.evaluation import Status as EmittedStatus
from claimstack.generator.explain import explain, load_evidence
from claimstack.generator.predicates import Outcome as EmittedOutcome
from claimstack.runtime.tools.evidence.answers import Outcome, Status
from claimstack.runtime.tools.evidence.evidence import resolve
from claimstack.runtime.tools.evidence.paging import PAGE_CHARACTERS, VALUE_CHARACTERS

INTERNALS = re.compile(r"/(root|home|tmp|usr|var)/|Traceback|\.py\b")
OUT = Path(__file__).parents[5] / "out"


def read(package: Path, path: str) -> Any:
    return json.loads((package / path).read_text())


def test_the_words_for_status_and_outcome_are_those_that_are_emitted() -> None:
    assert set(get_args(Status)) == {status.value for status in EmittedStatus}
    assert set(get_args(Outcome)) == {outcome.value for outcome in EmittedOutcome}


def test_every_tool_is_read_only_and_describes_arguments_and_answer(asking: Any) -> None:
    tools = asking.talk(lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["coverage", "list_controls", "explain_control", "find_resources", "get_evidence"]
    for tool in tools:
        assert tool.annotations.read_only_hint is True
        assert tool.title
        assert tool.description
        assert tool.output_schema["type"] == "object"
        assert [name for name, schema in tool.input_schema["properties"].items() if "description" not in schema] == []


def test_coverage_counts_what_the_package_counts(asking: Any, package: Path) -> None:
    said, facts = read(package, "evidence/coverage.json"), read(package, "evidence/facts.json")
    found = asking.call("coverage")
    for kind in ("controls", "points"):
        assert found[f"{kind}_in_all"] == said[kind]["total"]
        assert found[kind] == {status: count for status, count in said[kind].items() if count and status != "total"}
        assert sum((Counter(family[kind]) for family in found["families"]), Counter()) == found[kind]
    assert found["checks"] == len(facts["checks"])
    assert {outcome: count for outcome, count in found["facts"].items() if count} == Counter(fact["outcome"] for fact in facts["facts"])
    assert found["basis"]["note"] == facts["note"]
    assert found["leveraged"]["package_id"] == said["leveraged"]["package_id"]


def test_coverage_of_one_family_counts_that_family(asking: Any) -> None:
    whole, part = asking.call("coverage"), asking.call("coverage", family="AU")
    assert part["families"] == [family for family in whole["families"] if family["family"] == "au"]
    assert part["points"] == part["families"][0]["points"]
    assert part["points_in_all"] == sum(part["points"].values())


@pytest.mark.parametrize("limit", [7, 200])
def test_the_pages_of_controls_hold_each_control_once_in_the_order_of_the_catalog(asking: Any, package: Path, limit: int) -> None:
    answers = read(package, "evidence/coverage.json")["answers"]
    pages = asking.pages("list_controls", limit=limit)
    listed = [entry for page in pages for entry in page["controls"]]
    assert [entry["control"] for entry in listed] == list(answers)
    assert {entry["control"]: entry["status"] for entry in listed} == {id_: said["status"] for id_, said in answers.items()}
    assert {page["total"] for page in pages} == {len(answers)}
    assert all(len(page["controls"]) <= limit for page in pages)


def test_filters_of_controls_narrow_each_other_down(asking: Any, package: Path) -> None:
    answers = read(package, "evidence/coverage.json")["answers"]
    wanted = [id_ for id_, said in answers.items() if id_.startswith("sc-") and said["status"] == "partial"]
    found = asking.call("list_controls", family="sc", status="partial")
    assert [entry["control"] for entry in found["controls"]] == wanted
    by_prefix = asking.call("list_controls", prefix="AC-02 (01)")
    assert [entry["control"] for entry in by_prefix["controls"]] == [id_ for id_ in answers if id_.startswith("ac-2.1")]


def test_controls_outside_the_class_are_listed_apart(asking: Any, package: Path) -> None:
    said = read(package, "evidence/coverage.json")
    found = asking.call("list_controls", outside_class=True)
    assert [entry["control"] for entry in found["controls"]] == list(dict.fromkeys(id_.partition("_")[0] for id_ in said["supplemental"]))
    assert found["controls"][0]["control"] not in said["answers"]
    explained = asking.call("explain_control", control=found["controls"][0]["control"])
    assert all(point["supplemental"] for point in explained["points"])


@pytest.mark.parametrize("control", ["au-11", "sc-28", "ac-3", "ac-2", "ia-9", "cm-6"])
def test_an_explanation_says_what_the_command_line_says(asking: Any, package: Path, control: str) -> None:
    pages = asking.pages("explain_control", control=control)
    points: dict[str, dict[str, Any]] = {}
    checks: dict[str, dict[str, Any]] = {}
    for page in pages:
        checks |= {check["id"]: check for check in page["checks"]}
        for point in page["points"]:
            points.setdefault(point["point"], {**point, "claims": []})["claims"] += point["claims"]
    wanted = explain(load_evidence(package), control)["points"]
    assert list(points) == [point["point"] for point in wanted]
    assert pages[0]["total"] == sum(max(len(point["claims"]), 1) for point in wanted)
    for point in wanted:
        found = points[point["point"]]
        for key in ("control", "title", "status", "why"):
            assert found[key] == point[key]
        assert found["remains"] == point.get("remains", [])
        assert found["unmet_objectives"] == point.get("unmet_objectives", [])
        assert (found["disposition"] or {}).items() >= point.get("disposition", {}).items()
        assert [(claim["resource"], claim["sentence"], claim["outcome"]) for claim in found["claims"]] == [
            (claim["resource"], claim["sentence"], claim["outcome"]) for claim in point["claims"]
        ]
        for check in (check for claim in point["claims"] for check in claim["checks"]):
            shown = checks[check["id"]]
            assert (shown["sentence"], shown["sha256"], shown["facts_in_all"]) == (check["sentence"], check["sha256"], len(check["facts"]))
            assert {fact["pointer"] for fact in shown["facts"]} <= {fact["pointer"] for fact in check["facts"]}
            assert shown["facts"]


@pytest.mark.parametrize("spelling", ["ac-2.1", "AC-2(1)", "AC-02 (01)", " ac-2.1 "])
def test_a_control_is_known_by_any_official_spelling(asking: Any, spelling: str) -> None:
    assert {point["control"] for point in asking.call("explain_control", control=spelling)["points"]} == {"ac-2.1"}


def test_a_point_is_explained_alone(asking: Any) -> None:
    assert [point["point"] for point in asking.call("explain_control", control="AC-2_smt.f")["points"]] == ["ac-2_smt.f"]


def test_a_page_stays_small_whatever_is_asked(asking: Any, package: Path) -> None:
    answers = read(package, "evidence/coverage.json")["answers"]
    claimed = [id_ for id_, said in answers.items() if any(point.get("claims") for point in said["points"].values())]

    async def sizes(client: Any) -> dict[str, int]:
        asked = [("explain_control", {"control": id_, "limit": 200}) for id_ in claimed]
        asked += [(tool, {"limit": 200}) for tool in ("list_controls", "find_resources", "get_evidence")]
        results = {str(one): await client.call_tool(*one) for one in asked}
        return {name: len(json.dumps(result.structured_content, ensure_ascii=False)) for name, result in results.items()}

    # A page may hold one entry that is longer by itself: a claim with forty checks; the rest is separators and the head.
    longer = {name: size for name, size in asking.talk(sizes).items() if size > PAGE_CHARACTERS * 1.25}
    assert max(longer.values(), default=0) < 2 * PAGE_CHARACTERS
    assert len(longer) <= 3, longer


def test_a_page_is_filled_counting_what_it_shows_once_only_once(asking: Any) -> None:
    *pages, _ = asking.pages("explain_control", control="ac-3")
    sizes = [len(json.dumps(page, ensure_ascii=False, separators=(",", ":"))) for page in pages]
    assert pages
    assert sum(sizes) / len(sizes) > PAGE_CHARACTERS / 2  # a page ends before an entry that does not fit, however long that one is


def test_resources_are_those_of_the_templates(asking: Any, package: Path) -> None:
    declared = read(package, "evidence/facts.json")["resources"]
    found = [entry for page in asking.pages("find_resources", limit=20) for entry in page["resources"]]
    assert {entry["resource"]: (entry["type"], entry["component"], entry["exempt"]) for entry in found} == {
        id_: (said["type"], said["component"], said["exempt"]) for id_, said in declared.items()
    }
    for entry in found:
        path, _, fragment = entry["pointer"].partition("#")
        there, body = resolve(read(package, path), fragment)
        assert there
        assert body["Type"] == entry["type"]
        assert entry["points"] == body["Metadata"]["Compliance"].get("Points", [])


@pytest.mark.parametrize(
    "asked",
    [{"type": "AWS::Logs"}, {"type": "loggroup"}, {"component": "audit-log"}, {"control": "AU-11"}, {"control": "au-11_smt"}],
    ids=str,
)
def test_resources_are_found_by_type_component_and_control(asking: Any, asked: dict[str, str]) -> None:
    found = {entry["resource"] for entry in asking.call("find_resources", **asked)["resources"]}
    assert {"server.AuditLog", "server.AccessLog"} <= found
    assert "server.Function" not in found


@pytest.mark.parametrize("logical_id", ["AuditLog", "server.AuditLog"])
def test_a_resource_is_found_by_its_logical_id(asking: Any, logical_id: str) -> None:
    assert [entry["resource"] for entry in asking.call("find_resources", logical_id=logical_id)["resources"]] == ["server.AuditLog"]


def test_the_pages_of_evidence_hold_every_fact_with_what_stands_at_its_pointer(asking: Any, package: Path) -> None:
    facts = read(package, "evidence/facts.json")["facts"]
    found = [fact for page in asking.pages("get_evidence", limit=200) for fact in page["facts"]]
    assert [(fact["check"], fact["pointer"], fact["outcome"]) for fact in found] == [
        (fact["check"], fact["pointer"], fact["outcome"]) for fact in facts
    ]
    files = {path: read(package, path) for path in {fact["pointer"].partition("#")[0] for fact in facts}}
    for shown, fact in zip(found, facts, strict=True):
        path, _, fragment = fact["pointer"].partition("#")
        value = resolve(files[path], fragment)[1]
        assert shown["same_in_file"] == (json.dumps(value) == json.dumps(fact["actual"]))
        if len(json.dumps(value)) < VALUE_CHARACTERS // 2:
            assert shown["in_file"] == (None if shown["same_in_file"] else value)
            assert shown["actual"] == fact["actual"]


def test_evidence_is_found_by_check_resource_point_and_pointer(asking: Any) -> None:
    check = "system.AWS-Logs-LogGroup.KmsKeyId.equals"
    pointer = "cloudformation/server.json#/Resources/AuditLog/Properties/KmsKeyId"
    by_check = asking.call("get_evidence", check=check)
    assert {fact["check"] for fact in by_check["facts"]} == {check}
    assert "sc-28_smt" in by_check["checks"][0]["points"]
    by_all = asking.call("get_evidence", check=check, resource="AuditLog", control="SC-28", pointer=pointer)
    assert [fact["pointer"] for fact in by_all["facts"]] == [pointer]
    assert by_all["at_pointer"] == {"pointer": pointer, "value": by_all["facts"][0]["actual"], "cut": False}
    assert asking.call("get_evidence", check=check, resource="Function")["total"] == 0


@pytest.mark.parametrize("control", ["au-3", "AU-03", "au-11_smt"])
def test_evidence_of_a_control_is_what_its_explanation_rests_on(asking: Any, package: Path, control: str) -> None:
    explained = asking.pages("explain_control", control=control)
    checks = {check["id"] for page in explained for check in page["checks"]}
    wanted = [(fact["check"], fact["pointer"]) for fact in read(package, "evidence/facts.json")["facts"] if fact["check"] in checks]
    found = [fact for page in asking.pages("get_evidence", control=control) for fact in page["facts"]]
    assert [(fact["check"], fact["pointer"]) for fact in found] == wanted != []
    assert len(wanted) < asking.call("get_evidence")["total"]


def test_a_control_is_asked_for_by_the_same_argument_everywhere(asking: Any) -> None:
    tools = asking.talk(lambda client: client.list_tools()).tools
    arguments = {tool.name: set(tool.input_schema["properties"]) for tool in tools}
    assert {name for name, names in arguments.items() if "control" in names} == {"explain_control", "find_resources", "get_evidence"}
    assert {name for name, names in arguments.items() if "point" in names} == set()


def test_a_pointer_leads_into_any_json_file_of_the_package(asking: Any) -> None:
    found = asking.call("get_evidence", pointer="evidence/coverage.json#/answers/au-11/title")
    assert (found["at_pointer"]["value"], found["facts"]) == ("Audit Record Retention", [])
    whole = asking.call("get_evidence", pointer="evidence/coverage.json#")
    assert whole["at_pointer"]["cut"]
    assert len(whole["at_pointer"]["value"]) < VALUE_CHARACTERS + 100


@pytest.mark.parametrize(
    ("tool", "asked", "names"),
    [
        ("explain_control", {"control": "ac-33"}, ["'ac-33'", "ac-3"]),
        ("explain_control", {"control": "au-11_smtt"}, ["au-11_smt", "list_controls"]),
        ("explain_control", {"control": "😀" * 5000}, ["list_controls"]),
        ("list_controls", {"family": "zz"}, ["ac, at, au"]),
        ("coverage", {"family": "zz"}, ["ac, at, au"]),
        ("find_resources", {"type": "AWS::S3::Bucket"}, ["AWS::Logs::LogGroup"]),
        ("find_resources", {"component": "audit-logs"}, ["audit-log"]),
        ("find_resources", {"logical_id": "Auditlog"}, ["AuditLog"]),
        ("get_evidence", {"check": "system.routes"}, ["system.routes-are"]),
        ("get_evidence", {"control": "zz-1"}, ["list_controls"]),
        ("get_evidence", {"pointer": "cloudformation/server.json#/Resources/AuditLog/Propertis/KmsKeyId"}, ["Properties"]),
        ("get_evidence", {"pointer": "cloudformation/server.json#/Resources/Function/Properties/VpcConfig/SubnetIds/x"}, ["nearest"]),
        ("get_evidence", {"pointer": "cloudformation/server.json#Resources"}, ["Resources"]),
        ("get_evidence", {"pointer": "../commercial/manifest.json#/system"}, ["JSON file"]),
        ("get_evidence", {"pointer": "/etc/hostname#"}, ["JSON file"]),
        ("get_evidence", {"pointer": "cloudformation/server.json"}, ["a pointer looks like"]),
        ("list_controls", {"status": "done"}, ["implemented"]),
        ("list_controls", {"limit": 201}, ["200"]),
        ("list_controls", {"limit": 0}, ["1"]),
        ("list_controls", {"cursor": "MTA="}, ["cursor"]),
        ("list_controls", {"cursor": "\u2028"}, ["cursor"]),
    ],
    ids=str,
)
def test_what_is_not_known_is_refused_with_what_is(asking: Any, tool: str, asked: dict[str, Any], names: list[str]) -> None:
    text = asking.refusal(tool, **asked)
    assert [name for name in names if name not in text] == []
    assert not INTERNALS.search(text)
    assert str(OUT) not in text
    assert len(text) < 2000


def test_a_cursor_belongs_to_its_question(asking: Any) -> None:
    cursor = asking.call("list_controls", limit=3)["next_cursor"]
    assert "does not belong" in asking.refusal("list_controls", family="ac", cursor=cursor)
    assert "does not belong" in asking.refusal("get_evidence", cursor=cursor)


def test_failed_facts_are_found_and_are_the_first_that_an_explanation_shows(copy: Any) -> None:
    check = "system.AWS-Logs-LogGroup.KmsKeyId.equals"

    def fail(facts: Any) -> None:
        [*_, last] = [fact for fact in facts["facts"] if fact["check"] == check]
        others = [{**last, "outcome": "passed", "pointer": f"cloudformation/server.json#/Resources/AuditLog/{n}"} for n in range(9)]
        facts["facts"] += [*others, {**last, "outcome": "failed", "actual": {"Ref": "OtherKey"}}]

    copy.change("evidence/facts.json", fail)
    [fact] = copy.asking.call("get_evidence", outcome="failed")["facts"]
    assert (fact["check"], fact["actual"], fact["same_in_file"], fact["in_file"]) == (check, {"Ref": "OtherKey"}, False, {"Ref": "KeyArn"})
    shown = {entry["id"]: entry for page in copy.asking.pages("explain_control", control="sc-28") for entry in page["checks"]}[check]
    assert shown["facts"][0]["outcome"] == "failed"
    assert len(shown["facts"]) < shown["facts_in_all"]


def test_facts_of_tests_are_shown_with_the_sources_that_ran(copy: Any) -> None:
    test = "tests/unit/runtime/test_audit.py::test_it"
    pointer = f"evidence/test-results.json#/tests/{test.replace('/', '~1')}"

    def add(facts: Any) -> None:
        facts["level"] = "declared and effective"
        facts["checks"].append(
            {"id": "runtime.it", "sentence": "it passes", "scope": "runtime", "method": "TEST", "sha256": "0" * 64, "expression": {}}
        )
        fact = {"check": "runtime.it", "sha256": "0" * 64, "level": "effective", "pointer": pointer, "expected": "passed"}
        facts["facts"].append({**fact, "actual": "passed", "outcome": "passed", "environment": None, "sources_sha256": "1" * 64})

    def claim(coverage: Any) -> None:
        coverage["answers"]["au-11"]["points"]["au-11_smt"]["claims"][0]["checks"].append("runtime.it")

    copy.write("evidence/test-results.json", json.dumps({"tests": {test: "passed"}}).encode())
    copy.change("evidence/facts.json", add)
    copy.change("evidence/coverage.json", claim)
    found = copy.asking.call("get_evidence", check="runtime.it")
    [fact] = found["facts"]
    assert (fact["level"], fact["sources_sha256"], fact["same_in_file"]) == ("effective", "1" * 64, True)
    assert (found["checks"][0]["method"], found["checks"][0]["points"]) == ("TEST", ["au-11_smt"])
    assert f"TEST, passed in the package: {pointer}" in copy.asking.prompt("au-11")[1]


def test_an_entry_that_fills_a_page_alone_is_shown_alone(copy: Any) -> None:
    def lengthen(coverage: Any) -> None:
        point = coverage["answers"]["au-11"]["points"]["au-11_smt"]
        point["claims"][0]["sentence"] = "x" * (PAGE_CHARACTERS + 1)

    copy.change("evidence/coverage.json", lengthen)
    pages = copy.asking.pages("explain_control", control="au-11")
    assert [len(page["points"][0]["claims"]) for page in pages] == [1, 1]
