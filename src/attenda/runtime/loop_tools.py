"""What the tool loop offers its model: the pack's tools, and five of its own.

A server's explanation of its own tools is a stranger's text, so where a deed might follow from it
the model is told their names and the types of their arguments alone.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import JsonValue

from attenda.core.message import Message, text_message
from attenda.core.ports import Grammar, ToolOffer
from attenda.runtime.agent import Agent
from attenda.store.sessions import StoredMessage
from attenda.tools.tool import Tool

__all__ = ["Offered", "as_seen", "extraction", "hidden_answers", "prompt", "reading"]

_EXPLAINS = frozenset({"description", "title", "examples", "default", "$comment"})
_MOST_LETTERS = 24_000
"""Of a text that a value is taken out of, or an answer is written from."""
_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\d$"},
    "texts": {"type": ["array", "null"], "items": {"type": "string"}},
}


@cache
def prompt(name: str) -> str:
    """The text of one of our prompts."""
    return (files("attenda.runtime") / "prompts" / f"{name}.txt").read_text("utf-8").strip()


@cache
def _own_offers() -> tuple[ToolOffer, ...]:
    text = (files("attenda.runtime") / "prompts" / "loop_tools.json").read_text("utf-8")
    return tuple(ToolOffer.model_validate(one) for one in json.loads(text))


class Offered:
    """The tools of one turn, under the names that the model knows them by."""

    def __init__(self, tools: Iterable[Tool], left_out: Iterable[str] = ()) -> None:
        """`left_out` are those of our own that have nothing to work on."""
        self._tools: dict[str, Tool] = {}
        given = list(tools)
        self.guarded = any(one.guarded for one in given)
        """Whether a deed might follow: then strangers' words are kept from the model."""
        own = [one for one in _own_offers() if one.name not in set(left_out)]
        self.own = frozenset(one.name for one in own)
        for one in given:
            self._tools[self._free(one.name)] = one
        theirs = (self._offer(name, one) for name, one in self._tools.items())
        self.offers = (*theirs, *own)

    def tool(self, name: str) -> Tool | None:
        """The pack's tool that the model calls so."""
        return self._tools.get(name)

    def _free(self, name: str) -> str:
        """A name that servers take (letters, digits, `_` and `-`, at most 64) and none has yet."""
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:60]
        found, count = plain, 1
        while found in self._tools or found in self.own:
            count += 1
            found = f"{plain}_{count}"
        return found

    def _offer(self, name: str, tool: Tool) -> ToolOffer:
        schema, about = tool.schema(), tool.about
        if tool.strangers_about and self.guarded:
            schema, about = _bare(schema), ""
        return ToolOffer(name=name, about=about, parameters=schema)


def _bare(schema: Any, *, named: bool = False) -> Any:
    """A schema without words of explanation; `named` says that its keys are names of arguments."""
    if isinstance(schema, list):
        return [_bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(one, named=key == "properties" and not named)
        for key, one in schema.items()
        if named or key not in _EXPLAINS
    }


def as_seen(path: Sequence[StoredMessage], *, guarded: bool) -> list[Message]:
    """The conversation as the model sees it; what rests on strangers' words is kept aside."""
    hidden = {one.id for one in _hidden(path)} if guarded else set()
    return [
        text_message(one.message.role, f"({prompt('kept_aside')})" if one.id in hidden else words)
        for one in path
        if one.status != "withdrawn" and (words := one.message.text)
    ]


def hidden_answers(path: Sequence[StoredMessage]) -> list[JsonValue]:
    """The answers that are kept aside."""
    return [one.message.text for one in _hidden(path)]


def _hidden(path: Sequence[StoredMessage]) -> list[StoredMessage]:
    said = (one for one in path if one.message.role == "assistant" and one.status != "withdrawn")
    return [one for one in said if one.integrity == "untrusted" and one.message.text]


def extraction(arguments: Mapping[str, Any], text: str) -> tuple[list[Message], Grammar]:
    """What the model without tools is asked, to take a value out of a text."""
    options = arguments.get("options")
    kind = _KINDS.get(str(arguments.get("kind") or "text"), _KINDS["text"])
    value = {"enum": [*options, None]} if isinstance(options, list) and options else kind
    schema = {
        "type": "object",
        "properties": {"value": value},
        "required": ["value"],
        "additionalProperties": False,
    }
    asked = f"Value: {arguments.get('what')}\n\nText:\n{text[:_MOST_LETTERS]}"
    messages = [text_message("system", prompt("extract")), text_message("user", asked)]
    return messages, Grammar(kind="json_schema", text=json.dumps(schema))


def reading(agent: Agent, question: str, how: str, texts: Sequence[str]) -> list[Message]:
    """What the model without tools is asked, to write the answer from texts."""
    system = "\n".join(one for one in (agent.instructions, agent.tone, prompt("reader")) if one)
    listed = "\n\n".join(f"Text {n}:\n{one}" for n, one in enumerate(texts, 1))[:_MOST_LETTERS]
    asked = "\n\n".join(one for one in (f"Question: {question}", how, listed) if one)
    return [text_message("system", system), text_message("user", asked)]
