"""One conversation of a data set as a value, and what is wrong with one.

Every reader hands in drafts; `finish` alone decides what counts as a conversation, so all formats
keep the same rules. It knows no file and no format.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from attenda.core.message import (
    CitationPart,
    Message,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    text_message,
)
from attenda.core.template import TEMPLATES
from attenda.core.words import sentence

__all__ = [
    "Dialogue",
    "Draft",
    "Problem",
    "Turn",
    "all_texts",
    "canonical",
    "finish",
    "join_turns",
    "rewritten",
    "role_of",
    "with_rest",
]

Turn = tuple[str, str] | Message
"""Who spoke (`system`, `user` or `assistant`) and the words; a message where there is more than
words: reasoning, tool calls, results."""

Beside = ReasoningPart | ToolCallPart | ToolResultPart
"""What a message of a data set holds beside words."""

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
_KNOWN = frozenset((*_ROLES, "tool"))
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
    rejected: Turn | None = None
    notes: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """Warnings of the reader: keys and their values."""
    person: str = ""
    chat: str = ""


def canonical(dialogue: Dialogue) -> str:
    """All of a conversation but its place, as one line of JSON that is equal for equal ones."""
    turns = [[message.role, *with_rest(message)] for message in dialogue.messages]
    rejected = _plain_answer(dialogue.rejected)
    return json.dumps([dialogue.id, dialogue.group, turns, rejected], ensure_ascii=False)


def with_rest(message: Message) -> list[object]:
    """The words of a message, and as plain data what it holds beside them, where it does."""
    rest = [part.model_dump(exclude={"id", "call_id", "problem"}) for part in _beside(message)]
    return [message.text, rest] if rest else [message.text]


def rewritten(
    message: Message, rewrite: Callable[[str], str], *, words_alone: bool = False
) -> Message:
    """The message with all its texts rewritten, those in a call's arguments too."""
    words = (TextPart(text=rewrite(message.text)),) if message.text else ()
    rest = _beside(message)
    if not words_alone:
        rest = [_rewritten_part(part, rewrite) for part in rest]
    thought = [part for part in rest if isinstance(part, ReasoningPart)]
    others = [part for part in rest if not isinstance(part, ReasoningPart)]
    return Message(role=message.role, parts=(*thought, *words, *others))


def _beside(message: Message) -> list[Beside]:
    """What it holds beside its words."""
    return [part for part in message.parts if not isinstance(part, TextPart | CitationPart)]


def _rewritten_part(part: Beside, rewrite: Callable[[str], str]) -> Beside:
    if isinstance(part, ToolCallPart):
        arguments = {rewrite(name): _value(one, rewrite) for name, one in part.arguments.items()}
        return part.model_copy(update={"name": rewrite(part.name), "arguments": arguments})
    return part.model_copy(update={"text": rewrite(part.text)})


def _value(value: JsonValue, rewrite: Callable[[str], str]) -> JsonValue:
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, list):
        return [_value(one, rewrite) for one in value]
    if isinstance(value, dict):
        return {rewrite(name): _value(one, rewrite) for name, one in value.items()}
    return value


def finish(draft: Draft) -> Iterator[Dialogue | Problem]:
    """The problems of a draft, then the conversation if it can be kept.

    Turns of one role in a row become one; turns that hold nothing go.
    """
    for key, values in draft.notes:
        yield Problem(draft.place, key, values, "warning")
    strange = next((role_of(one) for one in draft.turns if role_of(one) not in _KNOWN), None)
    if strange is not None:
        values = {"role": _LOST.sub("\ufffd", strange)[:40], "known": ", ".join(_ROLES)}
        yield Problem(draft.place, "learn.data.unknown_role", values)
        return
    turns = [_message(turn) for turn in draft.turns]
    rejected = None if draft.rejected is None else _message(draft.rejected)
    messages = _joined([one for one in turns if _holds(one)])
    fault = _fault(messages, rejected)
    if fault is not None:
        key, values = fault
        yield Problem(draft.place, key, values)
        return
    for key, values in _warnings(turns, messages, rejected):
        yield Problem(draft.place, key, values, "warning")
    own = draft.id or _hash(messages, rejected)
    whole = tuple(_whole(one) for one in messages)
    worse = None if rejected is None else _whole(rejected)
    yield Dialogue(own, whole, draft.group or own, draft.place, worse, draft.person, draft.chat)


