"""Server: the runtime as the function of both reference systems, with the table, secret, user pool and log group of their stacks.

Behind the REST API it answers in one piece: the emulator has no streamed door. It evaluates no policy of IAM, of the table or of the
secret either, so that what the function's role allows is proved elsewhere or not at all.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from mcp.server.request_state import AESGCMRequestStateCodec

from claimstack.runtime.sessions import SESSION_SECONDS
from claimstack.runtime.state_keys import fetch_from_secrets_manager

from .client import USER_AGENT, Client, consumer, stream_messages
from .deployment import Deployment
from .messages import LEGACY, MODERN

pytestmark = pytest.mark.e2e

SLACK_SECONDS = 60
PRIVATE = "nobody logs this"
GREEN = {"colour": {"action": "accept", "content": {"colour": "green"}}}
UNPROVED = {
    "access log": "MiniStack writes no access log, where the id that the door gives a request would be found again; what is proved is "
    "that the audit record has one, and that it stands among the lines of its invocation.",
    "expiry of records": "MiniStack takes no TimeToLiveSpecification from a template; what is proved is that records have the attribute.",
}
"""What the emulator lacks for these tests; a test says when it no longer does."""


@pytest.fixture(scope="module", params=["commercial", "govcloud"])
def system(request: pytest.FixtureRequest) -> Deployment:
    deployment: Deployment = request.getfixturevalue(request.param)
    return deployment


@pytest.fixture(scope="module")
def desk(system: Deployment) -> Client:
    return consumer(system, "analyst-desk")


def identity(client: Client, protocol: str) -> dict[str, Any]:
    """What `whoami` says to a client."""
    outputs = client.deployment.server.outputs
    return {
        "authenticated": True,
        "client_id": client.id,
        "subject": client.id,
        "issuer": outputs["Issuer"],
        "scopes": [outputs["Scope"]],
        "protocol": protocol,
    }


def session_record(system: Deployment, session: dict[str, str]) -> dict[str, Any] | None:
    table = system.server.outputs["SessionTable"]
    found = system.emulator.client("dynamodb", system.config.region).get_item(
        TableName=table, Key={"pk": {"S": f"s#{session['Mcp-Session-Id']}"}}, ConsistentRead=True
    )
    item: dict[str, Any] | None = found.get("Item")
    return item


def log_lines(system: Deployment, output: str) -> list[str]:
    """Lines of the log group that an output names, oldest first."""
    logs = system.emulator.client("logs", system.config.region)
    found = logs.filter_log_events(logGroupName=system.server.outputs[output])
    return [event["message"] for event in found["events"]]


def audit_records(system: Deployment, rpc_id: str | None = None) -> list[dict[str, Any]]:
    """Of requests with a JSON-RPC id, or of all."""
    lines = [json.loads(line) for line in log_lines(system, "AuditLogGroup") if line.startswith("{")]
    records = [line for line in lines if line.get("event") == "mcp.request"]
    return [record for record in records if rpc_id in (None, record.get("rpc_id"))]


def restart(system: Deployment) -> None:
    """Any change of its configuration gives a function new execution environments."""
    function = system.emulator.client("lambda", system.config.region)
    name = system.server.physical_ids["Function"]
    function.update_function_configuration(
        FunctionName=name, MemorySize=function.get_function_configuration(FunctionName=name)["MemorySize"]
    )
    function.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 50})


@pytest.mark.parametrize("era", [LEGACY, MODERN])
def test_a_caller_is_who_the_token_was_issued_to(desk: Client, era: str) -> None:
    answer = desk.call_modern("whoami") if era == MODERN else desk.call_legacy("whoami", desk.start_session())
    assert (answer.status, answer.document["result"]["structuredContent"]) == (200, identity(desk, era))


def test_a_session_lives_in_the_table_until_its_client_ends_it(system: Deployment, desk: Client) -> None:
    session = desk.start_session()
    item = session_record(system, session)
    assert item is not None
    left = int(item["expires"]["N"]) - time.time()
    assert SESSION_SECONDS - SLACK_SECONDS < left <= SESSION_SECONDS
    kept = json.loads(item["data"]["S"])
    assert (kept["owner"], kept["version"]) == ([desk.id, system.server.outputs["Issuer"], desk.id], LEGACY)
    assert desk.call_legacy("whoami", session).status == 200
    assert desk.send("DELETE", session).status == 204
    assert session_record(system, session) is None
    assert (desk.call_legacy("whoami", session).status, desk.send("DELETE", session).status) == (404, 404)


def test_a_record_has_the_attribute_by_which_the_table_expires(system: Deployment, desk: Client) -> None:
    properties = system.templates["server"]["Resources"]["Sessions"]["Properties"]
    item = session_record(system, desk.start_session())
    assert item is not None
    assert {name for name, value in item.items() if set(value) == {"N"}} == {properties["TimeToLiveSpecification"]["AttributeName"]}


def test_a_session_is_of_no_use_to_another_consumer(commercial: Deployment) -> None:
    desk, nightly = (consumer(commercial, name) for name in ("analyst-desk", "nightly-report"))
    session = desk.start_session()
    assert (nightly.call_legacy("whoami", session).status, nightly.send("DELETE", session).status) == (404, 404)
    assert desk.call_legacy("whoami", session).status == 200


def test_an_unknown_session_is_not_found(desk: Client) -> None:
    assert desk.call_legacy("whoami", {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": "A" * 43}).status == 404


def test_a_call_leads_from_its_audit_record_to_the_consumer_in_the_system_file(system: Deployment, desk: Client) -> None:
    """With nothing but the record, the outputs of the stack and the user pool."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = desk.call_modern("whoami", rpc_id="who-owns-this", headers={"traceparent": trace})
    (record,) = audit_records(system, "who-owns-this")
    outputs = system.server.outputs
    known = {
        "event": "mcp.request",
        "level": "INFO",
        "http_method": "POST",
        "path": "/mcp",
        "method": "tools/call",
        "target": "whoami",
        "protocol": MODERN,
        "server": outputs["Endpoint"],
        "host": system.host,
        "account": "000000000000",
        "function": system.server.physical_ids["Function"],
        "user_agent": USER_AGENT,
        "outcome": "success",
        "status": answer.status,
        "client_id": desk.id,
        "subject": desk.id,
        "issuer": outputs["Issuer"],
        "scopes": [outputs["Scope"]],
        "rpc_id": "who-owns-this",
        "traceparent": trace,
    }
    assert {name: record.get(name) for name in known} == known
    given = ("timestamp", "at", "api_id", "source_ip", "request_id", "trace_id", "invocation_id", "duration_ms")
    assert [name for name in given if not record.get(name)] == []

    owner = system.cognito.describe_user_pool_client(UserPoolId=record["issuer"].rpartition("/")[2], ClientId=record["client_id"])
    assert owner["UserPoolClient"]["ClientName"] == "analyst-desk"
    assert owner["UserPoolClient"]["ClientName"] in system.config.auth.consumers
    assert [name for name, value in outputs.items() if value == record["client_id"]] == ["AnalystDeskClientId"]


