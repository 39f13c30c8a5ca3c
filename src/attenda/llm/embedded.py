"""An embedded chat model: messages rendered by our own template, sent to its child process.

Works the same over each engine. Stop strings are cut here, and output under a grammar is checked
again here, so neither rests on an engine's word.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Any

from attenda.core.errors import OperatorError, UserError
from attenda.core.message import Message
from attenda.core.ports import ModelChunk, ModelSettings, Usage
from attenda.core.template import TEMPLATES, ChatTemplate, render, template_hash
from attenda.llm.catalogue import LocalModel
from attenda.llm.gguf_header import read_header
from attenda.llm.grammar import check_output, compile_grammar
from attenda.llm.process import ModelProcess, available_cpus
from attenda.llm.stops import StopFilter

__all__ = ["EmbeddedChat", "open_embedded", "template_for"]


def template_for(model: LocalModel) -> ChatTemplate:
    """The listed template of a model.

    Raises:
        OperatorError: its card names none of ours (the list is in the sentence), or the template is
            no longer what the model learned with.
    """
    if model.template not in TEMPLATES:
        raise OperatorError(
            "model.no_template", name=model.name, known=", ".join(sorted(TEMPLATES))
        )
    template = TEMPLATES[model.template]
    if _learned_with(model) not in ("", template_hash(template)):
        raise OperatorError("learn.template.changed", name=template.name)
    return template


def _learned_with(model: LocalModel) -> str:
    """Hash of the template that the model learned with, where its file says so."""
    with suppress(ValueError):  # of a torn file the engine's process says what is wrong
        return read_header(model.path).template_sha256
    return ""


def open_embedded(
    model: LocalModel, engine: str, context_tokens: int = 8192, hang_s: float = 60.0
) -> "EmbeddedChat":
    """A chat model over `model`'s weights; its process starts with the first request."""
    settings: dict[str, Any] = {
        "path": str(model.path),
        "threads": available_cpus(),
        "context_tokens": context_tokens,
    }
    process = ModelProcess(engine, settings, name=model.name, hang_s=hang_s)
    return EmbeddedChat(process, template_for(model), context_tokens, frozenset(model.languages))


class EmbeddedChat:
    """A `ChatModel` over one child process."""

    def __init__(
        self,
        process: ModelProcess,
        template: ChatTemplate,
        context_tokens: int,
        languages: frozenset[str],
    ) -> None:
        self.name = process.name
        self.process = process
        self._context_tokens = context_tokens
        self.languages = languages
        self.calls_tools = False
        self._template = template

    @property
    def context_tokens(self) -> int:
        """What is asked for, or less, once the engine has said that the weights take no more."""
        return int(self.process.info.get("context_tokens", self._context_tokens))

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered prompt, counted by the model's own tokenizer."""
        prompt = render(messages, self._template)
        return int((await self.process.ask_once({"op": "count", "text": prompt}))["count"])

    async def stream(
        self, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        """Write an answer; closing the iterator stops the engine in mid-generation.

        Raises:
            UserError: the prompt does not fit the context, the grammar does not compile, or tools
                are offered.
            ModelError: the process died or hung, or the output broke its grammar.
        """
        if settings.tools:
            raise UserError("model.no_tools", name=self.name)
        checker = compile_grammar(settings.grammar) if settings.grammar else None
        tokens = await self.count_tokens(messages)
        if tokens >= self.context_tokens:
            raise UserError("model.too_long", tokens=tokens, limit=self.context_tokens)
        request: dict[str, Any] = {
            "op": "generate",
            "prompt": render(messages, self._template),
            **settings.model_dump(exclude={"stop", "tools"}),
        }
        stops = StopFilter((*self._template.stop, *settings.stop))
        whole: list[str] = []
        async with aclosing(self.process.ask(request)) as answers:
            async for answer in answers:
                text = stops.feed(answer.get("text", ""))
                ended = bool(answer.get("end")) or stops.hit
                if ended and not stops.hit:
                    text += stops.rest()
                whole.append(text)
                if ended and checker is not None:
                    check_output(checker, "".join(whole))
                if ended:
                    yield _last(text, answer, tokens)
                    return
                if text:
                    yield ModelChunk(text=text)

    async def close(self) -> None:
        """End the process."""
        await self.process.close()


def _last(text: str, answer: dict[str, Any], prompt_tokens: int) -> ModelChunk:
    usage = Usage(
        prompt_tokens=answer.get("prompt_tokens", prompt_tokens),
        answer_tokens=answer.get("answer_tokens", 0),
    )
    return ModelChunk(text=text, stop_reason=answer.get("stop_reason", "stop"), usage=usage)
