"""Request states of 2026-07-28: sealed by one instance, opened by another, for nobody else."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.request_state import InvalidRequestState, RequestStateSecurity
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult

from claimstack.runtime import aws
from claimstack.runtime.state_keys import AGAIN_SECONDS, FRESH_SECONDS, SharedKeyCodec
from claimstack.runtime.tools import Pack, Tool

from .cloud import KEY, Aws, Behaviour, Json, failure
from .conftest import ENVIRON
from .faults import PACK, context

OLD, NEW = secrets.token_hex(32), secrets.token_hex(32)


class Secret:
    """A secret as Secrets Manager keeps it: the current version and the one before."""

    def __init__(self, *versions: str) -> None:
        self.versions = versions
        self.reads = 0

    def __call__(self) -> tuple[str, ...]:
        self.reads += 1
        if not self.versions:
            raise OSError("refused")
        return self.versions


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def two_rounds(ctx: Context) -> str | InputRequiredResult:
    """Ask once and remember a number meanwhile."""
    if ctx.request_state is None:
        question = ElicitRequestFormParams(message="Go on?", requested_schema={"type": "object", "properties": {}})
        return InputRequiredResult(request_state="step-2", input_requests={"q": ElicitRequest(params=question)})
    return f"state {ctx.request_state}"


@pytest.fixture
def instances(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Two instances that read the same secret."""
    secret = Secret(OLD)
    security = "claimstack.runtime.server._state_security"
    monkeypatch.setattr(security, lambda _: RequestStateSecurity(codec=SharedKeyCodec(secret)))
    pack = Pack("rounds", tools=(Tool(two_rounds),))
    return make_client(packs=(pack,)), make_client(packs=(pack,))


def sealed(client: Any) -> str:
    state: str = client.call_modern("two_rounds").body["result"]["requestState"]
    assert "step-2" not in state
    return state


def continued(client: Any, state: str) -> Any:
    answers = {"q": {"action": "accept", "content": {}}}
    return client.modern("tools/call", {"name": "two_rounds", "arguments": {}, "requestState": state, "inputResponses": answers})


def test_a_sealed_state_opens_on_another_instance(instances: tuple[Any, Any]) -> None:
    first, second = instances
    assert continued(second, sealed(first)).text_content == "state step-2"


def test_a_state_of_another_caller_is_refused(instances: tuple[Any, Any]) -> None:
    first, second = instances
    state = sealed(first)
    second.claims["client_id"] = second.claims["sub"] = "nightly"
    answer = continued(second, state)
    assert (answer.status, answer.error["code"]) == (400, -32602)


def test_a_tampered_state_is_refused(instances: tuple[Any, Any]) -> None:
    first, second = instances
    state = sealed(first)
    for changed in (state[:-2] + ("AA" if state[-2:] != "AA" else "BB"), "v1.x", "x" * 5000, ""):
        assert continued(second, changed).status == 400


def test_both_versions_of_the_secret_open_and_the_current_one_seals() -> None:
    before, during = SharedKeyCodec(Secret(OLD)), SharedKeyCodec(Secret(NEW, OLD))
    assert during.unseal(before.seal(b"state")) == b"state"
    with pytest.raises(InvalidRequestState):
        before.unseal(during.seal(b"state"))


def test_an_unknown_key_makes_an_instance_read_the_secret_again() -> None:
    clock, secret = Clock(), Secret(OLD)
    stale = SharedKeyCodec(secret, clock=clock)
    stale.seal(b"state")
    secret.versions = (NEW, OLD)
    clock.now += AGAIN_SECONDS
    assert stale.unseal(SharedKeyCodec(Secret(NEW)).seal(b"state")) == b"state"
    assert secret.reads == 2


def test_forged_states_do_not_flood_the_service() -> None:
    clock, secret = Clock(), Secret(OLD)
    codec = SharedKeyCodec(secret, clock=clock)
    forged = SharedKeyCodec(Secret(NEW)).seal(b"state")
    for _ in range(100):
        with pytest.raises(InvalidRequestState):
            codec.unseal(forged)
    assert secret.reads == 1


