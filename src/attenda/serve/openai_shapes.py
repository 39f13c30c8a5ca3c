"""The shapes of the OpenAI API that we take and give; extra fields are allowed and ignored.

Only what a field means for us is here; what becomes of it is `openai_api.py`'s.
"""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from attenda.core.errors import UserError
from attenda.core.message import Message, text_message
from attenda.core.ports import Grammar, ModelSettings

__all__ = [
    "ChatRequest",
    "EmbeddingRequest",
    "ResponseRequest",
    "chat_chunk",
    "chat_completion",
    "input_messages",
    "response_object",
    "usage_of",
]

_ROLES = {"developer": "system", "system": "system", "user": "user", "assistant": "assistant"}


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class ChatMessage(_Open):
    """A message: text, or a list of text parts."""

    role: str
    content: str | list[dict[str, Any]] | None = None


class _Drawing(_Open):
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    stream: bool = False

    def settings(self, max_tokens: int | None, stop: tuple[str, ...] = ()) -> ModelSettings:
        """Our settings of a model for this request."""
        return ModelSettings(
            max_tokens=max_tokens or 1024,
            temperature=self.temperature or 0.0,
            top_p=self.top_p or 1.0,
            seed=abs(self.seed or 0) % 2**31,
            stop=stop,
        )


class ChatRequest(_Drawing):
    """POST /v1/chat/completions."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stop: str | list[str] | None = None
    stream_options: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    tool_choice: Any = None
    n: Literal[1] | None = None

    def drawn(self) -> ModelSettings:
        """Settings with the grammar that `response_format` asks for.

        Raises:
            UserError: a tool call is demanded, which these models can't make.
        """
        if self.tool_choice == "required" or isinstance(self.tool_choice, dict):
            raise UserError("openai.no_tools")
        stops = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        settings = self.settings(self.max_completion_tokens or self.max_tokens, stops)
        return settings.model_copy(update={"grammar": _grammar(self.response_format)})

    def conversation(self) -> list[Message]:
        """The messages as ours."""
        return [_message(one.role, one.content) for one in self.messages]


class ResponseRequest(_Drawing):
    """POST /v1/responses."""

    model: str
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    previous_response_id: str | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)


class EmbeddingRequest(_Open):
    """POST /v1/embeddings."""

    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"


def input_messages(body: ResponseRequest) -> list[Message]:
    """The input of a response as messages."""
    if isinstance(body.input, str):
        return [text_message("user", body.input)]
    return [
        _message(str(one.get("role", "user")), one.get("content"))
        for one in body.input
        if one.get("type", "message") == "message"
    ]


def _message(role: str, content: Any) -> Message:
    if role not in _ROLES:
        raise UserError("openai.role", role=role[:40])
    if isinstance(content, list):
        content = "".join(
            part["text"] for part in content if isinstance(part, dict) and "text" in part
        )
    return text_message(_ROLES[role], content or "")  # type: ignore[arg-type]


def _grammar(wanted: dict[str, Any] | None) -> Grammar | None:
    if not wanted or wanted.get("type") == "text":
        return None
    if wanted.get("type") == "json_object":
        return Grammar(kind="json_schema", text='{"type": "object"}')
    schema = (wanted.get("json_schema") or {}).get("schema")
    if not isinstance(schema, dict):
        raise UserError("openai.format")
    return Grammar(kind="json_schema", text=json.dumps(schema))


def chat_chunk(
    id_: str, created: int, model: str, delta: dict[str, Any], finish: str | None = None
) -> dict[str, Any]:
    """A piece of a streamed completion."""
    return {
        "id": id_,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}],
    }


def chat_completion(id_: str, created: int, model: str, answer: dict[str, Any]) -> dict[str, Any]:
    """A whole completion; citations come beside the text, where we have them."""
    message = {"role": "assistant", "content": answer["text"], "refusal": None}
    if answer["citations"]:
        message["citations"] = answer["citations"]
    return {
        "id": id_,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {"index": 0, "message": message, "finish_reason": answer["finish"], "logprobs": None}
        ],
        "usage": usage_of(answer),
    }


def usage_of(answer: dict[str, Any]) -> dict[str, int]:
    """Tokens in the words of chat completions."""
    read, written = answer["prompt_tokens"], answer["answer_tokens"]
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }


def response_object(
    id_: str, created: int, body: ResponseRequest, answer: dict[str, Any], status: str
) -> dict[str, Any]:
    """A response, whole or on its way."""
    text = {
        "type": "output_text",
        "text": answer["text"],
        "annotations": [],
        "citations": answer["citations"],
    }
    item = {
        "id": f"msg_{id_.removeprefix('resp_')}",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [text],
    }
    read, written = answer["prompt_tokens"], answer["answer_tokens"]
    return {
        "id": id_,
        "object": "response",
        "created_at": created,
        "status": status,
        "model": body.model,
        "output": [item] if status == "completed" else [],
        "previous_response_id": body.previous_response_id,
        "instructions": body.instructions,
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": False,
        "tool_choice": "none",
        "tools": [],
        "metadata": {},
        "temperature": body.temperature,
        "top_p": body.top_p,
        "usage": {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        },
    }
