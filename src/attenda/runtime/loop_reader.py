"""The model without tools: it reads what strangers wrote, and can do nothing but write.

What it takes out of a text is no better than the text; what it answers is labelled so.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from pydantic import JsonValue

from attenda.core.errors import Denied, ModelError, UserError
from attenda.core.label import Label, Labelled, join_all
from attenda.core.message import Message, text_message
from attenda.core.ports import ChatModel, ModelSettings, Usage
from attenda.core.principal import Principal
from attenda.knowledge.search import Ranked
from attenda.runtime.agent import Agent
from attenda.runtime.answering import Answering
from attenda.runtime.guarding import Guarding
from attenda.runtime.loop_tools import extraction, reading
from attenda.runtime.loop_values import as_text, names_in, resolve
from attenda.runtime.recorder import Recorder
from attenda.tools.call import Outcome

__all__ = ["Reader"]

_VALUE_TOKENS = 400
_ANSWER_TOKENS = 1024


@dataclass
class Reader:
    """Reads for one turn of the tool loop."""

    model: ChatModel
    recorder: Recorder
    who: Principal
    agent: Agent
    answering: Answering
    guarding: Guarding
    usage: Usage = Usage()
    """Of what it read and wrote since it was last asked."""
    _ranked: dict[str, list[Ranked]] = field(default_factory=dict)

    async def search(self, name: str, query: Labelled) -> Labelled:
        """Passages of the documents, under the name of their result; strangers' words all."""
        text = as_text(query.value)
        ranked = await self.answering.find(self.recorder, self.who, self.agent, text) or []
        self._ranked[name] = ranked
        found: list[JsonValue] = [
            {"n": n, "document": one.passage.document, "text": one.passage.text}
            for n, one in enumerate(ranked, 1)
        ]
        sources = query.label.sources | {one.passage.id for one in ranked}
        label = Label(integrity="untrusted", readers=frozenset({self.who.id}), sources=sources)
        return Labelled(value=found, label=label)

    async def extract(
        self, arguments: Mapping[str, JsonValue], results: Mapping[str, Labelled], own: Label
    ) -> Outcome:
        """Take one value out of a text; its label is the text's."""
        given = resolve(dict(arguments), results, own)
        assert isinstance(given.value, dict)
        messages, grammar = extraction(given.value, as_text(given.value.get("from")))
        settings = ModelSettings(max_tokens=_VALUE_TOKENS, grammar=grammar)
        try:
            value = json.loads(await self._said(messages, settings))["value"]
        except (Denied, ModelError, ValueError, KeyError, TypeError):
            return Outcome("failed", problem=UserError("loop.no_value"))
        return Outcome("done", result=Labelled(value=value, label=given.label))

    async def answer(
        self,
        arguments: Mapping[str, JsonValue],
        results: Mapping[str, Labelled],
        own: Label,
        question: str,
    ) -> Label:
        """Write the answer from texts, word by word; the label of what it was made from.

        From passages alone it is written as every answer from documents, each sentence cited.
        """
        names = names_in(arguments.get("from"))
        ranked = [one for name in names for one in self._ranked.get(name, ())]
        if names and all(name in self._ranked for name in names):
            asked = [text_message("user", question)]
            async with self.guarding.pen() as pen:
                usage = await self.answering.respond(
                    pen, self.who, self.agent, self.model, asked, ranked
                )
            self.usage += usage
            return join_all([own, *(results[name].whole_label for name in names)])
        wanted = arguments.get("from")
        texts = [
            resolve(one, results, own) for one in (wanted if isinstance(wanted, list) else [wanted])
        ]
        how = resolve(arguments.get("how", ""), results, own)
        messages = reading(
            self.agent, question, as_text(how.value), [as_text(one.value) for one in texts]
        )
        gap = "\n\n" if self.recorder.length else ""
        stream = self.model.stream(messages, ModelSettings(max_tokens=_ANSWER_TOKENS))
        async with self.guarding.pen() as pen, aclosing(stream) as chunks:
            async for chunk in chunks:
                pen.write(gap + chunk.text if chunk.text else "")
                gap = "" if chunk.text else gap
                self.usage += chunk.usage or Usage()
        return join_all([own, how.label, *(one.label for one in texts)])

    async def _said(self, messages: Sequence[Message], settings: ModelSettings) -> str:
        words: list[str] = []
        async with aclosing(self.model.stream(messages, settings)) as chunks:
            async for chunk in chunks:
                words.append(chunk.text)
                self.usage += chunk.usage or Usage()
        return "".join(words)
