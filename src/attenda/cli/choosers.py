"""Choosers of a home: which tuned model is asked where a pack's examples leave something open.

A model is taken on once it was seen to choose better than the examples alone, never unseen.
"""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rich.table import Table

from attenda.cli.evaluating import open_models
from attenda.cli.models import bring_run
from attenda.cli.packs import find_pack, load_pack
from attenda.cli.terminal import err, out
from attenda.core.config import Settings
from attenda.core.errors import OperatorError, UserError
from attenda.core.words import sentence
from attenda.dialogue.book import FlowBook
from attenda.dialogue.choosing import as_row
from attenda.dialogue.nearest_features import language_by_script
from attenda.evals.exams.choosing import (
    LEAST_RIGHT,
    ChoiceMarks,
    examine_chooser,
    hold_back,
    teach,
)
from attenda.llm.loaded import LoadedModels
from attenda.runtime.choosing import Chooser, keep_choosers, kept_choosers
from attenda.runtime.pack import read_pack
from attenda.runtime.understanding import Examples, gather_examples

__all__ = ["set_chooser", "show_chooser", "unset_chooser", "write_choices"]

_MARKS = {
    "asked": "chooser.asked",
    "right": "chooser.right",
    "left_open": "chooser.left_open",
    "begun_right": "chooser.begun_right",
    "begun_wrong": "chooser.begun_wrong",
}


def write_choices(
    settings: Settings, name: str, path: Path, languages: Sequence[str], language: str
) -> None:
    """Write what a pack's examples teach about choosing, as conversations to tune a model on.

    Raises:
        UserError: there is no such pack, or it has no examples in these languages.
        NotFound: the embedder's weights are not there.
    """
    found = asyncio.run(_taught(settings, name, languages, language))
    lines = "".join(json.dumps(as_row(one), ensure_ascii=False) + "\n" for one in found)
    try:
        path.write_text(lines, "utf-8")
    except OSError as error:
        raise OperatorError("pack.not_written", path=path, problem=error.strerror) from error
    out.print(sentence(language, "chooser.rows", count=len(found), path=path), markup=False)


async def _taught(
    settings: Settings, name: str, languages: Sequence[str], language: str
) -> list[Any]:
    models = open_models(settings, "")
    try:
        examples = await _examples(settings, models, name, language)
        with err.status(sentence(language, "exam.learning")):
            found = await asyncio.to_thread(teach, examples, _spoken(name, examples, languages))
    finally:
        await models.close()
    return found


async def _examples(settings: Settings, models: LoadedModels, name: str, language: str) -> Examples:
    book = FlowBook(_flows(settings.home, name))
    if not any(flow.examples for flow in book.current.values()):
        raise UserError("chooser.no_examples", name=name, languages="—")
    with err.status(sentence(language, "exam.learning")):
        return await gather_examples(models.embedder(), book)


def _flows(home: Path, name: str) -> Any:
    flows, _, problems = read_pack(load_pack(find_pack(home, name)))
    if problems:
        raise UserError("pack.wrong", name=name, problems="\n".join(problems))
    return flows


def _spoken(name: str, examples: Examples, wanted: Sequence[str]) -> list[str]:
    """The languages that are asked for, of those that the examples have; none is all."""
    named = zip(examples.texts, examples.flows, strict=True)
    has = {language_by_script(text) for text, flow in named if flow}
    spoken = sorted(has.intersection(wanted) if wanted else has)
    if not spoken:
        raise UserError("chooser.no_examples", name=name, languages=", ".join(wanted))
    return spoken


def set_chooser(settings: Settings, name: str, model: str, language: str, *, as_json: bool) -> int:
    """Let a model choose for a pack in the languages in which it is of use; the exit code.

    Raises:
        UserError: there is no such pack.
        NotFound: there is no such model.
        ModelError: it can't be asked.
    """
    pack = load_pack(find_pack(settings.home, name)).name
    if (settings.home / "runs" / model / "model").is_dir():
        bring_run(settings.home, model)
    marks = asyncio.run(_examined(settings, name, model, language))
    good = [one for one, marked in marks.items() if marked.is_useful]
    if as_json:
        print(json.dumps({one: marked.figures() for one, marked in marks.items()}, indent=1))
    else:
        _tell(marks, language)
    if not good:
        values = {"model": model, "least": f"{LEAST_RIGHT:.0%}"}
        err.print(sentence(language, "chooser.useless", **values), markup=False)
        return 1
    flows = [flow for flow, known in _flows(settings.home, name).items() if known.examples]
    known = {"model": model, "flows": sorted(flows), "languages": good}
    figures = {one: marked.figures() for one, marked in marks.items()}
    keep_choosers(
        settings.home, kept_choosers(settings.home) | {pack: {**known, "figures": figures}}
    )
    if not as_json:
        values = {"model": model, "name": name, "languages": ", ".join(good)}
        out.print(sentence(language, "chooser.set", **values), markup=False)
    return 0


async def _examined(
    settings: Settings, name: str, model: str, language: str
) -> dict[str, ChoiceMarks]:
    models = open_models(settings, model)
    try:
        chat = models.chat(model)
        examples = await _examples(settings, models, name, language)
        spoken = _spoken(name, examples, ())
        held = await asyncio.to_thread(hold_back, examples, spoken)
        flows = frozenset(flow for flow in examples.flows if flow)
        patient = Chooser(chat, flows, frozenset(spoken), settings.model_silence_s)
        with Progress(console=err) as progress:
            going = progress.add_task(f"{name}, {model}", total=len(held))
            return await examine_chooser(patient, held, partial(progress.advance, going))
    finally:
        await models.close()


def _tell(marks: dict[str, ChoiceMarks], language: str) -> None:
    table = Table("", *marks, box=None, pad_edge=False)
    for mark, key in _MARKS.items():
        cells = (str(marked.figures()[mark]) for marked in marks.values())
        table.add_row(sentence(language, key), *cells)
    out.print(table)


def show_chooser(settings: Settings, name: str, language: str, *, as_json: bool) -> None:
    """Tell which model chooses for a pack, and how well it was seen to.

    Raises:
        UserError: there is no such pack.
    """
    known = kept_choosers(settings.home).get(load_pack(find_pack(settings.home, name)).name)
    if as_json:
        print(json.dumps(known, indent=1))
        return
    if known is None:
        out.print(sentence(language, "chooser.none", name=name), markup=False)
        return
    spoken = ", ".join(known["languages"])
    values = {"model": known["model"], "name": name, "languages": spoken}
    out.print(sentence(language, "chooser.set", **values), markup=False)


def unset_chooser(settings: Settings, name: str, language: str) -> None:
    """The examples alone decide again.

    Raises:
        UserError: there is no such pack.
    """
    known = kept_choosers(settings.home)
    if known.pop(load_pack(find_pack(settings.home, name)).name, None) is not None:
        keep_choosers(settings.home, known)
    out.print(sentence(language, "chooser.none", name=name), markup=False)
