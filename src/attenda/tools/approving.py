"""Approvals: a deed that a rule leaves to a person waits for a yes to just this deed."""

from collections.abc import Callable

from attenda.core.errors import UserError
from attenda.core.principal import DESK
from attenda.store import journal
from attenda.store.database import Connection
from attenda.store.stamps import Stamps
from attenda.tools.call import Call, Outcome, approval_hash, effect_key
from attenda.tools.policy import Ruling
from attenda.tools.tool import Tool

__all__ = ["approved"]


def approved(
    connection: Connection,
    stamps: Stamps,
    tool: Tool,
    call: Call,
    ruling: Ruling,
    refusal: Callable[[], UserError | None],
) -> str | Outcome:
    """Who approved just this deed; else that it waits, was denied, came late or is refused."""
    hash_, confirms = approval_hash(call), ruling.do == "confirm"
    found = journal.approval_for(connection, hash_, call.who.id, stamps.now())
    if found is not None and found.state == "approved":
        journal.spend_approval(connection, found.id)
        return found.decided_by or ""
    if found is not None and found.state == "denied":
        said = "loop.not_confirmed" if confirms else "approval.was_denied"
        return Outcome("denied", problem=UserError(said, tool=tool.name))
    if found is not None:
        return _waiting(call, found.id, confirms=confirms)
    if call.awaited and journal.expire_approval(connection, call.awaited, stamps.now()):
        return Outcome("denied", problem=UserError("approval.too_late", tool=tool.name))
    if confirms and (refused := refusal()) is not None:
        return Outcome("failed", problem=refused)
    id_ = journal.ask_approval(
        connection,
        stamps,
        hash_,
        ruling.lasts_s,
        call.label,
        **call.row,
        rule=ruling.rule,
        role=journal.ASKER if confirms else ruling.approver,
        asked_for=call.who.id,
        origins=call.origins,
        sink=call.sink - {DESK},
    )
    return _waiting(call, id_, confirms=confirms)


def _waiting(call: Call, id_: str, *, confirms: bool) -> Outcome:
    return Outcome("waiting", effect_key(call), approval_id=id_, sink=call.sink, confirms=confirms)
