"""Tools: what a pack says it needs becomes a policy, a way out and an endpoint that let exactly that through, or is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from troposphere import Sub

from claimstack.controls.errors import InputError
from claimstack.generator.build import build
from claimstack.generator.config import Config
from claimstack.generator.evaluation import Evaluated, check_facts, evaluate, read_back
from claimstack.generator.expressions import Scope
from claimstack.generator.extensions import Extension, load_extensions
from claimstack.generator.lint import lint_template
from claimstack.generator.package import emit
from claimstack.generator.predicates import Outcome
from claimstack.generator.system import System
from claimstack.generator.tools import EVIDENCE_ENVIRONMENT, Arns, bucket, grant_evidence, grant_tools, load_pack
from claimstack.runtime.tools import AwsAccess, Pack, Tool
from claimstack.runtime.tools.whoami import WHOAMI

OVERLAY = Path(__file__).parents[3] / "examples" / "overlay"
ACCOUNT = {"Ref": "AWS::AccountId"}
OF_ACCOUNT = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
QUEUE = Sub("arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:jobs")
TABLE = Sub("arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/cases")
REPORTS: Arns = bucket("ReportsBucket", "the bucket with the reports", example="example-reports")
ENDPOINTS = {"endpoints": True}


def work() -> str:
    """What a tool does is of no matter here."""
    return "done"


def pack(*needs: AwsAccess, name: str = "jobs", scope: str = "", tool_scope: str = "") -> Pack:
    return Pack(name, tools=(Tool(work, scope=tool_scope, needs=needs),), scope=scope)


READ = AwsAccess("s3", ("s3:GetObject",), ("reports",))
LIST = AwsAccess("s3", ("s3:ListBucket",), ("reports",))
SEND = AwsAccess("sqs", ("sqs:SendMessage",), ("queue",))
PUT = AwsAccess("dynamodb", ("dynamodb:PutItem",), ("cases",))


def built(extend: Callable[[System], None], environment: dict[str, Any] | None = None, **tables: Any) -> Evaluated:
    """A system with its endpoints stack, unless `tables` of system.toml say otherwise, and one extension."""
    given = {
        "name": "desk-tools",
        "title": "Desk tools",
        "class": "C",
        "certification": "20x",
        "region": "us-east-1",
        "as_of": date(2026, 11, 1).isoformat(),
        "front_door": {"domain": "mcp.example.gov"},
        "auth": {"consumers": ["desk"], "scopes": ["invoke", "reports", "evidence"]},
        "network": ENDPOINTS,
        **tables,
    }
    system = build(Config.model_validate_json(json.dumps(given)), [Extension("ours.py", extend, environment or {})])
    return evaluate(system, read_back(emit(system)))


def statements(evaluated: Evaluated, stack: str, logical_id: str) -> list[Any]:
    found: list[Any] = evaluated.emitted.resource(stack, logical_id).properties["PolicyDocument"]["Statement"]
    return [statement for statement in found if statement["Effect"] == "Allow"]


def added(evaluated: Evaluated, **tables: Any) -> set[str]:
    """What the extension has added to the same system without it."""
    plain = built(lambda _: None, **tables)
    return {
        f"{stack}.{logical_id}"
        for stack, body in evaluated.emitted.stacks.items()
        for logical_id in body["Resources"].keys() - plain.emitted.stacks[stack]["Resources"].keys()
    }


def doubted(evaluated: Evaluated) -> set[str]:
    """Checks that fail, or that depend on what is chosen at deployment; tests of the runtime are none of this extension's."""
    return {fact.check for fact in evaluated.facts if fact.outcome in (Outcome.FAILED, Outcome.CONDITIONAL)}


def test_needs_of_all_tools_of_a_pack_are_one_policy() -> None:
    queue = pack(READ, LIST, SEND, SEND)
    found = built(lambda system: grant_tools(system, queue, {"reports": REPORTS, "queue": [QUEUE]}))
    base = "arn:${AWS::Partition}:s3:::${ReportsBucket}"
    assert statements(found, "server", "JobsToolsPolicy") == [
        {
            "Sid": "S3ForJobs",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [{"Fn::Sub": base}, {"Fn::Sub": f"{base}/*"}],
            "Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
        },
        {"Sid": "SqsForJobs", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [{"Fn::Sub": QUEUE.data["Fn::Sub"]}]},
    ]
    assert found.emitted.resource("server", "JobsToolsPolicy").properties["Roles"] == [{"Ref": "FunctionRole"}]
    assert added(found) == {"server.JobsToolsPolicy", "server.S3Egress", "endpoints.S3Endpoint", "endpoints.SqsEndpoint"}
    assert doubted(found) == set()