def test_an_audit_record_stands_in_the_log_group_of_the_stack_among_the_lines_of_its_invocation(system: Deployment, desk: Client) -> None:
    desk.call_modern("whoami", rpc_id="which-invocation")
    (record,) = audit_records(system, "which-invocation")
    lines = log_lines(system, "AuditLogGroup")
    start, end = (
        next(index for index, line in enumerate(lines) if line.startswith(f"{word} RequestId: {record['invocation_id']}"))
        for word in ("START", "END")
    )
    records = [json.loads(line) for line in lines[start + 1 : end] if line.startswith("{")]
    assert [found.get("event") or found["_aws"]["CloudWatchMetrics"][0]["Namespace"] for found in records] == ["mcp.request", "claimstack"]
    assert records[0] == record
    logs = system.emulator.client("logs", system.config.region)
    groups = {group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]}
    assert [group for group in groups if group.startswith("/aws/lambda/")] == []


@pytest.mark.parametrize("era", [LEGACY, MODERN])
def test_a_failed_call_is_recorded_as_one_without_what_the_client_sent(system: Deployment, desk: Client, era: str) -> None:
    rpc_id = f"failed-{era}-{system.config.name}"
    if era == MODERN:
        answer = desk.call_modern("nothing", rpc_id=rpc_id, arguments={"note": PRIVATE})
    else:
        session = desk.start_session()
        answer = desk.call_legacy("nothing", session, rpc_id=rpc_id, arguments={"note": PRIVATE})
    (record,) = audit_records(system, rpc_id)
    named = {name: record[name] for name in ("client_id", "target", "outcome", "status", "protocol")}
    assert named == {"client_id": desk.id, "target": "nothing", "outcome": "failure", "status": answer.status, "protocol": era}
    lines = log_lines(system, "AuditLogGroup")
    assert [line for line in lines if PRIVATE in line or desk.token in line] == []


