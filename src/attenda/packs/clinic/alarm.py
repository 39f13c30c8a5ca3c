"""What comes before anything else: red flags raised on each message, kept, and told to a person."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attenda.api import (
    Cancel,
    Command,
    Deed,
    Labelled,
    NotUnderstood,
    Said,
    SetSlot,
    Span,
    StartFlow,
    asks_to_stop,
    greets,
    tool,
)
from attenda.packs.clinic.confirmed import affirmed
from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.measured import readings
from attenda.packs.clinic.opening import (
    CATALOGUES,
    is_plausible_order,
    order_in,
    order_told,
    score_in,
    variant_in,
)
from attenda.packs.clinic.plain_answer import yes_no_or_unknown
from attenda.packs.clinic.red_flags import RedFlag, red_flag_rules, red_flags
from attenda.packs.clinic.wishes import ORDER_NUMBER, PATIENT_NUMBER, is_dialogue, wish_in

__all__ = ["look_first", "raise_alarm"]

_LEAVES = re.compile(
    r"\b(?:cancel|never ?mind(?! (?:me|my|us)\b)"
    r"|stop it|human|(?:talk|speak) to (?:a |some)(?:person|body))\b"
    r"|算了(?![一下个半])|不办了|取消|人工|真人",
    re.IGNORECASE,
)  # fmt: skip
_FREE: Mapping[str, tuple[str, str]] = {
    "score": ("values", "score"),
    "wells": ("finding", "wells"),
    "check_order": ("drug", "chart"),
    "draft_note": ("dialogue", ""),
    "weigh": ("findings", ""),
    "open_sealed": ("why", "sealed"),
}
"""By flow: the slot that takes a message whole, and what is known by the time it is asked for."""
_HOLDS: Mapping[str, Callable[[str], object]] = {
    "values": readings, "drug": order_in, "dialogue": is_dialogue, "findings": mentions,
}  # fmt: skip
"""By slot: what an answer to it holds; without that, a message that wants another flow is none."""
_PATIENT = re.compile(
    r"(?<![A-Z0-9])P[\s.\-\u2010-\u2015]{0,3}(\d{3})(?!\d)|(?:\b(?:patient|pt|number|no\.?|chart|id)|病人|患者|编号)\W{0,3}(\d{3})(?!\d)"
    r"|^\W*(\d{3})\W*$",
    re.IGNORECASE,
)
_IDS: Mapping[str, tuple[str, str, re.Pattern[str]]] = {
    "check_order": ("patient", "P", _PATIENT),
    "open_sealed": ("sealed", "P", _PATIENT),
    "sign_order": ("number", "OR", ORDER_NUMBER),
}
"""By flow: the number that it asks for first; who says one then means that, and no other wish."""
_OF_OTHERS = frozenset({"draft_note"})
"""Flows in which the words of the clinic's people are of a record, and not their own."""
_ABOUT_PATIENTS = frozenset({"check_order", "open_sealed", "score", "weigh"})
"""Flows in which they are of a patient, where they name one."""
_SOMEBODY_ELSE = re.compile(
    r"\b(?:s?he|his|hers?|him|they|their|them|patients?|pt|P-?\d{3})\b|[他她]|患者|病人",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?:^|[.,;!?]|\b(?:and|but|because)\b)\s*(?:i|i['’]m|i['’]ve|i['’]d|my)\b[^.,;!?]*$"
    r"|(?:^|[，。,；！？])[^他她者人，。；]{0,2}我(?!们)[^，。,；！？]*$",
    re.IGNORECASE,
)
"""Before the end of words that one says of oneself."""
_STAFF = frozenset({"agent", "supervisor", "owner"})


def look_first(said: Said) -> Sequence[Command]:
    """Red flags in a message; a greeting; a stop; then an answer to the interview under way.

    Nothing where neither is there: then the message is understood like any other.
    """
    top = said.state.top
    if top is None or top.flow not in _OF_OTHERS or not _is_staff(said):
        heard = _heard(said)
        asked = heard if top and top.flow == "intake" else {}  # a yes answers what is asked now
        flags = red_flags([*heard.get("said", ()), said.text + affirmed(said.text, asked)])
        flags = [one for one in flags if not _is_of_a_patient(said, one)]
        if flags:
            flag = flags[0]
            words = "; ".join(dict.fromkeys(one.words for _, one in flag.because))
            say = flag.rule.say.get(said.given.language, flag.rule.say["en"])
            return [
                StartFlow(flow="alarm"),
                _set(said, "rule", flag.rule.id), _set(said, "kind", flag.rule.kind),
                _set(said, "instruction", say), _set(said, "signs", words),
                _set(said, "message", said.message_id),
            ]  # fmt: skip
    if greets(said.text):
        return [StartFlow(flow="greet")]
    if top and asks_to_stop(said.text):
        return [Cancel()]
    if top and top.flow == "intake" and "heard" in top.values and not _LEAVES.search(said.text):
        return [_set(said, "answer", said.text.strip() or "—")]
    return _whole_answer(said) if top else _wish(said)


def _is_staff(said: Said) -> bool:
    """Whether somebody of the clinic speaks; a patient's words are always their own."""
    user = said.given.names["user"].value
    return isinstance(user, dict) and user.get("role") in _STAFF


def _is_of_a_patient(said: Said, flag: RedFlag) -> bool:
    """Whether somebody of the clinic tells of another person in a flow that is about one.

    Not where they say of themselves that they want to die or are beaten, whomever else they name.
    """
    top = said.state.top
    about = top is not None and top.flow in _ABOUT_PATIENTS
    if not (about and _is_staff(said) and _SOMEBODY_ELSE.search(said.text)):
        return False
    return flag.rule.kind == "emergency" or not any(
        _OWN.search(said.text[: one.end]) for _, one in flag.because
    )


def _whole_answer(said: Said) -> Sequence[Command]:
    """A message as the answer that its flow waits for: values or a drug are no other wish."""
    top = said.state.top
    if top is None or _LEAVES.search(said.text):
        return ()
    slot, prefix, pattern = _IDS.get(top.flow, ("", "", re.compile("")))
    number = pattern.search(said.text) if slot and slot not in top.values else None
    if number:
        return [_numbered(said, slot, prefix, number), *_order_too(said)]
    if top.flow == "score" and "values" not in top.values and (one := variant_in(said.text)):
        return _variant(said, one)
    if top.flow == "score" and _asks_for_scale_2(top.values):
        return _yes_or_no(said, "target_set")
    flow = "wells" if "wells" in top.values else top.flow
    if flow not in _FREE:
        return ()
    slot, known = _FREE[flow]
    waits = slot not in top.values and (not known or known in top.values)
    if not waits or not said.text.strip() or _is_another_wish(said.text, top.flow, slot):
        return ()
    if slot == "drug" and not is_plausible_order(said.text):
        return _score(said) or [NotUnderstood()]
    value = said.text[slice(*order_told(said.text))] if slot == "drug" else said.text
    return [_set(said, slot, value.strip())]


def _score(said: Said) -> Sequence[Command]:
    """The score that a message names, with its values; nothing where it names none."""
    if not (score := score_in(said.text)):
        return ()
    values = [_set(said, "values", said.text.strip())] if readings(said.text) else []
    return [StartFlow(flow="score"), _set(said, "score", score), *values]


def _variant(said: Said, score: str) -> Sequence[Command]:
    """A score in the form that is wanted, with the values that are told in the same breath."""
    told = CATALOGUES["values"](said.text)
    values = [_set(said, "values", said.text.strip())] if told else []
    return [_set(said, "score", score), *values]


def _asks_for_scale_2(values: Mapping[str, Labelled]) -> bool:
    """Whether it is asked if a clinician has set the target of scale 2."""
    score = values.get("score")
    asked = score is not None and score.value == "news2_scale2"
    return asked and "values" in values and "target_set" not in values


def _yes_or_no(said: Said, slot: str) -> Sequence[Command]:
    """A plain yes or no; nothing where it is neither, and then it is asked again."""
    plain = yes_no_or_unknown(said.text)
    if plain is None or plain[0] is None:
        return ()
    start, end = plain[1]
    found = Labelled(value=plain[0], label=said.label, span=_span(said, (start, end)))
    return [SetSlot(slot=slot, value=found, words=said.text[start:end])]


def _is_another_wish(text: str, flow: str, slot: str) -> bool:
    """Whether a message is no answer at all, but wants something else begun."""
    other = wish_in(text)
    holds = _HOLDS.get(slot)
    return other not in ("", flow) and holds is not None and not holds(text)


def _wish(said: Said) -> Sequence[Command]:
    """What is wanted where nothing is under way, with what the sentence names for it.

    A patient's words begin nothing here but what has its number; then its flow says who may.
    """
    if _is_staff(said) and (variant := variant_in(said.text)):
        return [StartFlow(flow="score"), *_variant(said, variant)]
    flow = wish_in(said.text)
    named = PATIENT_NUMBER.search(said.text) or ORDER_NUMBER.search(said.text)
    if not flow or not (_is_staff(said) or (named and flow in ("check_order", "sign_order"))):
        return ()
    if flow == "open_sealed" and named:  # its reason may stand beside the number
        return ()
    begun: list[Command] = [StartFlow(flow=flow)]
    slot, prefix, pattern = _IDS.get(flow, ("", "", re.compile("")))
    number = pattern.search(said.text) if slot else None
    if number:
        begun.append(_numbered(said, slot, prefix, number))
    if flow == "check_order" and (place := order_in(said.text)):
        begun.append(_set(said, "drug", said.text[slice(*place)]))
    if flow == "draft_note" and is_dialogue(said.text):
        begun.append(_set(said, "dialogue", said.text.strip()))
    if flow == "weigh" and CATALOGUES["findings"](said.text):
        begun.append(_set(said, "findings", said.text.strip()))
    return begun


def _numbered(said: Said, slot: str, prefix: str, number: re.Match[str]) -> SetSlot:
    digits = next(filter(None, number.groups()))
    span = _span(said, number.span())
    found = Labelled(value=f"{prefix}-{digits.upper()}", label=said.label, span=span)
    return SetSlot(slot=slot, value=found, words=number.group())


@tool(writes=True, free_text=frozenset({"signs", "message"}))
def raise_alarm(deed: Deed, rule: str, signs: str, message: str) -> dict[str, Any]:
    """Keep a red flag for the clinicians, with the words that raised it."""
    kind = next((one.kind for one in red_flag_rules() if one.id == rule), "emergency")
    deed.rows("escalations").add(
        id=f"ES-{deed.key[:10]}", rule=rule, kind=kind, words=signs, message_id=message,
        user_id=deed.who.id, raised_at=deed.now, state="open",
    )  # fmt: skip
    return {"rule": rule}


def _set(said: Said, slot: str, value: str) -> SetSlot:
    start = said.text.find(value)
    span = _span(said, (start, start + len(value))) if start >= 0 else None
    found = Labelled(value=value, label=said.label, span=span)
    return SetSlot(slot=slot, value=found, words=value)


def _span(said: Said, place: tuple[int, int]) -> Span:
    return Span(message_id=said.message_id, start=place[0], end=place[1])


def _order_too(said: Said) -> Sequence[Command]:
    """The order that is named in the same breath as its patient."""
    top = said.state.top
    place = order_in(said.text) if top and top.flow == "check_order" else None
    return [_set(said, "drug", said.text[slice(*place)])] if place else []


def _heard(said: Said) -> Mapping[str, Any]:
    """What the interview under way has heard and asks now, which its own result carries along."""
    for frame in reversed(said.state.frames):
        heard = frame.values.get("heard")
        if heard is not None and isinstance(heard.value, dict):
            return heard.value
    return {}
