"""Public sets of sentences with the intent of each, cut by fixed seeds into train and held out.

The folder comes from ATTENDA_DATA. What is held out is named here and nowhere else:

- `banking77`: a fifth of the rows, by a hash of the text.
- `clinc150`: the set's own `val` and `oos_val`; trained on `train` and `oos_train`.
- `schema_guided_dialogue`: a fifth of the dialogues; the active intent of each user turn, from the
  words of that turn alone.
- `crosswoz`: a fifth of the dialogues; act and domain of each user turn (`Request:酒店`). Of
  several acts the one that asks most of the agent counts: Select, Request, Inform, General; of
  several domains the first.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attenda.core.errors import NotFound, OperatorError

__all__ = ["SETS", "IntentRow", "IntentSet", "load"]

HELD_OUT_OF = 5
"""One part of this many is held out."""
_ACTS = ("Select", "Request", "Inform", "General")


@dataclass(frozen=True, slots=True)
class IntentRow:
    """A sentence and what it means; None is out of scope."""

    text: str
    name: str | None


@dataclass(frozen=True, slots=True)
class IntentSet:
    """An exam."""

    train: tuple[IntentRow, ...]
    held_out: tuple[IntentRow, ...]


def load(name: str, folder: Path) -> IntentSet:
    """The exam `name` from the set's folder in `folder`.

    Raises:
        NotFound: there is no such exam.
        OperatorError: the set's files aren't there, or aren't what they should be.
    """
    if name not in SETS:
        raise NotFound("exam.unknown", name=name, names=", ".join(SETS))
    if not (folder / name).is_dir():
        raise OperatorError("exam.no_data", name=name, folder=folder)
    try:
        return SETS[name](folder / name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperatorError("exam.bad_data", name=name, reason=repr(error)) from error


def _is_held_out(seed: str) -> bool:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) % HELD_OUT_OF == 0


def _cut(rows: Iterable[tuple[str, IntentRow]]) -> IntentSet:
    """Cut by the seed beside each row."""
    train: list[IntentRow] = []
    held_out: list[IntentRow] = []
    for seed, row in rows:
        (held_out if _is_held_out(seed) else train).append(row)
    return IntentSet(tuple(train), tuple(held_out))


def _banking77(folder: Path) -> IntentSet:
    with (folder / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = [IntentRow(row["text"], row["category"]) for row in csv.DictReader(file)]
    return _cut((row.text, row) for row in rows)


def _clinc150(folder: Path) -> IntentSet:
    parts = json.loads((folder / "data_train_val.json").read_text("utf-8"))

    def rows(*names: str) -> tuple[IntentRow, ...]:
        pairs = [pair for name in names for pair in parts[name]]
        return tuple(IntentRow(text, None if name == "oos" else name) for text, name in pairs)

    return IntentSet(rows("train", "oos_train"), rows("val", "oos_val"))


def _schema_guided(folder: Path) -> IntentSet:
    files = sorted(folder.glob("*dialogues_*.json"))
    dialogues = [one for file in files for one in json.loads(file.read_text("utf-8"))]
    return _cut(
        (dialogue["dialogue_id"], IntentRow(turn["utterance"], _active_intent(turn)))
        for dialogue in dialogues
        for turn in dialogue["turns"]
        if turn["speaker"] == "USER"
    )


def _active_intent(turn: dict[str, Any]) -> str:
    """Of the frame that a turn speaks of; where it speaks of several, of the first."""
    return str(turn["frames"][0]["state"]["active_intent"])


def _crosswoz(folder: Path) -> IntentSet:
    lines = (folder / "dialogues.jsonl").read_text("utf-8").splitlines()
    return _cut(
        (str(dialogue["id"]), IntentRow(message["content"], _act_and_domain(message)))
        for dialogue in map(json.loads, lines)
        for message in dialogue["messages"]
        if message["role"] == "usr" and message["dialog_act"]
    )


def _act_and_domain(message: dict[str, Any]) -> str:
    act, domain, *_ = min(message["dialog_act"], key=lambda one: _ACTS.index(one[0]))
    return f"{act}:{domain}"


SETS: dict[str, Callable[[Path], IntentSet]] = {
    "banking77": _banking77,
    "clinc150": _clinc150,
    "schema_guided_dialogue": _schema_guided,
    "crosswoz": _crosswoz,
}