def test_an_interface_endpoint_lets_the_same_actions_through_and_no_others() -> None:
    found = built(lambda system: grant_tools(system, pack(SEND), {"queue": [QUEUE]}))
    properties = found.emitted.resource("endpoints", "SqsEndpoint").properties
    assert (properties["VpcEndpointType"], properties["ServiceName"]) == ("Interface", {"Fn::Sub": "com.amazonaws.${AWS::Region}.sqs"})
    assert statements(found, "endpoints", "SqsEndpoint") == [
        {
            "Sid": "SqsForJobs",
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["sqs:SendMessage"],
            "Resource": [{"Fn::Sub": QUEUE.data["Fn::Sub"]}],
            "Condition": OF_ACCOUNT,
        }
    ]
    # The function's group leads to the endpoints already.
    assert added(found) == {"server.JobsToolsPolicy", "endpoints.SqsEndpoint"}
    assert doubted(found) == set()
    assert [warning for warning in found.system.warnings if "FIPS" in warning] == [
        "runtime.fips_endpoints = true: the AWS SDK calls sqs by its FIPS name, which the endpoint of sqs does not have; where the region "
        "has sqs-fips, let the jobs tools ask for that."
    ]


@pytest.mark.parametrize("service", ["sqs", "sqs-fips"])
def test_an_endpoint_that_system_toml_asks_for_is_left_as_it_is(service: str) -> None:
    network = {**ENDPOINTS, "endpoint_services": [service]}
    found = built(lambda system: grant_tools(system, pack(SEND), {"queue": [QUEUE]}), network=network)
    assert added(found, network=network) == {"server.JobsToolsPolicy"}
    assert [warning for warning in found.system.warnings if "FIPS" in warning] == []


def test_packs_share_the_one_gateway_endpoint_of_a_service() -> None:
    def extend(system: System) -> None:
        grant_tools(system, pack(READ, name="desk"), {"reports": REPORTS})
        grant_evidence(system)

    found = built(extend, dict(EVIDENCE_ENVIRONMENT))
    assert added(found) == {"server.DeskToolsPolicy", "server.EvidenceToolsPolicy", "server.S3Egress", "endpoints.S3Endpoint"}
    assert [statement["Sid"] for statement in statements(found, "endpoints", "S3Endpoint")] == ["S3ForDesk", "S3ForEvidence"]
    assert doubted(found) == set()
    declared = {
        check.check_id(Scope(resource.stack, resource.logical_id)) for resource, claim in found.system.claims() for check in claim.checks
    }
    assert set(found.system.checks) == declared


def test_a_table_of_tools_passes_the_endpoint_of_the_session_table() -> None:
    runtime = {"sessions": True}
    found = built(lambda system: grant_tools(system, pack(PUT), {"cases": [TABLE]}), runtime=runtime)
    assert added(found, runtime=runtime) == {"server.JobsToolsPolicy"}
    assert [statement["Sid"] for statement in statements(found, "endpoints", "TableEndpoint")] == ["UseSessionRecords", "DynamodbForJobs"]
    assert doubted(found) == set()


def test_without_a_session_table_the_tools_bring_endpoint_and_way_out() -> None:
    found = built(lambda system: grant_tools(system, pack(PUT), {"cases": [TABLE]}))
    assert added(found) == {"server.JobsToolsPolicy", "server.DynamoDBEgress", "endpoints.TableEndpoint"}
    assert found.emitted.resource("server", "DynamoDBEgress").properties["DestinationPrefixListId"] == {"Ref": "DynamoDbPrefixListId"}
    assert doubted(found) == set()


