"""The server behind an endpoint: what it is, how much it truly reads, how it counts tokens.

Servers differ most in what they say of their context window, and some cut a long prompt without
a word; so the window that is running is asked for, never the one that the model could have. It is
handed a way to ask, and knows neither the connection nor the key.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from attenda.core.errors import ModelError
from attenda.core.message import Message
from attenda.core.ports import ToolOffer
from attenda.llm.endpoint_calls import offered, plain_messages

__all__ = [
    "ASSUMED_CONTEXT",
    "Ask",
    "Probe",
    "ServerKind",
    "count_by_server",
    "estimate_tokens",
    "fewest_tokens",
    "probe_server",
]

ServerKind = Literal["llama-server", "ollama", "vllm", "other"]
ASSUMED_CONTEXT = 4096
"""Tokens taken for granted where neither the server nor a person says more."""

_OLD_OLLAMA_CONTEXT = 2048
"""What an Ollama that does not tell its running context reads by default."""
_CONTEXT_NAMES = ("max_model_len", "context_length", "context_window", "max_context_length")
"""What servers and clouds call the context window in their list of models."""
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)
_HAN = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_LETTERS = re.compile(r"[A-Za-z ]+")
_WORD = re.compile(r"[A-Za-z]{2,}")
_PER_MESSAGE = 8
_PER_PROMPT = 32
"""For the system message that some templates add where there is none."""


class Probe(BaseModel):
    """What a server said of itself."""

    model_config = ConfigDict(frozen=True)
    server: ServerKind
    context_tokens: int
    """Tokens that prompt and answer may have together."""
    context_from: Literal["server", "declared", "assumed"]
    server_tokens: int = 0
    """The context that the server told; 0 where it told none."""
    note: str = ""
    """Key of the sentence that says what to know about it; its places are this value's fields."""
    models: tuple[str, ...] = ()
    """Models that the server lists."""


class Ask(Protocol):
    """Asks the server for one JSON object."""

    async def __call__(
        self, path: str, body: Mapping[str, Any] | None = None, *, native: bool = False
    ) -> dict[str, Any] | None:
        """The object at `path`, posted to where there is a `body`; none where it has no such page.

        `native` pages lie beside the OpenAI-compatible ones, and being refused there means
        nothing.

        Raises:
            ModelError: the server can't be reached, fails, or refuses the key.
        """
        ...


async def probe_server(ask: Ask, model: str, declared: int, where: Mapping[str, str]) -> Probe:
    """Find out what the server is and how much `model` reads there.

    Raises:
        ModelError: it can't be reached, refuses the key, or has no such model.
    """
    entries = _dicts((await ask("/models") or {}).get("data"))
    models = tuple(str(entry["id"]) for entry in entries if "id" in entry)
    entry = next((one for one in entries if one.get("id") == model), {})
    if any(one.get("owned_by") == "vllm" for one in entries):
        if model not in models:
            raise ModelError("endpoint.no_model", **where, model=model, known=", ".join(models))
        return _probe("vllm", _whole(entry.get("max_model_len")), declared, models)
    props = await ask(f"/props?model={quote(model)}", native=True) or {}
    if isinstance(running := props.get("default_generation_settings"), dict):
        return _probe("llama-server", _whole(running.get("n_ctx")), declared, models)
    if "version" in (await ask("/api/version", native=True) or {}):
        tokens, sure = await _ollama_context(ask, model, where, models)
        found = _probe("ollama", tokens, declared, models)
        return found if sure else found.model_copy(update={"note": "endpoint.note_ollama"})
    told = next((tokens for name in _CONTEXT_NAMES if (tokens := _whole(entry.get(name)))), 0)
    return _probe("other", told, declared, models)


def _probe(server: ServerKind, told: int, declared: int, models: tuple[str, ...]) -> Probe:
    """The smaller of what the server told and what a person declared."""
    tokens = min(told, declared) if told and declared else told or declared or ASSUMED_CONTEXT
    if told:
        note = "endpoint.note_smaller" if told < declared else ""
    else:
        note = "endpoint.note_declared" if declared else "endpoint.note_assumed"
    return Probe(
        server=server,
        context_tokens=tokens,
        context_from="server" if tokens == told else "declared" if declared else "assumed",
        server_tokens=told,
        note=note,
        models=models,
    )


