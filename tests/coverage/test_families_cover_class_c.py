"""Class C: every point can be claimed or is disposed of, in words of our own that are true of each system."""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tests.official import CATALOG, needs_official

from claimstack.controls.catalog import load_catalog
from claimstack.controls.families import Families, disposition_of, load_families
from claimstack.generator.build import build
from claimstack.generator.config import Config
from claimstack.generator.evaluation import Evaluated, Status, evaluate, read_back
from claimstack.generator.loading import load_config
from claimstack.generator.passing import cited

REPOSITORY = Path(__file__).parents[2]

UNANSWERED: Mapping[str, str] = {}
"""Points of class C of which nothing honest can be said yet, with the reason."""
LONGEST = 200
"""Characters of a reason: an assessor reads hundreds of them."""
COPIED_RUN = 6
"""Words in a row that count as copied from a standard; shorter runs are set phrases such as names of things."""


def unanswered(families: Families) -> set[str]:
    return {
        point.id
        for point in load_catalog().class_points("C")
        if disposition_of(point, families.dispositions) is None
        and not (point.id in families.ceilings and families.ceilings[point.id].claimable)
    }


def sentences(families: Families) -> Iterator[tuple[str, str]]:
    for ceiling in families.ceilings.values():
        if ceiling.because:
            yield f"{ceiling.point}: because", ceiling.because
        for remainder in ceiling.remains:
            yield f"{ceiling.point}: remains", remainder.what
    for disposition in families.dispositions.values():
        yield f"{disposition.target}: reason", disposition.reason


def test_every_point_can_be_claimed_or_is_disposed_of() -> None:
    assert unanswered(load_families()) == set(UNANSWERED)


def test_a_point_without_an_answer_is_noticed() -> None:
    families = load_families()
    without = Families(
        {point: ceiling for point, ceiling in families.ceilings.items() if point != "au-11_smt"},
        {target: found for target, found in families.dispositions.items() if target not in {"at-1", "au-11"}},
    )
    assert unanswered(without) - set(UNANSWERED) == {"at-1_smt.a", "at-1_smt.b", "at-1_smt.c", "au-11_smt"}


def test_what_no_claim_may_name_is_disposed_of() -> None:
    families = load_families()
    points = load_catalog().points
    assert [
        point
        for point, ceiling in families.ceilings.items()
        if not ceiling.claimable and disposition_of(points[point], families.dispositions) is None
    ] == []


def test_every_partial_ceiling_says_what_remains() -> None:
    assert [ceiling.point for ceiling in load_families().ceilings.values() if ceiling.highest == "partial" and not ceiling.remains] == []


def test_every_family_of_the_class_has_its_file() -> None:
    files = {disposition.source for disposition in load_families().dispositions.values()}
    assert files == {f"controls/families/{control.family}.toml" for control in load_catalog().class_controls("C")}
    for file in sorted(files):
        assert tomllib.loads((REPOSITORY / file).read_text("utf-8"))["family"] == Path(file).stem


def test_no_reason_fits_more_than_six_controls() -> None:
    controls: dict[str, set[str]] = defaultdict(set)
    for disposition in load_families().dispositions.values():
        controls[disposition.reason].add(disposition.target.partition("_")[0])
    assert {reason: sorted(found) for reason, found in controls.items() if len(found) > 6} == {}


def test_every_sentence_is_short_and_ends() -> None:
    assert [(where, text) for where, text in sentences(load_families()) if len(text) > LONGEST or not text.endswith(".")] == []


@needs_official
def test_no_sentence_of_the_catalog_is_copied() -> None:
    official = {run for prose in _proses(json.loads(CATALOG.read_text("utf-8"))) for run in _runs(prose)}
    assert len(official) > 10_000
    assert [(where, text) for where, text in sentences(load_families()) if any(run in official for run in _runs(text))] == []


def _proses(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("prose"), str):
            yield node["prose"]
        for value in node.values():
            yield from _proses(value)
    elif isinstance(node, list):
        for value in node:
            yield from _proses(value)


def _runs(text: str) -> Iterator[str]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    for start in range(len(words) - COPIED_RUN + 1):
        yield " ".join(words[start : start + COPIED_RUN])


