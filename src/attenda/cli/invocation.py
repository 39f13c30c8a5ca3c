"""What every command shares: its settings, its client of the owner, its exit code."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from attenda.core.config import Settings

__all__ = ["JsonFlag", "as_client", "language", "settings_of"]

JsonFlag = Annotated[bool, typer.Option("--json", help="Print data alone, as JSON.")]


def language() -> str:
    """The language of this terminal."""
    wanted = (
        os.environ.get("ATTENDA_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG")
    )
    return "zh-CN" if (wanted or "").lower().startswith("zh") else "en"


def settings_of(context: typer.Context, **flags: Any) -> Settings:
    """The settings in force for a command, its own flags on top."""
    from attenda.cli.settings import load_settings

    return load_settings({**(context.obj or {}), **flags})[0]


def as_client(settings: Settings, work: Callable[[Any], Awaitable[int]]) -> None:
    """Run `work` with a client of the home's owner, and leave with its exit code."""
    from attenda.cli.owner import connect

    async def body() -> int:
        async with connect(settings) as client:
            return await work(client)

    raise typer.Exit(asyncio.run(body()))
