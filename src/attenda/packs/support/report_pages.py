"""The report as a screen, as JSON, and as the files from which every number can be made again."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from attenda.api import Asked, Download, Endpoint, Screen, Talk
from attenda.packs.support.phrases import phrase, phrase_or
from attenda.packs.support.plots import bars, columns
from attenda.packs.support.profile import moment
from attenda.packs.support.report import (
    HOW,
    Report,
    refund_rows,
    report_of,
    talk_rows,
    weeks_of,
)

__all__ = ["REPORT_ENDPOINTS", "REPORT_SCREEN"]

PERIODS = (7, 30, 90, 365)
_DAY = 86_400 * 1_000_000
_OUTCOMES = ("bot", "person", "reopened", "open", "young")

Rows = Sequence[Mapping[str, Any]]


def _since(asked: Asked) -> int:
    days = asked.values.get("days", "30")
    return asked.now - (int(days) if days in map(str, PERIODS) else 30) * _DAY


async def _found(asked: Asked) -> tuple[list[Talk], Rows, int]:
    """Conversations, issued refunds, and since when the report is."""
    since = _since(asked)
    talks = await asked.talks(since)
    rows = await asked.read(lambda tables: tables("refunds").find(state="issued"))
    names = await asked.names([row["approver"] for row in rows])
    kept = ("id", "order_id", "amount", "currency", "kind", "state", "rule")
    refunds = [
        {**{key: row[key] for key in kept}, "at": row["issued_at"] or row["made_at"] or 0,
         "approver": names.get(row["approver"], row["approver"])}
        for row in rows
    ]  # fmt: skip
    return talks, refund_rows(refunds), since


async def report(asked: Asked) -> Mapping[str, Any]:
    """The figures with their plots."""
    talks, refunds, since = await _found(asked)
    made, language = report_of(talks, refunds, since, asked.now), asked.language
    weeks = weeks_of(talks, since, asked.now)
    return {
        "days": (asked.now - since) // _DAY,
        "periods": PERIODS,
        "since": moment(since),
        "report": made,
        "is_empty": not (made.outcomes or made.by_approver),
        "settled": sum(made.outcomes.get(one, 0) for one in ("bot", "person", "reopened")),
        "percent": _percent,
        "seconds": lambda value: _spoken(value, language),
        "weeks": _weeks_plot(weeks, language),
        "handoffs": _bars(
            language,
            "plot_handoffs",
            [
                (phrase_or(language, f"reason_{why}", why or "—"), n, str(n))
                for why, n in made.handoffs
            ],
        ),
        "approvers": _money(language, "plot_approvers", made.by_approver),
        "rules": _money(language, "plot_rules", made.by_rule),
        "scores": _scores(made, language),
        "rated": sum(made.scores.values()),
        "comments": [one for one in talks if one.comment and one.begun_at >= since][-20:],
        "how": {key: texts.get(language) or texts["en"] for key, texts in HOW.items()},
        "outcomes": [
            (one, phrase(language, f"outcome_{one}"), made.outcomes.get(one, 0))
            for one in _OUTCOMES
        ],
    }


def _reasons(made: Report, language: str) -> list[tuple[str, float, str]]:
    return [
        (phrase_or(language, f"reason_{why}", why or "—"), n, str(n)) for why, n in made.handoffs
    ]


def _percent(share: Decimal | None) -> str:
    return "—" if share is None else f"{100 * share:.1f} %"


def _spoken(seconds: Decimal, language: str) -> str:
    """A time span as a person says it."""
    whole = int(seconds)
    if whole < 120:
        return phrase(language, "seconds", n=whole)
    if whole < 7200:
        return phrase(language, "minutes", n=f"{seconds / 60:.1f}")
    return phrase(language, "hours", n=f"{seconds / 3600:.1f}")


def _bars(language: str, about: str, rows: Sequence[tuple[str, float, str]]) -> str:
    return bars(rows, phrase(language, about)) if rows else ""


def _money(language: str, about: str, rows: Sequence[tuple[str, str, int, Decimal]]) -> str:
    """Sums by approver or rule; the bars of one currency are of one scale."""
    told = [
        (
            f"{phrase_or(language, f'approver_{name}', name)} ({n})",
            float(sum_),
            f"{sum_} {currency}",
        )
        for name, currency, n, sum_ in rows
    ]
    if len({currency for _, currency, _, _ in rows}) < 2:
        return _bars(language, about, told)
    parts = []
    for currency in dict.fromkeys(row[1] for row in rows):
        mine = [one for one, row in zip(told, rows, strict=True) if row[1] == currency]
        parts.append(bars(mine, f"{phrase(language, about)}, {currency}"))
    return "".join(parts)


def _scores(made: Report, language: str) -> str:
    if not made.scores:
        return ""
    rows = [(str(score), made.scores.get(score, 0), str(made.scores.get(score, 0)))
            for score in range(5, 0, -1)]  # fmt: skip
    return bars(rows, phrase(language, "plot_scores"))


def _weeks_plot(weeks: Sequence[tuple[int, Mapping[str, int]]], language: str) -> str:
    steps = [(moment(begins)[5:10], counts) for begins, counts in weeks]
    if not any(counts for _, counts in steps):
        return ""
    layers = [(one, phrase(language, f"outcome_{one}")) for one in _OUTCOMES]
    return columns(steps[-53:], layers, phrase(language, "plot_weeks"))


async def report_json(asked: Asked) -> Any:
    """The figures, each with how it is made."""
    talks, refunds, since = await _found(asked)
    return {"figures": _plain(asdict(report_of(talks, refunds, since, asked.now))), "how": HOW}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Decimal) else value


async def talks_csv(asked: Asked) -> Download:
    """The conversations that the figures are made of."""
    talks, _, since = await _found(asked)
    return _csv("conversations.csv", talk_rows(talks, since, asked.now))


async def refunds_csv(asked: Asked) -> Download:
    """The refunds that the figures are made of."""
    _, refunds, since = await _found(asked)
    return _csv("refunds.csv", [row for row in refunds if row["at"] >= since])


def _csv(name: str, rows: Rows) -> Download:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]) if rows else ["empty"], lineterminator="\r\n")
    table.writeheader()
    table.writerows({key: _safe(value) for key, value in row.items()} for row in rows)
    return Download(name, "text/csv; charset=utf-8", f"\ufeff{text.getvalue()}".encode())


def _safe(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


REPORT_ENDPOINTS = (
    Endpoint("GET", "report", report_json, needs="manage_agents"),
    Endpoint("GET", "report/conversations.csv", talks_csv, needs="manage_agents"),
    Endpoint("GET", "report/refunds.csv", refunds_csv, needs="manage_agents"),
)
REPORT_SCREEN = Screen(
    "report", {"en": "Report", "zh-CN": "报告"}, "report.html", report, needs="manage_agents"
)
