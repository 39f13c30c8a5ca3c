"""Text into vectors: MiniLM in a child process, asked in small batches.

Queries and documents may use two processes of the same weights, the documents' at low priority,
so that a large import never makes a question wait. The mathematics is `minilm.py`'s.
"""

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attenda.llm.catalogue import LocalModel
from attenda.llm.engine import Answer, Request
from attenda.llm.process import ModelProcess, available_cpus

__all__ = ["EmbedderClient", "MiniLMEngine", "open_embedder"]

_BATCH = 32
"""Texts a request: small, so that a cancelled import ends soon."""


class MiniLMEngine:
    """The child's side: one request at a time."""

    def __init__(self, folder: str, threads: int) -> None:
        from attenda.llm.minilm import MiniLM

        self._model = MiniLM(Path(folder), threads)
        self._model.embed(["warm"])

    def info(self) -> Answer:
        """The width of the vectors."""
        return {"width": self._model.width}

    def take(self, request: Request) -> list[Answer]:
        """Embed at once; the vectors go back as base64 of float32, row by row."""
        vectors = self._model.embed(request["texts"])
        body = base64.b64encode(vectors.astype("<f4").tobytes()).decode()
        return [{"id": request["id"], "vectors": body, "end": True}]

    def cancel(self, number: int) -> None:
        """Too late: requests are done when taken."""

    def busy(self) -> bool:
        """Never between requests."""
        return False

    def step(self) -> list[Answer]:
        """Nothing is left to do."""
        return []


class EmbedderClient:
    """An `Embedder` over a child process."""

    def __init__(self, process: ModelProcess, name: str, width: int) -> None:
        self.name = name
        self.width = width
        self.process = process

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of `texts`, (N, D) float32 of length 1.

        Raises:
            ModelError: the process died, hung or could not load.
        """
        rows: list[NDArray[np.float32]] = []
        for first in range(0, len(texts), _BATCH):
            batch = list(texts[first : first + _BATCH])
            answer = await self.process.ask_once({"op": "embed", "texts": batch})
            flat = np.frombuffer(base64.b64decode(answer["vectors"]), dtype="<f4")
            rows.append(flat.reshape(len(batch), self.width))
        return np.concatenate(rows) if rows else np.zeros((0, self.width), dtype=np.float32)

    async def close(self) -> None:
        """End the process."""
        await self.process.close()


def open_embedder(model: LocalModel, width: int = 384, nice: int = 0) -> EmbedderClient:
    """An embedder over `model`'s weights; its process starts with the first request."""
    settings = {"folder": str(model.folder), "threads": available_cpus()}
    process = ModelProcess("minilm", settings, name=model.name, nice=nice)
    return EmbedderClient(process, f"{model.name}@{model.sha256[:12]}", width)
