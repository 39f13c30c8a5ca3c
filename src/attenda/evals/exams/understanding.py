"""The exam of understanding without a generative model: which intent a sentence means.

Ours and plain nearest neighbours (five, by cosine) on the same vectors in the same run; accuracy
and time a sentence. Nothing is chosen on held-out rows. `attenda.evals.exams.intent_sets` cuts.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attenda.core.errors import AttendaError, OperatorError
from attenda.core.ports import Embedder
from attenda.dialogue.nearest import Nearest, NoneOfThese, Unsure
from attenda.evals.exams.intent_sets import SETS, IntentRow, load
from attenda.llm.catalogue import DEFAULT_EMBEDDER, find
from attenda.llm.embedder import open_embedder

__all__ = ["Marks", "examine", "main", "neighbours"]

Floats = NDArray[np.float32]
_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Marks:
    """How well one judge did on the held-out rows."""

    accuracy: float
    """Share of sentences in scope whose intent is ranked first."""
    accepted_accuracy: float
    """The same, where a sentence that is called "none" is wrong."""
    out_of_scope_recall: float | None
    """Share of out-of-scope sentences called "none"; None where the set has none."""
    asked: float
    """Share of sentences in scope that lead to a question between flows."""
    unasked_accuracy: float
    """Share of rightly ranked ones among those taken without a question."""
    milliseconds: float
    """Median time of one sentence, its vector given."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of one sentence."""

    name: str
    """Ranked first."""
    in_scope: bool
    asks: bool = False
    """It would ask which of several is meant."""


Judge = Callable[[str, Floats], Verdict]
"""Text and vector to a verdict."""


async def examine(name: str, folder: Path, embedder: Embedder, most: int = 0) -> dict[str, object]:
    """Sit the exam `name`: figures of ours and of plain neighbours, by name.

    Of the held-out rows only `most` are asked, drawn by a hash of their text; 0 is all.

    Raises:
        NotFound, OperatorError: no such exam; its data is absent or broken.
        ModelError: the embedder failed.
    """
    exam = load(name, folder)
    asked = _drawn(exam.held_out, most)
    train = await embedder.embed([row.text for row in exam.train])
    held_out = await embedder.embed([row.text for row in asked])
    names = [row.name for row in exam.train]
    began = time.perf_counter()
    ours = Nearest.fit(names, [row.text for row in exam.train], train)
    fit_s = time.perf_counter() - began

    def judge(text: str, vector: Floats) -> Verdict:
        judgement = ours.judge(text, vector)
        in_scope = not isinstance(judgement, NoneOfThese)
        return Verdict(judgement.best.name, in_scope, isinstance(judgement, Unsure))

    return {
        "set": name,
        "train_rows": len(exam.train),
        "held_out_rows": len(asked),
        "fit_s": round(fit_s, 2),
        "ours": asdict(_marks(judge, asked, held_out)),
        "neighbours": asdict(_marks(neighbours(names, train), asked, held_out)),
    }


def _drawn(rows: Sequence[IntentRow], most: int) -> Sequence[IntentRow]:
    by_chance = sorted(rows, key=lambda row: hashlib.sha256(row.text.encode()).digest())
    return by_chance[:most] if most else rows


def neighbours(names: Sequence[str | None], vectors: Floats) -> Judge:
    """Plain nearest neighbours: the five likest rows vote with their cosines.

    Out of scope below the cosine of the nearest row that tells the train rows best apart, each
    judged without itself; without out-of-scope rows, below none.
    """
    inside = np.array([name is not None for name in names])
    known, labels = np.unique([name for name in names if name is not None], return_inverse=True)
    rows = vectors[inside]
    threshold = _cosine_threshold(rows, vectors[~inside])

    def judge(_: str, vector: Floats) -> Verdict:
        cosines = rows @ vector
        nearest = np.argsort(-cosines)[:_NEIGHBOURS]
        votes = np.bincount(labels[nearest], weights=cosines[nearest])
        return Verdict(str(known[int(votes.argmax())]), bool(cosines[nearest[0]] >= threshold))

    return judge


def _cosine_threshold(inside: Floats, outside: Floats) -> float:
    if not len(outside):
        return -1.0
    good = np.sort([np.partition(inside @ row, -2)[-2] for row in inside])  # the best is itself
    bad = np.sort((outside @ inside.T).max(axis=1))
    passed = 1 - np.searchsorted(good, bad) / len(good)
    refused = np.arange(len(bad)) / len(bad)
    return float(bad[int(np.argmax(passed + refused))])


def _marks(judge: Judge, rows: Sequence[IntentRow], vectors: Floats) -> Marks:
    took: list[float] = []
    verdicts: list[Verdict] = []
    for row, vector in zip(rows, vectors, strict=True):
        began = time.perf_counter()
        verdicts.append(judge(row.text, vector))
        took.append(time.perf_counter() - began)
    strange = [one for one, row in zip(verdicts, rows, strict=True) if row.name is None]
    known = [
        (one, one.name == row.name)
        for one, row in zip(verdicts, rows, strict=True)
        if row.name is not None
    ]
    return Marks(
        accuracy=_share([right for _, right in known]),
        accepted_accuracy=_share([right and one.in_scope for one, right in known]),
        out_of_scope_recall=_share([not one.in_scope for one in strange]) if strange else None,
        asked=_share([one.asks for one, _ in known]),
        unasked_accuracy=_share([right for one, right in known if one.in_scope and not one.asks]),
        milliseconds=round(1000 * float(np.median(took)), 3),
    )


def _share(flags: Sequence[bool]) -> float:
    return round(float(np.mean(flags)), 4) if flags else 0.0


def main() -> int:
    """`python -m attenda.evals.exams.understanding SET`: print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=[*SETS])
    name = parser.parse_args().set
    try:
        print(json.dumps(asyncio.run(_sit(name)), ensure_ascii=False, indent=2))
    except AttendaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


async def _sit(name: str) -> dict[str, object]:
    folder = os.environ.get("ATTENDA_DATA")
    if not folder:
        raise OperatorError("exam.no_folder")
    home = Path(os.environ.get("ATTENDA_HOME") or Path.home() / ".attenda")
    embedder = open_embedder(find(home, DEFAULT_EMBEDDER))
    try:
        return await examine(name, Path(folder), embedder)
    finally:
        await embedder.close()


if __name__ == "__main__":
    sys.exit(main())
