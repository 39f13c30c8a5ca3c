"""Judges kept in the home: the next start learns nothing anew, and trusts nothing it can't read."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from attenda.api import ScriptedEmbedder
from attenda.dialogue.book import FlowBook
from attenda.runtime import understanding
from attenda.runtime.understanding import learn_examples
from tests.runtime.test_examples_learned import REFUND, WHERE, flow, wanted

FLOWS = {one.name: one for one in (flow("refund", REFUND), flow("where", WHERE))}
SAID = [*REFUND, *WHERE, "what's the weather like", "an order of mine", "退款"]


class CountingEmbedder(ScriptedEmbedder):
    """Counts the sentences that were embedded."""

    def __init__(self) -> None:
        super().__init__(256)
        self.embedded = 0

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += len(texts)
        return await super().embed(texts)


def learned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many sentences a process that starts now embeds to learn."""
    monkeypatch.setattr(understanding, "_kept", type(understanding._kept)())
    embedder = CountingEmbedder()
    asyncio.run(learn_examples(embedder, FlowBook(FLOWS), judges=folder))
    return embedder.embedded


def test_what_was_learned_is_read_at_the_next_start_and_judges_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert learned(tmp_path, monkeypatch) > 20
    before = asyncio.run(wanted(FLOWS, SAID))
    assert learned(tmp_path, monkeypatch) == 0
    assert asyncio.run(wanted(FLOWS, SAID)) == before


def test_a_file_that_is_torn_or_holds_code_is_no_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert learned(tmp_path, monkeypatch)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    canary = tmp_path / "canary"

    class Code:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (canary,)

    for wrong in (b"", whole[: len(whole) // 2], b"\x80\x04."):
        path.write_bytes(wrong)
        assert learned(tmp_path, monkeypatch) > 20
        assert path.read_bytes() == whole
    with path.open("wb") as file:
        np.savez(file, weighing=np.array([Code()], dtype=object))
    assert learned(tmp_path, monkeypatch) > 20
    assert not canary.exists()
