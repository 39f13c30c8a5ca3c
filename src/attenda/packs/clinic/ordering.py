"""Deeds about orders: a chart opened, an order drafted and checked, and signed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attenda.api import Deed, ToolRefused, tool
from attenda.packs.clinic.cards import REASONS, Card, must_give_reason
from attenda.packs.clinic.chart import Chart
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.installed import formulary_for, label_texts
from attenda.packs.clinic.safety import Checked, check_order
from attenda.packs.clinic.sealed import look_at_chart, seal_of
from attenda.packs.clinic.tables import chart_of_rows, moment
from attenda.packs.clinic.words import both, phrase

__all__ = [
    "chart_for",
    "check_and_keep",
    "checked_now",
    "draft_order",
    "look_at_order",
    "open_chart",
    "sign_order",
]


@tool()
def open_chart(deed: Deed, patient: str) -> dict[str, Any]:
    """A patient's chart, unless it is sealed from who asks, or `note_look` is to come first."""
    chart = chart_of_rows(deed.rows, patient)
    if chart is None:
        return {"found": False, "to_note": False}
    seal = seal_of(deed.rows, deed.who.id, patient, deed.now)
    if seal in ("sealed", "to_note"):
        return {"found": True, "sealed": seal == "sealed", "to_note": seal == "to_note"}
    taken = [f"{one.text} ({one.number})" if one.number else one.text for one in chart.taken]
    if chart.medicines is None:
        taken.append("?")
    allergies = [one.substance for one in chart.allergies or ()]
    allergies += [f"{one.substance} ({one.number})" for one in chart.told.allergies]
    return {
        "found": True,
        "sealed": False,
        "to_note": False,
        "id": patient,
        "name": chart.name,
        "medicines": ", ".join(taken) or "—",
        "allergies": ", ".join(allergies) or ("—" if chart.allergies is not None else "?"),
        "conditions": ", ".join(one.text for one in chart.conditions or () if one.active) or "—",
    }


@tool(writes=True, needs={"patient": "operator"}, free_text=frozenset({"order"}))
def draft_order(deed: Deed, patient: str, order: str) -> dict[str, Any]:
    """Write an order down as a draft, and hold it against the chart by every rule."""
    number = f"OR-{deed.key[:6].upper()}"
    deed.rows("orders").add(
        id=number, patient_id=patient, text=order.strip(), status="draft", ordered_by=deed.who.id,
        ordered_at=deed.now,
    )  # fmt: skip
    return check_and_keep(deed, number, patient, order)


def check_and_keep(deed: Deed, number: str, patient: str, order: str) -> dict[str, Any]:
    """Hold a draft against chart and other orders; result and cards are kept, and told."""
    chart = chart_for(deed, patient, number)
    today = moment(deed.now).date()
    rules = formulary_for(deed.rows)
    checked = check_order(order, chart, rules, today)
    chinese = check_order(order, chart, rules, today, "zh-CN")
    packs = (rules.about, *rules.more)
    deed.rows("check_results").add(
        id=f"CR-{deed.key[:10]}", order_id=number, status=checked.status,
        cards=[_card_row(one) for one in checked.cards],
        pack=", ".join(f"{one.id} {one.version}" for one in packs),
        pack_date=rules.about.date,
        checked_at=deed.now,
    )  # fmt: skip
    _keep_shown(deed, f"{patient}/{moment(deed.now).date()}", checked.cards)
    labels = label_texts(deed.rows, order, chart, rules)
    return {
        "order": number,
        "status": checked.status,
        "en": _told(checked, "en", labels),
        "zh": _told(chinese, "zh-CN", labels),
        "needs_reason": bool(must_give_reason(checked.cards, {})),
    }


@tool()
def look_at_order(deed: Deed, order: str) -> dict[str, Any]:
    """An order, and the rules that ask for a reason; of a sealed chart after `note_look` alone."""
    found = deed.rows("orders").find(id=order)
    seal = seal_of(deed.rows, deed.who.id, found[0]["patient_id"], deed.now) if found else "sealed"
    if seal == "sealed":
        return {"found": False, "to_note": False}
    row = found[0]
    if seal == "to_note":
        return {"found": True, "to_note": True, "patient": row["patient_id"]}
    checked = checked_now(deed, row)
    patient = deed.rows("patients").get(row["patient_id"])
    return {
        "found": True,
        "to_note": False,
        "id": order,
        "text": row["text"],
        "status": row["status"],
        "patient": row["patient_id"],
        "name": patient["name"],
        "rules": ", ".join(must_give_reason(checked.cards, {})),
        "needs_reason": bool(must_give_reason(checked.cards, {})),
        "en": _told(checked, "en"),
        "zh": _told(checked_now(deed, row, "zh-CN"), "zh-CN"),
    }


