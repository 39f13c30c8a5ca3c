"""A model by its name on a hub: its files brought into the home, when somebody asks for it.

The official client talks to the hub that `HF_ENDPOINT` names, with the access token in `HF_TOKEN`.
Only a model that arrived whole, as the hub describes each of its files, takes its place.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from attenda.cli.terminal import err
from attenda.core.errors import AttendaError, OperatorError, UserError

if TYPE_CHECKING:
    from huggingface_hub import RepoFile

__all__ = ["bring"]

_WORDS = frozenset(
    {
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
        "merges.txt",
        "chat_template.jinja",
        "model.safetensors.index.json",
    }
)
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")


def bring(home: Path, name: str) -> None:
    """Fetch the model `MAKER/NAME` into the home, unless it is there or is a path.

    Raises:
        OperatorError: there is no network, no permission, or a file did not arrive whole.
        UserError: there is no such model, or it has no weights that are mere data.
    """
    folder = home / "hub" / name
    is_hub_name = name.count("/") == 1 and not name.startswith((".", "/", "~"))
    if not is_hub_name or Path(name).exists() or (folder / "config.json").exists():
        return
    err.print(f"{name} …", style="dim", markup=False)
    (home / "hub").mkdir(parents=True, exist_ok=True)
    scratch = home / "hub" / ".new"
    with FileLock(home / "hub" / ".lock"):
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed process left
        try:
            _fetch(name, scratch)
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(exist_ok=True)
            os.replace(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _fetch(name: str, folder: Path) -> None:
    """Bring a model's files of one moment into a folder, and hold them against their hashes."""
    from huggingface_hub import HfApi, RepoFile
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    unreachable: type[Exception] = HfHubHTTPError.__bases__[0]  # of the client's own HTTP library
    try:
        api = HfApi()
        moment = api.model_info(name).sha
        rows = api.list_repo_tree(name, recursive=False, revision=moment)
        files = _wanted(name, {row.path: row for row in rows if isinstance(row, RepoFile)})
        api.snapshot_download(name, revision=moment, local_dir=folder, allow_patterns=list(files))
    except (HFValidationError, unreachable, OSError, RuntimeError) as error:
        raise _in_words(name, error) from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    for file, told in files.items():
        if not _is_as_told(folder / file, told):
            raise OperatorError("learn.hub.damaged", name=name, file=file)


def _wanted(name: str, files: "dict[str, RepoFile]") -> "dict[str, RepoFile]":
    """Weights and words of a model; never pickled weights, never code."""
    weights = [file for file in files if _WEIGHTS.fullmatch(file)]
    if not weights:
        pickled = next((file for file in sorted(files) if file.endswith(_PICKLED)), "")
        key = "learn.hub.pickled" if pickled else "learn.hub.no_model"
        raise UserError(key, name=name, file=pickled)
    if "config.json" not in files:
        raise UserError("learn.hub.no_model", name=name)
    return {file: files[file] for file in sorted({*weights, *(_WORDS & files.keys())})}


def _is_as_told(file: Path, told: "RepoFile") -> bool:
    """Whether a file is byte for byte what the hub lists: by SHA-256, small ones by Git's hash."""
    if told.lfs is not None:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == told.lfs.sha256
    blob = file.read_bytes()
    git = hashlib.sha1(b"blob %d\0" % len(blob) + blob, usedforsecurity=False)
    return git.hexdigest() == told.blob_id


def _in_words(name: str, error: Exception) -> AttendaError:
    """What went wrong, as a sentence that says how to go on."""
    from huggingface_hub.constants import ENDPOINT
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # "not in the cache": what happened at the hub says more
    page = f"{ENDPOINT}/{name}"
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    if isinstance(error, GatedRepoError) or status == 403:
        return OperatorError("learn.hub.gated", name=name, page=page)
    if status in (401, 404):  # the hub says 401 of what does not exist, mirrors say 404
        return UserError("learn.hub.unknown", name=name, page=page)
    problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return OperatorError("learn.hub.failed", name=name, problem=problem)
