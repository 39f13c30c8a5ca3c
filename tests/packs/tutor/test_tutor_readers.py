"""Exercises read from other people's files, and attempts written for other people's programs."""

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from attenda.packs.tutor.cards import read_cards
from attenda.packs.tutor.gift import read_gift
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.item import from_json, to_json
from attenda.packs.tutor.qti import read_qti
from attenda.packs.tutor.reading import Reading
from attenda.packs.tutor.reckon import BadSum, reckon
from attenda.packs.tutor.word_problems import read_word_problems
from attenda.packs.tutor.writing import attempts_csv, statements

KINDS = {
    "MC": {"choice", "several"}, "TF": {"choice"}, "Short": {"short"}, "Essay": {"open"},
    "Numerical": {"number"}, "Matching": {"match"},
}  # fmt: skip


def data(folder: str) -> Path:
    path = Path(os.environ.get("ATTENDA_DATA", "/nowhere")) / folder
    if not path.exists():
        pytest.skip(f"ATTENDA_DATA has no {folder}")
    return path


def words(text: str) -> str:
    return " ".join(re.sub(r"</?\w+[^<>]*>", " ", text).split())


def test_every_gift_question_at_hand_is_read_as_its_project_reads_it() -> None:
    present = taken = 0
    for path in sorted(data("quiz_formats").glob("gift/*.gift")):
        found = read_gift(path.read_text("utf-8"), path.name)
        expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
        asked = [one for one in expected if one["type"] in KINDS]
        assert len(found.notes) == len(expected) - len(asked), path.name
        assert not found.rejects, found.rejects
        present, taken = present + len(asked), taken + len(found.items)
        for one, item in zip(asked, found.items, strict=True):
            assert item.kind in KINDS[one["type"]]
            assert words(item.prompt["en"]) == words(one["stem"]["text"])
            if one["type"] == "MC":
                right = [c["isCorrect"] or (c["weight"] or 0) > 0 for c in one["choices"]]
                assert [option.right for option in item.options] == right
            if one["type"] == "TF":
                assert item.options[0].right is one["isTrue"]
            if one["type"] == "Short":
                wholly = [c["text"]["text"] for c in one["choices"] if c["weight"] in (None, 100)]
                assert [words(key) for key in item.keys] == [words(text) for text in wholly]
            assert from_json(to_json(item)) == item
    assert taken == present == 57


GIFT = r"""
// [id:7] [tag:fractions]
::Half:: What is 1/2 as a decimal? {#0.5:0.01 =%50%0.05:0.001#Mind the places.}

$CATEGORY: top/Fractions

Which are larger than \{1/2\}\: mark all. {~%50%3/4 ~%50%0.6 ~%-100%1/3 ####Draw a line.}

The part on top is the {=numerator =%50%top} of it.

Broken {=a ~

Two {=a} gaps {=b}
"""


def test_gift_as_people_write_it() -> None:
    found = read_gift(GIFT, "own.gift")
    half, larger, top = found.items[:3]
    assert half.kind == "number" and half.id.startswith("gift-7-")
    assert larger.prompt["en"] == "Which are larger than {1/2}: mark all."
    assert grade(larger, "a, b").verdict == "right" and grade(larger, "3/4").score == 0.5
    assert top.prompt["en"] == "The part on top is the _____ of it."
    assert grade(top, "top").verdict == "partly"
    assert [one.reason["en"] for one in found.rejects] == [
        "its brace is never closed",
        "it has two pairs of braces",
    ]
    lines = GIFT.splitlines()
    at = [lines[int(one.place.removeprefix("own.gift:")) - 1] for one in found.rejects]
    assert at == ["Broken {=a ~", "Two {=a} gaps {=b}"]
    assert found.rejects[0].reason["zh-CN"] == "大括号没有闭合"
    assert found.notes == ["$CATEGORY: top/Fractions"]


def test_a_canvas_quiz_is_read_whole() -> None:
    (path,) = data("quiz_formats").glob("qti12/quiz/text2qti*.xml")
    found = read_qti(path.read_bytes(), "quiz.xml")
    assert [one.kind for one in found.items] == [
        "choice", "several", "number", "number", "short", "open"
    ]  # fmt: skip
    assert [grade(one, said).verdict for one, said in zip(found.items, (
        "5", "b and c", "1.4142", "1.2599", "saint nick", "An essay."), strict=True
    )] == ["right"] * 5 + ["person"]  # fmt: skip
    assert [one.reason["en"] for one in found.rejects] == ["a file would have to be handed in"]
    assert found.present == 7


