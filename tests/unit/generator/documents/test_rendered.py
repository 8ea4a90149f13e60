from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from claimstack.generator.documents.oscal.common import to_bytes
from claimstack.generator.documents.oscal.system_security_plan import render_system_security_plan
from claimstack.generator.documents.rendered import content_of, sha256_of, text_of
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.package import DOCUMENTS


@pytest.fixture
def fresh(built: Callable[..., Evaluated]) -> Evaluated:
    return dataclasses.replace(built())


def test_a_document_is_rendered_once_however_many_ask_for_it(fresh: Evaluated) -> None:
    calls: list[str] = []

    def render(evaluated: Evaluated) -> dict[str, Any]:
        calls.append(evaluated.system.config.name)
        return {"name": evaluated.system.config.name}

    text = '{\n  "name": "grants-tools"\n}\n'
    assert text_of(fresh, render) == text
    assert sha256_of(fresh, render) == hashlib.sha256(text.encode()).hexdigest()
    assert content_of(fresh, render) == {"name": "grants-tools"}
    assert calls == ["grants-tools"]


def test_text_stays_as_it_is_rendered(fresh: Evaluated) -> None:
    assert text_of(fresh, lambda _: "# Title\n") == "# Title\n"


def test_a_copy_with_other_facts_is_rendered_anew(fresh: Evaluated) -> None:
    def count(evaluated: Evaluated) -> str:
        return str(len(evaluated.facts))

    assert text_of(fresh, count) == str(len(fresh.facts))
    assert text_of(dataclasses.replace(fresh, facts=()), count) == "0"


def test_hashes_in_the_security_plan_are_those_of_the_files(fresh: Evaluated) -> None:
    resources = render_system_security_plan(fresh)["system-security-plan"]["back-matter"]["resources"]
    stated = {link["href"]: link["hashes"][0]["value"] for each in resources for link in each["rlinks"] if "hashes" in link}
    paths = {href: f"oscal/{href}".replace("oscal/../", "") for href in stated}
    found = {
        href: hashlib.sha256(content.encode() if isinstance(content, str) else to_bytes(content)).hexdigest()
        for href, path in paths.items()
        if path in DOCUMENTS
        for content in (DOCUMENTS[path](fresh),)
    }
    assert {"profile.json", "component-definition.json", "../fedramp/architecture.svg"} <= set(found)
    assert found == {href: stated[href] for href in found}
