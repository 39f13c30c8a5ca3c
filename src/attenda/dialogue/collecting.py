"""A slot without a value: a remembered fact is offered for it once, else it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from attenda.core.event import DialogueEvent, FlowMoved
from attenda.core.label import SYSTEM, Labelled, join
from attenda.core.words import sentence
from attenda.dialogue.expression import fill
from attenda.dialogue.extract_amounts import another_currency
from attenda.dialogue.flow import CollectStep, Flow, words_in
from attenda.dialogue.next_step import AskSlot, AskYesNo
from attenda.dialogue.remember import ask_still, offer_of
from attenda.dialogue.state import Frame

__all__ = ["Given", "collect"]


@dataclass(frozen=True, slots=True)
class Given:
    """What the machine cannot know by itself."""

    message_id: str
    """Of what the person just said; flows that begin now are named after it."""
    language: str = "en"
    names: Mapping[str, Labelled] = field(default_factory=dict)
    """`today`, `now`, `user`: what every flow may read."""
    facts: Mapping[str, Labelled] = field(default_factory=dict)
    """What is remembered of the person, by slot; flows see it by offers alone."""


def collect(
    frame: Frame, step: CollectStep, flow: Flow, known: Mapping[str, Labelled], given: Given
) -> list[DialogueEvent] | AskSlot | AskYesNo:
    """On, where the slot has a value; else a fact is offered for it, or it is asked for."""
    name = step.collect
    if name in frame.values:
        return [FlowMoved(instance=frame.instance, at=frame.at + 1)]
    if name not in frame.offers:
        slot, fact = flow.slots[name], given.facts.get(name)
        made = offer_of(frame.instance, name, slot, fact, given.names)
        if made is not None:
            return [made]
    asked = _ask(frame, flow, name, known, given.language)
    offer = frame.offers.get(name)
    return ask_still(asked, step.id, offer, given.language) if offer else asked


def _ask(
    frame: Frame, flow: Flow, name: str, known: Mapping[str, Labelled], language: str
) -> AskSlot:
    slot = flow.slots[name]
    text, label = fill(words_in(slot.ask, language), known)
    refused = frame.refused.get(name)
    if refused and (other := slot.currency and another_currency(str(refused.value), slot.currency)):
        why = sentence(language, "dialogue.currency", named=other, currency=slot.currency)
        text, label = f"{why} {text}", join(label, refused.whole_label)
    elif refused and slot.otherwise:
        why, of_why = fill(words_in(slot.otherwise, language), {**known, name: refused})
        text, label = f"{why} {text}", join(label, of_why)
    return AskSlot(frame.instance, name, text, label or SYSTEM, tuple(slot.choices))
