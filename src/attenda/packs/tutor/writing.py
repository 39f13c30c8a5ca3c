"""Attempts as others take them: xAPI statements, and CSV with the columns of tutoring logs.

Statements follow the xAPI data model (actor, verb, object, result, context; general knowledge of
it). Ids are UUIDs made of the attempt's own id, so a second export is the same. Learners go out as
accounts: an id, never a name.
"""

import csv
import io
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

__all__ = ["CSV_COLUMNS", "attempts_csv", "statements", "table_csv"]

Row = Mapping[str, Any]

_VERBS = "http://adlnet.gov/expapi/verbs/"
_ACTIVITY = "http://adlnet.gov/expapi/activities/"
_SPACE = uuid.UUID("6f0d3f0e-8a55-5d0c-9a2b-7a9d1c0f4e11")
_INTERACTIONS = {
    "number": "numeric", "quantity": "fill-in", "term": "fill-in", "choice": "choice",
    "several": "choice", "short": "fill-in", "set": "fill-in", "order": "sequencing",
    "match": "matching", "open": "long-fill-in",
}  # fmt: skip

CSV_COLUMNS = (
    "order_id", "user_id", "problem_id", "skill_name", "correct", "attempt_count", "hint_count",
    "bottom_hint", "ms_first_response", "answer_text", "time",
)  # fmt: skip
"""As in the ASSISTments logs, so that tools of the field read them."""


def statements(rows: Sequence[Row], home: str, kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """One statement an attempt: answered, with its score.

    Args:
        rows: attempts, as they are stored.
        home: address of this installation; names accounts and exercises.
        kinds: kind by exercise.
    """
    return [_statement(row, home.rstrip("/"), kinds.get(row["item"], "short")) for row in rows]


def _statement(row: Row, home: str, kind: str) -> dict[str, Any]:
    score = float(row["score"])
    return {
        "id": str(uuid.uuid5(_SPACE, str(row["id"]))),
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": home, "name": str(row["learner"])},
        },
        "verb": {"id": f"{_VERBS}answered", "display": {"en-US": "answered", "zh-CN": "回答了"}},
        "object": {
            "objectType": "Activity",
            "id": f"{home}/packs/tutor/items/{row['item']}",
            "definition": {
                "type": f"{_ACTIVITY}cmi.interaction",
                "interactionType": _INTERACTIONS[kind],
            },
        },
        "result": {
            "score": {"scaled": score, "raw": score, "min": 0, "max": 1},
            "success": row["verdict"] == "right",
            "completion": True,
            "response": str(row["answer"]),
            "duration": f"PT{int(row['seconds'])}S",
            "extensions": {f"{home}/packs/tutor/xapi/hints": int(row["hints"])},
        },
        "context": {
            "contextActivities": {
                "grouping": [
                    {"objectType": "Activity", "id": f"{home}/packs/tutor/skills/{row['skill']}"}
                ]
            }
        },
        "timestamp": _time(row["at"]),
    }


def _time(at: int) -> str:
    seconds, micros = divmod(at, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def attempts_csv(rows: Sequence[Row]) -> str:
    """The attempts as CSV; a cell that a spreadsheet would take for a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    tries: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows, start=1):
        pair = (row["learner"], row["item"])
        tries[pair] = tries.get(pair, 0) + 1
        writer.writerow(
            map(_cell, (
                number, row["learner"], row["item"], row["skill"], int(row["verdict"] == "right"),
                tries[pair], row["hints"], int(row["told"]), row["seconds"] * 1000, row["answer"],
                _time(row["at"]),
            ))
        )  # fmt: skip
    return out.getvalue()


def table_csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as CSV, formulas quoted as in `attempts_csv`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_cell, row) for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    text = str(value)
    signed = text[:1] in ("+", "-") and text[1:2].isdigit()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") and not signed else text
