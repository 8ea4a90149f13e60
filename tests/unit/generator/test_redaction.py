"""Redaction: no name and no address of the original in any file, and the same facts, answers and references as before."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.systems import made, oscal_documents
from troposphere import sqs

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import InputError
from claimstack.controls.families import Ceiling, Disposition, Remainder
from claimstack.generator.claims import Claim, Component, Exempt
from claimstack.generator.config import Config
from claimstack.generator.documents.references.check import check_references
from claimstack.generator.expressions import prop
from claimstack.generator.extensions import Extension
from claimstack.generator.loading import load_config
from claimstack.generator.package import Package, make_package
from claimstack.generator.redaction import KEPT, RULES, Redaction, string_fields
from claimstack.generator.system import System

EXAMPLES = Path(__file__).parents[3] / "examples"
MARK = "zqx"
"""In every text of the marked systems that may not leave; in no text of ours."""
ACCOUNT = "998877665544"


def said(name: str) -> str:
    return f"The {name} of Zqx & Sons, “ours” <{MARK}-{name}>"


def decided(**values: Any) -> dict[str, Any]:
    return {"reason": said("reason"), "approver": said("approver"), "date": date(2026, 1, 2), **values}


COMMON: dict[str, Any] = {
    "name": f"{MARK}-desk",
    "title": said("title"),
    "description": said("description"),
    "class": "C",
    "certification": "20x",
    "region": "us-east-1",
    "as_of": date(2026, 11, 1),
    "network": {"endpoints": True, "endpoint_services": ("sqs",)},
    "organisation": {"name": said("organisation"), "tags": {f"{MARK}-Tag": f"{MARK} value"}, "role_path": f"/{MARK}/roles/"},
    "leveraged": {"title": said("authorization"), "package_id": f"{MARK}-1", "date_authorized": date(2026, 1, 1)},
    "parameters": {"au-11_odp": decided(value="1096 days"), "ac-01_odp.05": decided(value=said("value"))},
    "providers": {
        f"{MARK}-siem": {
            "title": said("provider"),
            "description": said("provider"),
            "operator": said("operator"),
            "website": f"https://siem.{MARK}.gov/{MARK}",
            "fedramp_id": f"{MARK}-2",
            **{key: said(key) for key in ("justification", "mitigation", "compensating_controls")},
        }
    },
    "dispositions": {"ra-2": {"status": "organisational", "reason": said("disposition"), "provider": f"{MARK}-siem"}},
    "information": (
        {
            "title": said("information"),
            "description": said("information"),
            "sp800_60": ("C.3.5.8",),
            "confidentiality": "low",
            "integrity": "low",
            "availability": "low",
        },
    ),
    "service": {
        "acronym": "ZQX",
        "website": f"https://www.{MARK}.gov/",
        "logo": f"https://www.{MARK}.gov/{MARK}.png",
        "fedramp_id": f"{MARK}-3",
        "uei": "ZQXZQXZQXZQX",
        "trust_center": f"https://trust.{MARK}.gov/{MARK}",
        "package_url": f"https://trust.{MARK}.gov/{MARK}/package",
    },
    "people": (
        {
            "name": said("owner"),
            "title": said("function"),
            "email": f"{MARK}.owner@mail.{MARK}.gov",
            "phone": "998-877-6655",
            "roles": ("system-owner", "package-official"),
            "contact": ("Primary", "Security", "Sales"),
        },
    ),
    "plans": {"sc-4": {"owner": "system-owner", "completion": date(2027, 1, 1), "milestone": said("milestone")}},
    "rules": {
        "AFC-CSO-INB": {
            "status": "partial",
            "explanation": said("explanation"),
            "verification": said("verification"),
            "validation": said("validation"),
        }
    },
    "ksis": {"KSI-CNA-RNT": {"status": "partial", "explanation": said("e"), "verification": said("v"), "validation": said("w")}},
    "assessor": {"name": said("assessor"), "id": "998877"},
    "cryptographic_modules": {"kms": {"module": "AWS KMS HSM", "certificate": "4884", "standard": "FIPS 140-3"}},
    "extensions": (f"{MARK}.py",),
}
DOMAIN = {"domain": f"mcp.{MARK}.gov"}
MARKED: dict[str, dict[str, Any]] = {
    "cognito": {
        **COMMON,
        "front_door": {"type": "http-api", **DOMAIN, "allowed_origins": (f"https://app.{MARK}.gov",)},
        "auth": {"consumers": (f"{MARK}-reader",), "callback_urls": (f"https://app.{MARK}.gov/{MARK}",)},
        "key": {"stack": True},
    },
    "external": {
        **COMMON,
        "front_door": DOMAIN,
        "auth": {
            "type": "external",
            "scopes": (f"https://api.{MARK}.gov/invoke", "read"),
            "issuer": f"https://login.{MARK}.gov/{MARK}/",
            "audience": (f"api://{MARK}",),
        },
    },
    "rest": {
        **COMMON,
        "certification": "rev5",
        "front_door": {"type": "rest-api", **DOMAIN, "waf": True},
        "auth": {
            "type": "external",
            "audience": (f"{MARK}client",),
            "user_pool_arn": f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/us-east-1_Zqx",
        },
    },
}


def marked(name: str) -> Config:
    return Config.model_validate(MARKED[name], by_alias=True)


def both(config: Config, *extensions: Extension, **asked: Any) -> tuple[Package, Package]:
    return made(config, extensions, **asked), make_package(config, extensions, redaction=Redaction(), **asked)


@cache
def pair(name: str) -> tuple[Package, Package]:
    return both(marked(name))


def holding(files: Any, *words: str) -> list[tuple[str, str]]:
    return [(path, word) for path, text in files.items() for word in words if word in f"{path} {text}".lower()]


def stated(value: Any, key: str = "") -> Iterator[str]:
    """The keys at which a configuration holds text, spelled as in RULES."""
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                yield from stated(getattr(value, name), f"{key}.{name}" if key else name)
        case dict():
            for entry in value.values():
                yield from (f"{key}{{}}", *stated(entry, f"{key}.*"))
        case tuple():
            for entry in value:
                yield from stated(entry, f"{key}[]")
        case str():
            yield key


# ---- what is replaced


def test_every_text_of_a_system_file_is_replaced_or_kept_for_a_reason() -> None:
    fields = set(string_fields())
    assert fields == RULES.keys() | KEPT.keys()
    assert RULES.keys() & KEPT.keys() == set()
    assert all(KEPT.values())


def test_a_key_without_a_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimstack.generator.redaction.RULES", {key: rule for key, rule in RULES.items() if key != "people[].name"})
    with pytest.raises(InputError, match=r"--redact: people\[\]\.name of system\.toml has no rule"):
        Redaction().config(marked("cognito"))


def test_the_marked_systems_state_every_key() -> None:
    keys = {key for name in MARKED for key in stated(marked(name))}
    assert sorted(set(string_fields()) - keys) == []


@pytest.mark.parametrize("name", sorted(MARKED))
def test_no_mark_is_left_and_nothing_else_is_lost(name: str) -> None:
    whole, redacted = pair(name)
    assert len(holding(whole.files, MARK)) > 5
    assert holding(redacted.files, MARK, ACCOUNT, "998-877-6655", "998877") == []
    assert list(whole.files) == list(redacted.files)
    same_outcomes(whole, redacted)
    sound(redacted)


def same_outcomes(whole: Package, redacted: Package) -> None:
    for one, other in zip(whole.evaluated.answers.values(), redacted.evaluated.answers.values(), strict=True):
        assert (one.point, one.status, one.unmet) == (other.point, other.status, other.unmet)
        assert [result.outcome for result in one.claims] == [result.outcome for result in other.claims]
    one, other = ([(fact.level, fact.outcome) for fact in package.evaluated.facts] for package in (whole, redacted))
    assert Counter(one) == Counter(other)


def sound(redacted: Package) -> None:
    """References resolve, the manifest has the right hashes, and says what the package is."""
    manifest = json.loads(redacted.files["manifest.json"])
    assert manifest["redacted"] is True
    assert manifest["files"] == {
        path: hashlib.sha256(text.encode()).hexdigest() for path, text in redacted.files.items() if path != "manifest.json"
    }
    assert check_references(oscal_documents(redacted), load_catalog(), redacted.system.config.class_, files=redacted.files) == ()


def test_a_package_that_is_not_redacted_says_nothing_of_it() -> None:
    assert "redacted" not in json.loads(pair("cognito")[0].files["manifest.json"])


def test_stand_ins_are_the_same_in_every_run_and_for_every_system_of_one_run() -> None:
    assert Redaction().config(marked("rest")) == Redaction().config(marked("rest"))
    together = Redaction()
    one, other = together.config(marked("cognito")), together.config(marked("external").model_copy(update={"name": "other"}))
    assert (one.name, other.name) == ("system-1", "system-2")
    assert (one.people, one.organisation, one.front_door.domain) == (other.people, other.organisation, other.front_door.domain)


def test_names_that_refer_to_each_other_still_do() -> None:
    config = Redaction().config(marked("cognito"))
    assert list(config.providers) == [config.dispositions["ra-2"].provider] == ["provider-1"]
    assert config.parameters["au-11_odp"].value == "1096 days"
    assert config.parameters["ac-01_odp.05"].value.startswith("Redacted text ")
    assert Redaction().config(marked("external")).auth.scopes == ("resource-1/invoke", "read")


def test_what_is_not_stated_stays_not_stated() -> None:
    bare = load_config(EXAMPLES / "govcloud.toml").model_copy(update={"people": (), "plans": {}, "leveraged": None})
    assert (Redaction().config(bare).people, Redaction().config(bare).leveraged) == ((), None)


# ---- what overlays and environments bring


QUEUE = Component("queue", f"Queue of {said('organisation')}", "Holds jobs for https://jobs.zqx.gov/zqx and desk@zqx.gov.")


def extend(system: System) -> None:
    """An overlay of people who write down where they are."""
    stack = system.stacks["server"]
    queue = sqs.Queue(
        "JobQueue",
        KmsMasterKeyId=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f0e0d0c-1111-2222-3333-444455556666",
        QueueName=f"{system.config.name}-jobs",
        RedriveAllowPolicy={"sourceQueueArns": [f"arn:aws:sqs:us-east-1:{ACCOUNT}:zqx-source"], "note": "zqx-desk, 52.1.2.3/32"},
    )
    stack.add(QUEUE, queue, Claim("sc-28_smt", f"Jobs of account {ACCOUNT} are encrypted at rest.", prop("KmsMasterKeyId").present()))
    stack.add(QUEUE, sqs.Queue("Other"), Exempt(f"Only mail of desk@{MARK}.gov passes through."))
    stack.parameter("Sender", "Who sends.", example=f"desk@{MARK}.gov")
    system.override(Disposition("at-2", "organisational", "sp-system", said("training"), provider=f"{MARK}-siem", source=f"{MARK}.py"))
    remains = (Remainder("organisation", f"Ask desk@{MARK}.gov."),)
    system.override(Ceiling("sc-28_smt", "partial", remains, f"Account {ACCOUNT} decides."))


OVERLAY = Extension(f"{MARK}.py", extend)


def test_what_an_overlay_writes_down_is_replaced() -> None:
    whole, redacted = both(marked("cognito"), OVERLAY)
    assert len(holding(whole.files, ACCOUNT, "52.1.2.3")) > 2
    assert holding(redacted.files, MARK, ACCOUNT, "52.1.2.3", "0f0e0d0c") == []
    same_outcomes(whole, redacted)
    sound(redacted)
    queue = json.loads(redacted.files["cloudformation/server.json"])["Resources"]["JobQueue"]["Properties"]
    assert queue["QueueName"] == "system-1-jobs"
    assert queue["KmsMasterKeyId"].startswith("arn:aws:kms:us-east-1:0000000000")
    disposition = redacted.system.overrides["at-2"]
    assert (disposition.provider, disposition.source) == ("provider-1", "extension-1")
    assert redacted.system.overridden_ceilings["sc-28_smt"] != whole.system.overridden_ceilings["sc-28_smt"]


def test_an_overlay_that_checks_by_an_address_is_refused() -> None:
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f0e0d0c-1111-2222-3333-444455556666"

    def check(system: System) -> None:
        queue = sqs.Queue("JobQueue", KmsMasterKeyId=arn)
        system.stacks["server"].add(QUEUE, queue, Claim("sc-28_smt", "Jobs are encrypted.", prop("KmsMasterKeyId").equals(arn)))

    with pytest.raises(InputError, match=r"--redact: sc-28_smt is partial, and failed once names are replaced; an overlay"):
        make_package(marked("cognito"), (Extension("ours.py", check),), redaction=Redaction())


def test_a_name_that_went_through_is_refused_with_its_file_and_key() -> None:
    def name(system: System) -> None:
        system.stacks["server"].add(QUEUE, sqs.Queue("ZqxDeskQueue"), Exempt("Nothing to say."))

    with pytest.raises(InputError) as refused:
        make_package(marked("cognito").model_copy(update={"name": "zqxdesk"}), (Extension("ours.py", name),), redaction=Redaction())
    assert "--redact: cloudformation/server.json: still holds what name says" in refused.value.causes[0]


def test_parameter_values_of_an_environment_are_replaced(tmp_path: Path) -> None:
    config = load_config(EXAMPLES / "commercial.toml")
    values = json.loads(made(config).files["cloudformation/parameters.example.json"])
    given = {
        "VpcId": "vpc-0a1b2c3d4e5f60718",
        "SubnetIds": "subnet-0a1b2c3d4e5f60718,subnet-1a1b2c3d4e5f60718",
        "ImageUri": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{MARK}@sha256:{'0123' * 16}",
        "AlarmEmail": f"desk@{MARK}.gov",
        "CertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/0f0e0d0c-1111-2222-3333-444455556666",
        "ServerStackName": f"{MARK}-server",
        "DynamoDbPrefixListId": "pl-0a1b2c3d",
    }
    for entries in values.values():
        for entry in entries:
            entry["ParameterValue"] = given.get(entry["ParameterKey"], entry["ParameterValue"])
    file = tmp_path / f"{MARK}-prod.json"
    file.write_text(json.dumps(values))
    whole, redacted = both(config, environment=file)
    originals = [MARK, ACCOUNT, "0a1b2c3d", "1a1b2c3d", "0f0e0d0c"]
    assert holding(whole.files, MARK) != []
    assert holding(redacted.files, *originals) == []
    same_outcomes(whole, redacted)
    assert redacted.evaluated.emitted.environment == "environment-1"
    server = redacted.evaluated.emitted.parameters["server"]
    assert server["ImageUri"] == f"000000000001.dkr.ecr.us-east-1.amazonaws.com/repository-1@sha256:{'0123' * 16}"
    assert server["SubnetIds"].split(",") == ["subnet-00000000000000001", "subnet-00000000000000002"]
    assert server["ReservedConcurrency"] == "20"


def test_the_example_parameters_of_a_package_can_be_redacted(tmp_path: Path) -> None:
    config = load_config(EXAMPLES / "commercial.toml")
    file = tmp_path / "prod.json"
    file.write_text(made(config).files["cloudformation/parameters.example.json"].replace("amazonaws.com/mcp@", f"amazonaws.com/{MARK}@"))
    _, redacted = both(config, environment=file)
    server = redacted.evaluated.emitted.parameters["server"]
    assert server["CertificateArn"].startswith("arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-0000000000")
    assert server["ImageUri"].startswith("111122223333.dkr.ecr.us-east-1.amazonaws.com/repository-1@sha256:")
    assert holding(redacted.files, MARK) == []


@pytest.mark.parametrize("name", ["commercial", "govcloud"])
def test_reference_systems_leave_with_the_same_outcomes(name: str) -> None:
    config = load_config(EXAMPLES / f"{name}.toml")
    whole, redacted = both(config)
    same_outcomes(whole, redacted)
    sound(redacted)
    assert holding(redacted.files, *(person.name.lower() for person in config.people), str(config.title).lower()) == []
