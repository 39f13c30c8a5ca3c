"""The report: how customers were helped, why people were needed, what was given back, how it was.

Pure: conversations and refunds in, figures out. Each figure says how it is made; `talk_rows` and
`refund_rows` are what it is made of, so that whoever has them can make every number again.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from attenda.api import Talk

__all__ = [
    "HOW",
    "Outcome",
    "Report",
    "csat",
    "outcomes",
    "quantile",
    "refund_rows",
    "report_of",
    "talk_rows",
    "weeks_of",
]

Outcome = Literal["bot", "person", "reopened", "open", "young"]
SETTLED: tuple[Outcome, ...] = ("bot", "person", "reopened")
"""Outcomes that the share of the bot is a share of."""

_HOUR = 3600 * 1_000_000
_DAY = 24 * _HOUR
_QUIET = 72 * _HOUR
_PAUSE = _HOUR

HOW: Mapping[str, Mapping[str, str]] = {
    "bot": {
        "en": "Answered by the bot alone, never handed off, and its customer did not come back "
        "within 72 hours. Share of those with outcome bot, person or reopened.",
        "zh-CN": "仅由机器人答复、从未转人工，且客户 72 小时内没有再来。"
        "占“机器人解决、人工参与、再次打开”三类之比。",
    },
    "person": {
        "en": "Handed off, or a person wrote in it.",
        "zh-CN": "曾转人工，或有人工发言。",
    },
    "reopened": {
        "en": "The customer came back within 72 hours: began another conversation, or wrote again "
        "in this one after an hour of silence.",
        "zh-CN": "客户 72 小时内又来：开始了新对话，或沉默一小时后在同一对话中再次发言。",
    },
    "open": {
        "en": "Waits for a person, is with one, or the last word is the customer's. Not counted.",
        "zh-CN": "正在等待或由人工处理，或最后一句是客户说的。不计入。",
    },
    "young": {
        "en": "Ended less than 72 hours ago; nobody can say yet. Not counted.",
        "zh-CN": "结束不到 72 小时，尚不能判断。不计入。",
    },
    "first_response": {
        "en": "Seconds from the customer's first message to the first answer, bot or person.",
        "zh-CN": "从客户第一条消息到第一次答复（机器人或人工）的秒数。",
    },
    "person_response": {
        "en": "Seconds from a handoff to the first message of a person after it.",
        "zh-CN": "从转人工到其后第一条人工消息的秒数。",
    },
    "csat": {
        "en": "Customers who gave 4 or 5 of 5, as a share of those who rated.",
        "zh-CN": "评 4 分或 5 分的客户占所有评分客户之比。",
    },
    "handoffs": {
        "en": "Each handoff by the reason it was begun with.",
        "zh-CN": "按转人工时记录的原因统计。",
    },
    "refunds": {
        "en": "Sum of the amounts of refunds that were issued in the period.",
        "zh-CN": "期间内已办理退款的金额合计。",
    },
}
"""How each figure is made, by language."""


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a period."""

    since: int
    until: int
    """Microseconds since 1970, UTC."""
    outcomes: Mapping[str, int]
    bot_share: Decimal | None
    """None where nothing has settled."""
    first_response: Mapping[str, Decimal] | None
    """Seconds: `median` and `p90`, with how many there are as `n`."""
    person_response: Mapping[str, Decimal] | None
    handoffs: Sequence[tuple[str, int]]
    by_approver: Sequence[tuple[str, str, int, Decimal]]
    """Approver, currency, how many refunds, their sum."""
    by_rule: Sequence[tuple[str, str, int, Decimal]]
    scores: Mapping[int, int]
    csat: Decimal | None


def outcomes(talks: Sequence[Talk], now: int) -> dict[str, Outcome]:
    """What became of each conversation in which its customer wrote, by its id."""
    begun: dict[str, list[int]] = {}
    for one in talks:
        if one.asked_at:
            begun.setdefault(one.customer, []).append(one.asked_at[0])
    return {one.id: _outcome(one, begun[one.customer], now) for one in talks if one.asked_at}


def _outcome(talk: Talk, begun: Sequence[int], now: int) -> Outcome:
    said = (*talk.asked_at, *talk.answered_at, *talk.person_at)
    end, last_asked = max(said), max(talk.asked_at)
    if talk.owner in ("queued", "human", "waiting"):
        return "open"
    if talk.handoffs or talk.person_at:
        return "person"
    if not talk.answered_at or max(talk.answered_at) < last_asked:
        return "open"
    if _came_back(talk) or any(end < at <= end + _QUIET for at in begun):
        return "reopened"
    return "bot" if now - end >= _QUIET else "young"


def _came_back(talk: Talk) -> bool:
    """Whether its customer wrote again after a silence of an hour, within 72 hours."""
    said = sorted((*talk.asked_at, *talk.answered_at))
    asked = set(talk.asked_at)
    return any(
        at in asked and _PAUSE <= at - before <= _QUIET
        for before, at in zip(said, said[1:], strict=False)
    )


