"""Conversations come out of every format that people have, and faults are named by their line."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attenda.core.errors import UserError
from attenda.learn.conversation import canonical
from attenda.learn.dialogues import read, write
from attenda.learn.formats import FORMATS, recognise
from tests.learn.rows import made, said, sorted_out

HI = [("user", "Hi"), ("assistant", "Hello!")]
S = " +++$+++ "


def rows(*values: object) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def turn(role: str, content: object, **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}


HI_MESSAGES = [turn("user", "Hi"), turn("assistant", "Hello!")]

SAMPLES: dict[str, tuple[str, str, str]] = {
    "messages": ("a.jsonl", "openai", rows({"messages": HI_MESSAGES})),
    "one document": ("a.json", "openai", json.dumps({"messages": HI_MESSAGES}, indent=1)),
    "list": ("a.json", "openai", json.dumps([{"messages": HI_MESSAGES}], indent=2)),
    "wrapped": ("a.json", "openai", json.dumps({"n": 1, "data": [{"messages": HI_MESSAGES}]})),
    "wrapped, indented": (
        "a.json",
        "openai",
        json.dumps({"n": [], "data": [{"messages": HI_MESSAGES}]}, indent=1),
    ),
    "bare lists": ("a.jsonl", "openai", rows(HI_MESSAGES)),
    "parts": (
        "a.jsonl",
        "openai",
        rows({"messages": [turn("user", [{"type": "text", "text": "Hi"}]), HI_MESSAGES[1]]}),
    ),
    "sharegpt": (
        "a.jsonl",
        "sharegpt",
        rows(
            {
                "conversations": [
                    {"from": "human", "value": "Hi"},
                    {"from": "gpt", "value": "Hello!"},
                ]
            }
        ),
    ),
    "alpaca": (
        "a.json",
        "alpaca",
        json.dumps([{"instruction": "Hi", "input": "", "output": "Hello!"}]),
    ),
    "pairs": ("a.jsonl", "pairs", rows({"prompt": "Hi", "completion": "Hello!"})),
    "conversational pairs": (
        "a.jsonl",
        "pairs",
        rows({"prompt": HI_MESSAGES[:1], "completion": HI_MESSAGES[1:]}),
    ),
    "csv": ("a.csv", "csv", "question,answer\r\nHi,Hello!\r\n"),
    "csv with a mark": ("a.csv", "csv", "\ufeffPrompt;Response\nHi;Hello!\n"),
    "tsv": ("a.tsv", "csv", "id\tinput\toutput\n7\tHi\tHello!\n"),
    "chinese columns": ("a.csv", "csv", "问题,答案\nHi,Hello!\n"),
    "a turn a row": ("a.csv", "csv", "conversation_id,speaker,text\n1,human,Hi\n1,bot,Hello!\n"),
    "a dialogue in a cell": ("a.csv", "csv", 'ID,dialogue\n1,"Patient: Hi\nDoctor: Hello!"\n'),
    "sgd": (
        "a.json",
        "sgd",
        json.dumps(
            [
                {
                    "dialogue_id": "1_0",
                    "turns": [
                        {"speaker": "USER", "utterance": "Hi"},
                        {"speaker": "SYSTEM", "utterance": "Hello!"},
                    ],
                }
            ],
            indent=2,
        ),
    ),
    "crosswoz": (
        "test.json",
        "crosswoz",
        json.dumps({"7": {"messages": [turn("usr", "Hi"), turn("sys", "Hello!")]}}, indent=1),
    ),
    "crosswoz on one line": (
        "test.json",
        "crosswoz",
        json.dumps({"7": {"messages": [turn("usr", "Hi"), turn("sys", "Hello!")]}}),
    ),
    "chatterbot": (
        "a.yml",
        "chatterbot",
        "categories:\n- AI\nconversations:\n- - Hi\n  - 'Hello!'\n",
    ),
    "log": ("a.txt", "log", "Ann: Hi\nBen: Hello!\n"),
    "log with clocks": ("a.txt", "log", "[12:03] Ann: Hi\n[12:04:10] Ben: Hello!\n"),
    "log with ISO times": (
        "a.log",
        "log",
        "2024-03-12T10:15:00Z Ann: Hi\n2024-03-12 10:16 Ben: Hello!\n",
    ),
    "WhatsApp": (
        "a.txt",
        "log",
        "12/03/24, 10:14 - Messages are end-to-end encrypted.\n"
        "12/03/24, 10:15 - Ann: Hi\n12/03/24, 10:15\u202fAM - Ben: Hello!\n",
    ),
    "WhatsApp of Apple": (
        "a.txt",
        "log",
        "[12.03.24, 10:15:01] Ann: Hi\n\u200e[12.03.24, 10:15:03] Ben: Hello!\n",
    ),
    "chinese log": ("a.txt", "log", "小明：Hi\n客服小王：Hello!\n"),
    "log in Markdown": ("a.md", "log", "**User:** Hi\n\n**Assistant:** Hello!\n"),
    "log with times after names": ("a.txt", "log", "Ann [10:15]: Hi\nBen (Tue 11:02 PM): Hello!\n"),
    "UTF-16": ("a.txt", "log", "Ann: Hi\nBen: Hello!\n"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    file, format, text = SAMPLES[name]
    path = made(tmp_path, file, text.encode("utf-16" if name == "UTF-16" else "utf-8"))
    found, problems = sorted_out(path)
    assert recognise(path) == format
    assert [said(row) for row in found] == [HI] and problems == []
    assert [said(row) for row in read(path, format)] == [HI]  # type: ignore[arg-type]


def test_cornell_files_make_conversations(tmp_path: Path) -> None:
    """The original bytes and names; one person's lines in a row are one turn; a film is a group."""
    lines = [
        f"L3{S}u1{S}m0{S}BEN{S}caf\u00e9",
        f"L2{S}u0{S}m0{S}ANN{S}still me",
        f"L1{S}u0{S}m0{S}ANN{S}made up",
        f"L4{S}u1{S}m0{S}BEN +++$+++",
    ]
    talks = [
        f"u0{S}u1{S}m0{S}['L1', 'L2', 'L3']",
        f"u0{S}u1{S}m0{S}['L3', 'L4']",
        f"u0{S}u1{S}m0{S}['L9']",
    ]
    made(tmp_path, "movie_lines.txt", "\n".join(lines).encode("cp1252"))
    file = made(tmp_path, "movie_conversations.txt", "\n".join(talks))
    made(tmp_path, "pairs.csv", "question,answer\nHi,Hello!\n")
    found, problems = sorted_out(file)
    assert [said(row) for row in found] == [[("user", "made up\nstill me"), ("assistant", "café")]]
    assert found[0].group == "m0" and found[0].place == f"{file}:1"
    kinds = [one.key.rpartition(".")[2] for one in problems]
    assert kinds == ["empty_turns", "one_sided", "cornell_line"]
    beside = sorted_out(tmp_path)
    assert beside[0] == found and beside[1][-1].key == "learn.data.beside_cornell"
    assert sorted_out(tmp_path / "movie_lines.txt")[0] == found
    (tmp_path / "movie_lines.txt").unlink()
    with pytest.raises(UserError, match="side by side"):
        sorted_out(file)


