"""Upkeep: once an hour, what retention says should go goes, and copies that nobody needs.

It decides nothing itself; the days are settings.
"""

import asyncio
import logging
from pathlib import Path

from attenda.core.config import Settings
from attenda.store import consent, erased, files, privacy
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps

__all__ = ["keep_tidy"]

_HOUR_S = 3600.0
_log = logging.getLogger("attenda.upkeep")


async def keep_tidy(database: Database, stamps: Stamps, settings: Settings, folder: Path) -> None:
    """Tidy up for ever; a failure waits for the next hour. Copies of documents lie in `folder`."""
    while True:
        try:
            gone, swept = await database.write(lambda c: tidy(c, stamps, settings, folder))
            if gone or swept:
                _log.info("upkeep: %d chats and documents, %d copies went", gone, swept)
            ids = await database.read(erased.erased_in)  # also what a restored backup tells
            back = await database.read(consent.withdrawn_in)
            await asyncio.to_thread(erased.forget, settings.home, ids, back)
        except Exception:  # noqa: BLE001 - whatever it was, the installation goes on
            _log.exception("upkeep failed; it is tried again in an hour")
        await asyncio.sleep(_HOUR_S)


def tidy(
    connection: Connection, stamps: Stamps, settings: Settings, folder: Path
) -> tuple[int, int]:
    """One round: how many rows of chats and documents went, and how many copies."""
    gone = privacy.expire(
        connection, stamps, trash_days=settings.trash_days, chat_days=settings.chat_days
    )
    return gone, files.sweep_files(connection, folder)
