"""The screens of the clinic: patients, a chart, alerts; those of interviews are listed here too."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from attenda.api import Asked, NotFound, Screen, Tables
from attenda.packs.clinic.cards import REASONS, report_on_alerts
from attenda.packs.clinic.chart import Chart
from attenda.packs.clinic.formulary import Formulary
from attenda.packs.clinic.installed import formulary_for, installed_packs, label_texts
from attenda.packs.clinic.intake_pages import summary, waiting
from attenda.packs.clinic.questionnaire_files import questionnaires
from attenda.packs.clinic.safety import check_order, kidney_function
from attenda.packs.clinic.score_pages import scores
from attenda.packs.clinic.sealed import LOOK_HOLDS, OPEN_HOURS, Seal, seal_of
from attenda.packs.clinic.tables import chart_of_rows, moment
from attenda.packs.clinic.taking_over import taken_in
from attenda.packs.clinic.trend_pages import trends
from attenda.packs.clinic.words import phrase

__all__ = ["SCREENS"]

_BAR_PX = 240
_DOCTORS = ("supervisor", "owner")
_MOST_LISTED = 200
"""Looks at a sealed chart that are listed, the newest first."""


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

    def found(rows: Tables) -> tuple[Chart | None, str, dict[str, Any]]:
        seal = _seal(rows, asked)
        chart = chart_of_rows(rows, patient)
        return chart, seal, _beside(chart, rows, asked) if seal in ("none", "open") else {}

    chart, seal, beside = await asked.read(found)
    if chart is None:
        raise NotFound("request.no_page")
    may_know = seal == "open" or (seal != "none" and asked.who.role == "owner")
    looked = await _looks(asked) if may_know else []
    if seal not in ("none", "open"):
        return {"sealed": True, "id": patient, "looks": looked, "hours": OPEN_HOURS}
    today = moment(asked.now).date()
    by = await asked.names([one["taken_by"] for one in beside["taken"].values()])
    taken = {key: {**one, "by": by.get(one["taken_by"]) or "—"}
             for key, one in beside.pop("taken").items()}  # fmt: skip
    kidneys = [kidney_function(chart, one, today) for one in ("egfr", "crcl")]
    return {
        "sealed": False, "id": patient, "looks": looked, "chart": chart, "age": chart.age_on(today),
        **beside, "taken": taken,
        "reasons": [(one, phrase(asked.language, f"reason.{one}")) for one in REASONS],
        "signs": asked.who.role in _DOCTORS,
        "kidneys": [
            {"rule": one.rule, "total": one.shown_total, "unit": one.unit, "band": one.band,
             "missing": [phrase(asked.language, f"name.{each}") for each in one.missing]}
            for one in kidneys
        ],
    }  # fmt: skip


def _beside(chart: Chart | None, rows: Tables, asked: Asked) -> dict[str, Any]:
    """What stands beside the lists of a chart: orders, interviews, the knowledge at work."""
    patient = asked.values["patient"]
    orders = rows("orders").find(patient_id=patient)
    filed = rows("filings").find_sorted("-filed_at", patient_id=patient, state="current")
    return {
        "orders": [_with_cards(one, chart, rows, asked) for one in orders if chart],
        "filings": [
            {"id": one["id"], "intake": one["intake_id"], "title": one["title"],
             "at": _time(one["filed_at"])}
            for one in filed
        ],
        "packs": installed_packs(rows, moment(asked.now).date()),
        "taken": {
            one["row_id"]: {
                "id": one["id"], "intake": one["intake_id"], "answer": one["answer"],
                "said": one["said_at"] and _time(one["said_at"]), "at": _time(one["taken_at"]),
                "taken_by": one["taken_by"], "words": one["fact"]["words"],
            }
            for one in taken_in(rows, patient_id=patient)
        },
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
    Screen("waiting", {"en": "Who waits", "zh-CN": "待处理"}, "waiting.html", waiting),
    Screen("patients", {"en": "Patients", "zh-CN": "患者"}, "patients.html", _patients),
    Screen(
        "patients/{patient}", {"en": "Chart", "zh-CN": "病历"}, "patient.html", _patient,
        listed=False,
    ),
    Screen(
        "intakes/{intake}", {"en": "Summary", "zh-CN": "摘要"}, "summary.html", summary,
        listed=False,
    ),
    Screen(
        "patients/{patient}/trends", {"en": "Trends", "zh-CN": "趋势"}, "trends.html", trends,
        listed=False,
    ),
    Screen("scores", {"en": "Scores", "zh-CN": "评分"}, "scores.html", scores),
    Screen(
        "questionnaires", {"en": "Questionnaires", "zh-CN": "问卷"}, "questionnaires.html",
        questionnaires,
    ),
    Screen("alerts", {"en": "Alerts", "zh-CN": "提示统计"}, "alerts.html", _alerts),
)  # fmt: skip