ITEM_21 = """<?xml version="1.0"?>
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="{id}" title="t">
<responseDeclaration identifier="R" cardinality="{many}" baseType="{base}">
<correctResponse>{right}</correctResponse></responseDeclaration>
<itemBody><p>Look.</p>{asked}</itemBody></assessmentItem>"""
CHOICES = """<choiceInteraction responseIdentifier="R"><prompt>Which?</prompt>
<simpleChoice identifier="A">1/2</simpleChoice><simpleChoice identifier="B">2/4</simpleChoice>
<simpleChoice identifier="C">1/3</simpleChoice></choiceInteraction>"""
ENTRY = "<p>Half of 7 is <textEntryInteraction responseIdentifier='R'/>.</p>"


@pytest.mark.parametrize(
    ("many", "base", "right", "asked", "prompt", "answer", "kind"),
    [
        ("single", "identifier", "A", CHOICES, "Look. Which?", "a", "choice"),
        ("multiple", "identifier", "A</value><value>B", CHOICES, "Look. Which?", "a,b", "several"),
        ("single", "float", "3.5", ENTRY, "Look. Half of 7 is _____ .", "7/2", "number"),
        ("single", "string", "three", ENTRY, "Look. Half of 7 is _____ .", "Three", "short"),
    ],
)
def test_qti_2_in_its_documented_shape(
    many: str, base: str, right: str, asked: str, prompt: str, answer: str, kind: str
) -> None:
    right = f"<value>{right}</value>"
    text = ITEM_21.format(id="q", many=many, base=base, right=right, asked=asked)
    (item,) = read_qti(text.encode(), "q.xml").items
    assert (item.kind, item.prompt["en"]) == (kind, prompt)
    assert grade(item, answer).verdict == "right"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><questestinterop>&x;'
         b"</questestinterop>", "document type"),
        (b"<!DOCTYPE l [<!ENTITY a 'b'><!ENTITY c '&a;&a;'>]><questestinterop>&c;"
         b"</questestinterop>", "document type"),
        (b"<questestinterop>", "no XML"), (b"", "no XML"), (b"<html/>", "neither"),
    ],
)  # fmt: skip
def test_xml_that_reaches_out_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_qti(content, "bad.xml")


def test_word_problems_are_reckoned_again() -> None:
    rows = [
        ("Two and three?", "2 + 3 = <<2+3=5>>5.\n#### 5"),
        ("Wrong step?", "2 + 3 = <<2+3=6>>6.\n#### 6"),
        ("Wrong end?", "2 + 3 = <<2+3=5>>5.\n#### 7"),
        ("A cent?", "How much is a third? ** 10/3 = $<<10/3=3.33>>3.33\n#### 3.33"),
        ("Unmarked end?", "4*5 = <<4*5=20>>20\nSo 20 apples / 4 boxes = 5 apples.\n#### 5"),
        ("Hostile?", "<<9**9**9=1>>1\n#### 1"), ("None?", "It is so.\n#### 3"),
    ]  # fmt: skip
    lines = [json.dumps({"question": q, "answer": a}) for q, a in rows] + ["{}", "no json"]
    found = read_word_problems(lines, "w.jsonl")
    assert [one.prompt["en"] for one in found.items] == [
        "Two and three?",
        "A cent?",
        "Unmarked end?",
    ]
    assert found.items[1].hints[0]["en"] == "How much is a third?"
    assert grade(found.items[1], "$3.33").verdict == "unreadable"
    assert grade(found.items[1], "3.33").verdict == "right"
    assert [one.place.split(":")[-1] for one in found.rejects] == ["2", "3", "6", "7", "8", "9"]


def test_most_word_problems_at_hand_hold() -> None:
    with (data("gsm8k") / "train_first4000.jsonl").open(encoding="utf-8") as file:
        lines = [next(file) for _ in range(600)]
    found = read_word_problems(lines, "gsm8k")
    assert found.present == 600 and len(found.items) / found.present >= 0.95
    assert all(grade(one, one.keys[0]).verdict == "right" for one in found.items)
    assert all(one.reason for one in found.rejects)


