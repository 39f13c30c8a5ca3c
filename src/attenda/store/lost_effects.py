"""Effects of which nobody knows whether they were done, until a person looks and says so.

Their answer was lost outside, and they are never repeated blindly. Who finds that one was not done
frees it to be asked for anew; who finds that it was done closes it.
"""

from sqlalchemy import Connection, update

from attenda.core.errors import Conflict, Denied, NotFound
from attenda.core.label import Label, Labelled
from attenda.core.principal import Principal
from attenda.store import audit, journal
from attenda.store.journal import Effect
from attenda.store.schema_deeds import effects
from attenda.store.stamps import Stamps

__all__ = ["lost_in", "settle"]


def lost_in(connection: Connection, session_id: str) -> list[Effect]:
    """Those of a session, the oldest first."""
    return [one for one in journal.list_effects(connection, session_id) if one.state == "unknown"]


def settle(
    connection: Connection,
    stamps: Stamps,
    who: Principal,
    session_id: str,
    key: str,
    *,
    done: bool,
) -> None:
    """Note what somebody found out of an effect; the first word counts.

    Raises:
        Denied: their role may not decide about deeds.
        NotFound: the session has no such effect.
        Conflict: it is known already.
    """
    if not who.may("approve"):
        raise Denied("approval.not_yours")
    found = journal.find_effect(connection, key)
    if found is None or found.session_id != session_id:
        raise NotFound("effect.missing")
    label = Label(integrity="untrusted", readers=frozenset({found.owner_id}))
    result = Labelled(value=None, label=label).model_dump_json() if done else None
    values = {"state": "done" if done else "failed", "result": result, "ended_at": stamps.now()}
    open_one = update(effects).where(effects.c.key == key, effects.c.state == "unknown")
    if connection.execute(open_one.values(**values)).rowcount == 0:
        raise Conflict("effect.settled")
    event = "effect.found_done" if done else "effect.found_undone"
    audit.note(connection, stamps, who.id, event, key[:40], tool=found.tool, session=session_id)