def test_a_client_that_is_no_consumer_is_refused_on_the_record(govcloud: Deployment) -> None:
    """The authorizer of a REST API lets every client of the pool in: the refusal is the server's."""
    client_id = govcloud.add_client("stranger", govcloud.server.outputs["Scope"])
    answer = Client(govcloud, client_id, govcloud.token(client_id)).call_modern("whoami", headers={"User-Agent": "stranger/1"})
    (record,) = [record for record in audit_records(govcloud) if record["user_agent"] == "stranger/1"]
    named = {name: record[name] for name in ("outcome", "status", "reason", "client_id")}
    assert named == {
        "outcome": "refused",
        "status": answer.status,
        "reason": "the token was not issued for this server",
        "client_id": client_id,
    }
    assert (answer.status, bool(record["request_id"]), bool(record["source_ip"])) == (401, True, True)


def test_no_session_id_is_in_the_log(system: Deployment, desk: Client) -> None:
    session = desk.start_session()
    desk.call_legacy("whoami", session, rpc_id="in-a-session")
    assert [record["session"] for record in audit_records(system, "in-a-session")] == [True]
    assert [line for line in log_lines(system, "AuditLogGroup") if session["Mcp-Session-Id"] in line] == []


def test_a_modern_call_goes_on_in_another_environment_by_the_secret_of_the_stack(system: Deployment, desk: Client) -> None:
    asked = desk.call_modern("ask_modern").document["result"]
    keys = fetch_from_secrets_manager(
        system.server.outputs["StateSecretArn"], system.emulator.client("secretsmanager", system.config.region)
    )()
    assert AESGCMRequestStateCodec(keys).unseal(asked["requestState"])
    restart(system)
    answer = desk.call_modern("ask_modern", inputResponses=GREEN, requestState=asked["requestState"])
    outcome = answer.document["result"]["structuredContent"]
    assert (answer.status, outcome["colour"]) == (200, "green")
    assert outcome["asked_by"] != outcome["answered_by"]


def test_a_request_state_outlives_one_rotation_of_the_secret_and_no_second(govcloud: Deployment) -> None:
    desk = consumer(govcloud, "analyst-desk")
    secrets_manager = govcloud.emulator.client("secretsmanager", govcloud.config.region)
    state = desk.call_modern("ask_modern").document["result"]["requestState"]
    statuses = []
    for letter in "ab":
        secrets_manager.put_secret_value(SecretId=govcloud.server.outputs["StateSecretArn"], SecretString=letter * 64)
        restart(govcloud)
        statuses.append(desk.call_modern("ask_modern", inputResponses=GREEN, requestState=state).status)
    assert statuses == [200, 400]


def test_a_request_state_is_of_no_use_to_another_consumer_and_cannot_be_changed(commercial: Deployment) -> None:
    desk, nightly = (consumer(commercial, name) for name in ("analyst-desk", "nightly-report"))
    state = desk.call_modern("ask_modern").document["result"]["requestState"]
    changed = state[:-8] + ("A" * 8 if not state.endswith("A" * 8) else "B" * 8)
    answers = [
        nightly.call_modern("ask_modern", inputResponses=GREEN, requestState=state),
        desk.call_modern("ask_modern", inputResponses=GREEN, requestState=changed),
        desk.call_modern("ask_modern", inputResponses=GREEN, requestState=state),
    ]
    assert [answer.status for answer in answers] == [400, 400, 200]


def test_a_legacy_call_goes_on_in_another_environment_by_the_table_of_the_stack(system: Deployment, desk: Client) -> None:
    session = desk.start_session()
    stream = stream_messages(desk.call_legacy("ask_legacy", session, rpc_id="asking"))
    event_id, question = stream[-1]
    restart(system)
    result = {"action": "accept", "content": {"colour": "blue"}}
    assert desk.send("POST", session, {"jsonrpc": "2.0", "id": question["id"], "result": result}).status == 202
    rest = desk.send("GET", {**session, "Last-Event-ID": event_id})
    ((_, message),) = stream_messages(rest)
    outcome = message["result"]["structuredContent"]
    assert (rest.status, message["id"], outcome["colour"]) == (200, "asking", "blue")
    assert question["params"]["message"].split()[-1] != outcome["answered_by"]


def test_an_installed_package_brings_its_tools(desk: Client) -> None:
    listed = desk.list_modern().document["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["whoami", "ask_modern", "ask_legacy"]


def test_the_emulator_still_lacks_what_is_unproved(system: Deployment, desk: Client) -> None:
    desk.call_modern("whoami")
    table = system.server.outputs["SessionTable"]
    expiry = system.emulator.client("dynamodb", system.config.region).describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    there = {"access log": bool(log_lines(system, "AccessLogGroup")), "expiry of records": expiry["TimeToLiveStatus"] == "ENABLED"}
    assert there == dict.fromkeys(UNPROVED, False), "prove what is there now, and take it out of UNPROVED"
