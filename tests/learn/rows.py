"""Data sets made for a test: files from texts, conversations from what a test draws."""

from pathlib import Path

from hypothesis import strategies as st

from attenda.core.message import Message, text_message
from attenda.learn.dialogues import Dialogue, Problem, read

__all__ = ["dialogue", "dialogues", "made", "said", "sorted_out"]


def made(folder: Path, name: str, text: str | bytes) -> Path:
    """A file of this text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def sorted_out(path: Path, format: str = "") -> tuple[list[Dialogue], list[Problem]]:
    """Conversations and problems; each problem has its sentence in both languages."""
    rows = list(read(path, format))
    problems = [row for row in rows if isinstance(row, Problem)]
    assert all(one.text("en") and one.text("zh-CN") and one.place for one in problems)
    return [row for row in rows if isinstance(row, Dialogue)], problems


def said(row: Dialogue) -> list[tuple[str, str]]:
    """Who says what."""
    return [(message.role, message.text) for message in row.messages]


def dialogue(*texts: str, id: str = "1", group: str = "", place: str = "a:1") -> Dialogue:
    """User and assistant in turns."""
    roles = ("user", "assistant")
    messages = tuple(text_message(roles[n % 2], text) for n, text in enumerate(texts))  # type: ignore[arg-type]
    return Dialogue(id, messages, group or id, place)


_words = st.text(min_size=1, max_size=30).filter(str.strip)


@st.composite
def _dialogue(draw: st.DrawFn) -> Dialogue:
    texts = draw(st.lists(_words, min_size=2, max_size=5))
    first = draw(st.integers(0, 1))
    roles = ("user", "assistant")
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(text_message("system", draw(_words)))
    for n, text in enumerate(texts):
        messages.append(text_message(roles[(n + first) % 2], text))  # type: ignore[arg-type]
    rejected = None
    if messages[-1].role == "assistant":
        worse = draw(st.none() | _words)
        if worse is not None and worse.strip() != messages[-1].text.strip():
            rejected = text_message("assistant", worse)
    name = st.text(min_size=1, max_size=8).filter(str.strip)
    return Dialogue(draw(name), tuple(messages), draw(name), "made:1", rejected)


dialogues = st.lists(_dialogue(), max_size=8)