def role_of(turn: Turn) -> str:
    """Who spoke."""
    return turn.role if isinstance(turn, Message) else turn[0]


def join_turns(turns: Sequence[tuple[str, str]]) -> list[Turn]:
    """Turns of one role in a row become one turn, a line for each."""
    joined: list[tuple[str, str]] = []
    for role, text in turns:
        if joined and joined[-1][0] == role:
            joined[-1] = (role, f"{joined[-1][1]}\n{text}")
        else:
            joined.append((role, text))
    return list(joined)


def _message(turn: Turn) -> Message:
    return turn if isinstance(turn, Message) else text_message(_ROLES[turn[0]], turn[1])


def _holds(message: Message) -> bool:
    """Whether there is anything in it: words, or a call, or a result, which may be empty."""
    return bool(message.text.strip() or len(with_rest(message)) > 1)


def _joined(messages: Sequence[Message]) -> list[Message]:
    """As `join_turns` does; what is beside the words stays in its order."""
    joined: list[Message] = []
    for message in messages:
        if not joined or joined[-1].role != message.role:
            joined.append(message)
            continue
        last = joined.pop()
        words = "\n".join(text for text in (last.text, message.text) if text)
        rest = [part for part in (*last.parts, *message.parts) if not isinstance(part, TextPart)]
        parts = (TextPart(text=words), *rest) if words else tuple(rest)
        joined.append(rewritten(Message(role=message.role, parts=parts), lambda text: text))
    return joined


_Fault = tuple[str, Mapping[str, str]]
"""A key of the catalogue, and its values."""


def _fault(messages: Sequence[Message], rejected: Message | None) -> _Fault | None:
    """What makes it no conversation, if anything does."""
    there = {one.role for one in messages}
    missing = [role for role in ("user", "assistant") if role not in there]
    if len(missing) == 2:
        return "learn.data.empty", {}
    if missing:
        return "learn.data.one_sided", {"role": missing[0]}
    if rejected is None:
        return None
    if not _holds(rejected) or messages[-1].role != "assistant":
        return "learn.data.no_preference", {}
    if _stripped(rejected) == _stripped(messages[-1]):
        return "learn.data.same_preference", {}
    return None


def _stripped(message: Message) -> list[object]:
    return with_rest(rewritten(message, str.strip, words_alone=True))


def _warnings(
    turns: Sequence[Message], messages: Sequence[Message], rejected: Message | None
) -> Iterator[_Fault]:
    held = [one for one in turns if _holds(one)]
    wordless = sum(not _holds(one) for one in turns if one.role != "system")
    if wordless:
        yield "learn.data.empty_turns", {"count": str(wordless)}
    apart = sum(one.role != "tool" for one in held) - sum(one.role != "tool" for one in messages)
    if apart:
        yield "learn.data.joined", {"count": str(apart)}
    if next(one.role for one in messages if one.role != "system") == "assistant":
        yield "learn.data.starts_with_answer", {}
    asked = max(place for place, one in enumerate(messages) if one.role == "user")
    if unseen := sum(bool(one.reasoning) for one in messages[:asked]):
        yield "learn.data.reasoning_unseen", {"count": str(unseen)}
    written = [*messages, *([] if rejected is None else [rejected])]
    words = "\n".join(all_texts(one) for one in written)
    controls = sorted(set(_CONTROL.findall(words)))
    if controls:
        yield "learn.data.controls", {"found": ", ".join(controls)}
    if _LOST.search(words):
        yield "learn.data.lost_characters", {}


def all_texts(message: Message) -> str:
    """Everything in it that was written, a line for each."""
    found = [message.text]
    for part in _beside(message):
        if isinstance(part, ToolCallPart):
            found += [part.name, json.dumps(part.arguments, ensure_ascii=False)]
        else:
            found.append(part.text)
    return "\n".join(found)


def _whole(message: Message) -> Message:
    if not _LOST.search(all_texts(message)):
        return message
    return rewritten(message, lambda text: _LOST.sub("\ufffd", text))


def _plain_answer(message: Message | None) -> object:
    """An answer for hashes: its words alone where there is nothing else."""
    plain = None if message is None else with_rest(message)
    return plain[0] if plain and len(plain) == 1 else plain


def _hash(messages: Sequence[Message], rejected: Message | None) -> str:
    turns = [[one.role, *with_rest(one)] for one in messages]
    words = json.dumps([turns, _plain_answer(rejected)])
    return hashlib.sha256(words.encode()).hexdigest()[:16]
