"""A model seen from inside, what it learns of its data, and its run's report: as pages."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from attenda.cli.invocation import language
from attenda.cli.learn_runs import needs_torch, run_path
from attenda.cli.terminal import out
from attenda.core.errors import UserError
from attenda.core.message import text_message
from attenda.core.words import sentence

if TYPE_CHECKING:
    from attenda.learn.mask import MaskedRow
    from attenda.learn.tokenizer import TextTokenizer

__all__ = ["lens", "mask", "show_mask", "write_report"]


def lens(
    home: Path,
    name: str,
    text: str,
    path: Path,
    template: str,
    *,
    chat: bool,
    as_json: bool,
) -> None:
    """Write a page of what a model does while it reads a text."""
    with needs_torch():
        from attenda.learn.lens import look
        from attenda.learn.lens_page import page
        from attenda.learn.sources import find_source, open_source

    model, tokenizer = open_source(find_source(name, home), template, talks=chat)
    view = look(model, tokenizer, [text_message("user", text)] if chat else text)
    _write(path, page(view, language(), name))
    if as_json:
        layers, heads = view.maps[0].weights.shape[:2]
        row = {"path": str(path), "tokens": len(view.tokens), "layers": layers, "heads": heads}
        print(json.dumps({**row, "loss": view.loss}))
    else:
        out.print(f"✓ {path}", markup=False)


def mask(
    home: Path, name: str, template: str, data: list[Path], count: int, *, all_learned: bool
) -> "list[MaskedRow]":
    """The first rows of data with what a model learns of them."""
    with needs_torch():
        from attenda.learn.mask import masked_rows
        from attenda.learn.plan import DataPlan
        from attenda.learn.rows import read_data

    tokenizer = _tokenizer(home, name, template)
    talks = read_data(DataPlan(files=tuple(data), validation_share=0.0), seed=0).train
    return list(masked_rows(talks[:count], tokenizer, all_learned=all_learned))


def show_mask(rows: "list[MaskedRow]", name: str, path: Path | None, *, as_json: bool) -> None:
    """Rows with what is learned of them: as a page, as JSON, or in the terminal."""
    if path is not None:
        from attenda.learn.lens_page import mask_page

        _write(path, mask_page(rows, language(), name))
        out.print(f"✓ {path}", markup=False)
    elif as_json:
        print(json.dumps([_row(row) for row in rows], ensure_ascii=False, indent=1))
    else:
        for row in rows:
            _print(row)


def write_report(home: Path, name: str, path: Path | None) -> None:
    """Write a run's report, into its folder where no other place is named."""
    from attenda.learn.report import report
    from attenda.learn.run_folder import RunFolder

    folder = RunFolder(run_path(home, name))
    path = path or folder.path / "report.html"
    _write(path, report(folder, language()))
    out.print(f"✓ {path}", markup=False)


def _tokenizer(home: Path, name: str, template: str) -> "TextTokenizer":
    """Of a folder with a tokenizer alone, or of a model."""
    from attenda.learn.model_folder import read_tokenizer
    from attenda.learn.sources import find_source, open_source

    folder = Path(name).expanduser()
    if (folder / "tokenizer.json").exists():
        return read_tokenizer(folder, template)
    return open_source(find_source(name, home), template)[1]


def _row(row: "MaskedRow") -> dict[str, object]:
    tokens = [[piece.text, learned] for piece, learned in zip(row.tokens, row.learned, strict=True)]
    return {"place": row.name, "learned_share": row.share, "tokens": tokens}


def _print(row: "MaskedRow") -> None:
    """A row in the terminal: learned tokens reversed, control tokens dim in brackets."""
    text = Text()
    for piece, learned in zip(row.tokens, row.learned, strict=True):
        style = "black on green" if learned else "dim" if piece.control else ""
        text.append(piece.text, style)
        if piece.text.endswith("↵"):
            text.append("\n")
    counts = {"learned": sum(row.learned), "tokens": len(row.tokens), "share": f"{row.share:.0%}"}
    out.print(Text(row.name, "bold"))
    out.print(sentence(language(), "learn.mask.count", **counts), style="dim", markup=False)
    out.print(text)
    out.print()


def _write(path: Path, page: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, "utf-8")
    except OSError as error:
        raise UserError("learn.data.not_written", path=path, problem=error.strerror) from error
