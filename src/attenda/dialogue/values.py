"""Values for slots, found in a message: each by the kind of its slot, with the words that said it.

What is asked for just now is looked for first; words that one slot has taken are no other slot's.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from attenda.core.command import SetSlot
from attenda.core.label import Label, Labelled, Span
from attenda.dialogue.extract_amounts import Money, Quantity, amounts, percents, quantities
from attenda.dialogue.extract_answers import choices, free_text, yes_or_no
from attenda.dialogue.extract_contacts import emails, ids, phones
from attenda.dialogue.extract_dates import dates
from attenda.dialogue.extract_span import Found, first_of_overlapping, folded
from attenda.dialogue.extract_times import times
from attenda.dialogue.flow import Slot, SlotType

__all__ = ["set_slot", "values_in", "values_named", "without_values"]

Finder = Callable[[str, Slot, datetime.date], Sequence[Found[object]]]

_FINDERS: dict[SlotType, Finder] = {
    "id": lambda text, slot, _: ids(text, slot.pattern) if slot.pattern else [],
    "email": lambda text, _slot, _today: emails(text),
    "phone": lambda text, _slot, _today: phones(text),
    "date": lambda text, _slot, today: dates(text, today),
    "time": lambda text, _slot, _today: times(text),
    "amount": lambda text, slot, _today: _in_currency(text, slot.currency) or quantities(text),
    "number": lambda text, _slot, _today: quantities(text) or percents(text),
    "choice": lambda text, slot, _: choices(text, slot.choices),
}
"""In the order in which they take words: an id is no amount, and a date is no number."""


def values_in(
    text: str, slots: Mapping[str, Slot], asked: str, today: datetime.date, label: Label
) -> Iterator[SetSlot]:
    """The slots that a message gives values.

    Args:
        text: of the message.
        slots: those that may be named.
        asked: the one that is asked for; only it takes free text, or a bare yes.
        today: when it was said.
        label: of the message.
    """
    taken: list[Found[object]] = []
    order = [asked] * (asked in slots) + [name for name in slots if name != asked]
    for kind, find in _FINDERS.items():
        for name in order:
            if slots[name].type == kind:
                free = [one for one in find(text, slots[name], today) if _free(one, taken)]
                if free:
                    taken.append(free[0])
                    yield set_slot(name, free[0], label, slots[name].currency)
    if asked not in slots or taken:
        return
    said: Found[object] | None = None
    match slots[asked].type:
        case "yes_no":
            said = yes_or_no(text)
        case "text":
            said = free_text(text)
    if said is not None:
        yield set_slot(asked, said, label)


def values_named(text: str, slot: Slot) -> list[str]:
    """The words with which a message names an id or an option of a slot, folded.

    A place in a list, as "the second one", names nothing before the list was shown.
    """
    if slot.type == "id":
        return [folded(one.words) for one in ids(text, slot.pattern)] if slot.pattern else []
    if slot.type != "choice":
        return []
    known = {folded(word) for name, words in slot.choices.items() for word in (name, *words)}
    return [said for one in choices(text, slot.choices) if (said := folded(one.words)) in known]


def without_values(text: str, slots: Iterable[Slot]) -> str:
    """A message without ids and addresses: what is left says what the person wants.

    Returns the message itself where nothing would be left.
    """
    found: list[Found[str]] = [*emails(text), *phones(text)]
    for pattern in {slot.pattern for slot in slots if slot.pattern}:
        found += ids(text, pattern)
    left = text
    for one in reversed(first_of_overlapping(found)):
        left = left[: one.start] + left[one.end :]
    return _closed_up(left) if re.search(r"\w\w", left) else text


def _closed_up(text: str) -> str:
    """Without the gaps that values leave; Chinese is written without any."""
    return re.sub(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])", "", " ".join(text.split()))


def _free(one: Found[object], taken: Sequence[Found[object]]) -> bool:
    return all(one.end <= other.start or other.end <= one.start for other in taken)


def _in_currency(text: str, currency: str) -> list[Found[Money]]:
    """The amounts in `text`, those first that may be in the slot's currency, if it has one."""
    return sorted(amounts(text), key=lambda one: bool(currency) and not one.value.may_be(currency))


def set_slot(name: str, found: Found[object], label: Label, currency: str = "") -> SetSlot:
    """A slot's value as it was found in a message of that label, with its place.

    An amount that can't be in the slot's `currency` stays as it was said, to be refused.
    """
    span = None
    if len(label.sources) == 1:
        (message_id,) = label.sources
        span = Span(message_id=message_id, start=found.start, end=found.end)
    foreign = currency and isinstance(found.value, Money) and not found.value.may_be(currency)
    plain = found.words if foreign else _plain(found.value)
    value = Labelled(value=plain, label=label, span=span)
    return SetSlot(slot=name, value=value, words=found.words)


def _plain(value: object) -> str | bool:
    """As flows keep it: numbers as they are written, days as YYYY-MM-DD, times as HH:MM."""
    match value:
        case bool() | str():
            return value
        case Money(value=amount):
            return str(amount)
        case Quantity(count=count):
            return str(count)
        case datetime.time():
            return value.strftime("%H:%M")
        case datetime.date():
            return value.isoformat()
    return str(value)
