"""Tool calls, results and reasoning of a message, in the forms that training data have.

OpenAI's `tool_calls`, `function_call` and `tool_call_id`, ShareGPT's turns of their own for calls
and results, Hermes's marks around results, `reasoning_content`. It knows no rows.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attenda.core.errors import UserError
from attenda.core.message import ReasoningPart, ToolCallPart, ToolResultPart

__all__ = ["CALL_ROLES", "RESULT_ROLES", "calls_beside", "calls_said", "reasoning_in", "results_of"]

CALL_ROLES = frozenset({"function_call", "tool_call"})
"""Turns that are a call, as JSON."""
RESULT_ROLES = frozenset({"tool", "function", "observation", "tool_response", "ipython"})
"""Turns that are a result."""
_MARKS = ("<tool_response>", "</tool_response>")


def calls_beside(message: Mapping[str, Any]) -> list[ToolCallPart]:
    """The calls in the fields of a message of the assistant.

    Raises:
        UserError: one of them can't be read.
    """
    given = message.get("tool_calls")
    if not given and (old := message.get("function_call")):
        given = [old]
    if not given:
        return []
    return [_call(one) for one in (given if isinstance(given, list) else [given])]


def calls_said(text: str) -> list[ToolCallPart]:
    """The calls that are a turn's text, one or a list of them as JSON.

    Raises:
        UserError: it is no such JSON.
    """
    value = _decoded(text)
    return [_call(one) for one in (value if isinstance(value, list) else [value])]


def results_of(message: Mapping[str, Any], text: str) -> list[ToolResultPart]:
    """What a turn of results holds: one, or several between Hermes's marks."""
    call_id = message.get("tool_call_id") or ""
    begin, end = _MARKS
    whole = text.strip()
    texts = [text]
    if whole.startswith(begin) and whole.endswith(end):
        texts = [part.partition(end)[0].strip("\n") for part in whole.split(begin)[1:]]
    return [ToolResultPart(call_id=str(call_id), text=one) for one in texts]


def reasoning_in(message: Mapping[str, Any]) -> list[ReasoningPart]:
    """What was thought, where it has a field of its own."""
    fields = (message.get(name) for name in ("reasoning_content", "reasoning", "thinking"))
    texts: Sequence[str] = [one for one in fields if isinstance(one, str) and one.strip()]
    return [ReasoningPart(text=one) for one in texts[:1]]


def _call(value: object) -> ToolCallPart:
    inner = value.get("function", value) if isinstance(value, dict) else None
    if not isinstance(inner, dict) or not isinstance(name := inner.get("name"), str) or not name:
        raise UserError("learn.data.bad_call", problem="no name")
    given = inner.get("arguments", inner.get("parameters")) or {}
    arguments = _decoded(given) if isinstance(given, str) else given
    if not isinstance(arguments, dict):
        raise UserError("learn.data.bad_call", problem=f"arguments of “{name}” are no object")
    own = value.get("id") if isinstance(value, dict) else ""
    return ToolCallPart(id=str(own or ""), name=name, arguments=arguments)


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("learn.data.bad_call", problem=str(error)) from None
