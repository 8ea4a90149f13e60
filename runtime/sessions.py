"""Sessions: those of the older protocol era, and the calls that wait in them for an answer of the client.

Records: `s#<session>` a session, `c#<session>#<call>` a call that has asked, `a#<session>#<call>.<run>.<n>` the client's n-th answer,
`l#<session>#<call>` the lease of whoever runs the call again.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field, fields
from typing import Any, Final

from claimstack.runtime.identity import Caller
from claimstack.runtime.jsonrpc import Json, dump
from claimstack.runtime.store import Store, TooLargeError

SESSION_SECONDS: Final = 3600
"""Life of a session from its start; a client whose session has ended starts another (answer 404)."""
CALL_SECONDS: Final = 900
"""How long a client may take to answer, and how long the outcome can be fetched again."""

SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}")
QUESTION_ID: Final = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{8})\.([0-9]{1,6})")
EVENT_ID: Final = re.compile(r"([0-9a-f]{32})\.([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    version: str
    client_info: Any
    capabilities: Any


@dataclass(slots=True)
class Call:
    """A request that asked its client something: enough to run it again anywhere."""

    id: str
    request: Json
    run: str
    """Random, and part of its questions' ids: should a client use a request id twice, an old answer answers no new question."""
    answers: list[Json] = field(default_factory=list)
    sent: list[Json] = field(default_factory=list)
    """Every message of its stream so far; message n has the event id `<call>.<n>`, counted from 1."""
    notified: int = 0
    """How many of them are notifications, which a repetition emits again."""
    done: bool = False

    @property
    def question_id(self) -> str:
        """Id of the question that waits for an answer, or would be next."""
        return f"{self.id}.{self.run}.{len(self.answers)}"


class Sessions:
    """What the protocol knows of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, caller: Caller | None, version: str, client_info: Any, capabilities: Any) -> str:
        session_id = secrets.token_urlsafe(32)
        record = {"owner": _owner(caller), "version": version, "info": client_info, "capabilities": capabilities}
        await self._store.put(f"s#{session_id}", record, SESSION_SECONDS)
        return session_id

    async def find(self, session_id: str, caller: Caller | None) -> Session | None:
        """The session; None where it is unknown, ended, expired or another caller's."""
        if not SESSION_ID.fullmatch(session_id):
            return None
        record = await self._store.get(f"s#{session_id}")
        if record is None or record["owner"] != _owner(caller):
            return None
        return Session(session_id, record["version"], record["info"], record["capabilities"])

    async def end(self, session: Session) -> None:
        await self._store.delete(f"s#{session.id}")

    # ---- calls that ask

    def call_id(self, session: Session, request_id: Any) -> str:
        """Follows from the request, so that its cancellation finds it; ids are not used twice in a session."""
        return hashlib.sha256(f"{session.id}\0{dump(request_id)}".encode()).hexdigest()[:32]

    async def call(self, session: Session, call_id: str) -> Call | None:
        record = await self._store.get(f"c#{session.id}#{call_id}")
        return Call(**record) if record is not None else None

    async def keep(self, session: Session, call: Call) -> None:
        """Keep the call; the messages of a finished one only as far as they fit into a record."""
        record = {item.name: getattr(call, item.name) for item in fields(call)}  # not `asdict`, whose recursion arguments could exhaust
        key = f"c#{session.id}#{call.id}"
        try:
            await self._store.put(key, record, CALL_SECONDS)
        except TooLargeError:
            if not call.done:
                raise
            await self._store.put(key, {**record, "sent": [], "answers": []}, CALL_SECONDS)

    async def cancel(self, session: Session, request_id: Any) -> None:
        await self._store.delete(f"c#{session.id}#{self.call_id(session, request_id)}")

    async def answer(self, session: Session, question_id: str, answer: Json) -> bool:
        """Keep the client's answer to the question that its call waits for; the first answer counts."""
        found = QUESTION_ID.fullmatch(question_id)
        call = await self.call(session, found[1]) if found else None
        if call is None or call.done or call.question_id != question_id:
            return False
        return await self._store.put_if_absent(f"a#{session.id}#{question_id}", answer, CALL_SECONDS)

    async def answer_to(self, session: Session, call: Call) -> Json | None:
        return await self._store.get(f"a#{session.id}#{call.question_id}")

    async def lease(self, session: Session, call: Call, seconds: float) -> str | None:
        """The right to run the call again now, which nobody else gets before it is released or its time is over; None: somebody has it."""
        lease = secrets.token_hex(8)
        return lease if await self._store.put_if_absent(f"l#{session.id}#{call.id}", {"lease": lease}, seconds) else None

    async def release(self, session: Session, call: Call, lease: str) -> None:
        """Give the lease back, unless its time was over and somebody else has it now."""
        key = f"l#{session.id}#{call.id}"
        if await self._store.get(key) == {"lease": lease}:
            await self._store.delete(key)


def _owner(caller: Caller | None) -> list[str] | None:
    return caller.owner if caller is not None else None
