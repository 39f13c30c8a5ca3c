"""Fields of a JSON row, taken with their types checked, and messages as turns.

A field of another type than expected is an error that names it. It knows no format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attenda.core.errors import UserError
from attenda.core.message import Message, Part, TextPart
from attenda.learn.conversation import Turn
from attenda.learn.formats.tool_parts import (
    CALL_ROLES,
    RESULT_ROLES,
    calls_beside,
    calls_said,
    reasoning_in,
    results_of,
)

__all__ = ["Talk", "first_text", "objects_in", "talk_of", "text_in"]

_ROLES = {
    "developer": "system",
    "human": "user",
    "usr": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "sys": "assistant",
}
"""What other formats call our roles."""

_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})


@dataclass(slots=True)
class Talk:
    """The turns of a list of messages, and what had no place in them."""

    turns: list[Turn] = field(default_factory=list)
    other_parts: int = 0
    """Images, audio and the like."""

    @property
    def notes(self) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """The warnings about what was left out."""
        counts = {"learn.data.other_parts": self.other_parts}
        return tuple((key, {"count": str(count)}) for key, count in counts.items() if count)


def talk_of(value: object, role: str, name: str) -> Talk:
    """Turns of a text, which `role` says, of one message, or of a list of messages.

    Raises:
        UserError: the value, which stands in the field `name`, is none of these.
    """
    talk = Talk()
    if isinstance(value, str):
        talk.turns.append((role, value))
        return talk
    for message in [value] if isinstance(value, dict) else _list(value, name):
        if not isinstance(message, dict):
            raise _wrong(name, "a list of objects")
        _add(talk, message)
    return talk


def text_in(row: Mapping[str, Any], name: str) -> str:
    """A field's text; empty where it is absent or null.

    Raises:
        UserError: it is neither a text nor a number.
    """
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise _wrong(name, "a text")


def first_text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of these fields that has words.

    Raises:
        UserError: one of them is no text.
    """
    return next((text for name in names if (text := text_in(row, name)).strip()), "")


def objects_in(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A field's list of objects.

    Raises:
        UserError: it is no such list.
    """
    value = _list(row.get(name), name)
    if not all(isinstance(one, dict) for one in value):
        raise _wrong(name, "a list of objects")
    return value


def _add(talk: Talk, message: Mapping[str, Any]) -> None:
    speaker = first_text(message, ("role", "from", "speaker"))
    if not speaker:
        raise _wrong("role", "user, assistant")
    role = _ROLES.get(speaker.lower(), speaker.lower())
    field_name = next((one for one in ("content", "value", "text") if one in message), "content")
    words = _words(talk, message.get(field_name), field_name)
    rest: list[Part] = []
    if role in RESULT_ROLES:
        talk.turns.append(Message(role="tool", parts=tuple(results_of(message, words))))
        return
    if role in CALL_ROLES:
        role, words, rest = "assistant", "", [*calls_said(words)]
    elif role == "assistant":
        rest = [*calls_beside(message)]
    thought = reasoning_in(message) if role == "assistant" else []
    if rest or thought:
        said = [TextPart(text=words)] if words.strip() else []
        talk.turns.append(Message(role="assistant", parts=(*thought, *said, *rest)))
    else:
        talk.turns.append((role, words))


def _words(talk: Talk, content: object, name: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    texts = []
    for part in _list(content, name):
        if isinstance(part, dict) and part.get("type") in _TEXT_PARTS:
            texts.append(text_in(part, "text"))
        else:
            talk.other_parts += 1
    return "".join(texts)


def _list(value: object, name: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise _wrong(name, "a list")


def _wrong(name: str, wanted: str) -> UserError:
    return UserError("learn.data.wrong_type", field=name, wanted=wanted)