def test_the_secret_is_read_again_after_some_time() -> None:
    clock, secret = Clock(), Secret(OLD)
    codec = SharedKeyCodec(secret, clock=clock)
    codec.seal(b"state")
    secret.versions = (NEW, OLD)
    clock.now += FRESH_SECONDS
    assert SharedKeyCodec(Secret(NEW)).unseal(codec.seal(b"state")) == b"state"


def test_known_keys_go_on_working_while_the_service_does_not_answer() -> None:
    clock, secret = Clock(), Secret(OLD)
    codec = SharedKeyCodec(secret, clock=clock)
    state = codec.seal(b"state")
    secret.versions = ()
    clock.now += FRESH_SECONDS
    assert codec.unseal(state) == b"state"


def test_nothing_is_read_before_a_state_is_sealed() -> None:
    secret = Secret(OLD)
    MCPServer("claimstack", request_state_security=RequestStateSecurity(codec=SharedKeyCodec(secret)))
    assert secret.reads == 0


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:state"


def state_client(make_client: Any) -> Any:
    return make_client({**ENVIRON, "CLAIMSTACK_STATE_SECRET_ARN": SECRET}, (PACK,))


SECRET_FAULTS: dict[str, tuple[Behaviour | Json, str]] = {
    "refused": (lambda *_: failure("AccessDeniedException"), "AccessDeniedException"),
    "gone": (lambda *_: failure("ResourceNotFoundException"), "ResourceNotFoundException"),
    "throttled": (lambda *_: failure("ThrottlingException"), "ThrottlingException"),
    "garbled": (lambda *_: (200, b"[1]"), "AttributeError"),
    "too short": ({"SecretString": "short"}, "at least 32 bytes"),
    "binary": ({"SecretBinary": "AAAA"}, "KeyError"),
}


@pytest.mark.parametrize("fault", SECRET_FAULTS)
def test_a_call_that_needs_a_key_fails_without_one_and_others_do_not(make_client: Any, cloud: Aws, fault: str) -> None:
    behaviour, cause = SECRET_FAULTS[fault]
    if isinstance(behaviour, dict):
        cloud.secret = behaviour
    else:
        cloud.behave = behaviour
    client = state_client(make_client)
    assert client.call_modern("echo", {"text": "x"}).text_content == "x"

    answer = client.call_modern("keep_state")
    assert answer.error == {"code": -32603, "message": "Internal error"}
    assert client.record["outcome"] == "failure"
    assert cause in client.record["exception"]

    cloud.secret, cloud.behave = {"SecretString": KEY}, cloud.answer
    assert client.call_modern("keep_state").body["result"]["requestState"].startswith("v1.")


def test_a_secrets_manager_that_hangs_is_given_up_on(make_client: Any, cloud: Aws) -> None:
    cloud.behave = cloud.hang
    client = state_client(make_client)
    started = time.monotonic()
    assert client.call_modern("keep_state").error["code"] == -32603
    assert time.monotonic() - started < 5
    assert "ReadTimeoutError" in client.record["exception"]


def test_a_secrets_manager_slower_than_the_request_may_take_is_answered_in_time(
    make_client: Any, cloud: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "READ_SECONDS", 20)
    cloud.behave = cloud.hang
    client = state_client(make_client)
    client.context = context(1000)
    started = time.monotonic()
    answer = client.call_modern("keep_state")
    assert time.monotonic() - started < 5
    assert answer.error["code"] == -32001
    assert "Overrun" in client.record["exception"]


@pytest.mark.usefixtures("cloud")
def test_a_secrets_manager_that_cannot_be_reached_is_no_reason_to_take_a_state(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    client = state_client(make_client)
    answer = client.modern("tools/call", {"name": "keep_state", "arguments": {}, "requestState": "v1.forged", "inputResponses": {}})
    assert answer.error["code"] == -32602
    assert "EndpointConnectionError" in client.record["exception"]


def test_known_keys_serve_while_secrets_manager_fails(make_client: Any, cloud: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimstack.runtime.state_keys.FRESH_SECONDS", 0)
    client = state_client(make_client)
    state = client.call_modern("keep_state").body["result"]["requestState"]
    cloud.behave = SECRET_FAULTS["refused"][0]  # type: ignore[assignment]  # this one is a behaviour
    answer = client.modern("tools/call", {"name": "keep_state", "arguments": {}, "requestState": state, "inputResponses": {}})
    assert answer.text_content == "kept"