CARDS = "#separator:tab\n#html:true\n#tags column:3\n<b>7 x 8</b>\t56\tmath\nEmpty\t\tx\n"


@pytest.mark.parametrize(
    ("text", "asked", "rejects"),
    [
        (CARDS, [("7 x 8", "56")], 1),
        ("Hauptstadt von Peru;Lima\n", [("Hauptstadt von Peru", "Lima")], 0),
        ('"one, two",three\n', [("one, two", "three")], 0),
        ("Water is {{c1::H2O}}.\t\n{{c1::a}} {{c2::b}}\t\n", [("Water is _____.", "H2O")], 1),
        ("same\tx\nsame\tx\n", [("same", "x")], 1), ("", [], 0),
    ],
)  # fmt: skip
def test_cards(text: str, asked: list[tuple[str, str]], rejects: int) -> None:
    found = read_cards(text, "deck.txt")
    assert [(one.prompt["en"], one.keys[0]) for one in found.items] == asked
    assert len(found.rejects) == rejects


@pytest.mark.parametrize(
    "bad", ["9**9**9", "2**99", "a + 1", "1/0", "__import__('os')", "(1).real", "[1]",
            "1 if 2 else 3",
            "'a' + 1", "gcd(1/2, 2)", "True", "", "1" * 90, "lcm(*[1])"],
)  # fmt: skip
def test_course_sums_do_no_more_than_sums(bad: str) -> None:
    with pytest.raises(BadSum):
        reckon(bad)


ATTEMPTS = [
    {"id": f"att_{n}", "learner": "lea", "item": "i-1", "skill": "add", "answer": answer,
     "verdict": verdict, "score": score, "hints": n, "told": False, "seconds": 30 + n,
     "at": 1_772_000_000_000_000 + n, "scored": n == 0, "mistake": ""}
    for n, (answer, verdict, score) in enumerate([("2/5", "wrong", 0.0), ("=5/6", "right", 1.0)])
]  # fmt: skip
IRI = {"type": "string", "pattern": "^https?://"}
STATEMENT = {
    "type": "object",
    "required": ["id", "actor", "verb", "object", "result", "timestamp"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "actor": {
            "type": "object",
            "required": ["account"],
            "additionalProperties": False,
            "properties": {
                "objectType": {"const": "Agent"},
                "account": {
                    "type": "object",
                    "required": ["homePage", "name"],
                    "properties": {"homePage": IRI, "name": {"type": "string", "minLength": 1}},
                },
            },
        },
        "verb": {"type": "object", "required": ["id"], "properties": {"id": IRI}},
        "object": {"type": "object", "required": ["id"], "properties": {"id": IRI}},
        "result": {
            "type": "object",
            "properties": {
                "score": {
                    "type": "object",
                    "properties": {"scaled": {"type": "number", "minimum": -1, "maximum": 1}},
                },
                "success": {"type": "boolean"},
                "duration": {"type": "string", "pattern": r"^PT\d+S$"},
                "extensions": {"type": "object", "propertyNames": IRI},
            },
        },
        "context": {"type": "object"},
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$"},
    },
}
"""What the xAPI data model asks of these parts of a statement; its own schema is no file here."""


def test_statements_are_valid_and_the_same_each_time() -> None:
    made = statements(ATTEMPTS, "https://school.example/", {"i-1": "number"})
    check = Draft202012Validator(STATEMENT, format_checker=FormatChecker())
    assert [list(check.iter_errors(one)) for one in made] == [[], []]
    assert [one["result"]["score"]["scaled"] for one in made] == [0.0, 1.0]
    assert made == statements(ATTEMPTS, "https://school.example", {"i-1": "number"})
    assert made[0]["object"]["definition"]["interactionType"] == "numeric"


def test_csv_counts_tries_and_holds_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(attempts_csv(ATTEMPTS))))
    assert [(row["attempt_count"], row["correct"], row["hint_count"]) for row in rows] == [
        ("1", "0", "0"), ("2", "1", "1")
    ]  # fmt: skip
    assert rows[1]["answer_text"] == "'=5/6" and rows[0]["ms_first_response"] == "30000"


def test_a_reading_counts_what_was_there() -> None:
    assert Reading().present == 0
