"""Whatever text comes in, the spans hold exactly and nothing readable is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attenda.knowledge.parse import Parsed, UnreadableFile, parse_file

CHECKED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ANY = st.text(st.characters(codec="utf-8"), max_size=200)
MARKS = st.lists(
    st.sampled_from(
        [
            "# ",
            "## a",
            "- ",
            "1. ",
            "> ",
            "```",
            "\n",
            "\n\n",
            "|a|b|",
            "|-|-|",
            "    ",
            "\t",
            "***",
        ]
        + [
            "===",
            "---",
            "<div>",
            "<!--",
            "-->",
            "[x]: y",
            "\\",
            "*b*",
            "word",
            "文字",
            "\x0b",
            "\u2028",
        ]
        + [
            "\r\n",
            "\r",
            "\0",
            "<b>",
            "</b>",
            "&amp;",
            "<table><tr><td>",
            "<li>",
            "<pre>",
            "e\u0301",
        ]
    ),
    max_size=40,
).map("".join)


def attempt(put: Callable[[bytes], Path], name: str, data: bytes) -> list[Parsed]:
    try:
        return parse_file(put(data), name)
    except UnreadableFile as error:
        if error.code not in ("no_text", "empty", "unknown_type"):
            raise
        return []


def letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
@CHECKED
@given(text=ANY | MARKS)
def test_source_texts(name: str, text: str, put: Any, spans: Any) -> None:
    for document in attempt(put, name, text.encode()):
        spans(document)
        assert Parsed.from_json(document.to_json()) == document
        covered = "".join(document.text[b.start : b.end] for b in document.blocks)
        if "<" not in text and not text.startswith("---"):
            assert letters(covered) == letters(document.text)
            assert letters(document.text) == letters(text)


@CHECKED
@given(text=MARKS)
def test_html(text: str, put: Any, spans: Any) -> None:
    for document in attempt(put, "a.html", text.encode()):
        spans(document)


@CHECKED
@given(rows=st.lists(st.lists(ANY, min_size=2, max_size=3), min_size=2, max_size=5), raw=MARKS)
def test_csv(rows: list[list[str]], raw: str, put: Any, spans: Any) -> None:
    quoted = "\n".join(",".join('"' + c.replace('"', '""') + '"' for c in row) for row in rows)
    for source in (quoted, raw):
        for document in attempt(put, "a.csv", source.encode()):
            spans(document)


@CHECKED
@given(rows=st.lists(st.tuples(ANY | MARKS, ANY | MARKS), min_size=1, max_size=4))
def test_jsonl(rows: list[tuple[str, str]], put: Any, spans: Any) -> None:
    kept = [(title, text) for title, text in rows if text.replace("\0", "").strip()]
    lines = [json.dumps({"title": title, "text": text}) for title, text in kept]
    try:
        documents = attempt(put, "a.jsonl", "\n".join(lines).encode())
    except UnreadableFile as error:
        assert error.code == "row_without_text"
        number = int(error.detail.split()[1])
        assert not letters(kept[number - 1][1]) or "<!--" in kept[number - 1][1]
        return
    assert len(documents) == len(kept)
    for document in documents:
        spans(document)


@CHECKED
@given(subject=ANY, body=ANY | MARKS, junk=st.binary(max_size=200))
def test_mail(subject: str, body: str, junk: bytes, put: Any, spans: Any) -> None:
    head = f"Subject: {' '.join(subject.split())}\nFrom: a\n"
    head += "Content-Type: text/plain; charset=utf-8\n\n"
    for data in ((head + body).encode(), head.encode() + junk, b"From: x\n" + junk):
        for document in attempt(put, "a.eml", data):
            spans(document)
