"""Search and answers on public sets: recall, nDCG, answered, cited, refused.

    python benchmarks/knowledge.py --weights HOME [--part banking --part cmrc …] [--model default]

`ATTENDA_DATA` names the folder of the data sets. Each part builds its own installation in a
temporary folder and asks it through the same doors as the program: documents are handed in as
files, questions go through a run. `--model none` leaves the documents to answer in their own
words; `default` lets the chat model word the answers. Prints one JSON object a part.
"""

import argparse
import asyncio
import csv
import json
import math
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attenda.api import Principal, ScriptedModel
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.core.event import Cited, Nearest, TextAdded
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.store import documents, sessions

__all__ = ["main"]

WHO = Principal(id="usr_owner", role="owner")
DATA = Path(os.environ.get("ATTENDA_DATA", "data"))
Rows = list[dict[str, Any]]


@asynccontextmanager
async def house_with(weights: Path, rows: Rows, model: str) -> AsyncIterator[House]:
    """An installation that holds `rows` (id, title, text) as one JSON Lines file."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "models").symlink_to((weights / "models").resolve())
        settings = Settings(home=home)
        models = LoadedModels(home, settings.model)
        if model == "none":
            silent = ScriptedModel([], name=settings.model)
            silent.languages = frozenset()
            models.register(silent)
        async with open_house(settings, models) as house:
            body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()

            async def content() -> AsyncIterator[bytes]:
                yield body

            await house.ingester.add(WHO, "Library", "set.jsonl", content())
            await house.ingester.wait_idle()
            counts = await house.database.read(lambda c: documents.count_documents(c, WHO))
            assert counts == {"ready": len(rows)}, counts
            yield house


async def ranked_documents(house: House, query: str, mode: str, k: int) -> list[str]:
    """External ids of the documents behind the best passages, each once."""
    ranked = await house.searcher.search(WHO, query, k * 5, mode=mode)
    ids = list(dict.fromkeys(one.passage.document_id for one in ranked))[:k]
    return await house.database.read(
        lambda c: [documents.document_by_id(c, id_).external_id or "" for id_ in ids]
    )


async def banking(weights: Path, _model: str) -> dict[str, Any]:
    """Recall of the documents that a customer's story needs, by words, vectors and both."""
    folder = DATA / "tau2_bench" / "banking_knowledge"
    raw = [json.loads(line) for line in (folder / "documents.jsonl").open()]
    rows = [{"id": one["id"], "title": one["title"], "text": one["content"]} for one in raw]
    tasks = [one for one in json.loads((folder / "tasks.json").read_text())]
    tasks = [one for one in tasks if one.get("required_documents")]
    result: dict[str, Any] = {"documents": len(rows), "stories": len(tasks)}
    async with house_with(weights, rows, "none") as house:
        for mode in ("words", "vectors", "both"):
            found = [
                await ranked_documents(house, one["user_scenario"]["instructions"], mode, 20)
                for one in tasks
            ]
            for k in (10, 20):
                shares = [
                    len(set(ids[:k]) & set(one["required_documents"]))
                    / len(one["required_documents"])
                    for ids, one in zip(found, tasks, strict=True)
                ]
                result[f"{mode}_recall@{k}"] = round(sum(shares) / len(shares), 4)
    return result


def cmrc_rows() -> tuple[Rows, list[tuple[str, str, str]]]:
    """Passages, and (id, question, answer) of each question."""
    rows: Rows = []
    asked: list[tuple[str, str, str]] = []
    for article in json.loads((DATA / "cmrc2018" / "cmrc2018_dev.json").read_text())["data"]:
        for place, paragraph in enumerate(article["paragraphs"]):
            id_ = f"{article['id']}-{place}"
            rows.append({"id": id_, "title": article["title"], "text": paragraph["context"]})
            asked += [(id_, one["question"], one["answers"][0]["text"]) for one in paragraph["qas"]]
    return rows, asked


async def cmrc(weights: Path, _model: str) -> dict[str, Any]:
    """Share of Chinese questions whose passage is among the first ten documents."""
    rows, asked = cmrc_rows()
    chosen = random.Random(1).sample(asked, 400)
    hits = 0
    async with house_with(weights, rows, "none") as house:
        for id_, question, _ in chosen:
            hits += id_ in await ranked_documents(house, question, "both", 10)
    return {"passages": len(rows), "questions": len(chosen), "hit@10": round(hits / len(chosen), 4)}


async def liveqa(weights: Path, _model: str) -> dict[str, Any]:
    """nDCG@10 of judged answers to consumers' questions, by words, vectors and both."""
    folder = DATA / "liveqa_med_retrieval"
    rows = [json.loads(line) for line in (folder / "answers.jsonl").open()]
    rows = [{"id": one["id"], "title": "", "text": one["text"]} for one in rows]
    questions = [json.loads(line) for line in (folder / "questions.jsonl").open()]
    grades: dict[str, dict[str, int]] = {}
    for row in csv.DictReader((folder / "qrels.csv").open()):
        grades.setdefault(row["qid"], {})[row["answer_id"]] = int(row["grade"]) - 1
    result: dict[str, Any] = {"answers": len(rows), "questions": len(questions)}
    async with house_with(weights, rows, "none") as house:
        for mode in ("words", "vectors", "both"):
            scores = [
                ndcg(await ranked_documents(house, one["paraphrase"], mode, 10), grades[one["qid"]])
                for one in questions
                if any(grades.get(one["qid"], {}).values())
            ]
            result[f"{mode}_ndcg@10"] = round(sum(scores) / len(scores), 4)
    return result


