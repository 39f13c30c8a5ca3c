"""The plan of a week as its page shows it: by day, with what is left over first."""

import datetime
from typing import Any

from attenda.api import Deed
from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.item import text_in
from attenda.packs.tutor.planning import days_ahead, plan_rows, todo_first
from attenda.packs.tutor.state import Row, title_of

__all__ = ["day_choices", "week_of"]

_HAN = "一二三四五六日"


def day_choices(deed: Deed, language: str) -> list[tuple[str, str]]:
    """The days of the week from today on, as a form sends them and as they are called."""
    return [(one.isoformat(), _called(one, language)) for one in days_ahead(deed)]


def _called(day: datetime.date, language: str) -> str:
    if language == "zh-CN":
        return f"{day.month}月{day.day}日 星期{_HAN[day.weekday()]}"
    return f"{day:%A}, {day.day} {day:%b}"


def week_of(deed: Deed, learner: str, language: str) -> list[dict[str, Any]]:
    """Days with their entries: today with what is left over, the six that follow, and later.

    What was done on a day that is over is no more shown.
    """
    days = day_choices(deed, language)
    today, last = days[0][0], days[-1][0]
    found: dict[str, list[dict[str, Any]]] = {day: [] for day, _ in days}
    for row in sorted(plan_rows(deed, learner), key=todo_first):
        is_done, is_late = row["state"] == "done", row["day"] < today
        if is_done and is_late:
            continue
        day = today if is_late else row["day"] if row["day"] <= last else ""
        found.setdefault(day, []).append(_entry(row, language, is_done, is_late))
    called = [*days, *([("", text_in(both("later"), language))] if "" in found else [])]
    return [
        {"day": day, "called": name, "today": day == today, "entries": found[day]}
        for day, name in called
    ]


def _entry(row: Row, language: str, is_done: bool, is_late: bool) -> dict[str, Any]:
    return {
        "id": row["id"],
        "skill": row["skill"],
        "title": text_in(title_of(row["skill"]), language),
        "what": text_in(both(f"what_{row['what']}"), language),
        "minutes": row["minutes"],
        "day": row["day"],
        "done": is_done,
        "late": is_late,
    }
