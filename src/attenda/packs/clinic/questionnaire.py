"""FHIR Questionnaires (R4): which item is asked next, what its answer may be, what comes out.

An item that is asked and not known stays asked and not known; two different answers to one item
are both kept and flagged. Expressions in FHIRPath are not evaluated, and the reading says so.
"""

import datetime
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

__all__ = [
    "ASKED",
    "EXPRESSIONS",
    "FHIR",
    "NOT_ASKED",
    "Answers",
    "Given",
    "Item",
    "Questionnaire",
    "QuestionnaireProblem",
    "next_item",
    "open_items",
    "read_questionnaire",
    "words_before",
]

ASKED = frozenset({
    "boolean", "decimal", "integer", "date", "dateTime", "time", "string", "text", "url", "choice",
    "open-choice", "quantity",
})  # fmt: skip
"""Types of items that can be asked for in words."""
NOT_ASKED = frozenset({"group", "display"})
FHIR = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
FAMILY = frozenset({"10157-6", "8670-2", "family"})
"""Codes of items about the family: LOINC's, and our own."""
ALLERGIES = frozenset({"48765-2", "52473-6", "allergies"})
"""Codes of items about allergies."""
EXPRESSIONS = {
    f"{_SDC}sdc-questionnaire-{name}": name
    for name in ("enableWhenExpression", "calculatedExpression", "answerExpression",
                 "initialExpression")
}  # fmt: skip


class QuestionnaireProblem(ValueError):
    """The file is no questionnaire that can be asked."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When an item is asked: an answer elsewhere."""

    question: str
    operator: str
    expected: object


@dataclass(frozen=True, slots=True)
class Item:
    """A question, a heading with questions below it, or words alone."""

    link_id: str
    type: str
    text: str
    required: bool = False
    repeats: bool = False
    hidden: bool = False
    any_condition: bool = False
    conditions: tuple[Condition, ...] = ()
    options: tuple[tuple[str, str, str], ...] = ()
    """System, code and words of each answer that may be chosen."""
    codes: frozenset[str] = frozenset()
    """What the item is about."""
    lowest: Decimal | None = None
    highest: Decimal | None = None
    unit: str = ""
    translations: Mapping[str, str] = field(default_factory=dict)
    items: tuple["Item", ...] = ()

    @property
    def is_of_family(self) -> bool:
        """Whether it asks about illnesses of the family: by its code, or by its id."""
        return self.link_id == "family" or bool(self.codes & FAMILY)

    @property
    def is_of_allergies(self) -> bool:
        """Whether it asks what somebody is allergic to: by its code, or by its id."""
        return self.link_id == "allergies" or bool(self.codes & ALLERGIES)

    def asks(self, language: str) -> str:
        """Its words in a language."""
        return self.translations.get(language, self.text)

    def each(self) -> Iterator["Item"]:
        """It and all below it."""
        yield self
        for one in self.items:
            yield from one.each()


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """A questionnaire, and what of it could not be taken over."""

    url: str
    title: str
    items: tuple[Item, ...]
    problems: tuple[str, ...] = ()

    def each(self) -> Iterator[Item]:
        """Every item, in order."""
        for one in self.items:
            yield from one.each()

    def asked(self) -> Iterator[Item]:
        """Items that are asked in words, where their conditions hold."""
        return (one for one in self.each() if one.type in ASKED and not one.hidden)

    def item(self, link_id: str) -> Item:
        """The item with an id.

        Raises:
            KeyError: there is none.
        """
        for one in self.each():
            if one.link_id == link_id:
                return one
        raise KeyError(link_id)


@dataclass(frozen=True, slots=True)
class Given:
    """One answer, and the words that gave it."""

    value: object
    """bool, Decimal, date, str, a coding (system, code, words) or None: asked, and not known."""
    message_id: str = ""
    start: int = 0
    end: int = 0
    words: str = ""