def quantile(values: Sequence[int], share: str) -> Decimal:
    """The smallest value with at least that share of all at or below it."""
    ordered = sorted(values)
    return Decimal(ordered[max(1, math.ceil(Decimal(share) * len(ordered))) - 1])


def _waits(seconds: Sequence[int]) -> dict[str, Decimal] | None:
    if not seconds:
        return None
    found = {"median": quantile(seconds, "0.5"), "p90": quantile(seconds, "0.9")}
    return found | {"n": Decimal(len(seconds))}


def _first_response(talk: Talk) -> int | None:
    """Seconds until somebody answered; none where nobody has."""
    after = [at for at in (*talk.answered_at, *talk.person_at) if at >= talk.asked_at[0]]
    return (min(after) - talk.asked_at[0]) // 1_000_000 if after else None


def _person_responses(talk: Talk) -> list[int]:
    """Seconds from each handoff to the person's first message, before the next handoff."""
    times = [at for at, _ in talk.handoffs]
    found = []
    for at, end in zip(times, [*times[1:], None], strict=False):
        after = [one for one in talk.person_at if one >= at and (end is None or one < end)]
        if after:
            found.append((min(after) - at) // 1_000_000)
    return found


def csat(scores: Mapping[int, int]) -> Decimal | None:
    """The share of 4 and 5, to a thousandth; none where nobody rated."""
    n = sum(scores.values())
    return _share(scores.get(4, 0) + scores.get(5, 0), n) if n else None


def _share(part: int, whole: int) -> Decimal:
    return (Decimal(part) / whole).quantize(Decimal("0.001"))


def report_of(
    talks: Sequence[Talk], refunds: Sequence[Mapping[str, Any]], since: int, now: int
) -> Report:
    """The figures of the conversations begun, and refunds issued, since then.

    Args:
        talks: all that may matter: those of before tell who came back.
        refunds: as `refund_rows` gives them.
        since: microseconds since 1970, UTC.
        now: likewise.
    """
    became = outcomes(talks, now)
    mine = [one for one in talks if one.asked_at and one.begun_at >= since]
    counts: Counter[str] = Counter(became[one.id] for one in mine)
    settled = sum(counts[one] for one in SETTLED)
    firsts = [found for one in mine if (found := _first_response(one)) is not None]
    scores = Counter(one.score for one in mine if one.score is not None)
    reasons = Counter(reason for one in mine for _, reason in one.handoffs)
    given = [one for one in refunds if one["at"] >= since]
    return Report(
        since=since,
        until=now,
        outcomes=dict(counts),
        bot_share=_share(counts["bot"], settled) if settled else None,
        first_response=_waits(firsts),
        person_response=_waits([one for talk in mine for one in _person_responses(talk)]),
        handoffs=sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])),
        by_approver=_sums(given, "approver"),
        by_rule=_sums(given, "rule"),
        scores=dict(sorted(scores.items())),
        csat=csat(scores),
    )


def _sums(refunds: Sequence[Mapping[str, Any]], key: str) -> list[tuple[str, str, int, Decimal]]:
    """Refunds by one of their columns and by currency, the largest sums first."""
    counts: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], Decimal] = {}
    for one in refunds:
        group = str(one[key]), str(one["currency"])
        counts[group] += 1
        sums[group] = sums.get(group, Decimal(0)) + Decimal(one["amount"])
    made = [
        (name, currency, counts[name, currency], sum_) for (name, currency), sum_ in sums.items()
    ]
    return sorted(made, key=lambda one: (-one[3], one[0], one[1]))


def talk_rows(talks: Sequence[Talk], since: int, now: int) -> list[dict[str, Any]]:
    """What the figures are made of, a row for each conversation; for a file."""
    became = outcomes(talks, now)
    return [
        {
            "session": one.id,
            "begun_at": one.begun_at,
            "ended_at": max((*one.asked_at, *one.answered_at, *one.person_at)),
            "outcome": became[one.id],
            "messages": len(one.asked_at),
            "first_response_s": "" if (found := _first_response(one)) is None else found,
            "person_response_s": " ".join(map(str, _person_responses(one))),
            "handoffs": "; ".join(reason for _, reason in one.handoffs),
            "score": one.score or "",
            "comment": one.comment,
        }
        for one in talks
        if one.asked_at and one.begun_at >= since
    ]


def refund_rows(refunds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Refunds that were issued, as the figures count them."""
    return [dict(one) for one in refunds if one["state"] == "issued"]


def weeks_of(talks: Sequence[Talk], since: int, now: int) -> list[tuple[int, Mapping[str, int]]]:
    """Outcomes by week, counted back from now; each with its beginning."""
    became = outcomes(talks, now)
    week = 7 * _DAY
    found: dict[int, Counter[str]] = {
        number: Counter() for number in range(-(-(now - since) // week))
    }
    for one in talks:
        number = (now - one.begun_at) // week
        if one.asked_at and one.begun_at >= since and number in found:
            found[number][became[one.id]] += 1
    return [(now - (number + 1) * week, found[number]) for number in sorted(found, reverse=True)]
