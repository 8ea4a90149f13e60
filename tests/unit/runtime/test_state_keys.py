"""Request states of 2026-07-28: sealed by one instance, opened by another, for nobody else."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.request_state import InvalidRequestState, RequestStateSecurity
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult

from claimstack.runtime.state_keys import AGAIN_SECONDS, FRESH_SECONDS, SharedKeyCodec
from claimstack.runtime.tools import Pack, Tool

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