@pytest.mark.parametrize(
    ("network", "builds", "says"),
    [
        (
            {"endpoints": False},
            set(),
            "network.endpoints = false: the jobs tools call s3; the landing zone has to give the function a way there.",
        ),
        (
            {"endpoints": True, "security_groups": "given"},
            {"endpoints.S3Endpoint"},
            "network.security_groups = given: let your groups out to the addresses of S3, for the jobs tools.",
        ),
    ],
)
def test_what_the_landing_zone_keeps_for_itself_is_said_and_not_built(network: dict[str, Any], builds: set[str], says: str) -> None:
    found = built(lambda system: grant_tools(system, pack(READ), {"reports": REPORTS}), network=network)
    assert added(found, network=network) == {"server.JobsToolsPolicy"} | builds
    assert says in found.system.warnings


def test_every_check_of_what_is_added_has_mutants_that_flip_it() -> None:
    everything = {"reports": REPORTS, "queue": [QUEUE], "cases": [TABLE]}
    found = built(lambda system: grant_tools(system, pack(READ, SEND, PUT), everything))
    new = {name.partition(".")[2] for name in added(found)}
    checks = [declared for declared in found.system.checks.values() if declared.scope.logical_id in new]
    assert len(checks) > 20
    blind = []
    for declared in checks:
        mutants = list(declared.check.mutants(found.emitted, declared.scope))
        for mutant in mutants:
            facts = check_facts(declared, found.emitted.edited(*mutant.edits))
            blind += [] if Outcome.FAILED in {fact.outcome for fact in facts} else [(declared.id, mutant.what)]
        assert mutants, declared.id
    assert blind == []


def test_tools_that_need_nothing_add_nothing() -> None:
    assert added(built(lambda system: grant_tools(system, WHOAMI))) == set()


@pytest.mark.parametrize("scope", ["reports", "https://mcp.example.gov/mcp/reports"])
def test_a_scope_may_be_short_or_whole(scope: str) -> None:
    assert added(built(lambda system: grant_tools(system, pack(scope=scope)))) == set()


