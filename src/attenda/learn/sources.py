"""Where a run begins: a preset, another run, a folder, a GGUF file or an installed model.

Names are looked up among the files of a home; what is found is read, never run.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from attenda.core.errors import UserError
from attenda.learn.families import PRESETS
from attenda.learn.gguf import people_in, read_gguf
from attenda.learn.model_folder import read_folder, read_tokenizer
from attenda.learn.tokenizer import TextTokenizer, load_word_pieces
from attenda.learn.transformer import Transformer

__all__ = ["Source", "find_source", "open_source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A finished model on disk."""

    name: str
    path: Path
    """A GGUF file, or a folder with a config."""

    @property
    def sha256(self) -> str:
        """Hash of its weights."""
        file = self.path if self.path.is_file() else self.path / "model.safetensors"
        if not file.exists():
            raise UserError("file.missing", path=file)
        with file.open("rb") as weights:
            return hashlib.file_digest(weights, "sha256").hexdigest()

    @property
    def people(self) -> list[str]:
        """Marks of those whose conversations it learned from, where it says so."""
        if self.path.is_file():
            return people_in(self.path)
        try:
            card = json.loads((self.path / "card.json").read_text("utf-8"))
            return [str(one) for one in card.get("people", [])]
        except (OSError, ValueError, AttributeError, TypeError):
            return []


def find_source(name: str, home: Path) -> Source:
    """The model that `name` means: a path, a run of this home, or an installed model.

    Raises:
        UserError: nothing is called so; what there is is named.
    """
    path = Path(name).expanduser()
    places = [path, home / "runs" / name / "model", home / "models" / name / "model.gguf"]
    places += [home / "models" / name, home / "hub" / name]
    if path.is_dir():
        places = [path / "model", path, path / "model.gguf"]
    for place in places:
        whole = (place / "config.json").exists() or (place / "attenda.json").exists()
        if whole or (place.is_file() and place.suffix == ".gguf"):
            return Source(name, place)
        if place.is_file():
            raise UserError("learn.source.file", path=place)
    runs = (run.parent.name for run in sorted(home.glob("runs/*/model")))
    models = (file.parent.name for file in sorted(home.glob("models/*/model.json")))
    known = ", ".join([*runs, *models]) or "-"
    raise UserError(
        "learn.source.unknown", name=name, known=known, presets=", ".join(sorted(PRESETS))
    )


def open_source(
    source: Source, template: str = "", *, talks: bool = True
) -> tuple[Transformer, TextTokenizer]:
    """The model and its tokenizer; where it need not talk, also one that knows no conversations.

    Raises:
        UserError: it is damaged, or its architecture, tokenizer or template is unknown.
    """
    if source.path.is_file():
        return read_gguf(source.path, template)
    if not talks and not template and (own := load_word_pieces(source.path)):
        return read_folder(source.path), own
    return read_folder(source.path), read_tokenizer(source.path, template)