def test_rows_of_two_shapes_may_share_a_file(tmp_path: Path) -> None:
    mixed = rows({"messages": HI_MESSAGES}, {"prompt": "Hi", "chosen": "Yes?", "rejected": "No."})
    path = made(tmp_path, "a.jsonl", mixed)
    found, problems = sorted_out(path)
    assert [row.rejected is None for row in found] == [True, False] and problems == []
    assert [one.key for one in sorted_out(path, "openai")[1]] == ["learn.data.other_shape"]


def test_groups_and_ids_come_along(tmp_path: Path) -> None:
    path = made(tmp_path, "a.csv", 'movie_id,id,question,answer\nm1,7,"a\nb",c\nm1,8,d,e\n')
    found, _ = sorted_out(path)
    assert [(row.id, row.group, row.place) for row in found] == [
        ("7", "m1", f"{path}:2"),
        ("8", "m1", f"{path}:4"),
    ]


def test_a_row_without_id_is_named_by_its_words(tmp_path: Path) -> None:
    """Rows that others are put before keep their ids, so a split keeps them too."""
    few, _ = sorted_out(made(tmp_path, "a.csv", "question,answer\na,b\n"))
    more, _ = sorted_out(made(tmp_path, "b.csv", "question,answer\nc,d\na,b\n"))
    assert few[0].id == more[1].id != more[0].id


