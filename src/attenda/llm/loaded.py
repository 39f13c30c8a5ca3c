"""The models of this installation by name: opened when first asked for, closed together.

A name is looked up among the installed models; the engine follows from the platform and the
file. Opening a model starts no process: that is its first request's.
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
from attenda.llm.gguf_header import read_header

__all__ = ["LoadedModels", "engine_for"]

_OPENVINO_READS = ("", "llama", "qwen2", "qwen3")
"""Families that OpenVINO GenAI reads from GGUF files; all others are llama.cpp's."""


def engine_for(model: catalogue.LocalModel) -> str:
    """The embedded engine for a model's file: the platform's, or the one that reads its family.

    Raises:
        OperatorError: it is not installed.
    """
    family = ""
    with contextlib.suppress(ValueError):  # of a torn file the engine's process says what is wrong
        family = read_header(model.path).architecture
    if family in _OPENVINO_READS and importlib.util.find_spec("openvino_genai") is not None:
        return "openvino"
    if importlib.util.find_spec("xllamacpp") is None:
        raise OperatorError("model.no_engine", module="xllamacpp", requirement="attenda[llamacpp]")
    return "llamacpp"


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
            self._chats[name] = open_embedded(model, engine_for(model), hang_s=self._hang_s)
        return self._chats[name]

    def names(self) -> list[str]:
        """Models that are open, those registered by hand among them."""
        return sorted(self._chats)

    def calls_tools(self, name: str) -> bool:
        """Whether the model can choose tools; the embedded ones can't."""
        return name in self._chats and self._chats[name].calls_tools

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
