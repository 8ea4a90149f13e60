"""Extensions: the worked overlay is built like any system, and a wrong extension is told by file, resource and id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests import systems

from claimstack.controls.errors import InputError
from claimstack.generator import extensions
from claimstack.generator.emitted import REMOVE, Edit, Json, Place
from claimstack.generator.evaluation import check_facts
from claimstack.generator.extensions import Extension, environment_of, load_extensions
from claimstack.generator.lint import lint_template
from claimstack.generator.loading import load_config
from claimstack.generator.package import Package
from claimstack.generator.predicates import Outcome

OVERLAY = Path(__file__).parents[3] / "examples" / "overlay"

BUCKET = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${ReportsBucket}"}
OBJECTS = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${ReportsBucket}/*"}
ACCOUNT = {"Ref": "AWS::AccountId"}


@pytest.fixture
def overlay() -> Package:
    return systems.overlay()


def resource(package: Package, stack: str, logical_id: str) -> Json:
    return package.evaluated.emitted.stacks[stack]["Resources"][logical_id]


def test_every_fact_of_the_worked_overlay_passes(overlay: Package) -> None:
    assert {fact.outcome for fact in overlay.evaluated.facts} == {Outcome.PASSED}


def test_the_tools_may_read_one_bucket_and_nothing_else(overlay: Package) -> None:
    assert resource(overlay, "server", "ReportsToolsPolicy")["Properties"] == {
        "Description": "Lets the function do what its reports tools need.",
        "Path": "/",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "S3ForReports",
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket", "s3:GetObject"],
                    "Resource": [BUCKET, OBJECTS],
                    "Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
                }
            ],
        },
        "Roles": [{"Ref": "FunctionRole"}],
    }


def test_the_endpoint_lets_one_bucket_pass(overlay: Package) -> None:
    properties = resource(overlay, "endpoints", "S3Endpoint")["Properties"]
    allowed, denied = properties["PolicyDocument"]["Statement"]
    assert (properties["VpcEndpointType"], properties["ServiceName"]) == ("Gateway", {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"})
    assert allowed["Resource"] == [BUCKET, OBJECTS]
    assert allowed["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}}
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_function_learns_the_name_of_its_bucket(overlay: Package) -> None:
    variables = resource(overlay, "server", "Function")["Properties"]["Environment"]["Variables"]
    assert variables["REPORTS_BUCKET"] == {"Ref": "ReportsBucket"}


def test_its_claims_stand_in_the_coverage(overlay: Package) -> None:
    answers = json.loads(overlay.files["evidence/coverage.json"])["answers"]
    claimed = {
        (claim["resource"], point)
        for control in answers.values()
        for point, said in control["points"].items()
        for claim in said.get("claims", ())
        if "Reports" in claim["resource"] or "S3" in claim["resource"]
    }
    of_endpoint = {pair for pair in claimed if pair[0] == "endpoints.S3Endpoint"}
    assert of_endpoint >= {("endpoints.S3Endpoint", point) for point in ("ac-4_smt", "sc-7_smt.c", "sc-8_smt")}
    assert claimed - of_endpoint == {
        ("server.ReportsToolsPolicy", "ac-6_smt"),
        ("server.S3Egress", "ac-4_smt"),
        ("server.S3Egress", "sc-7.5_smt"),
    }
    assert answers["ra-2"]["points"]["ra-2_smt.a"]["disposition"] == {
        "status": "organisational",
        "origination": "sp-system",
        "provider": "records-office",
        "source": "s3_reader.py",
    }
    narrowed = "The prefix list leads to every bucket of the region; only the endpoint's policy narrows it to the reports."
    assert (answers["sc-7.5"]["status"], answers["sc-7.5"]["points"]["sc-7.5_smt"]["why"]) == ("partial", narrowed)
    assert answers["sc-7.5"]["points"]["sc-7.5_smt"]["ceiling_overridden"] == {"by": "s3_reader.py", "because": narrowed}


def mutants_of_the_overlay() -> Iterator[Any]:
    policy = ("server", "Resources", "ReportsToolsPolicy", "Properties")
    statement = (*policy, "PolicyDocument", "Statement", 0)
    egress = ("server", "Resources", "S3Egress", "Properties")
    endpoint = ("endpoints", "Resources", "S3Endpoint", "Properties")
    allowed = (*endpoint, "PolicyDocument", "Statement", 0)
    for name, path, value in (
        ("may delete", (*statement, "Action"), ["s3:GetObject", "s3:DeleteObject"]),
        ("may do all", (*statement, "Action"), ["s3:*"]),
        ("every bucket", (*statement, "Resource"), "*"),
        ("another account's bucket", (*statement, "Condition"), REMOVE),
        ("for another role too", (*policy, "Roles"), [{"Ref": "FunctionRole"}, "admin"]),
        ("to the internet", egress, {**HTTPS_OUT, "CidrIp": "0.0.0.0/0"}),
        ("to another service", (*egress, "DestinationPrefixListId"), "pl-02cd2c6b"),
        ("on another port", (*egress, "FromPort"), 80),
        ("of another group", (*egress, "GroupId"), "sg-0123456789abcdef0"),
        ("endpoint to every bucket", (*allowed, "Resource"), "*"),
        ("endpoint for everyone", (*allowed, "Condition"), REMOVE),
        ("endpoint without TLS", (*endpoint, "PolicyDocument", "Statement", 1), REMOVE),
        ("endpoint of another service", (*endpoint, "ServiceName"), {"Fn::Sub": "com.amazonaws.${AWS::Region}.dynamodb"}),
        ("a second way out", ("server", "Resources", "Twin"), {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": HTTPS_OUT}),
    ):
        yield pytest.param(path, value, id=name)


HTTPS_OUT = {"GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "DestinationPrefixListId": "pl-02cd2c6b"}


@pytest.mark.parametrize(("path", "value"), list(mutants_of_the_overlay()))
def test_a_weakened_overlay_is_noticed(overlay: Package, path: tuple[str | int, ...], value: Json) -> None:
    edited = overlay.evaluated.emitted.edited(Edit(Place(str(path[0]), path[1:]), value))
    facts = [fact for declared in overlay.system.checks.values() for fact in check_facts(declared, edited)]
    assert Outcome.FAILED in {fact.outcome for fact in facts}


def test_templates_of_the_overlay_lint_clean(overlay: Package) -> None:
    templates = {stack: overlay.files[f"cloudformation/{stack}.json"] for stack in overlay.system.stacks}
    assert [finding for stack, text in templates.items() for finding in lint_template(stack, text, ("us-east-1",))] == []


# ---- what is wrong with an extension

HEAD = """
from troposphere import logs, ec2
from claimstack.controls.families import Ceiling, Disposition
from claimstack.generator.claims import Claim, Component, Exempt
from claimstack.generator.expressions import attribute, prop
from claimstack.generator.resources.role import ROLE_ID, add_policy
from claimstack.generator.resources.policies import allow
OURS = Component("ours", "Ours", "Ours.")
KEPT = prop("RetentionInDays").at_least(914)
GROUP = logs.LogGroup("Ours", RetentionInDays=1096)
"""


def refusal(folder: Path, source: str) -> tuple[str, ...]:
    """Causes for which a system with this overlay is refused, without its folder."""
    text = (OVERLAY / "system.toml").read_text(encoding="utf-8").replace("s3_reader.py", "ours.py")
    (folder / "system.toml").write_text(text, encoding="utf-8")
    (folder / "ours.py").write_text(HEAD + source, encoding="utf-8")
    config = load_config(folder / "system.toml")
    with pytest.raises(InputError) as refused:
        systems.judged(config, load_extensions(config.extensions, folder))
    return tuple(cause.replace(str(folder.parent) + "/", "") for cause in refused.value.causes)


def adding(*says: str) -> str:
    return f"def extend(system):\n    system.stacks['server'].add(OURS, GROUP, {', '.join(says)})\n"


REFUSED = {
    "unknown id": (adding("Claim('au-99_smt', 'Kept.', KEPT)"), r"overlay/ours\.py:\d+: server\.Ours claims au-99_smt: .*"),
    "a control instead of a point": (adding("Claim('au-11', 'Kept.', KEPT)"), r"overlay/ours\.py:\d+: server\.Ours claims au-11: .*"),
    "ceiling none": (
        adding("Claim('sc-7.7_smt', 'Kept.', KEPT)"),
        r"overlay/ours\.py:\d+: server\.Ours claims sc-7\.7_smt, which no template can support: .*",
    ),
    "without a check": (
        adding("Claim('au-11_smt', 'Kept.')"),
        r"overlay/ours\.py:\d+: server\.Ours claims au-11_smt without a check; a claim is a sentence plus checks that can fail",
    ),
    "objective not named": (
        adding("Claim('sc-28.1_smt', 'Kept.', KEPT)"),
        r"overlay/ours\.py:\d+: server\.Ours claims sc-28\.1_smt, which has several objectives; .*",
    ),
    "unknown property": (
        adding("Claim('au-11_smt', 'Kept.', prop('RetentionDays').at_least(914))"),
        r"overlay/ours\.py:\d+: server\.Ours claims au-11_smt by a check of .*RetentionDays, a property that does not exist",
    ),
    "neither claim nor reason": (adding(), r"overlay/ours\.py:\d+: server\.Ours makes no claim; .*"),
    "claim and exempt": (
        adding("Claim('au-11_smt', 'Kept.', KEPT)", "Exempt('not needed')"),
        r"overlay/ours\.py:\d+: server\.Ours makes claims and is exempt; choose one",
    ),
    "raises inside": (
        "def extend(system):\n    system.stacks['sever']\n",
        r"overlay/ours\.py: extend\(\) failed: KeyError: 'sever' \(ours\.py:\d+\)",
    ),
    "raises on import": ("1 / 0\n", r"overlay/ours\.py: cannot be imported: ZeroDivisionError: division by zero \(ours\.py:\d+\)"),
    "no Python": ("def extend(system)\n", r"overlay/ours\.py: cannot be imported: SyntaxError: .*ours\.py, line \d+.*"),
    "no extend": ("def expand(system): pass\n", r"overlay/ours\.py: has no function extend\(system\); .*"),
    "wrong in a module of ours": (
        "def extend(system):\n    add_policy(system.stacks['server'], ROLE_ID, 'Ours', 'Ours.', (allow('A', 's3:GetObject', on='*'),),"
        " Claim('ac-99_smt', 'Ours.', KEPT))\n",
        r"overlay/ours\.py:12: server\.Ours claims ac-99_smt: .*",
    ),
    "unknown property in a policy of ours": (
        "def extend(system):\n    add_policy(system.stacks['server'], ROLE_ID, 'Ours', 'Ours.', (allow('A', 's3:GetObject', on='*'),),"
        " Claim('ac-6_smt', 'Ours.', prop('Polices').present()))\n",
        r"overlay/ours\.py:12: server\.Ours claims ac-6_smt by a check of .*Polices, a property that does not exist",
    ),
    "override without a reason": (
        "def extend(system):\n    system.override(Ceiling('sc-28_smt', 'implemented', (), ''))\n",
        r"overlay/ours\.py:\d+: ceiling of sc-28_smt: is overridden without a reason; say it in `because`",
    ),
    "override of nothing": (
        "def extend(system):\n    system.override(Disposition('zz-1', 'planned', 'sp-system', 'Later.'))\n",
        r"overlay/ours\.py: .*zz-1.*",
    ),
    "status that does not exist": (
        "def extend(system):\n    system.override(Disposition('ra-2', 'done', 'sp-system', 'Later.'))\n",
        r"overlay/ours\.py:\d+: disposition of ra-2: status: 'done' is none of inherited, .*",
    ),
    "provider that does not exist": (
        "def extend(system):\n    system.override(Disposition('ra-2', 'organisational', 'sp-system', 'Theirs.', provider='siem'))\n",
        r"overlay/ours\.py:\d+: disposition of ra-2: provider: 'siem' is not in \[providers\] of system\.toml; .*",
    ),
    "disposition beside a claim": (
        "def extend(system):\n    system.override(Disposition('sc-28_smt', 'planned', 'sp-system', 'Later.', source='ours.py'))\n",
        r"ours\.py: sc-28_smt: the disposition stands beside a claim of .*",
    ),
    "variable of the runtime": (
        "ENVIRONMENT = {'CLAIMSTACK_TABLE': 'mine'}\ndef extend(system): pass\n",
        r"overlay/ours\.py: ENVIRONMENT: 'CLAIMSTACK_TABLE' is no name for a variable of a tool; .*",
    ),
    "optional variable of the runtime by another name": (
        "ENVIRONMENT = {'CLAIMSTACK_EVIDENCES': 's3://a/b'}\ndef extend(system): pass\n",
        r"overlay/ours\.py: ENVIRONMENT: 'CLAIMSTACK_EVIDENCES' is no name for a variable of a tool; .*",
    ),
    "variables that are none": ("ENVIRONMENT = ['A']\ndef extend(system): pass\n", r"overlay/ours\.py: ENVIRONMENT is no mapping .*"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_wrong_extension_is_refused_by_file_resource_and_id(tmp_path: Path, name: str) -> None:
    source, expected = REFUSED[name]
    folder = tmp_path / "overlay"
    folder.mkdir()
    (cause,) = refusal(folder, source)
    assert re.fullmatch(expected, cause), cause


def test_a_resource_twice_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "overlay"
    folder.mkdir()
    twice = "def extend(system):\n    s = system.stacks['server']\n" + 2 * "    s.add(OURS, logs.LogGroup('AuditLog'), Exempt('none'))\n"
    (cause,) = refusal(folder, twice)
    assert re.match(r"overlay/ours\.py.*AuditLog", cause), cause


def test_every_missing_extension_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load_extensions(("one.py", "two"), tmp_path)
    assert refused.value.causes == (
        f"{tmp_path}/one.py: no such file, though `extensions` names it; an overlay is a Python file beside system.toml",
        "extensions: no entry point 'two' in claimstack.extensions (installed: none); a file beside system.toml ends in .py",
    )


def test_an_installed_extension_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    def extend(system: object) -> None:
        """Adds nothing."""

    module = SimpleNamespace(extend=extend, ENVIRONMENT={"QUEUE": "jobs"})
    monkeypatch.setattr(EntryPoint, "load", lambda _: module)
    monkeypatch.setattr(extensions, "entry_points", lambda group: [EntryPoint("jobs", "jobs.claims", group)])
    assert load_extensions(("jobs",), Path()) == (Extension("extension jobs", extend, {"QUEUE": "jobs"}),)
    with pytest.raises(InputError, match=r"no entry point 'job' in claimstack\.extensions \(installed: jobs\)"):
        load_extensions(("job",), Path())


def test_two_extensions_do_not_overwrite_each_others_variables() -> None:
    one, two = (Extension(name, lambda _: None, {"QUEUE": name}) for name in ("one", "two"))
    assert environment_of([one, one]) == {"QUEUE": "one"}
    with pytest.raises(InputError) as refused:
        environment_of([one, two])
    assert refused.value.causes == ("two: ENVIRONMENT: another extension sets QUEUE to something else; rename one",)
