"""Tool calls out of the deltas of an answer: whole or in pieces, by index, by id or by order.

Servers differ in how they cut a call and in how they say which one a piece belongs to. Whatever
comes is a call: one whose arguments can't be read says so, and none is dropped. It knows no
connection and no tool.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attenda.core.message import Message, ToolCallPart
from attenda.core.ports import ToolOffer

__all__ = ["CallReader", "offered", "plain_messages"]

_MOST_CALLS = 128
"""Of one answer; what a model calls beyond is dropped, and the last one kept says so."""


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    problem: str = ""


class CallReader:
    """Gathers the calls of one answer."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def first_name(self) -> str:
        """What is called first, as far as it is named."""
        return self._calls[0].name if self._calls else ""

    def take(self, delta: Mapping[str, Any]) -> int:
        """Take what a delta, or a whole message, says of calls; the letters that came.

        A piece that is no call becomes one with a problem.
        """
        given = delta.get("tool_calls")
        if not given and (old := delta.get("function_call")):  # from before calls were parallel
            given = [{"index": 0, "function": old}]
        if not given:
            return 0
        return sum(self._take_one(one) for one in (given if isinstance(given, list) else [given]))

    def calls(self) -> tuple[ToolCallPart, ...]:
        """The calls, in the order in which they began."""
        return tuple(
            _part(one, one.id or f"call_{number}") for number, one in enumerate(self._calls, 1)
        )

    def _take_one(self, piece: object) -> int:
        function = piece.get("function", piece) if isinstance(piece, dict) else None
        if not isinstance(piece, dict) or not isinstance(function, dict):
            self._begin(None).problem = "a call that is no object"
            return 0
        call = self._belongs_to(piece, function)
        call.id = call.id or _word(piece.get("id"))
        if (name := _word(function.get("name"))) and name != call.name:
            call.name += name
        arguments = function.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            arguments = json.dumps(arguments)  # some servers send them parsed
        call.arguments.append(arguments or "")
        return len(name) + len(arguments or "")

    def _belongs_to(self, piece: Mapping[str, Any], function: Mapping[str, Any]) -> _Call:
        """The call that a piece goes on with, or a new one.

        A second id under one index is another call: some servers count all as 0.
        """
        index, id_ = piece.get("index"), _word(piece.get("id"))
        if isinstance(index, int) and not isinstance(index, bool):
            there = self._by_index.get(index)
            if there is not None and id_ in ("", there.id):
                return there
            return self._begin(index)
        if id_:
            found = next((one for one in self._calls if one.id == id_), None)
            return found or self._begin(None)
        if self._calls and not function.get("name"):
            return self._calls[-1]
        return self._begin(None)

    def _begin(self, index: int | None) -> _Call:
        if len(self._calls) >= _MOST_CALLS:
            self._calls[-1].problem = f"more than {_MOST_CALLS} calls at once"
            return _Call()
        call = _Call()
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _part(call: _Call, id_: str) -> ToolCallPart:
    text = "".join(call.arguments)
    problem, arguments = call.problem, {}
    if not problem and not call.name:
        problem = "a call without a name"
    if not problem:
        try:
            arguments = _read(text)
        except (ValueError, RecursionError) as error:
            problem = f"its arguments are no JSON object ({' '.join(str(error).split())[:80]})"
    return ToolCallPart(id=id_, name=call.name, arguments=arguments, problem=problem)


def _read(text: str) -> dict[str, Any]:
    """The arguments; none at all means that there are none."""
    if not text.strip():
        return {}

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no number")

    found = json.loads(text, parse_constant=refuse)
    if not isinstance(found, dict):
        raise ValueError("it begins with something else")
    json.dumps(found, ensure_ascii=False).encode()  # half a character can't be stored
    return found


def offered(tools: tuple[ToolOffer, ...]) -> list[dict[str, Any]]:
    """Tools as servers are told of them."""
    empty = {"type": "object", "properties": {}}
    return [
        {
            "type": "function",
            "function": {
                "name": one.name,
                "description": one.about,
                "parameters": one.parameters or empty,
            },
        }
        for one in tools
    ]


def plain_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as servers read them, with the calls and results that they hold."""
    return [one for message in messages for one in _plain(message)]


def _plain(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [
            {"role": "tool", "tool_call_id": one.call_id, "content": one.text}
            for one in message.results
        ]
    plain: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls:
        plain["tool_calls"] = [
            {
                "id": one.id,
                "type": "function",
                "function": {"name": one.name, "arguments": json.dumps(one.arguments)},
            }
            for one in message.calls
        ]
    return [plain]