async def _ollama_context(
    ask: Ask, model: str, where: Mapping[str, str], models: tuple[str, ...]
) -> tuple[int, bool]:
    """The context that Ollama runs the model with, and whether that was measured.

    Ollama cuts a longer prompt silently, and what it runs with depends on its settings and the
    machine's memory. So the model is loaded first, as the first request would, and then asked.
    """
    shown = await ask("/api/show", {"model": model}, native=True)
    if shown is None:
        raise ModelError("endpoint.no_model", **where, model=model, known=", ".join(models))
    info = shown.get("model_info")
    info = info if isinstance(info, dict) else {}
    trained = max((_whole(v) for k, v in info.items() if k.endswith(".context_length")), default=0)
    await ask("/api/generate", {"model": model, "stream": False}, native=True)
    running = _dicts((await ask("/api/ps", native=True) or {}).get("models"))
    names = {model, f"{model}:latest"}
    loaded = next((one for one in running if {one.get("name"), one.get("model")} & names), {})
    measured = _whole(loaded.get("context_length"))
    set_by_file = _NUM_CTX.search(str(shown.get("parameters", "")))
    tokens = measured or (int(set_by_file.group(1)) if set_by_file else _OLD_OLLAMA_CONTEXT)
    return min(tokens, trained or tokens), bool(measured or set_by_file)


async def count_by_server(
    ask: Ask,
    server: ServerKind,
    model: str,
    messages: Sequence[Message],
    tools: tuple[ToolOffer, ...] = (),
) -> int | None:
    """Tokens of the rendered prompt by the server's own tokenizer; none where it has none.

    Raises:
        ModelError: the server can't be reached or fails.
    """
    said: dict[str, Any] = {"model": model, "messages": plain_messages(messages)}
    if tools:
        said["tools"] = offered(tools)
    if server == "vllm":
        counted = await ask("/tokenize", {**said, "add_generation_prompt": True}, native=True)
        return _whole((counted or {}).get("count")) or None
    if server == "llama-server":
        rendered = (await ask("/apply-template", said, native=True) or {}).get("prompt")
        if isinstance(rendered, str):
            body = {"content": rendered, "add_special": True, "parse_special": True}
            tokens = (await ask("/tokenize", body, native=True) or {}).get("tokens")
            return len(tokens) if isinstance(tokens, list) and tokens else None
    return None


def estimate_tokens(messages: Sequence[Message], tools: tuple[ToolOffer, ...] = ()) -> int:
    """More tokens than common vocabularies make of the messages and the tools offered.

    Letters and spaces of ASCII count 1/2.5, its digits and marks 1, Chinese, Japanese and Korean
    1.3, other letters of two bytes 1, whatever is longer its bytes; a message adds 8, a prompt
    32. A vocabulary that knows little Chinese makes up to 3 of a character; an `EndpointModel`
    that met one counts upwards from then on.
    """
    plain = plain_messages(messages)
    texts = [one["content"] for one in plain]
    calls = [one["tool_calls"] for one in plain if "tool_calls" in one]
    texts += [json.dumps(one) for one in (*calls, *offered(tools))]
    return _PER_PROMPT + math.ceil(sum(_PER_MESSAGE + _weight(one) for one in texts))


def _weight(text: str) -> float:
    rest = _HAN.sub("", text)
    letters = sum(map(len, _LETTERS.findall(rest)))
    sizes = (len(letter.encode(errors="replace")) for letter in rest)
    others = sum(1 if size <= 2 else size for size in sizes) - letters
    return 1.3 * (len(text) - len(rest)) + letters / 2.5 + others


def fewest_tokens(messages: Sequence[Message]) -> int:
    """Fewer tokens than any vocabulary makes of the messages: one a word, one for three Han."""
    text = "\n".join(message.text for message in messages)
    return len(_WORD.findall(text)) + len(_HAN.findall(text)) // 3


def _whole(value: object) -> int:
    """A number of tokens, 0 for whatever is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
