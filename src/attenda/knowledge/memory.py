"""Memory: what a person told about themselves, kept with its source and its label.

A fact comes from the person's own message alone, never from a document, a tool or an answer. Its
label is that of the message joined with its own, so what came of untrusted text stays untrusted,
whatever it is made into; and it is shown to nobody who might not read the message.
"""

from collections.abc import Mapping, Sequence

from attenda.core.errors import UserError
from attenda.core.event import Remembered
from attenda.core.label import Label, Labelled, join, readable_by
from attenda.core.principal import Principal
from attenda.store import facts
from attenda.store.database import Connection
from attenda.store.facts import Fact
from attenda.store.stamps import Stamps

__all__ = ["MOST_FACTS", "checked_text", "context_of", "facts_for_slots", "keep", "recall"]

MOST_FACTS = 200
_MOST_LETTERS = 500
_IN_PROMPT = 20
"""Facts that a model is given, the newest: it must read them before its first word."""


def recall(connection: Connection, who: Principal) -> list[Fact]:
    """What is remembered of `who` and they may read, the newest first."""
    return [one for one in facts.facts_of(connection, who) if readable_by(one.label, {who.id})]


def checked_text(text: str) -> str:
    """A fact's words, tidied.

    Raises:
        UserError: there are none, or too many.
    """
    tidy = " ".join(text.split())
    if not tidy:
        raise UserError("message.empty")
    if len(tidy) > _MOST_LETTERS:
        raise UserError("memory.too_long", most=_MOST_LETTERS)
    return tidy


def keep(connection: Connection, stamps: Stamps, user_id: str, told: Sequence[Remembered]) -> None:
    """Keep what a person told in messages of theirs; nothing of anybody else's message."""
    for one in told:
        source = facts.label_of_message(connection, user_id, one.message_id)
        label = join(source, one.fact.whole_label) if source else None
        if label is None or not readable_by(label, {user_id}):
            continue
        values = {"pack": one.pack, "name": one.name, "text": str(one.fact.value)}
        values["message_id"] = one.message_id
        facts.insert_fact(connection, stamps, user_id, values, label)


def facts_for_slots(known: Sequence[Fact], pack: str) -> Mapping[str, Labelled]:
    """Facts that slots of a pack's flows may be offered, by slot, each a source of its own."""
    return {
        one.name: Labelled(value=one.text, label=_as_source(one))
        for one in known
        if one.name and one.pack == pack
    }


def _as_source(fact: Fact) -> Label:
    return fact.label.model_copy(update={"sources": fact.label.sources | {fact.id}})


def context_of(known: Sequence[Fact]) -> str:
    """Facts as lines of a prompt that words an answer; such a prompt decides nothing."""
    return "\n".join(f"- {_worded(one)}" for one in known[:_IN_PROMPT])


def _worded(fact: Fact) -> str:
    return f"{fact.name.replace('_', ' ')}: {fact.text}" if fact.name else fact.text