JOBS = {"queue": [QUEUE]}
REFUSED: dict[str, tuple[Pack, dict[str, Any], dict[str, Any], str]] = {
    "scope of the pack": (
        pack(scope="report"),
        {},
        {},
        "scope 'report' is not in auth.scopes of system.toml (invoke, reports, evidence); add it there, or correct the pack",
    ),
    "scope of a tool": (
        pack(scope="reports", tool_scope="other/reports"),
        {},
        {},
        "scope 'other/reports' is not in auth.scopes of system.toml (invoke, reports, evidence); add it there, or correct the pack",
    ),
    "nobody is asked for a scope": (
        pack(scope="reports"),
        {},
        {"auth": {"type": "none"}},
        "auth.type is none, so that nobody is asked for the scope 'reports' and everybody can call the tools; set up [auth]",
    ),
    "name not mapped": (pack(SEND), {}, {}, "its tools ask for 'queue', which is not mapped; give its ARNs in resources={'queue': […]}"),
    "name of nothing": (
        pack(SEND),
        {**JOBS, "queues": [QUEUE]},
        {},
        "resources['queues']: no tool asks for it (queue); remove it, or correct the name",
    ),
    "no ARNs": (pack(SEND), {"queue": []}, {}, "resources['queue'] is no list of ARNs"),
    "text for a list": (pack(SEND), {"queue": "arn:aws:sqs:::jobs"}, {}, "resources['queue'] is no list of ARNs"),
    "every resource": (pack(SEND), {"queue": ["*"]}, {}, "queue: '*' in server is every resource there is; name those that the tools use"),
    "wildcard": (
        pack(AwsAccess("sqs", ("sqs:Send*",), ("queue",))),
        JOBS,
        {},
        "sqs: action 'sqs:Send*' has a wildcard; write each action in full, such as s3:GetObject",
    ),
    "no action at all": (
        pack(AwsAccess("sqs", ("SendMessage",), ("queue",))),
        JOBS,
        {},
        "sqs: action 'SendMessage' is no IAM action; write each action in full, such as s3:GetObject",
    ),
    "no actions": (pack(AwsAccess("sqs", (), ("queue",))), JOBS, {}, "sqs: names no action; say what the tool does, and on what"),
    "more than secrets give": (
        pack(AwsAccess("secretsmanager", ("secretsmanager:PutSecretValue",), ("queue",))),
        JOBS,
        {},
        "secretsmanager: secretsmanager:PutSecretValue does not pass the endpoint, which lets secretsmanager:DescribeSecret and "
        "secretsmanager:GetSecretValue through only",
    ),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_wrong_grant_is_refused_by_line_and_pack(name: str) -> None:
    wrong, resources, tables, cause = REFUSED[name]
    with pytest.raises(InputError) as refused:
        built(lambda system: grant_tools(system, wrong, resources), **tables)
    (said,) = refused.value.causes
    where, _, rest = said.partition(": pack jobs: ")
    assert (where.rpartition(":")[0], rest) == ("ours.py: generator/test_tools.py", cause)


def test_a_pack_is_granted_once() -> None:
    def twice(system: System) -> None:
        grant_tools(system, pack(SEND), JOBS)
        grant_tools(system, pack(SEND), JOBS)

    with pytest.raises(InputError, match=r"pack jobs: the logical id JobsToolsPolicy is taken; grant each pack once$"):
        built(twice)


# ---- evidence

SWITCH_ON = """
from claimstack.generator.tools import EVIDENCE_ENVIRONMENT as ENVIRONMENT
from claimstack.generator.tools import grant_evidence as extend
"""


def test_an_overlay_of_two_lines_switches_the_evidence_on(tmp_path: Path) -> None:
    (tmp_path / "evidence.py").write_text(SWITCH_ON, encoding="utf-8")
    (extension,) = load_extensions(("evidence.py",), tmp_path)
    found = built(extension.extend, dict(extension.environment))
    variables = found.emitted.resource("server", "Function").properties["Environment"]["Variables"]
    assert variables["CLAIMSTACK_EVIDENCE"] == {"Fn::Sub": "s3://${EvidenceBucket}/${EvidencePrefix}"}
    (statement,) = statements(found, "server", "EvidenceToolsPolicy")
    assert (statement["Action"], statement["Resource"]) == (
        ["s3:GetObject"],
        [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${EvidenceBucket}/${EvidencePrefix}/*"}],
    )
    assert doubted(found) == set()
    assert [finding for stack, text in emit(found.system).items() for finding in lint_template(stack, text, ("us-east-1",))] == []


def test_evidence_needs_its_scope() -> None:
    with pytest.raises(InputError, match=r"pack evidence: scope 'evidence' is not in auth\.scopes of system\.toml \(invoke\); "):
        built(grant_evidence, auth={"consumers": ["desk"]})


# ---- packs in files, and the tools of the worked example


def test_a_file_holds_one_pack(tmp_path: Path) -> None:
    file = tmp_path / "packs.py"
    with pytest.raises(InputError, match="no such Python file"):
        load_pack(file)
    head = "from claimstack.runtime.tools import Pack\n"
    file.write_text(head, encoding="utf-8")
    with pytest.raises(InputError, match="holds 0 packs where one is wanted"):
        load_pack(file)
    file.write_text(head + "ONE = ALSO_ONE = Pack('one')\n", encoding="utf-8")
    assert load_pack(file) == Pack("one")
    file.write_text(head + "ONE, TWO = Pack('one'), Pack('two')\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds 2 packs where one is wanted"):
        load_pack(file)


BUCKET_OF_REPORTS = {"2026/a.txt": b"All is well.", "2026/b.txt": b"Nearly all is well."}


class S3(BaseHTTPRequestHandler):
    """Just enough of S3: one bucket, whose objects are listed and read."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        key = path.removeprefix("/example-reports").removeprefix("/")
        found = BUCKET_OF_REPORTS.get(key)
        if not key and "list-type=2" in query:
            entries = "".join(f"<Contents><Key>{name}</Key></Contents>" for name in BUCKET_OF_REPORTS)
            found = f"<ListBucketResult>{entries}</ListBucketResult>".encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Length", str(len(found or b"")))
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@contextmanager
def running_s3() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), S3)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_report_tools_list_and_read_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = load_pack(OVERLAY / "report_tools.py")
    list_reports, read_report = (tool.function for tool in reports.tools)
    with running_s3() as address:
        for name, value in {
            "AWS_ENDPOINT_URL_S3": address,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "REPORTS_BUCKET": "example-reports",
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        assert list_reports() == ["2026/a.txt", "2026/b.txt"]
        assert read_report("2026/b.txt") == "Nearly all is well."
