"""The models of this installation by name: opened when first asked for, closed together.

A name is looked up among the installed models; the engine follows from the platform. Opening a
model starts no process: that is its first request's.
"""

import contextlib
import importlib.util
from pathlib import Path

from attenda.core.errors import AttendaError, OperatorError
from attenda.core.message import text_message
from attenda.core.ports import ChatModel, Embedder
from attenda.llm import catalogue
from attenda.llm.embedded import open_embedded
from attenda.llm.embedder import open_embedder

__all__ = ["LoadedModels", "engine_here"]


def engine_here() -> str:
    """The embedded engine of this platform.

    Raises:
        OperatorError: none is installed.
    """
    for name, module in (("openvino", "openvino_genai"), ("llamacpp", "xllamacpp")):
        if importlib.util.find_spec(module) is not None:
            return name
    raise OperatorError("model.no_engine", module="openvino_genai", requirement="openvino-genai")


class LoadedModels:
    """Chat models and embedders over the weights in one home."""

    def __init__(self, home: Path, default: str, *, hang_s: float = 60.0) -> None:
        self.default = default
        self._home = home
        self._hang_s = hang_s
        self._chats: dict[str, ChatModel] = {}
        self._embedders: list[Embedder] = []
        self._given: Embedder | None = None

    def chat(self, name: str = "") -> ChatModel:
        """The chat model called `name`; empty for the default.

        Raises:
            NotFound: it is not installed; the sentence names the command that pulls it.
            OperatorError: no engine is installed.
        """
        name = name or self.default
        if name not in self._chats:
            model = catalogue.find(self._home, name)
            self._chats[name] = open_embedded(model, engine_here(), hang_s=self._hang_s)
        return self._chats[name]

    def names(self) -> list[str]:
        """Models that are open, those registered by hand among them."""
        return sorted(self._chats)

    def is_running(self, name: str) -> bool:
        """Whether the model's process is up."""
        process = getattr(self._chats.get(name), "process", None)
        return process is not None and process.pid is not None

    async def forget(self, name: str) -> None:
        """Close a model, so that its weights can be removed."""
        model = self._chats.pop(name, None)
        if model is not None:
            await model.close()

    def register(self, model: ChatModel) -> None:
        """Add a model that was opened elsewhere under its own name."""
        self._chats[model.name] = model

    def register_embedder(self, embedder: Embedder) -> None:
        """Use this embedder instead of the installed weights."""
        self._given = embedder

    def embedder(self, *, nice: int = 0) -> Embedder:
        """An embedder with a process of its own.

        Raises:
            NotFound: its weights are not installed.
        """
        if self._given is not None:
            return self._given
        model = catalogue.find(self._home, catalogue.DEFAULT_EMBEDDER)
        self._embedders.append(open_embedder(model, nice=nice))
        return self._embedders[-1]

    async def warm_up(self) -> None:
        """Start the default model and the embedders, so that the first question need not wait.

        A model that cannot start is left to the first run, which says why.
        """
        with contextlib.suppress(AttendaError):
            for embedder in self._embedders[:1]:
                await embedder.embed(["warm"])
            await self.chat().count_tokens([text_message("user", "Hello")])

    async def close(self) -> None:
        """End every process."""
        for chat in self._chats.values():
            await chat.close()
        for embedder in self._embedders:
            await embedder.close()
