"""Commands as they are typed while a scripted house runs in their home."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from attenda.api import Pack
from attenda.cli.owner import listen_local, serve_house
from attenda.runtime.house import House
from tests.runtime.test_flows import understand
from tests.scripted_house import scripted_house

__all__ = ["Typed", "at_home"]

Typed = Callable[..., tuple[int, str, str]]
"""Types a command; its exit code, what it printed, and what it said beside."""


def at_home(
    home: Path,
    pack: Pack,
    story: Callable[[], None],
    before: Callable[[House], Awaitable[None]] | None = None,
    after: Callable[[House], Awaitable[Any]] | None = None,
) -> Any:
    """Let `story` type while the house runs; what `after` finds in it."""

    async def body() -> Any:
        async with scripted_house(home, packs=[pack], understand=understand) as (house, _):
            if before is not None:
                await before(house)
            async with serve_house(house, [listen_local(home / "attenda.sock")]):
                note = {"pid": 0, "socket": str(home / "attenda.sock")}
                (home / "owner.json").write_text(json.dumps(note))
                await asyncio.to_thread(story)
            return await after(house) if after is not None else None

    return asyncio.run(body())
