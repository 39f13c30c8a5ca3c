"""`attenda models …`: weights on this machine."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from attenda.cli.terminal import err, out
from attenda.core.config import Settings
from attenda.core.words import sentence
from attenda.llm import catalogue
from attenda.store.erased import erased_people

__all__ = ["add_model", "bring_run", "list_models", "pull_models", "show_model", "use_model"]


def pull_models(home: Path, names: Sequence[str]) -> None:
    """Pull models with a bar; none named takes the defaults."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)  # it may be the first thing in it
    wanted = list(names) or [catalogue.DEFAULT_CHAT, catalogue.DEFAULT_EMBEDDER]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=err) as progress:
        bars = {name: progress.add_task(name, total=None) for name in wanted}

        def show(name: str, done: int, total: int) -> None:
            progress.update(bars[name], completed=done, total=total)

        for name in wanted:
            model = asyncio.run(catalogue.pull(home, name, show))
            progress.update(bars[name], completed=model.size, total=model.size)
    for name in wanted:
        out.print(f"✓ {name} ({catalogue.find(home, name).licence})", markup=False)


def list_models(settings: Settings, language: str, *, as_json: bool) -> None:
    """Print what is here and what can be pulled."""
    here = {model.name: model for model in catalogue.installed(settings.home)}
    erased = erased_people(settings.home)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": (here.get(name) or catalogue.CATALOGUE[name]).kind,
            "here": name in here,
            "default": name in (settings.model, catalogue.DEFAULT_EMBEDDER),
            "size": here[name].size if name in here else catalogue.CATALOGUE[name].files[0].size,
            "licence": (here.get(name) or catalogue.CATALOGUE[name]).licence,
            "erased_people": len(erased & set(here[name].people)) if name in here else 0,
        }
        for name in sorted({*here, *catalogue.CATALOGUE})
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "kind", "state", "size", "licence"):
        table.add_column(column)
    for row in rows:
        state = ("here, default" if row["default"] else "here") if row["here"] else "can be pulled"
        size = f"{row['size'] / 1e6:.0f} MB"
        table.add_row(str(row["name"]), str(row["kind"]), state, size, str(row["licence"]))
    out.print(table)
    for row in rows:
        if row["erased_people"]:
            values = {"name": row["name"], "count": row["erased_people"]}
            out.print(sentence(language, "model.erased_people", **values), style="yellow")


def show_model(home: Path, name: str, *, as_json: bool) -> None:
    """Print a model's card; the file is read and its hash compared."""
    model = catalogue.find(home, name)
    catalogue.verify(model)
    card = {
        "name": model.name,
        "kind": model.kind,
        "licence": model.licence,
        "size": model.size,
        "sha256": model.sha256,
        "template": model.template,
        "languages": list(model.languages),
        "path": str(model.path),
        "whole": True,
    }
    if as_json:
        print(json.dumps(card, indent=2))
    else:
        for key, value in card.items():
            out.print(f"{key}: {value}", markup=False)


def add_model(home: Path, path: Path, name: str, template: str) -> None:
    """Add a GGUF file; its chat template must be one of ours."""
    model = catalogue.add_file(home, path, name, template)
    out.print(f"✓ {model.name}: {model.template}, sha256 {model.sha256}", markup=False)


def use_model(home: Path, name: str) -> None:
    """Make a model the default; a finished run is exported and added first."""
    if (home / "runs" / name / "model").is_dir():
        bring_run(home, name)
    catalogue.choose(home, name)
    out.print(f"✓ {name} is the default model.", markup=False)


def bring_run(home: Path, name: str) -> None:
    """Write a run's model as GGUF, in 8 bits, and add it under the run's name."""
    from attenda.cli.learn_files import write_export

    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / f"{name}.gguf"
        write_export(home, name, file, "q8_0")
        add_model(home, file, name, "")
