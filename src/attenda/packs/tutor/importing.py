"""Files brought in: exercises by each kind's reader, as rows of `items`; classes by their list."""

import csv
import io
from collections.abc import Callable

from attenda.api import Importer, ReadIn, UserError
from attenda.packs.tutor.cards import read_cards
from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.gift import read_gift
from attenda.packs.tutor.item import to_json
from attenda.packs.tutor.qti import read_qti
from attenda.packs.tutor.reading import Reading
from attenda.packs.tutor.word_problems import read_word_problems

__all__ = ["IMPORTERS"]


def _text(content: bytes) -> str:
    """The text of a file; raises UserError where it is none."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            "request.invalid", place=f"byte {error.start}", problem="no UTF-8"
        ) from error


def _rows(found: Reading) -> ReadIn:
    rows = [  # what was changed by hand, and whether it is retired, stays
        {"id": one.id[:80], "skill": one.skill, "kind": one.kind, "source": one.source,
         "added_by": "", "body": to_json(one)}
        for one in found.items
    ]  # fmt: skip
    return ReadIn({"items": rows}, [(one.place, one.reason) for one in found.rejects])


def _qti(name: str, content: bytes) -> Reading:
    try:
        return read_qti(content, name)
    except ValueError as error:
        raise UserError("request.invalid", place=name, problem=str(error)) from error


def _reader(read: Callable[[str, bytes], Reading]) -> Callable[[str, bytes], ReadIn]:
    return lambda name, content: _rows(read(name, content))


_ROSTER = ("class", "title", "teacher", "learner", "name")


def _roster(name: str, content: bytes) -> ReadIn:
    """Classes and their learners: a CSV with these columns; people by their id in this home.

    A column `parent` may name who sees how the learner does; of two parents, each on a line.
    """
    table = csv.DictReader(io.StringIO(_text(content)))
    if missing := set(_ROSTER) - set(table.fieldnames or ()):
        raise UserError("request.invalid", place=name, problem=f"no column {min(missing)}")
    classes: dict[str, dict[str, object]] = {}
    learners, guardians, rejected = {}, [], []
    for line, row in enumerate(table, start=2):
        if not row["class"] or not row["learner"]:
            rejected.append((f"{name}:{line}", both("reject_roster")))
            continue
        classes[row["class"]] = {
            "id": row["class"], "title": row["title"], "teacher": row["teacher"]
        }  # fmt: skip
        learners[row["learner"]] = {
            "id": row["learner"], "name": row["name"], "class_id": row["class"], "goal": "",
            "minutes": 20, "exam": False,
        }  # fmt: skip
        if parent := (row.get("parent") or "").strip():
            pair = {"parent": parent, "learner": row["learner"]}
            guardians.append({"id": f"{parent}:{row['learner']}"[:80], **pair})
    people = {"learners": list(learners.values()), "guardians": guardians}
    return ReadIn({"classes": list(classes.values()), **people}, rejected)


IMPORTERS = (
    Importer(
        "roster",
        {"en": "Classes and learners as CSV", "zh-CN": "班级和学生名单 CSV"},
        (".csv",),
        _roster,
    ),
    Importer(
        "gift",
        {"en": "Questions in Moodle's GIFT", "zh-CN": "Moodle GIFT 题目"},
        (".gift", ".txt"),
        _reader(lambda name, content: read_gift(_text(content), name)),
    ),
    Importer(
        "qti",
        {"en": "Questions in QTI 1.2 or 2.1", "zh-CN": "QTI 1.2 或 2.1 题目"},
        (".xml",),
        _reader(_qti),
    ),
    Importer(
        "word_problems",
        {"en": "Word problems with worked steps (GSM8K)", "zh-CN": "带步骤的应用题（GSM8K）"},
        (".jsonl",),
        _reader(lambda name, content: read_word_problems(_text(content).splitlines(), name)),
    ),
    Importer(
        "cards",
        {"en": "Cards from Anki as text", "zh-CN": "Anki 文本卡片"},
        (".csv", ".tsv", ".txt"),
        _reader(lambda name, content: read_cards(_text(content), name)),
    ),
)
