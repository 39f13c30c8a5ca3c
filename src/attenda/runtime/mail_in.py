"""New mails of a mailbox, one by one: for a channel, and for whatever else begins with a mail.

Each reader keeps its own place in the mailbox, which moves on once the reader has come back for the
next mail. A reader that dies is given the mail that it had once more: keep `Mail.key`.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Protocol

from attenda.runtime.mail_message import Mail, read_mail
from attenda.store import mail
from attenda.store.database import Database
from attenda.store.mail import Position
from attenda.store.stamps import Stamps
from attenda.tools.mailbox import RawMail

__all__ = ["Readable", "new_mails"]


class Readable(Protocol):
    """Where mails lie: a mailbox, or what stands for one in a test."""

    async def end(self) -> tuple[int, int]:
        """Which numbering of mails holds, and the highest number."""
        ...

    async def after(self, uid: int, since: str = "") -> list[RawMail]:
        """The next mails above a number, lowest first."""
        ...


async def new_mails(
    box: Readable, database: Database, stamps: Stamps, reader: str
) -> AsyncIterator[Mail]:
    """The mails that `reader` has not had yet; what lay there before it first looked is not new.

    Where the server numbered its mails anew, all since that first look come again.

    Raises:
        OperatorError: the server can't be reached, or refuses.
    """
    place = await database.read(lambda c: mail.position_of(c, reader))
    validity, highest = await box.end()
    if place is None:
        began = Position(validity, highest, stamps.now())
        await database.write(lambda c: mail.keep_position(c, reader, began))
        return
    since = ""
    if place.uidvalidity != validity:
        since = _day(place.began_at)
        place = Position(validity, 0, place.began_at)
    while found := await box.after(place.uid, since):
        for raw in found:
            yield await asyncio.to_thread(read_mail, raw.data, raw.size)
            place = Position(validity, raw.uid, place.began_at)
            after = place
            await database.write(lambda c, after=after: mail.keep_position(c, reader, after))  # type: ignore[misc]


def _day(moment: int) -> str:
    """The day of a time, as IMAP writes it, whatever the language of this machine."""
    day = datetime.fromtimestamp(moment / 1e6, UTC)
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    return f"{day.day:02}-{months[day.month - 1]}-{day.year}"