def test_words_and_tool_calls_together_are_legal(tmp_path: Path) -> None:
    """Calls, results and reasoning are kept, and come back from the copy that `--fix` writes."""
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "clock", "arguments": '{"zone": 1}'},
    }
    messages = [
        turn("developer", "Be kind."),
        turn("user", "What time is it?"),
        turn("assistant", "Let me look.", tool_calls=[call, {**call, "id": "d"}]),
        turn("tool", "12:00", tool_call_id="c"),
        turn("tool", "12:01", tool_call_id="d"),
        turn("assistant", "Noon.", reasoning_content="Two clocks agree."),
    ]
    row = {"messages": messages, "tools": [{"type": "function"}]}
    (found,), problems = sorted_out(made(tmp_path, "a.jsonl", rows(row)))
    assert [one.key for one in problems] == ["learn.data.tools_offered"]
    looked, told, answer = found.messages[2:]
    assert looked.text == "Let me look." and looked.calls[0].arguments == {"zone": 1}
    assert [one.call_id for one in told.results] == [one.id for one in looked.calls] == ["c", "d"]
    assert (answer.text, answer.reasoning) == ("Noon.", "Two clocks agree.")
    write(tmp_path / "b.jsonl", [found])
    (again,), problems = sorted_out(tmp_path / "b.jsonl")
    assert again.messages == found.messages and problems == []
    assert canonical(again) == canonical(found)


CALLED = {"name": "clock", "arguments": {"zone": 1}}


@pytest.mark.parametrize(
    ("called", "told"),
    [
        ({"from": "function_call", "value": json.dumps(CALLED)}, ["12:00"]),
        ({"from": "tool_call", "value": json.dumps([CALLED, CALLED])}, ["12:00", "12:01"]),
        ({"from": "gpt", "value": "", "tool_calls": [CALLED]}, ["12:00"]),
        ({"role": "assistant", "content": None, "function_call": CALLED}, ["12:00"]),
    ],
)
def test_sharegpts_turns_of_tools_are_read(
    tmp_path: Path, called: dict[str, object], told: list[str]
) -> None:
    marked = "\n".join(f"<tool_response>\n{text}\n</tool_response>" for text in told)
    turns = [
        {"from": "human", "value": "What time is it?"},
        called,
        {"from": "observation" if len(told) == 1 else "tool", "value": marked},
        {"from": "gpt", "value": "Noon."},
    ]
    (found,), problems = sorted_out(made(tmp_path, "a.jsonl", rows({"conversations": turns})))
    assert problems == [] and [one.role for one in found.messages][1:3] == ["assistant", "tool"]
    assert [one.arguments for one in found.messages[1].calls] == [{"zone": 1}] * len(told)
    assert [one.text for one in found.messages[2].results] == told


@pytest.mark.parametrize(
    "function", [{"name": "clock", "arguments": "{"}, {"name": "clock", "arguments": "[1]"}, {}, 3]
)
def test_a_call_that_cant_be_read_is_named_by_its_line(tmp_path: Path, function: object) -> None:
    said = [HI_MESSAGES[0], turn("assistant", "", tool_calls=[{"function": function}])]
    path = made(tmp_path, "a.jsonl", rows({"messages": HI_MESSAGES}, {"messages": said}))
    found, (problem,) = sorted_out(path)
    assert len(found) == 1 and problem.place == f"{path}:2"
    assert problem.key == "learn.data.bad_call" and '{"name": …' in problem.text("en")


def test_reasoning_that_no_model_sees_again_is_said(tmp_path: Path) -> None:
    thinking = turn("assistant", "Hello!", reasoning_content="A greeting.")
    messages = [HI_MESSAGES[0], thinking, HI_MESSAGES[0], thinking]
    _, (problem,) = sorted_out(made(tmp_path, "a.jsonl", rows({"messages": messages})))
    assert (problem.key, problem.values) == ("learn.data.reasoning_unseen", {"count": "1"})


