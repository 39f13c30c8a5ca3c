"""Settings from their four places: default < attenda.toml in the home < environment < flags.

Each value remembers where it came from, for `attenda config show --origin`.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from attenda.core.config import Settings
from attenda.core.errors import OperatorError

__all__ = ["load_settings"]


class _FromEnvironment(Settings, BaseSettings):
    """The same fields, read from `ATTENDA_…`."""

    model_config = SettingsConfigDict(env_prefix="ATTENDA_", frozen=True, extra="ignore")


def load_settings(flags: Mapping[str, Any] | None = None) -> tuple[Settings, dict[str, str]]:
    """The settings, and for each name where its value came from.

    Raises:
        OperatorError: a value is wrong or unknown; the sentence names it and its place.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    environment = EnvSettingsSource(_FromEnvironment)()
    home = Path(given.get("home") or environment.get("home") or "~/.attenda").expanduser()
    file = home / "attenda.toml"
    origin = {name: "default" for name in Settings.model_fields}
    values: dict[str, Any] = {}
    for place, found in (
        (str(file), _read_file(file)),
        ("environment", environment),
        ("flag", given),
    ):
        values.update(found)
        origin.update(
            {name: f"ATTENDA_{name.upper()}" if place == "environment" else place for name in found}
        )
    values["home"] = home.absolute()
    try:
        return Settings(**values), origin
    except ValidationError as error:
        first = error.errors()[0]
        name, problem = str(first["loc"][0]), first["msg"].removeprefix("Value error, ")
        raise OperatorError(
            "config.wrong", name=name, place=origin.get(name, str(file)), problem=problem
        ) from error


def _read_file(file: Path) -> dict[str, Any]:
    if not os.access(file, os.R_OK):
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise OperatorError("config.unreadable", place=file, problem=error) from error
