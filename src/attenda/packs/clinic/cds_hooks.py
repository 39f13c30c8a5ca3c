"""CDS Hooks as pure functions: requests of an electronic record become cards, feedback rows.

Hooks patient-view, order-select and order-sign; the shapes of 2.0 and 3.0, and the older ones in
which orders came as a list or under `medications`. Nothing is fetched: data come with the request,
or from charts that are handed in.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from attenda.packs.clinic.cards import REASONS, Card, not_yet_shown
from attenda.packs.clinic.chart import Chart, Medicine
from attenda.packs.clinic.formulary import Formulary
from attenda.packs.clinic.prefetch import PREFETCH, chart_from, resources_in
from attenda.packs.clinic.safety import check_order, limits_of
from attenda.packs.clinic.words import phrase

__all__ = [
    "REASON_SYSTEM",
    "Feedback",
    "Hooked",
    "HookProblem",
    "Setting",
    "answer",
    "discovery",
    "feedback",
]

REASON_SYSTEM = "urn:attenda:override-reason"
_SERVICES: Mapping[str, str] = {
    "clinic-patient-view": "patient-view",
    "clinic-order-select": "order-select",
    "clinic-order-sign": "order-sign",
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "patient-view": ("userId", "patientId"),
    "order-select": ("userId", "patientId"),
    "order-sign": ("userId", "patientId"),
}
_ENDED = frozenset({"cancelled", "stopped", "entered-in-error"})
"""States of an order that stops something: nothing is taken by it."""
_MEDICATION = frozenset({"MedicationRequest", "MedicationOrder", "MedicationStatement"})


class HookProblem(ValueError):
    """The request is none that can be answered."""


@dataclass(frozen=True, slots=True)
class Setting:
    """In which requests are answered."""

    formulary: Formulary
    today: datetime.date
    new_id: Callable[[], str]
    """Gives a card its uuid."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Hooked:
    """What a request is answered, and which cards that shows."""

    body: dict[str, Any]
    shown: tuple[tuple[str, str, Card], ...]
    """Of each card: its uuid, its key in the context, the card."""
    context: str
    """A patient's visit, in which a card is shown once."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a clinician did with a card."""

    card: str
    rule: str
    outcome: str
    """accepted or overridden."""
    reason: str
    comment: str
    at: str


@dataclass(frozen=True, slots=True)
class _Order:
    reference: str
    text: str


def discovery(language: str = "en") -> dict[str, Any]:
    """The services there are, as `GET /cds-services` lists them."""
    return {
        "services": [
            {
                "hook": hook, "id": id, "title": phrase(language, f"hook.{hook}"),
                "description": phrase(language, "check.notice"), "prefetch": dict(PREFETCH),
                "usageRequirements": phrase(language, "hook.usage"),
            }
            for id, hook in _SERVICES.items()
        ]
    }  # fmt: skip


def answer(
    service: str,
    request: Mapping[str, Any],
    setting: Setting,
    *,
    chart: Chart | None = None,
    shown: Iterable[str] = (),
) -> Hooked:
    """The cards of a request.

    Args:
        service: its id.
        request: as the record posts it.
        setting: rules, day, ids, language.
        chart: of the patient, where we keep one; a list that comes with the request goes before
            that list of it.
        shown: keys of cards that were shown in this context.

    Raises:
        HookProblem: there is no such service, or the request lacks what its hook must have.
    """
    hook = _SERVICES.get(service)
    if hook is None:
        raise HookProblem(f"there is no service {service}; there are {', '.join(_SERVICES)}")
    context = _context(request, hook)
    patient = str(context["patientId"])
    known = chart_from(patient, request, chart)
    checked = list(_checked(hook, context, known, setting))
    where = f"{patient}/{context.get('encounterId', '')}/{request.get('hookInstance', '')}"
    if context.get("encounterId"):
        where = f"{patient}/{context['encounterId']}"
    fresh = not_yet_shown([card for _, card in checked], where, shown)
    cards: list[dict[str, Any]] = []
    listed: list[tuple[str, str, Card]] = []
    for orders, card in checked:
        if card in fresh:
            id = setting.new_id()
            cards.append(_as_json(card, id, orders, setting))
            listed.append((id, card.key_in(where), card))
    return Hooked({"cards": cards}, tuple(listed), where)