# ---- no answer speaks of a feature that the system does not have

BASE: Mapping[str, Any] = {
    "name": "example",
    "title": "Example",
    "class": "C",
    "certification": "rev5",
    "region": "us-gov-west-1",
    "as_of": date(2026, 11, 1),
    "leveraged": {"title": "Example", "package_id": "EXAMPLE", "date_authorized": date(2026, 1, 1)},
}
POOL = "arn:aws-us-gov:cognito-idp:us-gov-west-1:111122223333:userpool/us-gov-west-1_AbCdEf123"
CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    "nothing but the server": {"auth": {"type": "none"}, "registry": {"stack": False}},
    "open, with everything else": {
        "auth": {"type": "none"},
        "front_door": {"domain": "mcp.example.gov"},
        "runtime": {"sessions": True},
        "network": {"endpoints": True},
        "key": {"stack": True},
    },
    "all of it given": {
        "front_door": {"domain": "mcp.example.gov"},
        "auth": {"type": "external", "issuer": "https://login.example.gov", "audience": ["mcp"]},
        "network": {"security_groups": "given"},
        "registry": {"stack": False},
        "organisation": {"alarm_topic": "given", "permissions_boundary": True, "log_archive": True},
    },
    "a pool that exists": {
        "front_door": {"type": "rest-api", "domain": "mcp.example.gov", "account_role": "given"},
        "auth": {"type": "external", "user_pool_arn": POOL, "audience": ["mcp"]},
        "runtime": {"sessions": True},
        "registry": {"stack": False},
        "key": {"stack": True},
    },
    "programs only": {"auth": {"type": "cognito", "consumers": ["analyst-desk"]}, "network": {"endpoints": True}},
    "people only": {
        "front_door": {"type": "rest-api", "domain": "mcp.example.gov", "waf": True},
        "auth": {"type": "cognito", "callback_urls": ["http://localhost:8976/callback"]},
        "organisation": {"alarm_topic": "given"},
    },
}

FEATURES: Mapping[str, Callable[[Config], bool]] = {
    r"\bDynamoDB\b|(?<!route )\btables?\b|\bsession records?\b": lambda config: config.runtime.sessions,
    r"\bweb ACL\b|\bWAF\b|\bfirewalls?\b": lambda config: config.front_door.waf,
    r"\bCognito\b|\bpools?\b": lambda config: config.auth.type == "cognito" or config.auth.user_pool_arn is not None,
    r"\btoken domain\b|\bapp clients?\b|\bclient secrets?\b|\bclient_credentials\b": lambda config: config.auth.type == "cognito",
    r"\bpasskeys?\b|\bPKCE\b|\btime-based code\b|\bpeople of the pool\b|\bthe pool requires\b": lambda config: bool(
        config.auth.callback_urls
    ),
    r"\bauthorizers?\b|\bissuer\b(?! and holder)|\bscopes?\b(?! files)|\btoken (is|says|names|that)\b": lambda config: (
        config.auth.type != "none"
    ),
    r"\bexternal (issuer|identity provider|party)\b": lambda config: config.auth.type == "external",
    r"\bauth = none\b|\bno authorizer\b|\bwithout an authorizer\b": lambda config: config.auth.type == "none",
    r"\bECR\b|\bregistry\b|\b(scan )?at push\b|\bimmutable tags?\b": lambda config: config.registry.stack,
    r"\bsupplied (registry|repository)\b|\bexisting image repository\b": lambda config: not config.registry.stack,
    r"\bVPC endpoints?\b|\bendpoint polic(y|ies)\b|\bendpoints stack\b": lambda config: config.network.endpoints,
    r"\bcustom domain\b": lambda config: config.front_door.domain is not None,
    r"\bdefault endpoint\b": lambda config: config.front_door.domain is None,
    r"\bstreaming\b|\bevent streams?\b": lambda config: config.front_door.streaming,
    r"\bREST\b|\brequest validator\b|\bexecution logs?\b": lambda config: config.front_door.type == "rest-api",
    r"\bHTTP API\b": lambda config: config.front_door.type == "http-api",
    r"\bkeys? (that )?these stacks create\b|\bown key\b|\bkey stack\b": lambda config: config.key.stack,
    r"\b(supplied|given) key\b|\bkey ARN\b": lambda config: not config.key.stack,
    r"\bgiven (alarm )?topic\b|\btopic that\b": lambda config: config.organisation.alarm_topic == "given",
    r"\bgiven (security )?groups\b|\bgroups are given\b": lambda config: config.network.security_groups == "given",
    r"\bown security group\b|\b[Cc]losed egress\b|\b[Ee]gress is\b|\bport of egress\b": lambda config: (
        config.network.security_groups == "own"
    ),
    r"\blog archive\b": lambda config: config.organisation.log_archive,
    r"\bpermissions boundary\b": lambda config: config.organisation.permissions_boundary,
}
"""Words that only a system with the feature can use of itself."""