class Answers:
    """The answers so far, by item; a second, different answer to an item is a conflict."""

    def __init__(self, given: Mapping[str, Sequence[Given]] | None = None) -> None:
        self.given: dict[str, tuple[Given, ...]] = {
            name: tuple(values) for name, values in (given or {}).items()
        }

    def with_answer(self, link_id: str, answer: Given) -> "Answers":
        """With one more answer; one that was unknown before is answered by it."""
        before = self.given.get(link_id, ())
        if any(one.value == answer.value for one in before):
            return self
        kept = tuple(one for one in before if one.value is not None)
        if answer.value is None and kept:
            return self
        return Answers({**self.given, link_id: (*kept, answer)})

    def values(self, link_id: str) -> list[object]:
        """What is known of an item."""
        return [one.value for one in self.given.get(link_id, ()) if one.value is not None]

    def is_asked(self, link_id: str) -> bool:
        """Whether it has an answer, or was asked and is not known."""
        return link_id in self.given

    def conflicts(self, questionnaire: Questionnaire) -> list[str]:
        """Items that take one answer and have several."""
        return [
            one.link_id
            for one in questionnaire.each()
            if not one.repeats and len(self.values(one.link_id)) > 1
        ]


def read_questionnaire(written: Mapping[str, Any]) -> Questionnaire:
    """A FHIR Questionnaire as values.

    Raises:
        QuestionnaireProblem: it is none, or an item has no id.
    """
    if written.get("resourceType") != "Questionnaire":
        raise QuestionnaireProblem("resourceType is not Questionnaire")
    contained = {f"#{one.get('id')}": one for one in written.get("contained", ())}
    problems: list[str] = []
    items = tuple(_item(one, contained, problems) for one in written.get("item", ()))
    ids = [each.link_id for one in items for each in one.each()]
    problems += [
        f"{one}: this id stands twice; both are answered together"
        for one in sorted({one for one in ids if ids.count(one) > 1})
    ]
    return Questionnaire(
        str(written.get("url", "")), str(written.get("title", "")), items, tuple(problems)
    )


def next_item(
    questionnaire: Questionnaire, answers: Answers, seen: Callable[[Item], bool] = lambda one: True
) -> Item | None:
    """The next item to ask: enabled, not hidden, not asked yet; nothing when all are."""
    for one in open_items(questionnaire, answers):
        if seen(one):
            return one
    return None


def open_items(questionnaire: Questionnaire, answers: Answers) -> Iterator[Item]:
    """Items that are to be asked and were not, in order."""
    for one in enabled_items(questionnaire.items, answers):
        if one.type in ASKED and not one.hidden and not answers.is_asked(one.link_id):
            yield one


def words_before(questionnaire: Questionnaire, answers: Answers, item: Item) -> list[Item]:
    """Headings and words alone that stand between the question before and this one."""
    found: list[Item] = []
    for one in enabled_items(questionnaire.items, answers):
        if one.link_id == item.link_id:
            return found
        if one.type in ASKED and not one.hidden:
            found.clear()
        elif one.type in NOT_ASKED and one.text and not one.hidden:
            found.append(one)
    return found


def enabled_items(items: Sequence[Item], answers: Answers) -> Iterator[Item]:
    """Items whose conditions hold, and those below them."""
    for one in items:
        if _is_enabled(one, answers):
            yield one
            yield from enabled_items(one.items, answers)


def _is_enabled(item: Item, answers: Answers) -> bool:
    if not item.conditions:
        return True
    met = [_holds(one, answers.values(one.question)) for one in item.conditions]
    return any(met) if item.any_condition else all(met)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip


def _holds(condition: Condition, values: Sequence[object]) -> bool:
    """As FHIR says: `=` if any answer is equal, `!=` if none is and one was given."""
    expected = condition.expected
    match condition.operator:
        case "exists":
            return bool(values) is bool(expected)
        case "=":
            return any(_equal(one, expected) for one in values)
        case "!=":
            return bool(values) and not any(_equal(one, expected) for one in values)
        case other if other in _COMPARE:
            return any(
                type(one) is type(expected) and _COMPARE[other](one, expected) for one in values
            )
    return False


def _equal(value: object, expected: object) -> bool:
    if isinstance(value, tuple) and isinstance(expected, tuple):
        same_system = not value[0] or not expected[0] or value[0] == expected[0]
        return bool(same_system and value[1] == expected[1])
    return value == expected


