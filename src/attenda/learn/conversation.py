"""One conversation of a data set as a value, and what is wrong with one.

Every reader hands in drafts; `finish` alone decides what counts as a conversation, so all formats
keep the same rules. It knows no file and no format.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from attenda.core.message import Message, Role, text_message
from attenda.core.template import TEMPLATES
from attenda.core.words import sentence

__all__ = ["Dialogue", "Draft", "Problem", "Turn", "canonical", "finish", "join_turns"]

Turn = tuple[str, str]
"""Who spoke (`system`, `user` or `assistant`) and the words."""

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
_LOST = re.compile("[\ud800-\udfff]")
"""Halves of characters, which no file can hold."""
_CONTROLS = tuple(
    sorted(
        {
            text
            for template in TEMPLATES.values()
            for text in (*template.marks, *template.stop, template.start)
            if text.startswith("<|")
        }
    )
)
_CONTROL = re.compile("|".join(map(re.escape, _CONTROLS)))


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation, ready to be rendered."""

    id: str
    """Stable within its source: the source's own id, else a hash of the words."""
    messages: tuple[Message, ...]
    group: str
    """What a split must keep together: the film, the session, the conversation."""
    place: str
    """`file.csv:12`, for a person to find it."""
    rejected: Message | None = None
    """The worse answer to the same prompt, in preference data; `messages` ends with the better."""
    person: str = ""
    """The mark of the person it came from, where the source says (`core/provenance.py`)."""
    chat: str = ""
    """The mark of the chat it was, where it was one of ours."""

    @property
    def marks(self) -> set[str]:
        """All marks that say where it came from."""
        return {self.person, self.chat} - {""}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place; an error costs the conversation, a warning costs nothing."""

    place: str
    key: str
    """Of the catalogue; the sentence names the fix."""
    values: Mapping[str, str] = field(default_factory=dict)
    severity: Literal["error", "warning"] = "error"

    def text(self, language: str) -> str:
        """The sentence in `language`, without the place."""
        return sentence(language, self.key, **self.values)


@dataclass(frozen=True, slots=True)
class Draft:
    """A conversation as a reader found it, not yet checked."""

    place: str
    turns: Sequence[Turn]
    id: str = ""
    group: str = ""
    rejected: str | None = None
    notes: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """Warnings of the reader: keys and their values."""
    person: str = ""
    chat: str = ""


def canonical(dialogue: Dialogue) -> str:
    """All of a conversation but its place, as one line of JSON that is equal for equal ones."""
    turns = [[message.role, message.text] for message in dialogue.messages]
    rejected = None if dialogue.rejected is None else dialogue.rejected.text
    return json.dumps([dialogue.id, dialogue.group, turns, rejected], ensure_ascii=False)


def finish(draft: Draft) -> Iterator[Dialogue | Problem]:
    """The problems of a draft, then the conversation if it can be kept.

    Turns of one role in a row become one; turns without words go.
    """
    for key, values in draft.notes:
        yield Problem(draft.place, key, values, "warning")
    fault = _fault(draft)
    if fault is not None:
        yield fault
        return
    yield from _warnings(draft)
    turns = _spoken(draft.turns)
    messages = tuple(text_message(_ROLES[role], _whole(text)) for role, text in turns)
    rejected = None
    if draft.rejected is not None:
        rejected = text_message("assistant", _whole(draft.rejected))
    own = draft.id or _hash(turns, draft.rejected)
    group = draft.group or own
    yield Dialogue(own, messages, group, draft.place, rejected, draft.person, draft.chat)


def join_turns(turns: Sequence[Turn]) -> list[Turn]:
    """Turns of one role in a row become one turn, a line for each."""
    joined: list[Turn] = []
    for role, text in turns:
        if joined and joined[-1][0] == role:
            joined[-1] = (role, f"{joined[-1][1]}\n{text}")
        else:
            joined.append((role, text))
    return joined


def _spoken(turns: Sequence[Turn]) -> list[Turn]:
    return join_turns([turn for turn in turns if turn[1].strip()])


def _fault(draft: Draft) -> Problem | None:
    """What makes it no conversation, if anything does."""
    place = draft.place
    strange = next((role for role, _ in draft.turns if role not in _ROLES), None)
    if strange is not None:
        values = {"role": _LOST.sub("\ufffd", strange)[:40], "known": ", ".join(_ROLES)}
        return Problem(place, "learn.data.unknown_role", values)
    turns = _spoken(draft.turns)
    missing = [role for role in ("user", "assistant") if role not in {one for one, _ in turns}]
    if len(missing) == 2:
        return Problem(place, "learn.data.empty")
    if missing:
        return Problem(place, "learn.data.one_sided", {"role": missing[0]})
    if draft.rejected is None:
        return None
    if not draft.rejected.strip() or turns[-1][0] != "assistant":
        return Problem(place, "learn.data.no_preference")
    if draft.rejected.strip() == turns[-1][1].strip():
        return Problem(place, "learn.data.same_preference")
    return None


def _warnings(draft: Draft) -> Iterator[Problem]:
    def warn(key: str, **values: object) -> Problem:
        given = {name: str(value) for name, value in values.items()}
        return Problem(draft.place, key, given, "warning")

    spoken = [turn for turn in draft.turns if turn[1].strip()]
    wordless = sum(not text.strip() for role, text in draft.turns if role != "system")
    if wordless:
        yield warn("learn.data.empty_turns", count=wordless)
    joined = len(spoken) - len(join_turns(spoken))
    if joined:
        yield warn("learn.data.joined", count=joined)
    if next(role for role, _ in spoken if role != "system") == "assistant":
        yield warn("learn.data.starts_with_answer")
    words = "\n".join([*(text for _, text in spoken), draft.rejected or ""])
    controls = sorted(set(_CONTROL.findall(words)))
    if controls:
        yield warn("learn.data.controls", found=", ".join(controls))
    if _LOST.search(words):
        yield warn("learn.data.lost_characters")


def _whole(text: str) -> str:
    return _LOST.sub("\ufffd", text)


def _hash(turns: Sequence[Turn], rejected: str | None) -> str:
    words = json.dumps([[list(turn) for turn in turns], rejected])
    return hashlib.sha256(words.encode()).hexdigest()[:16]