CONDITIONAL_OPENING = re.compile(r"(With|Without|When|Where|While|Unless|If|As long as|A (system|server)( built)? with)\b", re.IGNORECASE)
"""A reason that opens with a condition answers for some other system."""


@cache
def evaluated_systems() -> Mapping[str, Evaluated]:
    """The reference systems, and systems that lack each feature in turn."""
    configs = {file.stem: load_config(file) for file in sorted((REPOSITORY / "examples").glob("*.toml"))}
    configs |= {name: Config.model_validate({**BASE, **_frozen(table)}) for name, table in CONFIGURATIONS.items()}
    found = {}
    for name, config in configs.items():
        system = build(config)
        tests = dict.fromkeys(cited(declared.check for declared in system.checks.values()), "passed")
        results = {"tested_sha256": "a", "runtime_sha256": "a", "tests": tests}
        texts = {stack: json.dumps(made.to_dict()) for stack, made in system.stacks.items()}
        found[name] = evaluate(system, read_back(texts, results=results))
    return found


def _frozen(value: Any) -> Any:
    """Lists as tuples, as the strict models take them."""
    if isinstance(value, Mapping):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


def emitted_reasons(evaluated: Evaluated) -> Iterator[tuple[str, str]]:
    for answer in evaluated.answers.values():
        yield answer.point.id, answer.why
        yield from ((answer.point.id, remainder.what) for remainder in answer.remains if answer.claims)


def missing_features(text: str, config: Config) -> list[str]:
    return [match[0] for words, built in FEATURES.items() if not built(config) and (match := re.search(words, text))]


def test_no_system_leaves_a_point_without_an_answer() -> None:
    open_points = [
        (name, answer.point.id)
        for name, evaluated in evaluated_systems().items()
        for answer in evaluated.answers.values()
        if answer.status is Status.NOT_ADDRESSED
    ]
    assert open_points == []


def test_no_emitted_reason_speaks_of_a_feature_that_the_system_does_not_have() -> None:
    found = [
        (name, point, words, text)
        for name, evaluated in evaluated_systems().items()
        for point, text in emitted_reasons(evaluated)
        if (words := missing_features(text, evaluated.system.config))
    ]
    assert found == []


def test_no_emitted_reason_opens_with_a_condition() -> None:
    found = {
        (point, text)
        for evaluated in evaluated_systems().values()
        for point, text in emitted_reasons(evaluated)
        if CONDITIONAL_OPENING.match(text)
    }
    assert found == set()


def test_every_feature_is_missing_from_some_system() -> None:
    configs = [evaluated.system.config for evaluated in evaluated_systems().values()]
    assert [words for words, built in FEATURES.items() if all(built(config) for config in configs)] == []


def test_a_reason_of_another_system_is_noticed() -> None:
    open_system = evaluated_systems()["nothing but the server"].system.config
    assert missing_features("Restoring the table of an app client through the web ACL.", open_system) == ["table", "web ACL", "app client"]
    assert missing_features("The route tables, a tablet and a spool.", open_system) == []
    assert CONDITIONAL_OPENING.match("Without the registry stack nothing here looks for flaws.") is not None
    assert CONDITIONAL_OPENING.match("Within a day the provider answers.") is None