def _item(written: Mapping[str, Any], contained: Mapping[str, Any], problems: list[str]) -> Item:
    link_id = str(written.get("linkId", ""))
    kind = str(written.get("type", ""))
    if not link_id:
        raise QuestionnaireProblem("an item has no linkId")
    if kind not in ASKED | NOT_ASKED:
        problems.append(f"{link_id}: type {kind or '—'} cannot be asked for in words")
    extensions = {one.get("url"): one for one in written.get("extension", ())}
    problems += [f"{link_id}: {name} is not evaluated"
                 for url, name in EXPRESSIONS.items() if url in extensions]  # fmt: skip
    unit = extensions.get(f"{FHIR}questionnaire-unit", {}).get("valueCoding", {})
    return Item(
        link_id, kind, str(written.get("text", "")),
        required=bool(written.get("required")),
        repeats=bool(written.get("repeats")),
        hidden=bool(extensions.get(f"{FHIR}questionnaire-hidden", {}).get("valueBoolean")),
        any_condition=written.get("enableBehavior") == "any",
        conditions=tuple(_condition(one) for one in written.get("enableWhen", ())),
        options=tuple(_options(written, contained, link_id, problems)),
        codes=frozenset(str(one.get("code", "")) for one in written.get("code", ())),
        lowest=_limit(extensions.get(f"{FHIR}minValue")),
        highest=_limit(extensions.get(f"{FHIR}maxValue")),
        unit=str(unit.get("code", unit.get("display", ""))),
        translations=_translations(written.get("_text", {})),
        items=tuple(_item(one, contained, problems) for one in written.get("item", ())),
    )  # fmt: skip


def _condition(written: Mapping[str, Any]) -> Condition:
    expected = next((value for name, value in written.items() if name.startswith("answer")), None)
    kind = next((name for name in written if name.startswith("answer")), "")
    value: object = expected
    if isinstance(expected, Mapping):
        value = ("", "", "")
        if kind == "answerCoding":
            value = (expected.get("system", ""), expected.get("code", ""), "")
        elif kind == "answerQuantity":
            value = Decimal(str(expected.get("value", "0")))
    elif kind in ("answerInteger", "answerDecimal"):
        value = Decimal(str(expected))
    elif kind == "answerDate":
        value = datetime.date.fromisoformat(str(expected))
    return Condition(str(written.get("question", "")), str(written.get("operator", "=")), value)


def _options(
    written: Mapping[str, Any], contained: Mapping[str, Any], link_id: str, problems: list[str]
) -> Iterator[tuple[str, str, str]]:
    for one in written.get("answerOption", ()):
        coding = one.get("valueCoding")
        if coding:
            code = str(coding.get("code", ""))
            yield str(coding.get("system", "")), code, str(coding.get("display", code))
            continue
        for name, value in one.items():
            if name.startswith("value"):
                shown = value.get("display", "") if isinstance(value, Mapping) else str(value)
                yield "", shown, shown
    named = written.get("answerValueSet", "")
    if not named:
        return
    if named not in contained:
        problems.append(f"{link_id}: the value set {named} is not in the file")
        return
    for group in contained[named].get("compose", {}).get("include", ()):
        for one in group.get("concept", ()):
            code = str(one.get("code", ""))
            yield str(group.get("system", "")), code, str(one.get("display", code))


def _limit(extension: Mapping[str, Any] | None) -> Decimal | None:
    for name, value in (extension or {}).items():
        if name.startswith("value") and isinstance(value, int | float | str):
            try:
                return Decimal(str(value))
            except InvalidOperation:
                return None
    return None


def _translations(element: Mapping[str, Any]) -> dict[str, str]:
    """By language, of FHIR's translation extension."""
    found: dict[str, str] = {}
    for one in element.get("extension", ()):
        if one.get("url") == f"{FHIR}translation":
            parts = {part.get("url"): part for part in one.get("extension", ())}
            language = parts.get("lang", {}).get("valueCode")
            words = parts.get("content", {}).get("valueString")
            if language and words:
                found[str(language)] = str(words)
    return found