PREFERENCES: dict[str, dict[str, object]] = {
    "texts": {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"},
    "lists": {
        "prompt": HI_MESSAGES[:1],
        "chosen": HI_MESSAGES[1:],
        "rejected": [turn("assistant", "What?")],
    },
    "whole conversations": {
        "chosen": HI_MESSAGES,
        "rejected": [HI_MESSAGES[0], turn("assistant", "What?")],
    },
    "both": {
        "prompt": "Hi",
        "chosen": HI_MESSAGES,
        "rejected": [HI_MESSAGES[0], turn("assistant", "What?")],
    },
    "ours": {"messages": HI_MESSAGES, "rejected": turn("assistant", "What?")},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "Hi"}],
        "chosen": {"from": "gpt", "value": "Hello!"},
        "rejected": {"from": "gpt", "value": "What?"},
    },
    "of OpenAI": {
        "input": {"messages": HI_MESSAGES[:1], "tools": []},
        "preferred_output": HI_MESSAGES[1:],
        "non_preferred_output": [turn("assistant", "What?")],
    },
    "alpaca": {"instruction": "Hi", "input": "", "chosen": "Hello!", "rejected": "What?"},
    "human and assistant": {
        "chosen": "\n\nHuman: Hi\n\nAssistant: Hello!",
        "rejected": "\n\nHuman: Hi\n\nAssistant: What?",
    },
}


@pytest.mark.parametrize("name", PREFERENCES)
def test_preferences_keep_the_worse_answer(name: str, tmp_path: Path) -> None:
    found, problems = sorted_out(made(tmp_path, "a.jsonl", rows(PREFERENCES[name])))
    assert [said(row) for row in found] == [HI] and problems == []
    assert found[0].rejected is not None and found[0].rejected.text == "What?"


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"prompt": "Hi", "chosen": "Hello!", "rejected": " Hello!"}, "same_preference"),
        ({"prompt": "Hi", "chosen": "Hello!", "rejected": ""}, "no_preference"),
        ({"prompt": "Hi", "chosen": "Hello!", "rejected": None}, "wrong_type"),
        ({"chosen": HI_MESSAGES, "rejected": HI_MESSAGES[1:]}, "preference_differs"),
        ({"prompt": "Hi", "completion": "What?", "label": False}, "unpaired"),
        ({"chosen": HI_MESSAGES[:1], "rejected": [turn("user", "Ho")]}, "no_preference"),
    ],
)
def test_a_preference_that_prefers_nothing_is_an_error(
    row: dict[str, object], kind: str, tmp_path: Path
) -> None:
    found, problems = sorted_out(made(tmp_path, "a.jsonl", rows(row)))
    assert found == [] and [one.key for one in problems] == [f"learn.data.{kind}"]


def test_who_answers_in_a_log(tmp_path: Path) -> None:
    """Named so, or not named as the one who asks; a colon in a timed message begins no turn."""
    text = (
        "Support (Eva): Welcome!\nAnn: My order: lost\n\n"
        "Sarah: How can I help?\nCustomer: Refund\nplease\n---\n"
        "2024-01-02 10:00 Ann: one\nNote: two\n\nthree\n2024-01-02 10:01 Ben: four\n"
    )
    found, problems = sorted_out(made(tmp_path, "a.txt", text))
    assert [said(row) for row in found] == [
        [("assistant", "Welcome!"), ("user", "My order: lost")],
        [("assistant", "How can I help?"), ("user", "Refund\nplease")],
        [("user", "one\nNote: two\n\nthree"), ("assistant", "four")],
    ]
    assert [one.key for one in problems] == ["learn.data.starts_with_answer"] * 2


def test_blank_lines_between_all_turns_part_nothing(tmp_path: Path) -> None:
    text = "User: Hi\n\nAssistant: Hello!\n\nUser: Bye\n\nAssistant: Bye!\n"
    found, _ = sorted_out(made(tmp_path, "a.md", text))
    assert [len(row.messages) for row in found] == [4]


