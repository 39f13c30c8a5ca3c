"""What is wrong with a questionnaire of a clinic's own: which item, and why. Pure.

A questionnaire with a mistake is refused whole: one that leaves a question out in silence, or asks
it where nobody can answer, tells a clinician less than it seems to. What cannot be asked in words
and harms nothing is a note.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from attenda.packs.clinic.questionnaire import (
    ASKED,
    EXPRESSIONS,
    FHIR,
    NOT_ASKED,
    read_questionnaire,
)

__all__ = ["Flaw", "flaws_in"]

_WITH_OPTIONS = frozenset({"choice", "open-choice"})
_BY_HAND = frozenset({"attachment", "reference"})
_OPERATORS = frozenset({"exists", "=", "!=", ">", "<", ">=", "<="})
_ANSWERS: Mapping[str, tuple[str, ...]] = {
    "boolean": ("answerBoolean",), "integer": ("answerInteger",), "decimal": ("answerDecimal",),
    "date": ("answerDate",), "dateTime": ("answerDateTime",), "time": ("answerTime",),
    "string": ("answerString",), "text": ("answerString",), "url": ("answerString",),
    "choice": ("answerCoding", "answerString", "answerInteger"),
    "open-choice": ("answerCoding", "answerString", "answerInteger"),
    "quantity": ("answerQuantity",),
}  # fmt: skip
"""What a condition may compare an item's answer with, by the item's type."""
_MOST_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong, or that is left out."""

    place: str
    """Such as `item 2.1 (fever)`."""
    key: str
    """Of a sentence `form.…`."""
    values: Mapping[str, str]
    is_note: bool = False
    """Whether the questionnaire can be asked all the same."""


@dataclass(frozen=True, slots=True)
class _Read:
    place: str
    written: Mapping[str, Any]
    under: str = ""
    """The words of the headings above."""

    @property
    def link_id(self) -> str:
        return str(self.written.get("linkId", ""))

    @property
    def kind(self) -> str:
        return str(self.written.get("type", ""))

    @property
    def text(self) -> str:
        return str(self.written.get("text", "")).strip()

    @property
    def is_hidden(self) -> bool:
        return _extension(self.written, f"{FHIR}questionnaire-hidden").get("valueBoolean") is True

    def flaw(self, key: str, **values: str) -> Flaw:
        return Flaw(self.place, f"form.{key}", values)

    def note(self, key: str, **values: str) -> Flaw:
        return Flaw(self.place, f"form.{key}", values, is_note=True)


def flaws_in(written: Any) -> list[Flaw]:
    """All that is wrong with a file's content, and what of it would not be asked."""
    if not isinstance(written, Mapping) or written.get("resourceType") != "Questionnaire":
        kind = str(written.get("resourceType", "—")) if isinstance(written, Mapping) else "—"
        return [Flaw("—", "form.no_questionnaire", {"kind": kind})]
    broken: list[Flaw] = []
    items = list(_items(written.get("item"), "", broken))
    if broken:  # of no shape that can be looked at further
        return broken
    known = {one.link_id: one for one in items if one.link_id}
    value_sets = {f"#{one.get('id')}" for one in _objects(written.get("contained"))}
    found = [flaw for one in items for flaw in _of_item(one, known, value_sets)]
    found += _unreadable(written, items)
    counted = Counter(one.link_id for one in items if one.link_id)
    found += [one.flaw("twice", id=one.link_id) for one in items if counted[one.link_id] > 1]
    wrong = any(not one.is_note for one in found)
    if not wrong and not any(one.kind in ASKED and not one.is_hidden for one in items):
        found.append(Flaw("item", "form.nothing_asked", {}))
    return found


def _items(written: Any, above: str, broken: list[Flaw], under: str = "") -> Iterator[_Read]:
    """Every item with its place; what is no list of objects is a flaw."""
    if written is None:
        return
    if not isinstance(written, list):
        broken.append(Flaw(f"item {above}".strip(), "form.no_list", {}))
        return
    for number, one in enumerate(written, 1):
        at = f"{above}.{number}" if above else str(number)
        if not isinstance(one, Mapping):
            broken.append(Flaw(f"item {at}", "form.no_object", {}))
            continue
        name = str(one.get("linkId") or one.get("text") or "")[:_MOST_LETTERS]
        read = _Read(f"item {at} ({name})" if name else f"item {at}", one, under)
        lists = ("answerOption", "enableWhen", "extension", "code")
        broken += [read.flaw("no_list_of", name=each) for each in lists
                   if not _is_list_of_objects(one.get(each, []))]  # fmt: skip
        yield read
        yield from _items(one.get("item"), at, broken, under + read.text)