@tool(writes=True, needs={"order": "operator"})
def sign_order(deed: Deed, order: str, reason: str = "") -> dict[str, Any]:
    """Sign a draft; a critical card must be answered with a kept reason."""
    row = deed.rows("orders").get(order)
    if row["status"] != "draft":
        raise ToolRefused(f"{order}: not a draft any more / {order} 已不是草稿")
    cards = checked_now(deed, row).cards
    needed = must_give_reason(cards, dict.fromkeys((one.rule for one in cards), reason or ""))
    if needed and reason:
        known = ", ".join(REASONS)
        raise ToolRefused(both("sign.unknown_reason", reason=reason, known=known))
    if needed:
        raise ToolRefused(both("sign.needs_reason", order=order, rules=", ".join(needed)))
    critical = [one for one in cards if one.severity == "critical"]
    deed.rows("orders").change(
        order, status="signed", signed_by=deed.who.id, signed_at=deed.now,
        reason=reason if critical else None,
    )  # fmt: skip
    for one in critical:
        deed.rows("feedback").add(
            id=f"FB-{deed.key[:8]}-{one.rule}"[:80], alert_id=order, rule=one.rule,
            outcome="overridden", reason=reason, comment="", user_id=deed.who.id,
            given_at=moment(deed.now).isoformat(),
        )  # fmt: skip
    return {"order": order, "text": row["text"]}


def chart_for(deed: Deed, patient: str, but_order: str = "") -> Chart:
    """A patient's chart, with their orders but the one that is looked at itself.

    A look at a sealed one is written down; tools that only read see to it before.

    Raises:
        ToolRefused: there is none, or it is sealed from who asks.
    """
    chart = chart_of_rows(deed.rows, patient, but_order)
    if chart is None:
        raise ToolRefused(f"{patient}: no such patient / 没有患者 {patient}")
    look_at_chart(deed, patient)
    return chart


def checked_now(deed: Deed, order: dict[str, Any], language: str = "en") -> Checked:
    """As chart and other orders are now, which may have changed since it was drafted."""
    chart = chart_for(deed, order["patient_id"], order["id"])
    return check_order(
        order["text"], chart, formulary_for(deed.rows), moment(deed.now).date(), language
    )


def _keep_shown(deed: Deed, context: str, cards: Iterable[Card]) -> None:
    """Keep which cards were shown, each once in its context: the report counts them so.

    All of them are told at each check: who asks again must not take silence for a clear answer.
    """
    alerts = deed.rows("alerts")
    before = {row["card_key"] for row in alerts.find(context=context)}
    for one in cards:
        key = one.key_in(context)
        if key not in before:
            alerts.add(id=key, card_key=key, context=context, rule=one.rule, severity=one.severity,
                       summary=one.summary, shown_at=deed.now)  # fmt: skip


def _card_row(card: Card) -> dict[str, Any]:
    return {name: json.loads(json.dumps(getattr(card, name))) for name in card.__slots__}


def _told(
    checked: Checked,
    language: str,
    labels: Sequence[Mapping[str, str]] = (),
) -> str:
    """Cards as lines for a person: severity, summary, source; alternatives where there are any.

    Text of labels comes after them, as text.
    """
    lines: list[str] = []
    sources: list[str] = []
    for card in checked.cards:
        severity = phrase(language, f"severity.{card.severity}")
        lines.append(f"- {severity} · {card.summary} [{card.rule}]")
        sources.append(card.source)
        if card.suggestions:
            names = [starter().shown(one, language) for one in card.suggestions]
            lines.append(f"  {phrase(language, 'check.instead', drug=', '.join(names))}")
    said = [phrase(language, "check.label", **one) for one in labels]
    notice = phrase(language, "check.notice")
    return "\n".join([*lines, "", *dict.fromkeys(sources), *said, notice])