def test_our_own_export_gives_the_branch_that_is_shown(tmp_path: Path) -> None:
    def stored(id: str, parent: str | None, role: str, text: str, **more: object) -> object:
        parts = [{"type": "text", "text": text}]
        base = {"id": id, "session_id": "s1", "parent_id": parent, "role": role, "parts": parts}
        return {**base, "status": "done", "thumb": 0, **more}

    export = {
        "user": {"id": "u"},
        "sessions": [
            {"id": "s1", "head_id": "m4", "deleted_at": None, "consent": {"allowed": True}},
            {"id": "s2", "head_id": None, "deleted_at": 5},
        ],
        "messages": [
            stored("m0", None, "user", "lost question"),
            stored("m1", "m0", "assistant", "half an ans", status="stopped"),
            stored("m2", "m1", "user", "Hi"),
            stored("m3", "m2", "assistant", "another branch"),
            stored("m4", "m2", "assistant", "Hello!"),
        ],
    }
    for number, text in enumerate((json.dumps(export), json.dumps(export, indent=1))):
        path = made(tmp_path, f"{number}.json", text)
        found, problems = sorted_out(path)
        assert recognise(path) == "attenda" and problems == []
        assert [said(row) for row in found] == [HI] and found[0].group == "s1"
    session = {
        "id": "s1",
        "head_id": "m2",
        "consent": {"allowed": True},
        "messages": [
            {"id": "m1", "parent_id": None, "role": "user", "text": "Hi", "status": "done"},
            {"id": "m2", "parent_id": "m1", "role": "assistant", "text": "Hello!", "thumb": 1},
        ],
    }
    assert [said(row) for row in sorted_out(made(tmp_path, "s.json", json.dumps(session)))[0]] == [
        HI
    ]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.jsonl", "", "empty"),
        ("a.csv", "\n \n", "empty"),
        ("a.jsonl", b"\x80\x04\x95\x10\x00", "pickle"),
        ("a.csv", b"PK\x03\x04rest", "xlsx"),
        ("a.txt", b"Ann: Hi\0", "no text file"),
        ("a.json", "[]", "empty"),
        ("a.csv", "问题,答案\n你好,您好\n".encode("gb18030"), "no UTF-8"),
        ("a.json", '{"massages": [], "x": 1}', "nearest is openai"),
        ("a.json", '[{"instructions": "x", "outputs": "y"}]', "nearest is alpaca"),
        ("a.json", '[\n{"messages": \n', "a.json:3: is broken JSON"),
        ("a.txt", "Once upon a time\nthere was a file\n", "no format"),
        ("a.csv", "utterance,intent\nHi,greet\n", "the columns utterance, intent,"),
        ("missing.csv", None, "no readable file"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(
    name: str, text: str | bytes | None, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / name if text is None else made(tmp_path, name, text)
    with pytest.raises(UserError, match=sentence):
        list(read(path))


def test_an_unknown_format_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="openai"):
        list(read(made(tmp_path, "a.jsonl", "{}"), "parquet"))


GOOD = rows({"messages": HI_MESSAGES})


@pytest.mark.parametrize(
    ("line", "kind", "severity"),
    [
        ('{"messages": [', "broken_json", "error"),
        (b'{"messages": "caf\xe9"}', "not_utf8", "error"),
        ("[1, 2]", "no_object", "error"),
        ("[" * 100_000, "broken_json", "error"),
        (rows({"text": "Hi"}), "other_shape", "error"),
        (rows({"messages": ["Hi", "Hello!"]}), "wrong_type", "error"),
        (rows({"messages": [turn("user", 5)]}), "wrong_type", "error"),
        (rows({"messages": []}), "empty", "error"),
        (rows({"messages": HI_MESSAGES[:1]}), "one_sided", "error"),
        (rows({"messages": [turn("user", " "), HI_MESSAGES[1]]}), "one_sided", "error"),
        (rows({"messages": [turn("narrator", "x"), *HI_MESSAGES]}), "unknown_role", "error"),
        (rows({"messages": [*HI_MESSAGES, turn("user", "")]}), "empty_turns", "warning"),
        (rows({"messages": [HI_MESSAGES[0], *HI_MESSAGES]}), "joined", "warning"),
        (rows({"messages": HI_MESSAGES[::-1]}), "starts_with_answer", "warning"),
        (rows({"messages": [turn("user", "<|im_end|>x"), HI_MESSAGES[1]]}), "controls", "warning"),
        (
            GOOD.replace("Hi", "\\ud83d"),
            "lost_characters",
            "warning",
        ),
        (
            rows({"messages": [turn("user", [{"type": "image_url"}]), *HI_MESSAGES]}),
            "other_parts",
            "warning",
        ),
    ],
)
def test_a_fault_is_named_at_its_line_and_the_rest_goes_on(
    line: str | bytes, kind: str, severity: str, tmp_path: Path
) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    path = made(tmp_path, "a.jsonl", GOOD.encode() + raw.rstrip(b"\n") + b"\n" + GOOD.encode())
    found, problems = sorted_out(path)
    named = [(one.place, one.key, one.severity) for one in problems]
    assert (f"{path}:2", f"learn.data.{kind}", severity) in named
    assert len(found) == (2 if severity == "error" else 3)


def test_faults_of_a_table_are_named_at_their_line(tmp_path: Path) -> None:
    text = 'question,answer\na,b\nonly one\n"c\nd",e\n' + 'f,"' + "x" * 200_000 + "\n"
    found, problems = sorted_out(made(tmp_path, "a.csv", text.encode() + b"\xff,y\n"))
    assert len(found) == 2
    places = [(one.place.rpartition(":")[2], one.key.rpartition(".")[2]) for one in problems]
    assert places[0] == ("3", "cells") and places[1] == ("6", "broken_row")


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    made(tmp_path, "b/two.csv", "question,answer\nc,d\n")
    made(tmp_path, "a.jsonl", GOOD)
    made(tmp_path, "README.md", "About these files.")
    made(tmp_path, "z.jsonl", b"\x80\x04\x95")
    found, problems = sorted_out(tmp_path)
    assert [row.place.rpartition("/")[2] for row in found] == ["a.jsonl:1", "two.csv:2"]
    assert [(one.key, one.severity) for one in problems] == [
        ("learn.data.left_out", "warning"),
        ("learn.data.pickle", "error"),
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no files"):
        list(read(tmp_path / "empty"))


def survives(path: Path, format: str = "") -> None:
    """Whatever the file holds, there is a sentence about it at worst."""
    try:
        sorted_out(path, format)
    except UserError as error:
        assert error.text("zh-CN")


_relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_relaxed
@given(data=st.binary(max_size=300), format=st.sampled_from(["", *FORMATS]))
@pytest.mark.parametrize("ending", [".txt", ".csv", ".json", ".jsonl", ".yml", ""])
def test_any_bytes_are_survived(data: bytes, format: str, ending: str, tmp_path: Path) -> None:
    survives(made(tmp_path, f"a{ending}", data), format)


@_relaxed
@given(seed=st.integers(0, 2**32), name=st.sampled_from(sorted(SAMPLES)))
def test_damaged_files_are_survived(seed: int, name: str, tmp_path: Path) -> None:
    chance = random.Random(seed)
    file, format, text = SAMPLES[name]
    damaged = bytearray((text * chance.randrange(1, 4)).encode())
    for _ in range(chance.randrange(1, 6)):
        damages: list[Callable[[int], None]] = [
            lambda at: damaged.__setitem__(at, chance.randrange(256)),
            lambda at: damaged.__delitem__(slice(at, at + 5)),
            lambda at: damaged.insert(at, chance.choice(b'"{}[]:,\n\r\\')),
        ]
        chance.choice(damages)(chance.randrange(max(1, len(damaged) - 6)))
    path = made(tmp_path, file, bytes(damaged))
    survives(path)
    survives(path, format)


NAMES = (
    "messages conversations role content from value prompt chosen rejected instruction input"
    " output history system turns speaker utterance dialogue_id id head_id sessions parts type"
    " text parent_id session_id question answer qid conversation tool_calls preferred_output"
    " non_preferred_output label"
).split()

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@_relaxed
@given(values=st.lists(_json, min_size=1, max_size=4), format=st.sampled_from(["", *FORMATS]))
def test_any_json_is_survived(values: list[object], format: str, tmp_path: Path) -> None:
    survives(made(tmp_path, "a.jsonl", rows(*values)), format)
    survives(made(tmp_path, "a.json", json.dumps(values, indent=1)), format)
