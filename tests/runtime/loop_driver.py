"""The tool loop without an installation around it: a pen instead of a log, and a person at hand."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from attenda.api import Principal, ScriptedModel, text_message
from attenda.runtime.agent import DEFAULT_AGENT
from attenda.runtime.guarding import Guarding
from attenda.runtime.loop_reader import Reader
from attenda.runtime.loop_state import LoopState
from attenda.runtime.loop_tools import Offered
from attenda.runtime.loop_voice import Voice
from attenda.runtime.toolloop import ToolLoop
from attenda.store import journal
from attenda.store.database import Database
from attenda.store.sessions import StoredMessage
from attenda.store.stamps import Stamps
from attenda.tools.effects import Executor
from attenda.tools.policy import Budget

__all__ = ["WHO", "Pen", "converse"]

WHO = Principal(id="usr_owner", role="owner")
_BUDGET = Budget(rounds=100, calls=500, tokens=10**9, seconds=600)
_NUMBERS = itertools.count(1)


class Pen:
    """Takes the answer instead of a session's log."""

    def __init__(self) -> None:
        self.session_id = f"ses_{next(_NUMBERS)}"
        self.words: list[str] = []

    @property
    def length(self) -> int:
        return sum(map(len, self.words))

    def write(self, text: str) -> None:
        self.words.append(text)

    def jot(self, *events: Any) -> None:
        pass


async def converse(
    database: Database,
    executor: Executor,
    model: ScriptedModel,
    asked: str,
    says_yes: Callable[[journal.Approval], bool],
) -> tuple[str, list[bool]]:
    """One message of a person, through all that must be decided; the answer, and the decisions."""
    pen, state, decided = Pen(), LoopState(), list[bool]()
    path = [_message(pen.session_id, "user", asked)]
    while True:
        loop = _loop(model, pen, executor, state, path)
        await loop.take()
        state = loop.state
        if not state.steps:
            return "".join(pen.words), decided
        decided.append(await _decide(database, state.approval_id, says_yes))
        path = [path[0], _message(pen.session_id, "assistant", "It waits.")]


def _message(session_id: str, role: Any, text: str) -> StoredMessage:
    return StoredMessage(
        id=f"msg_{role}",
        session_id=session_id,
        parent_id=None,
        run_id=None,
        status="done",
        message=text_message(role, text),
        created_at=0,
        integrity="user",
    )


def _loop(
    model: ScriptedModel,
    pen: Any,
    executor: Executor,
    state: LoopState,
    path: Sequence[StoredMessage],
) -> ToolLoop:
    guarding = Guarding(None, pen, WHO, pen.session_id, "en")
    return ToolLoop(
        reader=Reader(model, pen, WHO, DEFAULT_AGENT, None, guarding),  # type: ignore[arg-type]
        offered=Offered(executor.tools.values(), ["search_documents", "earlier_answers"]),
        executor=executor,
        budget=_BUDGET,
        voice=Voice(pen, "en", guarding),
        clock=lambda: 0,
        passing=lambda point: None,
        state=state,
        ask=None,
        path=path,
    )


async def _decide(
    database: Database, approval_id: str, says_yes: Callable[[journal.Approval], bool]
) -> bool:
    def decide(connection: Any) -> bool:
        asked = journal.get_approval(connection, WHO, approval_id)
        yes = says_yes(asked)
        journal.decide(connection, Stamps(), WHO, approval_id, asked.hash, yes=yes)
        return yes

    return await database.write(decide)
