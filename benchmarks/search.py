"""Time of a hybrid search among 20,000 and 200,000 passages, the query's embedding included.

    ATTENDA_DATA=DATA python benchmarks/search.py --weights HOME [--passages 20000 …]

Passages are 10,297 of 120 words on health (MedQuAD, LiveQA), copied until there are enough, ten a
document: words are as frequent as where all documents are of one field. Their vectors are the
real ones of 2,000 passages, copied with noise, since an exact scan takes as long for any values.
Questions are MedQuAD's. Beside it, the parts alone: embedding, FTS5's own ranking without rights,
the bare product of the matrix. Prints one JSON object a size; milliseconds.
"""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from attenda.api import Principal
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.core.label import Label
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.store import documents, lexical, passages, vectors
from attenda.store.database import Connection

__all__ = ["main"]

WHO = Principal(id="usr_owner", role="owner")
WORDS = 120
TOGETHER = 10
REAL = 2000


def read_health(data: Path) -> tuple[list[str], list[str]]:
    """Passages of 120 words out of two sets on health, and the questions of one."""
    rows = [
        json.loads(line)
        for part in sorted((data / "medquad").glob("qa_part*.jsonl"))
        for line in part.open()
    ]
    texts = [f"{row['question']} {row['answer']}" for row in rows]
    answers = (data / "liveqa_med_retrieval" / "answers.jsonl").open()
    texts += [json.loads(line)["text"] for line in answers]
    cut = [
        " ".join(words[at : at + WORDS])
        for words in map(str.split, texts)
        for at in range(0, len(words), WORDS)
    ]
    return cut, list(dict.fromkeys(row["question"] for row in rows))


async def fill(house: House, count: int, texts: list[str]) -> None:
    """Store `count` passages, their words and vectors."""
    noise = np.random.default_rng(count)
    rows = np.concatenate(
        [await house.embedder.embed(texts[at : at + 100]) for at in range(0, REAL, 100)]
    )

    def store(c: Connection) -> None:
        shelf = documents.ensure_collection(c, house.stamps, WHO, "Library")
        index = vectors.ensure_index(c, house.embedder.name, rows.shape[1], house.stamps.now())
        for first in range(0, count, TOGETHER):
            id_ = documents.add_document(
                c, house.stamps, WHO, shelf, name=f"{first}.txt", title=f"Document {first}",
                content_hash=f"{first:064}", state="ready",
            )  # fmt: skip
            label = Label(integrity="untrusted", readers=frozenset({WHO.id}))
            new = [
                passages.NewPassage(
                    f"psg_{first + n}", id_, n, n + 1, None, "", texts[(first + n) % len(texts)],
                    label,
                )
                for n in range(TOGETHER)
            ]  # fmt: skip
            numbers = passages.add_passages(c, new, f"Document {first}")
            near = rows[[(first + n) % REAL for n in range(TOGETHER)]]
            near = near + (first >= REAL) * noise.normal(0, 0.02, near.shape).astype(np.float32)
            near /= np.linalg.norm(near, axis=1, keepdims=True)
            vectors.add_vectors(c, index.id, numbers, near)

    await house.database.write(store)


async def measure(weights: Path, data: Path, count: int, questions: int) -> dict[str, Any]:
    """Fill an installation and ask it."""
    texts, asked = read_health(data)
    chosen = random.Random(3).sample(asked, questions)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "models").symlink_to((weights / "models").resolve())
        settings = Settings(home=home)
        async with open_house(settings, LoadedModels(home, settings.model)) as house:
            begun = time.perf_counter()
            await fill(house, count, texts)
            filled = time.perf_counter() - begun
            begun = time.perf_counter()
            await house.searcher.search(WHO, chosen[0])
            first_ms = 1e3 * (time.perf_counter() - begun)
            report: dict[str, Any] = {"passages": count, "questions": questions}
            for mode in ("both", "words", "vectors"):
                taken = []
                for question in chosen:
                    begun = time.perf_counter()
                    await house.searcher.search(WHO, question, mode=mode)
                    taken.append(1e3 * (time.perf_counter() - begun))
                report[mode] = percentiles(taken)
            taken = []
            for question in chosen:
                begun = time.perf_counter()
                await house.embedder.embed([question])
                taken.append(1e3 * (time.perf_counter() - begun))
            report["embedding_alone"] = percentiles(taken)
        report["fts5_alone"] = bare_words(home / "attenda.db", chosen)
        report["product_alone"] = bare_product(count)
    return {**report, "first_search_ms": round(first_ms), "filled_s": round(filled)}


def bare_words(path: Path, asked: list[str]) -> dict[str, float]:
    """The ranking of FTS5, without rights and without passages."""
    connection = sqlite3.connect(path)
    sql = "SELECT rowid FROM passage_words WHERE passage_words MATCH ? ORDER BY rank LIMIT 60"

    def search(question: str) -> None:
        terms = " OR ".join(f'"{term}"' for term in lexical.query_terms(question))
        connection.execute(sql, (terms,)).fetchall()

    return timed(search, asked)


def bare_product(count: int) -> dict[str, float]:
    """One query against a matrix of float32."""
    matrix = np.random.default_rng(1).normal(size=(count, 384)).astype(np.float32)
    return timed(lambda number: matrix @ matrix[number], range(100))


def timed(work: Callable[[Any], object], items: Any) -> dict[str, float]:
    """Milliseconds of each call."""
    taken = []
    for item in items:
        begun = time.perf_counter()
        work(item)
        taken.append(1e3 * (time.perf_counter() - begun))
    return percentiles(taken)


def percentiles(taken: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    ordered = sorted(taken)
    p95 = ordered[int(len(ordered) * 0.95)]
    return {"p50": round(statistics.median(ordered), 2), "p95": round(p95, 2)}


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--weights", type=Path, required=True, help="home that holds the models")
    parser.add_argument("--passages", type=int, action="append")
    parser.add_argument("--questions", type=int, default=200)
    chosen = parser.parse_args()
    data = Path(os.environ.get("ATTENDA_DATA", "data"))
    if not data.is_dir():
        raise SystemExit(f"The data sets are not at {data}; name their folder in ATTENDA_DATA.")
    for count in chosen.passages or [20_000, 200_000]:
        report = asyncio.run(measure(chosen.weights, data, count, chosen.questions))
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
