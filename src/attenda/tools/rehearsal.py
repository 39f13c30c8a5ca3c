"""Rehearsals: what deeds would do is done, looked at and taken back; nothing of it stays.

A session that tries a draft has a world of its own. Its deeds so far are done again before
whatever it does or looks at next, so that a refund that was "made" can be "paid", and then
everything is taken back. What reaches beyond our database is not called at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from attenda.core.errors import UserError
from attenda.core.label import SYSTEM, Labelled
from attenda.core.principal import Principal
from attenda.store import trials
from attenda.store.database import Connection, apart, yielded
from attenda.store.journal import Effect
from attenda.store.stamps import Stamps
from attenda.tools.call import Call, effect_key
from attenda.tools.problems import problem_of
from attenda.tools.tool import Deed, Tool, ToolRefused

__all__ = ["Past", "after_its_deeds", "keep", "would_give", "would_refuse"]

T = TypeVar("T")


class _TakenBack(Exception):
    """Ends a rehearsal, whose savepoint is taken back with it."""


@dataclass(frozen=True, slots=True)
class Past:
    """A deed that was worked out before."""

    call: Call
    at: int
    """Microseconds since 1970, UTC."""
    approver: str


def _taken_back(connection: Connection, work: Callable[[], T]) -> T:
    """What `work` gives; whatever it changed is taken back."""
    found: list[T] = []
    try:
        with apart(connection):
            found.append(work())
            raise _TakenBack
    except _TakenBack:
        return found[0]


def after_its_deeds(
    connection: Connection, call: Call, redo: Callable[[Past], object], work: Callable[[], T]
) -> T:
    """What `work` gives in the world of a call's session; all of it is taken back.

    A deed that is not possible any more, since the world went on, is left out.
    """

    def all_of_it() -> T:
        for row in trials.trial_deeds(connection, call.session_id):
            try:
                with apart(connection):
                    redo(_past(row, call.who))
            except Exception as error:
                if yielded(error):  # the whole unit is run again
                    raise
        return work()

    return _taken_back(connection, all_of_it)


def would_refuse(
    connection: Connection, tool: Tool, work: Callable[[], object]
) -> UserError | None:
    """Why a tool refuses `work`, which is taken back; that it fails is for earnest to show."""
    try:
        _taken_back(connection, work)
    except (ToolRefused, UserError) as refused:
        return problem_of(tool, refused)
    except Exception:  # noqa: BLE001 - that it works, or else how it fails, is seen in earnest
        return None
    return None


def would_give(tool: Tool, deed: Deed, arguments: dict[str, Any]) -> dict[str, Any]:
    """The result of a tool beyond our database, which is not called; marked as made up."""
    made_up = tool.rehearsed(deed, **arguments) if tool.rehearsed is not None else {}
    return {**made_up, "simulated": True}


def keep(
    connection: Connection, stamps: Stamps, call: Call, result: Labelled, approver: str
) -> None:
    """Note what would have been done, to do it again before what comes next."""
    trials.keep_deed(
        connection,
        stamps,
        effect_key(call),
        call.label,
        {name: one.model_dump(mode="json") for name, one in call.arguments.items()},
        **call.row,
        owner_id=call.who.id,
        result=result.model_dump_json(),
        approved_by=approver or None,
    )


def _past(row: Effect, who: Principal) -> Past:
    given = {name: Labelled.model_validate(one) for name, one in row.label["given"].items()}
    call = Call(row.session_id, row.instance, row.step, row.tool, given, SYSTEM, who)
    return Past(call, row.begun_at, row.approved_by or "")