def _of_item(one: _Read, known: Mapping[str, _Read], value_sets: set[str]) -> Iterator[Flaw]:
    if not one.link_id:
        yield one.flaw("no_id")
    if one.kind in _BY_HAND:
        yield one.note("by_hand", type=one.kind)
    elif one.kind not in ASKED | NOT_ASKED:
        yield one.flaw("bad_type", type=one.kind or "—")
    if one.kind in ASKED and not one.is_hidden and not one.under + one.text:
        yield one.flaw("no_text")
    if one.kind in _WITH_OPTIONS:
        yield from _options_of(one, value_sets)
    for number, condition in enumerate(one.written.get("enableWhen", ()), 1):
        yield from _of_condition(one, number, condition, known)
    yield from _limits_of(one)
    for url, name in EXPRESSIONS.items():
        if _extension(one.written, url):
            yield one.note("expression", name=name)


def _unreadable(written: Mapping[str, Any], items: Sequence[_Read]) -> Iterator[Flaw]:
    """Items of a shape that cannot be read at all, each read by itself."""
    for one in items:
        alone = {**written, "item": [{**one.written, "linkId": one.link_id or "x", "item": []}]}
        try:
            read_questionnaire(alone)
        except (AttributeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            yield one.flaw("unreadable", problem=str(error)[:_MOST_LETTERS])


def _options_of(one: _Read, value_sets: set[str]) -> Iterator[Flaw]:
    named = str(one.written.get("answerValueSet", ""))
    if named and named not in value_sets:
        yield one.flaw("value_set", name=named)
    elif not named and not one.written.get("answerOption") and one.kind == "choice":
        yield one.flaw("no_options")
    for number, option in enumerate(one.written.get("answerOption", ()), 1):
        value = next((v for name, v in option.items() if name.startswith("value")), None)
        if isinstance(value, Mapping):
            value = value.get("display") or value.get("code")
        if value in (None, ""):
            yield one.flaw("bad_option", number=str(number))


def _of_condition(
    one: _Read, number: int, condition: Mapping[str, Any], known: Mapping[str, _Read]
) -> Iterator[Flaw]:
    question, sign = str(condition.get("question", "")), str(condition.get("operator", ""))
    other = known.get(question)
    values = {"number": str(number), "question": question or "—"}
    if other is None or other is one:
        yield one.flaw("condition_on_nothing" if other is None else "condition_on_itself", **values)
        return
    if sign not in _OPERATORS:
        yield one.flaw("condition_operator", operator=sign or "—", **values)
    given = [name for name in condition if name.startswith("answer")]
    fits = ("answerBoolean",) if sign == "exists" else _ANSWERS.get(other.kind, ())
    if len(given) != 1 or given[0] not in fits:
        needed = " / ".join(fits) or "—"
        yield one.flaw("condition_answer", type=other.kind, needed=needed, **values)
    elif sign == "=" and other.kind == "choice" and not _is_an_option(other, condition[given[0]]):
        yield one.flaw("condition_option", **values)


def _is_an_option(question: _Read, answer: Any) -> bool:
    """Whether an answer is among a question's own options; a value set is not looked into."""
    options = question.written.get("answerOption")
    if not options:
        return True
    said = answer.get("code") if isinstance(answer, Mapping) else answer
    return any(
        said == (value.get("code") if isinstance(value, Mapping) else value)
        for one in options
        for name, value in one.items()
        if name.startswith("value")
    )


def _limits_of(one: _Read) -> Iterator[Flaw]:
    limits: dict[str, Decimal] = {}
    for name in ("minValue", "maxValue"):
        found = _extension(one.written, f"{FHIR}{name}")
        value = next((v for key, v in found.items() if key.startswith("value")), None)
        if one.kind not in ("integer", "decimal", "quantity") or value is None:
            continue
        try:
            limits[name] = Decimal(str(value))
        except InvalidOperation:
            yield one.flaw("bad_limit", name=name, value=str(value)[:_MOST_LETTERS])
    if len(limits) == 2 and limits["minValue"] > limits["maxValue"]:
        yield one.flaw("limits", low=str(limits["minValue"]), high=str(limits["maxValue"]))


def _extension(written: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    return next((one for one in written.get("extension", ()) if one.get("url") == url), {})


def _is_list_of_objects(written: Any) -> bool:
    return isinstance(written, list) and all(isinstance(one, Mapping) for one in written)


def _objects(written: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in written if isinstance(one, Mapping)] if isinstance(written, list) else []
