"""The doctor sees repeats, leaks, languages and personal data; its copy has nothing broken."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from attenda.cli.learn_doctor import run_doctor
from attenda.core.errors import UserError
from attenda.core.message import text_message
from attenda.learn.dialogues import Dialogue, read
from attenda.learn.doctor import Spread, clean, examine, leakage
from attenda.learn.split import split
from tests.learn.rows import dialogue, made, said, sorted_out

CHANCE = random.Random(7)
WORDS = [f"word{n}" for n in range(3_000)]
HAN = [chr(0x4E00 + n) for n in range(2_000)]


def prose(count: int) -> str:
    return " ".join(CHANCE.choices(WORDS, k=count))


def han(count: int) -> str:
    return "".join(CHANCE.choices(HAN, k=count))


def unlike(count: int, make: Callable[[int], str] = prose) -> list[Dialogue]:
    return [dialogue(make(20), make(30), id=str(n), place=f"made:{n + 1}") for n in range(count)]


def test_sizes_and_languages() -> None:
    rows = [
        dialogue("What is the time?", "It is noon, and you are late."),
        dialogue("¿Qué hora es?", "Es la una de la tarde."),
        dialogue("现在几点？", "中午十二点。"),
        dialogue("今何時ですか", "正午です"),
        dialogue("Wie spät ist es?", "Es ist zwölf und die Zeit ist um."),
        dialogue("Который час?", "Полдень."),
        dialogue("42", "43"),
    ]
    found = examine(rows)
    assert set(found.languages) == {"en", "es", "zh", "ja", "de", "ru", "?"}
    assert found.languages["en"] == pytest.approx(1 / 7)
    assert (found.conversations, found.turns) == (7, Spread(2, 2, 2, 2))
    assert found.words.most == 12 and found.problems == ()
    assert examine([]).errors[0].key == "learn.data.nothing"


@pytest.mark.parametrize("make", [prose, han])
def test_repeats_are_found_and_named(make: Callable[[int], str]) -> None:
    rows = unlike(300, make)
    question, answer = (one.text for one in rows[17].messages)
    rows.append(dialogue(question, f" {answer}\n", id="same", place="made:901"))
    rows.append(dialogue(question, f"{answer} {make(2)}", id="near", place="made:902"))
    rows.append(dialogue(question, make(30), id="another answer", place="made:903"))
    found = examine(rows)
    assert (found.exact_duplicates, found.near_duplicates) == (1, 1)
    named = {one.key.rpartition(".")[2]: (one.place, one.values["first"]) for one in found.problems}
    assert named["duplicate"] == ("made:901", "made:18")
    assert named["near_duplicate"] == ("made:902", "made:18")


def test_a_shared_system_prompt_makes_no_twins() -> None:
    system = text_message("system", prose(400))
    rows = [Dialogue(row.id, (system, *row.messages), row.group, row.place) for row in unlike(30)]
    assert examine(rows[:20], rows[20:]).problems == ()


@pytest.mark.parametrize("make", [prose, han])
def test_a_leak_over_one_percent_is_an_error(make: Callable[[int], str]) -> None:
    train, held = unlike(300, make), unlike(199, make)
    assert leakage(train, held).near == 0
    words = [one.text for one in train[5].messages]
    held.append(dialogue(words[0], f"{words[1]} {make(10)}", id="l1", place="held:1"))
    few = examine(train, held)
    assert few.leakage is not None and few.leakage.near == 1 and few.errors == ()
    held += train[7:9]
    many = examine(train, held)
    assert many.leakage is not None
    assert (many.leakage.checked, many.leakage.exact, many.leakage.near) == (202, 2, 3)
    assert [one.key for one in many.errors] == ["learn.data.leakage"]
    assert "1.5%" in many.errors[0].text("en")


def test_an_answer_that_drowns_the_rest_is_seen() -> None:
    rows = unlike(40)
    assert "learn.data.repeated_answer" not in {one.key for one in examine(rows).problems}
    rows += [dialogue(prose(9), "I don't know.", id=f"x{n}") for n in range(5)]
    found = examine(rows)
    assert found.repeat.answer == "I don't know." and found.repeat.share == pytest.approx(5 / 45)
    assert "learn.data.repeated_answer" in {one.key for one in found.problems}
    assert examine([dialogue("Hi", "No."), dialogue("a", prose(5))]).short_answers == 0.5


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to ann.b@example.org please", "emails"),
        ("call +49 30 901820 today", "phones"),
        ("call 010-67023355", "phones"),
        ("打13800138000", "phones"),
        ("card 4111 1111 1111 1111", "cards"),
        ("card 4111 1111 1111 1112", ""),
        ("on 2024-03-12 at 10:15", ""),
        ("order 113542617735902", ""),
        ("it costs 1,250.00", ""),
        ("a" * 5_000 + "@", ""),
    ],
)
def test_hints_at_personal_data(text: str, kind: str) -> None:
    assert dict(examine([dialogue(text, "Noted.")]).personal) == ({kind: 1} if kind else {})
    (kept,) = clean([dialogue(text, f"You said {text}.")], redact=True).kept
    assert examine([kept]).personal == {}
    assert (f"[{kind[:-1]}]" in kept.messages[1].text) == bool(kind)


def test_cleaning_keeps_order_and_says_what_it_dropped(tmp_path: Path) -> None:
    text = 'question,answer\n b , c\nd,\n"b"," c"\ne,f\n'
    rows = list(read(made(tmp_path, "a.csv", text)))
    done = clean(rows)
    assert [said(row)[0][1] for row in done.kept] == ["b", "e"]
    kinds = [(one.place[-1], one.key.rpartition(".")[2]) for one in done.dropped]
    assert kinds == [("3", "one_sided"), ("4", "duplicate")]


def examined(*paths: Path, **options: object) -> int:
    chosen = {"format": "", "fix": None, "validation": None, "as_json": False, "language": "en"}
    return run_doctor(list(paths), **{**chosen, **options})  # type: ignore[arg-type]


@pytest.fixture
def files(tmp_path: Path) -> SimpleNamespace:
    broken = "".join(f'{{"question": "q{n}"}}\n' for n in range(25))
    good = "".join(json.dumps({"question": prose(9), "answer": prose(9)}) + "\n" for _ in range(5))
    return SimpleNamespace(
        good=made(tmp_path, "good.jsonl", good),
        bad=made(tmp_path, "bad.jsonl", good + broken),
        out=tmp_path / "out" / "clean.jsonl",
    )


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_command_prints_faults_with_place_and_mend(
    files: SimpleNamespace, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examined(files.bad, language=language) == 1
    printed = capsys.readouterr().out
    assert printed.count("bad.jsonl:") == 20 and "5" in printed
    assert f"{files.bad}:6: " in printed and '"question": "What time is it?"' in printed
    assert examined(files.good, language=language) == 0


def test_the_command_writes_a_clean_copy(files: SimpleNamespace) -> None:
    assert examined(files.bad, fix=files.out) == 0
    found, problems = sorted_out(files.out)
    assert len(found) == 5 and problems == []
    assert examined(files.out) == 0
    with pytest.raises(UserError, match="another one"):
        examined(files.good, fix=files.good)


def test_the_command_speaks_json(
    files: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examined(files.bad, validation=files.good, fix=files.out, as_json=True) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["formats"] == ["pairs"] and answer["fixed"]["dropped"] == 25
    assert answer["leakage"] == {"checked": 5, "exact": 5, "near": 5, "share": 1.0}
    kinds = {one["kind"] for one in answer["problems"]}
    assert {"other_shape", "leak", "leakage"} <= kinds


def test_split_sides_of_unlike_rows_leak_nothing() -> None:
    assert leakage(*split(unlike(200), 0.2, 1)).share == 0


def test_what_calls_and_results_hold_is_redacted_too(tmp_path: Path) -> None:
    mail = {"to": ["ann@example.org"], "note": " kept "}
    call = {"id": "c", "function": {"name": "send", "arguments": mail}}
    messages = [
        {"role": "user", "content": "Write to her."},
        {"role": "assistant", "content": "", "tool_calls": [call], "reasoning": "a@example.org?"},
        {"role": "tool", "content": "Sent to ann@example.org", "tool_call_id": "c"},
        {"role": "assistant", "content": " Done. "},
    ]
    rows, _ = sorted_out(made(tmp_path, "a.jsonl", json.dumps({"messages": messages}) + "\n"))
    assert examine(rows).personal == {"emails": 3}
    (kept,) = clean(rows, redact=True).kept
    called, told, answer = kept.messages[1:]
    assert called.calls[0].arguments == {"to": ["[email]"], "note": " kept "}
    assert (called.reasoning, told.results[0].text) == ("[email]?", "Sent to [email]")
    assert answer.text == "Done."
