"""The screens of the clinic: who waits, patients, a chart, a summary with its words, alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from attenda.api import Asked, Deed, NotFound, Screen, Tables, tool
from attenda.packs.clinic.cards import REASONS, report_on_alerts
from attenda.packs.clinic.chart import Chart
from attenda.packs.clinic.extract import lexicon
from attenda.packs.clinic.formulary import Formulary, starter
from attenda.packs.clinic.installed import formulary_for, installed_packs, label_texts
from attenda.packs.clinic.red_flags import red_flag_rules
from attenda.packs.clinic.safety import check_order, kidney_function
from attenda.packs.clinic.sealed import LOOK_HOLDS, OPEN_HOURS, Seal, seal_of
from attenda.packs.clinic.summary import SECTIONS, Message, facts_of
from attenda.packs.clinic.tables import chart_of_rows, moment
from attenda.packs.clinic.words import phrase

__all__ = ["SCREENS", "settle"]

_BAR_PX = 240
_DOCTORS = ("supervisor", "owner")
_MOST_LISTED = 200
"""Interviews that are listed, the newest first."""


@tool(writes=True)
def settle(deed: Deed, escalation: str) -> dict[str, str]:
    """Mark a red flag as dealt with."""
    deed.rows("escalations").change(escalation, state="settled")
    return {"escalation": escalation}


async def _waiting(asked: Asked) -> Mapping[str, Any]:
    titles = {one.id: one.title for one in red_flag_rules()}

    def found(rows: Tables) -> Mapping[str, Any]:
        open_ = rows("escalations").find(state="open")
        return {
            "flags": [
                {**one, "title": titles[one["rule"]][asked.language], "at": _time(one["raised_at"])}
                for one in open_
            ],
            "intakes": [
                {"id": one["id"], "state": one["state"], "at": _time(one["started_at"])}
                for one in rows("intakes").find_sorted("-started_at", limit=_MOST_LISTED)
            ],
        }

    return await asked.read(found)


async def _patients(asked: Asked) -> Mapping[str, Any]:
    def found(rows: Tables) -> list[dict[str, Any]]:
        return [
            {"id": one["id"], "name": "" if one["sealed"] else one["name"],
             "sealed": one["sealed"], "born": one["birth_date"], "sex": one["sex"]}
            for one in rows("patients").find()
        ]  # fmt: skip

    return {"patients": await asked.read(found)}


async def _patient(asked: Asked) -> Mapping[str, Any]:
    patient = asked.values["patient"]
    if await asked.read(lambda rows: _seal(rows, asked)) == "to_note":
        once = f"look {patient} {asked.now // LOOK_HOLDS}"
        await asked.do("note_look", {"patient": patient}, once=once)

    def found(rows: Tables) -> tuple[Chart | None, str, list[dict[str, Any]], list[Any]]:
        seal = _seal(rows, asked)
        chart = chart_of_rows(rows, patient)
        is_open = chart and seal in ("none", "open")
        orders = rows("orders").find(patient_id=patient) if is_open else []
        with_cards = [_with_cards(one, chart, rows, asked) for one in orders if chart]
        return chart, seal, with_cards, installed_packs(rows, moment(asked.now).date())

    chart, seal, orders, packs = await asked.read(found)
    if chart is None:
        raise NotFound("request.no_page")
    may_know = seal == "open" or (seal != "none" and asked.who.role == "owner")
    looked = await _looks(asked) if may_know else []
    if seal not in ("none", "open"):
        return {"sealed": True, "id": patient, "looks": looked, "hours": OPEN_HOURS}
    today = moment(asked.now).date()
    kidneys = [kidney_function(chart, one, today) for one in ("egfr", "crcl")]
    return {
        "sealed": False, "id": patient, "looks": looked, "chart": chart, "age": chart.age_on(today),
        "orders": orders,
        "reasons": [(one, phrase(asked.language, f"reason.{one}")) for one in REASONS],
        "signs": asked.who.role in _DOCTORS, "packs": packs,
        "kidneys": [
            {"rule": one.rule, "total": one.shown_total, "unit": one.unit, "band": one.band,
             "missing": [phrase(asked.language, f"name.{each}") for each in one.missing]}
            for one in kidneys
        ],
    }  # fmt: skip


def _seal(rows: Tables, asked: Asked) -> Seal:
    return seal_of(rows, asked.who.id, asked.values["patient"], asked.now)


async def _looks(asked: Asked) -> list[dict[str, str]]:
    """Who opened a sealed chart and looked at it, the newest first."""
    patient = asked.values["patient"]

    def found(rows: Tables) -> list[tuple[int, str, str]]:
        opened = [(one["opened_at"], one["user_id"], one["reason"])
                  for one in rows("accesses").find(patient_id=patient)]  # fmt: skip
        looked = [(one["looked_at"], one["user_id"], "")
                  for one in rows("looks").find(patient_id=patient)]  # fmt: skip
        return sorted((*opened, *looked), reverse=True)[:_MOST_LISTED]

    listed = await asked.read(found)
    names = await asked.names([user for _, user, _ in listed])
    return [{"at": _time(at), "who": names.get(user) or user, "reason": reason}
            for at, user, reason in listed]  # fmt: skip


def _with_cards(
    order: Mapping[str, Any], chart: Chart, rows: Tables, asked: Asked
) -> dict[str, Any]:
    """A draft with its cards and label texts by the chart as it is now; any other has none."""
    if order["status"] != "draft":
        return {**order, "cards": [], "labels": []}
    rules, language = formulary_for(rows), asked.language
    others = tuple(one for one in chart.ordered if one.number != order["id"])
    chart = replace(chart, ordered=others)
    checked = check_order(order["text"], chart, rules, moment(asked.now).date(), language)
    cards = [
        {"rule": one.rule, "severity": phrase(language, f"severity.{one.severity}"),
         "grave": one.severity == "critical", "summary": one.summary, "detail": one.detail,
         "source": one.source,
         "instead": ", ".join(rules.shown(each, language) for each in one.suggestions)}
        for one in checked.cards
    ]  # fmt: skip
    return {**order, "cards": cards, "labels": label_texts(rows, order["text"], chart, rules)}


async def _summary(asked: Asked) -> Mapping[str, Any]:
    number = asked.values["intake"]

    def found(rows: Tables) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return rows("intakes").find(id=number), rows("words").find(intake_id=number)

    intakes, words = await asked.read(found)
    if not intakes:
        raise NotFound("request.no_page")
    said = [Message(one["message_id"], one["text"]) for one in words]
    facts: Sequence[Mapping[str, Any]] = intakes[0]["facts"] or [
        one.as_row() for one in facts_of(said, starter())
    ]
    shown = lexicon().shown
    numbers = {one["message_id"]: one["number"] for one in words}
    named = [
        {**one, "number": numbers.get(one["message_id"]),
         "shown": shown.get(one["name"], {}).get(asked.language) or
         (one["words"] if one["name"] in ("unnamed", "any", "duration", "course") else
          starter().shown(one["name"], asked.language))}
        for one in facts
    ]  # fmt: skip
    return {
        "id": number, "state": intakes[0]["state"],
        "sections": [
            (phrase(asked.language, f"section.{section}"),
             [one for one in named if one["section"] == section])
            for section in SECTIONS if any(one["section"] == section for one in facts)
        ],
        "messages": [
            {"number": one["number"], "pieces": _pieces(one, facts)} for one in words
        ],
    }  # fmt: skip


def _pieces(
    message: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]
) -> list[tuple[str, bool]]:
    """A message cut where facts point: text, and whether a fact rests on it."""
    text = str(message["text"])
    marked = [False] * len(text)
    for fact in facts:
        if fact["message_id"] == message["message_id"]:
            for at in range(int(fact["start"]), min(int(fact["end"]), len(text))):
                marked[at] = True
    pieces: list[tuple[str, bool]] = []
    for letter, mark in zip(text, marked, strict=True):
        if pieces and pieces[-1][1] is mark:
            pieces[-1] = (pieces[-1][0] + letter, mark)
        else:
            pieces.append((letter, mark))
    return pieces


async def _alerts(asked: Asked) -> Mapping[str, Any]:
    def found(rows: Tables) -> tuple[list[str], list[tuple[str, str, str]], list[Any], Formulary]:
        shown = [one["rule"] for one in rows("alerts").find()]
        answers = [(one["rule"], one["outcome"], one["reason"] or "")
                   for one in rows("feedback").find()]  # fmt: skip
        packs = installed_packs(rows, moment(asked.now).date())
        return shown, answers, packs, formulary_for(rows)

    shown, answers, packs, rules = await asked.read(found)
    report = report_on_alerts(shown, answers)
    most = max([one.shown for one in report], default=1) or 1
    return {
        "rules": [
            {"rule": one.rule, "shown": one.shown, "accepted": one.accepted,
             "overridden": one.overridden, "always": one.always_overridden,
             "width": int(Decimal(one.shown) / most * _BAR_PX),
             "reasons": ", ".join(
                 f"{phrase(asked.language, f'reason.{code}') if code else '—'} {count}"
                 for code, count in one.reasons.items())}
            for one in report
        ],
        "packs": packs,
        "size": (len(rules.classes_of), len(rules.rules)),
    }  # fmt: skip


def _time(now: int) -> str:
    return moment(now).strftime("%Y-%m-%d %H:%M")


SCREENS = (
    Screen("waiting", {"en": "Who waits", "zh-CN": "待处理"}, "waiting.html", _waiting),
    Screen("patients", {"en": "Patients", "zh-CN": "患者"}, "patients.html", _patients),
    Screen(
        "patients/{patient}", {"en": "Chart", "zh-CN": "病历"}, "patient.html", _patient,
        listed=False,
    ),
    Screen(
        "intakes/{intake}", {"en": "Summary", "zh-CN": "摘要"}, "summary.html", _summary,
        listed=False,
    ),
    Screen("alerts", {"en": "Alerts", "zh-CN": "提示统计"}, "alerts.html", _alerts),
)  # fmt: skip
