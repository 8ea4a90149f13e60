"""Two callers and two instances of one server: whatever they do in whatever order, nobody sees what belongs to the other."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from claimstack.runtime.store import MemoryStore

from .harness import ALICE, BOB, Caller, Data, cases, instance, secret_of, send

CALLERS = (ALICE, BOB)
MOST = 60
"""Records of the store: few, so that the oldest go while the machine still knows of them."""
ACCEPT = {"action": "accept", "content": {"word": "w"}}


def other(caller: Caller) -> Caller:
    return BOB if caller is ALICE else ALICE


class TwoCallers(RuleBasedStateMachine):
    sessions = Bundle("sessions")
    events = Bundle("events")
    questions = Bundle("questions")

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.clock = 1_000_000.0
        self.store = MemoryStore(most=MOST, clock=lambda: self.clock)
        self.instances = [self.open.enter_context(instance(self.store)) for _ in range(2)]
        self.owners: dict[str, Caller] = {}
        self.asked: dict[str, str] = {}
        """Session of each call that has asked, by the id of the call."""
        self.ended: set[str] = set()
        self.number = 0

    def teardown(self) -> None:
        self.open.close()

    def send(self, at: int, caller: Caller, event: Data) -> tuple[Data, list[Data]]:
        return send(self.instances[at], event, secrets_of_others=[secret_of(other(caller).subject)])

    def message(self, method: str, **params: Any) -> Data:
        self.number += 1
        return {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}

    def may(self, caller: Caller, session: str) -> bool:
        return self.owners[session] is caller and session not in self.ended

    def judge(self, caller: Caller, session: str, result: Data) -> bool:
        """Whether the request was let in; one that the caller has no right to never is."""
        let_in = bool(result["statusCode"] < 400 or result["statusCode"] == 413)
        assert not let_in or self.may(caller, session), result
        return let_in

    def noted(self, session: str, messages: list[Data]) -> Any:
        """Questions among the messages, for later rules."""
        asked = [message["id"] for message in messages if message.get("method") == "elicitation/create"]
        for question in asked:
            self.asked[question.partition(".")[0]] = session
        return multiple(*asked)

    at = st.integers(0, 1)
    callers = st.sampled_from(CALLERS)
    versions = st.sampled_from(["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])

    @initialize(target=sessions, version=versions)
    def alice_begins(self, version: str) -> str:
        return self.begin(0, ALICE, version)

    @rule(target=sessions, at=at, caller=callers, version=versions)
    def begin(self, at: int, caller: Caller, version: str) -> str:
        params = {"protocolVersion": version, "capabilities": {"elicitation": {}}, "clientInfo": {"name": "f", "version": "1"}}
        result, _ = self.send(at, caller, caller.event(self.message("initialize", **params)))
        session: str = result["headers"]["mcp-session-id"]
        assert session not in self.owners
        self.owners[session] = caller
        return session

    @rule(at=at, caller=callers, session=sessions, tool=st.sampled_from(["secret", "chatty", "crash", "locked", "ask_modern", "missing"]))
    def call(self, at: int, caller: Caller, session: str, tool: str) -> None:
        message = self.message("tools/call", name=tool, arguments={"times": 3} if tool == "chatty" else {}, _meta={"progressToken": 1})
        result, messages = self.send(at, caller, caller.event(message, mcp_session_id=session))
        if self.judge(caller, session, result) and tool in ("secret", "chatty"):
            assert messages[-1]["result"]["content"][0]["text"] == secret_of(caller.subject)

    @rule(target=questions, at=at, caller=callers, session=sessions, accept=st.booleans())
    def ask(self, at: int, caller: Caller, session: str, *, accept: bool) -> Any:
        kind = "application/json, text/event-stream" if accept else "application/json"
        message = self.message("tools/call", name="ask", arguments={}, _meta={"progressToken": 1})
        result, messages = self.send(at, caller, caller.event(message, mcp_session_id=session, accept=kind))
        self.judge(caller, session, result)
        return self.noted(session, messages)

    @rule(
        at=at,
        caller=callers,
        session=sessions,
        question=st.one_of(questions, st.sampled_from([f"{'0' * 32}.0", "", "x", "\0", "1" * 1025])),
        said=st.sampled_from(
            [{"result": ACCEPT}, {"result": {}}, {"result": {"action": "decline"}}, {"error": {"code": 1, "message": "no"}}, {"error": {}}]
        ),
    )
    def answer(self, at: int, caller: Caller, session: str, question: str, said: Data) -> None:
        result, _ = self.send(at, caller, caller.event({"jsonrpc": "2.0", "id": question, **said}, mcp_session_id=session))
        self.judge(caller, session, result)

    @rule(target=questions, at=at, caller=callers, session=sessions, question=questions, seen=st.integers(0, 9))
    def resume(self, at: int, caller: Caller, session: str, question: str, seen: int) -> Any:
        call = question.partition(".")[0]
        event = caller.event(None, "GET", mcp_session_id=session, last_event_id=f"{call}.{seen}")
        result, messages = self.send(at, caller, event)
        if self.judge(caller, session, result):
            assert self.asked[call] == session, "a stream of another session"
        return self.noted(session, messages)

    @rule(target=questions, at=at, session=sessions)
    def ask_and_answer_to_the_end(self, at: int, session: str) -> Any:
        """What a real client does, with each request at another instance."""
        caller = self.owners[session]
        message = self.message("tools/call", name="ask", arguments={}, _meta={"progressToken": 1})
        result, messages = self.send(at, caller, caller.event(message, mcp_session_id=session))
        found = self.noted(session, messages)
        if not self.judge(caller, session, result):
            return found
        for turn in range(2):
            question = messages[-1]["id"]
            call, _, _ = question.partition(".")
            self.send(1 - at, caller, caller.event({"jsonrpc": "2.0", "id": question, "result": ACCEPT}, mcp_session_id=session))
            _, messages = self.send(at, caller, caller.event(None, "GET", mcp_session_id=session, last_event_id=f"{call}.{2 * turn + 2}"))
        assert messages[-1]["result"]["content"][0]["text"] == f"w w {secret_of(caller.subject)}"
        return found

    @rule(at=at, caller=callers, session=sessions, request_id=st.integers(0, 40))
    def cancel(self, at: int, caller: Caller, session: str, request_id: int) -> None:
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}
        result, _ = self.send(at, caller, caller.event(message, mcp_session_id=session))
        self.judge(caller, session, result)

    @rule(at=at, caller=callers, session=sessions)
    def batch(self, at: int, caller: Caller, session: str) -> None:
        messages = [self.message("tools/call", name=tool, arguments={}) for tool in ("secret", "ask", "missing")]
        result, answers = self.send(at, caller, caller.event(messages, mcp_session_id=session))
        if self.judge(caller, session, result):
            assert answers[0]["result"]["content"][0]["text"] == secret_of(caller.subject)

    @rule(at=at, caller=callers, session=sessions)
    def end(self, at: int, caller: Caller, session: str) -> None:
        result, _ = self.send(at, caller, caller.event(None, "DELETE", mcp_session_id=session))
        if self.judge(caller, session, result):
            assert result["statusCode"] == 204
            self.ended.add(session)

    @rule(hours=st.floats(0, 1.5))
    def time_passes(self, hours: float) -> None:
        self.clock += hours * 3600

    @invariant()
    def the_store_keeps_its_size(self) -> None:
        assert len(self.store._records) <= MOST
        assert self.store._size == sum(len(text) for _, text in self.store._records.values())


TestTwoCallers = TwoCallers.TestCase
TestTwoCallers.settings = settings(cases(100), stateful_step_count=30)
