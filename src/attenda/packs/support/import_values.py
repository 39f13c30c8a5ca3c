"""Files as records, and the values in them: text, tables and JSON; amounts, moments and flags.

Nothing here knows what the records are of. A value that cannot be read is a `Wrong` with a reason
for whoever brought the file in; it costs its record and no other.
"""

import csv
import datetime
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from attenda.api import ReadIn, UserError
from attenda.packs.support.identity import day_of
from attenda.packs.support.phrases import phrase
from attenda.packs.support.shop_policy import sample_policy

__all__ = [
    "Reading",
    "Record",
    "Wrong",
    "amount_of",
    "date_of",
    "flag_of",
    "json_records",
    "moment_of",
    "object_of",
    "objects_of",
    "table_records",
    "text_of",
    "whole_of",
    "without_cards",
]

Record = tuple[str, Mapping[str, Any]]
"""The place of a record in its file, and its fields."""

_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_OFFSET = re.compile(r"\s*(?:UTC|Z|([+-]\d{2}):?(\d{2}))$")
_YES, _NO = {"true", "yes", "1", "y"}, {"false", "no", "0", "n", ""}


class Wrong(ValueError):
    """A record that cannot be taken, and why: a key of the pack's phrases and its values."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        shown = {name: str(value)[:40] for name, value in values.items()}
        self.texts = {one: phrase(one, f"wrong_{key}", **shown) for one in ("en", "zh-CN")}


@dataclass
class Reading:
    """Rows by table as they are found, and what was left out."""

    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    rejects: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def add(self, table: str, **row: object) -> None:
        """One more row, without what no database can hold."""
        kept = {key: _storable(one) for key, one in row.items()}
        self.rows.setdefault(table, []).append(kept)

    def reject(self, place: str, reason: Wrong) -> None:
        """One record that was not taken."""
        self.rejects.append((place, reason.texts))

    def done(self, **more: Any) -> ReadIn:
        """All of it, as the house takes it; `more` are other fields of it."""
        return ReadIn(self.rows, self.rejects, **more)


def _storable(value: object) -> object:
    """A text without NUL and halves of surrogate pairs."""
    if not isinstance(value, str):
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def object_of(value: Any) -> Mapping[str, Any]:
    """An object of JSON; what is none is an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects_of(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list of JSON; what is no list has none."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def text_of(name: str, content: bytes) -> str:
    """The text of a file.

    Raises:
        UserError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"{name}, byte {error.start}"
        raise UserError("request.invalid", place=place, problem="it is not UTF-8") from error


def table_records(name: str, content: bytes, needed: Sequence[str]) -> list[Record]:
    """The rows of a CSV file, separated by commas, semicolons or tabs; places are line numbers.

    Raises:
        UserError: it is no text, or lacks one of the columns that are needed.
    """
    text = text_of(name, content)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    table = csv.DictReader(io.StringIO(text), delimiter=separator, restval="", restkey="")
    try:
        missing = [one for one in needed if one not in (table.fieldnames or ())]
        if missing:
            raise UserError("request.invalid", place=name, problem=f"no column {missing[0]}")
        return [(f"{name}:{table.line_num}", row) for row in table]
    except csv.Error as error:
        place = f"{name}:{table.line_num}"
        raise UserError("request.invalid", place=place, problem=str(error)) from error


def json_records(name: str, content: bytes, *within: str) -> list[Record]:
    """The objects of a JSON file: a list, a line each, or a list under one of the keys `within`.

    Raises:
        UserError: it holds none.
    """
    text = text_of(name, content)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _lines(name, text)
    if isinstance(found, Mapping):
        inside = next((found[key] for key in within if isinstance(found.get(key), list)), None)
        found = [found] if inside is None else inside
    if not isinstance(found, list):
        raise UserError("request.invalid", place=name, problem="no list of objects")
    return [
        (f"{name} {n}", one if isinstance(one, Mapping) else {}) for n, one in enumerate(found, 1)
    ]


def _lines(name: str, text: str) -> list[Any]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                place = f"{name}:{number}"
                raise UserError("request.invalid", place=place, problem="no JSON") from error
    return found


def amount_of(value: object, name: str) -> Decimal:
    """Money with at most two decimals, such as `1,234.50`; nothing is zero.

    Raises:
        Wrong: it is no such number.
    """
    text = str(value if value is not None else "").strip()
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    try:
        found = Decimal(text or "0")
        if found.is_finite() and found == found.quantize(Decimal("0.01")):
            return found.quantize(Decimal("0.01"))
    except InvalidOperation:
        pass
    raise Wrong("amount", name=name, text=text)


def whole_of(value: object, name: str) -> int:
    """A whole number above zero.

    Raises:
        Wrong: it is none.
    """
    text = str(value if value is not None else "").strip()
    if not re.fullmatch(r"0*[1-9]\d{0,5}", text):
        raise Wrong("whole", name=name, text=text)
    return int(text)


def flag_of(value: object, name: str) -> bool:
    """Yes or no; nothing is no.

    Raises:
        Wrong: it is neither.
    """
    text = str(value if value is not None else "").strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise Wrong("flag", name=name, text=text)


def without_cards(text: str) -> str:
    """A text in which numbers of payment cards are covered but for their last four digits."""
    return _CARD.sub(_covered, text)


def _covered(found: re.Match[str]) -> str:
    digits = [int(one) for one in found[0] if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10:  # Luhn's sum: it is no card
        return found[0]
    return f"•••• {''.join(map(str, digits[-4:]))}"


def date_of(value: object, name: str) -> str | None:
    """A day as `2026-02-28`, of a date, or the shop's of a moment; nothing is none.

    Raises:
        Wrong: it is neither.
    """
    at = moment_of(value, name)
    if at is None:
        return None
    is_day = isinstance(value, str) and _DAY.fullmatch(value.strip())
    return day_of(at, "UTC" if is_day else sample_policy().hours.zone).isoformat()


def moment_of(value: object, name: str) -> int | None:
    """A moment in microseconds since 1970, UTC; nothing is none.

    It may be ISO 8601, `2026-02-28 10:15:00 +0100`, a date (its noon), or seconds since 1970;
    without an offset it is UTC.

    Raises:
        Wrong: it is no moment.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11:
        return round(value * 1_000_000)
    text = str(value if value is not None else "").strip()
    if not text:
        return None
    if _DAY.fullmatch(text):
        text += " 12:00:00"
    offset = _OFFSET.search(text) if len(text) > 16 else None
    if offset:
        zone = f"{offset[1]}:{offset[2]}" if offset[1] else "+00:00"
        text = text[: offset.start()] + zone
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise Wrong("date", name=name, text=text) from error
    aware = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    return round(aware.timestamp() * 1_000_000)
