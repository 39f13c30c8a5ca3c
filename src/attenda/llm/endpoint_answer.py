"""What is asked of an OpenAI-compatible server, and its chunks read back as text.

Fields differ from server to server, so the request is made for its kind; chunks are taken for
what they might be, not for what they should be. It knows no connection.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attenda.core.errors import ModelError
from attenda.core.message import Message
from attenda.core.ports import Grammar, ModelSettings, StopReason
from attenda.llm.endpoint_calls import CallReader, offered, plain_messages
from attenda.llm.endpoint_server import ServerKind

__all__ = ["MAX_ANSWER_BYTES", "AnswerReader", "chat_request", "one_line", "refused_field"]

MAX_ANSWER_BYTES = 2 << 20
"""Most bytes of text, shown or thought, that one answer may have."""

_SLACK_TOKENS = 64
_MAX_STOPS = 4
"""Stop strings that every server takes; the others are cut by us alone."""
_DISPENSABLE = {
    "max_tokens": "max_completion_tokens",
    **dict.fromkeys(("stream_options", "seed", "top_p", "temperature", "stop"), ""),
}
"""Fields that some server refuses: what it calls them instead, or nothing if it knows none."""
_REFUSED = re.compile(r"not supported|unsupported|unknown|unrecognized|not permitted|extra", re.I)
_BROKEN_ENDS = frozenset({"abort", "error", "cancelled"})


def one_line(value: object, limit: int = 300) -> str:
    """Words of a server or library as they fit into a sentence."""
    return " ".join(str(value).split()).rstrip(".")[:limit] or type(value).__name__


def chat_request(
    model: str,
    server: ServerKind,
    messages: Sequence[Message],
    settings: ModelSettings,
    max_tokens: int,
) -> dict[str, Any]:
    """The body of a request for a streamed answer."""
    body: dict[str, Any] = {
        "model": model,
        "messages": plain_messages(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": max_tokens,
        "temperature": settings.temperature,
        "seed": settings.seed,
    }
    if settings.top_p < 1:
        body["top_p"] = settings.top_p
    if settings.stop:
        body["stop"] = list(settings.stop[:_MAX_STOPS])
    if settings.repetition_penalty != 1 and server == "llama-server":
        body["repeat_penalty"] = settings.repetition_penalty
    if settings.repetition_penalty != 1 and server == "vllm":
        body["repetition_penalty"] = settings.repetition_penalty
    if settings.tools:
        body["tools"] = offered(settings.tools)
    return {**body, **_bound(settings.grammar, server)} if settings.grammar else body


def _bound(grammar: Grammar, server: ServerKind) -> dict[str, Any]:
    """The fields that bind an answer; where a server has none, the check on the way out is all."""
    if grammar.kind == "json_schema":
        schema = {"name": "answer", "schema": json.loads(grammar.text)}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    if server == "vllm":  # the first since 0.10.2; the second until 0.11, then ignored
        return {"structured_outputs": {"regex": grammar.text}, "guided_regex": grammar.text}
    return {}


def refused_field(body: Mapping[str, Any], failure: ModelError) -> tuple[str, str] | None:
    """The field that the server does not know, and what it calls it; none if that isn't why.

    The other name is empty where the answer can do without. Servers are asked by the common
    names first, since no list of who knows what stays right.
    """
    problem = str(failure.values.get("problem", ""))
    if failure.values.get("status") not in (400, 422) or not _REFUSED.search(problem):
        return None
    for field, other in _DISPENSABLE.items():
        if field in body and re.search(rf"\b{field}\b", problem) and other in problem:
            return field, other
    return None


class AnswerReader:
    """Reads the chunks of one answer; what they say beside the text is in its fields."""

    def __init__(
        self,
        where: Mapping[str, str],
        max_tokens: int,
        scrubbed: Callable[[str], str] = str,
        *,
        takes_calls: bool = False,
    ) -> None:
        """`where` fills the places of every sentence: the endpoint's name and address.

        `scrubbed` takes out of the server's words what no sentence may hold; `takes_calls` says
        that tools were offered.
        """
        self.complete = False
        """Whether the server said that the answer has ended."""
        self.events = 0
        """Events taken so far."""
        self.over = False
        """Whether nothing more comes."""
        self.failure: ModelError | None = None
        """What is wrong with the answer, to be raised once the text before it is out."""
        self.stop_reason: StopReason = "stop"
        self.prompt_tokens = 0
        """As the server counted; 0 as long as it has not said."""
        self.answer_tokens = 0
        """As the server counted, else the number of pieces."""
        self.calls = CallReader()
        """Tools that the model chose."""
        self._takes_calls = takes_calls
        self._where = where
        self._max_tokens = max_tokens
        self._scrubbed = scrubbed
        self._pieces = 0
        self._letters = 0
        self._bytes = 0
        self._half = ""

    def take(self, data: str) -> str:
        """The text of one event; what is wrong beside good text is left in `failure`.

        Raises:
            ModelError: the event can't be read, or the server reports an error.
        """
        self.events += 1
        if data.strip() == "[DONE]":
            self.complete = self.over = True
            return self._joined("")
        chunk = self._read(data)
        if chunk.get("error"):
            raise self._failed(chunk["error"])
        self._note_usage(chunk.get("usage"))
        choices = chunk.get("choices") or [{}]
        choice = choices[0] if isinstance(choices, list) else None
        delta = _said(choice) if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(delta, dict):
            raise self._broken("a chunk without a choice")
        text = _text(delta.get("content"))
        thought = _text(delta.get("reasoning_content") or delta.get("reasoning"))
        self._measure(text, thought)
        self._note_tools(delta)
        self._note_end(choice.get("finish_reason"))
        return self._joined(text)

    def _read(self, data: str) -> dict[str, Any]:
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._broken(f"an event that is no JSON ({one_line(error, 80)})") from error
        if not isinstance(chunk, dict):
            raise self._broken("an event that is no JSON object")
        return chunk

    def _note_usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
            self.prompt_tokens = read if isinstance(read, int) else self.prompt_tokens
            self.answer_tokens = written if isinstance(written, int) else self.answer_tokens

    def _note_tools(self, delta: Mapping[str, Any]) -> None:
        """Where no tool was offered, whatever is called is wrong."""
        letters = self.calls.take(delta)
        if self.calls and not self._takes_calls:
            self.failure = self._unasked(self.calls.first_name)
        self._measure("", "x" * letters)

    def _measure(self, text: str, thought: str) -> None:
        """Hold the answer against its limits.

        A piece is a token or more, but proxies cut pieces anew; three letters a token is few for
        every language that uses letters, so who writes on beyond both counts ignores the limit.
        """
        if not (text or thought):
            return
        self._pieces += 1
        self._letters += len(text) + len(thought)
        self._bytes += len((text + thought).encode(errors="replace"))
        self.answer_tokens = max(self.answer_tokens, self._pieces)
        if min(self._pieces, self._letters / 3) > self._max_tokens + _SLACK_TOKENS:
            self.failure = ModelError("endpoint.endless", **self._where, tokens=self._max_tokens)
        if self._bytes > MAX_ANSWER_BYTES:
            mb = MAX_ANSWER_BYTES >> 20
            self.failure = ModelError("endpoint.too_much", **self._where, mb=mb)

    def _joined(self, text: str) -> str:
        """The text with characters whole: a server may cut one into two escaped halves."""
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1:] <= "\udbff" and not self.over:
            text, self._half = text[:-1], text[-1]
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise self._broken("half a character") from error

    def _note_end(self, reason: object) -> None:
        if not reason:
            return
        if reason in ("tool_calls", "function_call") and not self._takes_calls:
            self.failure = self.failure or self._unasked("")
        elif reason == "content_filter":
            self.failure = ModelError("endpoint.filtered", **self._where)
        elif str(reason) in _BROKEN_ENDS:
            self.failure = self._failed(reason)
        else:
            self.complete = True
            self.stop_reason = "length" if reason == "length" else "stop"
            if self.calls and reason != "length":
                self.stop_reason = "tool_calls"

    def _unasked(self, tool: object) -> ModelError:
        name = one_line(self._scrubbed(str(tool or "?")), 60)
        return ModelError("endpoint.unasked_tool", **self._where, tool=name)

    def _failed(self, error: object) -> ModelError:
        """What the server says of its own failure; servers send an object or words."""
        said = error.get("message") or error.get("detail") if isinstance(error, dict) else None
        problem = one_line(self._scrubbed(str(said or error)))
        return ModelError("endpoint.failed", **self._where, problem=problem)

    def _broken(self, problem: str) -> ModelError:
        return ModelError("endpoint.broken", **self._where, problem=problem)


def _said(choice: Mapping[str, Any]) -> object:
    """What a choice says: a delta of it, or all at once where a server does not stream."""
    return choice.get("delta") or choice.get("message") or {}


def _text(content: object) -> str:
    """The words of a delta's content: a string, or parts of which some are text."""
    if isinstance(content, str):
        return content.replace("\0", "")  # no character of a text, and no database stores it
    if isinstance(content, list):
        parts = (part for part in content if isinstance(part, dict) and part.get("type") == "text")
        return "".join(_text(part.get("text")) for part in parts)
    return ""
