"""A model by its name on a hub: its files brought into the home, when somebody asks for it."""

from pathlib import Path

from attenda.cli.terminal import err
from attenda.core.errors import OperatorError

__all__ = ["bring"]

_FILES = (
    *("config.json", "*.safetensors", "model.safetensors.index.json", "tokenizer.json"),
    *("tokenizer_config.json", "vocab.json", "merges.txt", "chat_template.jinja"),
)
"""Weights and words; never pickled weights, never code."""


def bring(home: Path, name: str) -> None:
    """Fetch the model `MAKER/NAME` into the home, unless it is there or is a path.

    Raises:
        OperatorError: there is no network, or no such model.
    """
    folder = home / "hub" / name
    is_hub_name = name.count("/") == 1 and not name.startswith((".", "/", "~"))
    if not is_hub_name or Path(name).exists() or (folder / "config.json").exists():
        return
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    err.print(f"{name} …", style="dim", markup=False)
    known = (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx.HTTPError, OSError)
    try:
        snapshot_download(name, local_dir=folder, allow_patterns=list(_FILES))
    except known as error:
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise OperatorError("learn.hub.failed", name=name, problem=problem) from error