def feedback(written: Mapping[str, Any], rules: Mapping[str, str], now: str) -> list[Feedback]:
    """What was done with cards, as rows.

    Args:
        written: the body of the request, with its list `feedback`.
        rules: the rule of each card that was shown, by the card's uuid.
        now: the time, where an entry has none.

    Raises:
        HookProblem: an entry names no card of ours or no outcome; then none is kept.
    """
    entries = written.get("feedback")
    if not isinstance(entries, list) or not entries:
        raise HookProblem("feedback: a list with at least one entry is needed")
    return [_feedback(number, one, rules, now) for number, one in enumerate(entries)]


def _feedback(number: int, entry: Any, rules: Mapping[str, str], now: str) -> Feedback:
    place = f"feedback[{number}]"
    if not isinstance(entry, Mapping):
        raise HookProblem(f"{place}: an object is needed")
    card, outcome = str(entry.get("card", "")), str(entry.get("outcome", ""))
    if card not in rules:
        raise HookProblem(f"{place}.card: {card or '—'} is no card that was shown here")
    if outcome not in ("accepted", "overridden"):
        raise HookProblem(f"{place}.outcome: accepted or overridden is needed")
    given = entry.get("overrideReason") or {}
    reason = given.get("reason") or {}
    code = str(reason.get("code", ""))
    if outcome == "accepted" and not entry.get("acceptedSuggestions"):
        raise HookProblem(f"{place}.acceptedSuggestions: at least one is needed")
    return Feedback(
        card, rules[card], outcome, code if outcome == "overridden" else "",
        str(given.get("userComment", "")), str(entry.get("outcomeTimestamp") or now),
    )  # fmt: skip


def _context(request: Mapping[str, Any], hook: str) -> Mapping[str, Any]:
    if request.get("hook") != hook:
        raise HookProblem(f"hook: {request.get('hook', '—')} came to the service of {hook}")
    if not request.get("hookInstance"):
        raise HookProblem("hookInstance is missing")
    context = request.get("context")
    if not isinstance(context, Mapping):
        raise HookProblem("context is missing")
    for name in _NEEDED[hook]:
        if not context.get(name):
            raise HookProblem(f"context.{name} is missing")
    return context


def _checked(
    hook: str, context: Mapping[str, Any], chart: Chart, setting: Setting
) -> Iterator[tuple[tuple[_Order, ...], Card]]:
    """Cards with the orders that each is about; every pair once, from whichever side."""
    if hook == "patient-view":
        yield from (((), card) for card in _review(chart, setting))
        return
    orders = list(_orders(context))
    chosen = orders
    if hook == "order-select" and context.get("selections"):
        selected = {str(one) for one in context["selections"]}
        chosen = [one for one in orders if one.reference in selected]
    found: dict[tuple[str, ...], tuple[tuple[_Order, ...], Card]] = {}
    for order in chosen:
        for card in _cards(order.text, _beside(order, orders, chart), setting):
            about, first = found.get(card.key, ((), card))
            found[card.key] = (*about, order), first
    yield from found.values()


def _beside(order: _Order, orders: Sequence[_Order], chart: Chart) -> Chart:
    """A chart in which the other orders of a request count as taken."""
    others = [
        Medicine(one.text, origin="drafted", number=one.reference)
        for one in orders
        if one is not order
    ]
    return replace(chart, ordered=(*chart.ordered, *others))