def ndcg(ids: Sequence[str], grades: dict[str, int], k: int = 10) -> float:
    """Normalised discounted cumulative gain with gains 2^g - 1 (Burges et al., 2005)."""

    def gain(values: Sequence[int]) -> float:
        return sum((2**g - 1) / math.log2(place + 2) for place, g in enumerate(values[:k]))

    best = gain(sorted(grades.values(), reverse=True))
    return gain([grades.get(id_, 0) for id_ in ids]) / best if best else 0.0


async def ask(house: House, question: str) -> dict[str, Any]:
    """The answer of a run, its citations, and whether it refused."""
    session = await house.database.write(lambda c: sessions.create_session(c, house.stamps, WHO))
    started = await house.runs.start(WHO, session.id, question)
    events = [one.event async for one in house.runs.follow(session.id, started.after)]
    text = ""
    for event in events:
        if isinstance(event, TextAdded):
            text = text[: event.at] + event.text
    cited = [event.citation for event in events if isinstance(event, Cited)]
    return {"text": text, "cited": cited, "refused": any(isinstance(e, Nearest) for e in events)}


async def check_spans(house: House, cited: Sequence[Any]) -> list[bool]:
    """Whether each citation's words stand in the document at its span."""
    held = []
    for one in cited:
        source = await house.database.read(
            lambda c, id_=one.document_id: documents.document_text(c, WHO, id_)
        )
        held.append(source[one.start : one.end] == one.quote and bool(one.quote.strip()))
    return held


async def answers(
    weights: Path,
    model: str,
    rows: Rows,
    asked: Sequence[tuple[str, str, str | None]],
    gone: Callable[[str], set[str]],
) -> dict[str, Any]:
    """200 questions whose passage is there, 50 whose passage was removed beforehand."""
    order = random.Random(2)
    absent = order.sample(list(asked), 50)
    removed = {id_ for one in absent for id_ in gone(one[0])}
    present = order.sample([one for one in asked if one[0] not in removed], 200)
    tally = {"answered": 0, "right": 0, "spans": 0, "spans_right": 0, "refused": 0}
    begun = time.monotonic()
    async with house_with(weights, [row for row in rows if row["id"] not in removed], model) as h:
        for id_, question, gold in present:
            got = await ask(h, question)
            if not got["cited"]:
                continue
            tally["answered"] += 1
            tally["right"] += await _gold_is_cited(h, got["cited"], id_, gold)
            held = await check_spans(h, got["cited"])
            tally["spans"] += len(held)
            tally["spans_right"] += sum(held)
        for _, question, _ in absent:
            tally["refused"] += not (await ask(h, question))["cited"]
    return {
        "model": model,
        "answered": round(tally["answered"] / len(present), 3),
        "gold_in_cited_passage": round(tally["right"] / max(1, tally["answered"]), 3),
        "cited_words_in_span": round(tally["spans_right"] / max(1, tally["spans"]), 4),
        "refused_when_removed": round(tally["refused"] / len(absent), 3),
        "seconds_a_question": round((time.monotonic() - begun) / 250, 2),
    }


async def _gold_is_cited(house: House, cited: Sequence[Any], id_: str, gold: str | None) -> bool:
    """Whether a cited passage holds the gold answer, or comes from the gold document."""
    for one in cited:
        document = await house.database.read(
            lambda c, d=one.document_id: documents.document_by_id(c, d)
        )
        if gold is None and document.external_id == id_:
            return True
        if gold is not None:
            found = await house.searcher.passage(WHO, one.passage_id)
            if gold in found.text:
                return True
    return False


async def answers_cmrc(weights: Path, model: str) -> dict[str, Any]:
    """Chinese questions; a removed one loses its passage."""
    rows, asked = cmrc_rows()
    return await answers(weights, model, rows, asked, lambda id_: {id_})


async def answers_medquad(weights: Path, model: str) -> dict[str, Any]:
    """Patients' questions; a removed one loses every answer on its topic."""
    raw = [json.loads(line) for line in (DATA / "medquad" / "qa_part1.jsonl").open()]
    raw = [one for one in raw if one["answer"].strip()]
    first = {one["question"]: place for place, one in reversed(list(enumerate(raw)))}
    raw = [one for place, one in enumerate(raw) if first[one["question"]] == place]
    rows = [
        {"id": one["qid"], "title": one["question"], "text": one["answer"], "topic": one["focus"]}
        for one in raw
    ]
    topic = {row["id"]: row["topic"].lower() for row in rows}
    asked = [(row["id"], row["title"], None) for row in rows]
    return await answers(
        weights, model, rows, asked, lambda id_: {i for i, t in topic.items() if t == topic[id_]}
    )


PARTS: dict[str, Callable[[Path, str], Any]] = {
    "banking": banking,
    "cmrc": cmrc,
    "liveqa": liveqa,
    "answers_cmrc": answers_cmrc,
    "answers_medquad": answers_medquad,
}


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--weights", type=Path, required=True, help="home that holds the models")
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--model", choices=["none", "default"], default="none")
    chosen = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"The data sets are not at {DATA}; name their folder in ATTENDA_DATA.")
    for part in chosen.part or list(PARTS):
        result = asyncio.run(PARTS[part](chosen.weights, chosen.model))
        print(json.dumps({"part": part, **result}), flush=True)


if __name__ == "__main__":
    main()