def _cards(order: str, chart: Chart, setting: Setting) -> tuple[Card, ...]:
    found = check_order(order, chart, setting.formulary, setting.today, setting.language)
    return found.cards


def _review(chart: Chart, setting: Setting) -> Iterator[Card]:
    """Each medicine of the chart, and what was signed, against the rest; every pair once."""
    seen: set[tuple[str, ...]] = set()
    medicines = list(_to_review(chart, setting.formulary))
    told = replace(chart.told, medicines=())
    for medicine in medicines:
        rest = tuple(one for one in medicines if one is not medicine)
        alone = replace(chart, medicines=rest, ordered=(), told=told)
        for card in _cards(medicine.text, alone, setting):
            if card.kind != "limit" and card.key not in seen:
                seen.add(card.key)
                yield card
    yield from limits_of(chart, setting.formulary, setting.today, setting.language)


def _to_review(chart: Chart, formulary: Formulary) -> Iterator[Medicine]:
    """What is taken; what was told and stands in a list already is the same medicine."""
    listed: set[str] = set()
    for one in chart.taken:
        named = formulary.find(one.text)
        again = named.ingredients and not named.unknown and listed.issuperset(named.ingredients)
        if one.origin != "drafted" and not (one.origin == "told" and again):
            listed.update(named.ingredients)
            yield one


def _orders(context: Mapping[str, Any]) -> Iterator[_Order]:
    """Medication orders of a request, wherever its version puts them."""
    found = context.get("draftOrders", context.get("medications", ()))
    values: Sequence[Any] = found if isinstance(found, list) else [found]
    resources = list(resources_in(values))
    named = {
        f"Medication/{one.get('id')}": one
        for one in resources
        if one["resourceType"] == "Medication"
    }
    for one in resources:
        if one["resourceType"] in _MEDICATION:
            if one.get("status") not in _ENDED and one.get("doNotPerform") is not True:
                yield _Order(f"{one['resourceType']}/{one.get('id', '')}", _named(one, named))


def _named(order: Mapping[str, Any], medications: Mapping[str, Mapping[str, Any]]) -> str:
    reference = _object(order.get("medicationReference"))
    medication = medications.get(str(reference.get("reference", "")), {})
    concept = _object(order.get("medicationCodeableConcept")) or _object(medication.get("code"))
    codings = concept.get("coding")
    shown = [_object(one).get("display") for one in codings] if isinstance(codings, list) else []
    names = [concept.get("text"), *shown, reference.get("display")]
    return next((one for one in names if one and isinstance(one, str)), "")


def _object(written: Any) -> Mapping[str, Any]:
    return written if isinstance(written, Mapping) else {}


def _as_json(card: Card, id: str, orders: Sequence[_Order], setting: Setting) -> dict[str, Any]:
    language, new_id = setting.language, setting.new_id
    made: dict[str, Any] = {
        "uuid": id, "summary": card.summary, "detail": card.detail, "indicator": card.severity,
        "source": {"label": card.source, "topic": {
            "system": "urn:attenda:rule", "code": card.rule, "display": card.kind}},
    }  # fmt: skip
    if not orders or card.kind == "limit":
        return made
    suggestions: list[dict[str, Any]] = [
        {"label": phrase(language, "check.instead", drug=setting.formulary.shown(one, language)),
         "uuid": new_id()}
        for one in card.suggestions
    ]  # fmt: skip
    for order in orders:
        key = "check.instead_remove" if len(orders) == 1 else "check.remove_named"
        remove = phrase(language, key, drug=order.text)
        action = {"type": "delete", "description": remove, "resourceId": order.reference}
        suggestions.append({"label": remove, "uuid": new_id(), "actions": [action]})
    made["suggestions"] = suggestions
    made["selectionBehavior"] = "at-most-one"
    made["overrideReasons"] = [
        {"system": REASON_SYSTEM, "code": one, "display": phrase(language, f"reason.{one}")}
        for one in REASONS
    ]
    return made
