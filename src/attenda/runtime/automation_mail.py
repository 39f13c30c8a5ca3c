"""Mails that set automations off: each mail that counts begins one run, whoever reads the mailbox.

The message's own id is the origin of the run. What lay in the mailbox before an automation first
looked is not new, and what the mailbox itself sent sets nothing off. All that a mail says is a
stranger's.
"""

import fnmatch
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from pydantic import JsonValue

from attenda.core.errors import AttendaError
from attenda.core.label import Label, Labelled
from attenda.runtime.automation import MailTrigger
from attenda.runtime.mail_in import new_mails
from attenda.runtime.mail_message import Mail
from attenda.store import automations
from attenda.store.automations import AutomationRow
from attenda.store.database import Connection, Database
from attenda.store.people import OWNER_ID
from attenda.store.stamps import Stamps
from attenda.tools.mailbox import Mailbox

__all__ = ["MailWatch"]

_log = logging.getLogger("attenda.automations")


@dataclass
class MailWatch:
    """Reads mailboxes for automations."""

    database: Database
    stamps: Stamps
    mailboxes: Mapping[str, Mailbox]
    passing: Callable[[str], None] = lambda point: None
    """Is told of each point passed that a crash test may end the process at."""
    _read_at: dict[str, int] = field(default_factory=dict)

    async def look(self) -> bool:
        """Begin what new mails set off; whether anything began."""
        began = False
        for row, place, trigger in await self.database.read(_watching):
            reader = f"automation:{row.name}:{place}"
            box = self.mailboxes.get(trigger.mail)
            if box is None:
                self._say_once(reader, f"{row.name}: the settings name no mailbox {trigger.mail}")
                continue
            now = self.stamps.now()
            if now - self._read_at.get(reader, 0) >= box.spec.every_s * 1e6:
                self._read_at[reader] = now
                try:
                    began |= await self._read(row, reader, trigger, box)
                except AttendaError as problem:
                    _log.warning("%s: %s", row.name, problem)
        return began

    async def _read(
        self, row: AutomationRow, reader: str, trigger: MailTrigger, box: Mailbox
    ) -> bool:
        began = False
        mails = new_mails(box, self.database, self.stamps, reader)
        async with aclosing(mails) as found:  # type: ignore[type-var]
            async for one in found:
                self.passing("automation.found")
                if _counts(one, trigger, box):
                    began |= await self.database.write(
                        lambda c, one=one: _begin(c, self.stamps, row, one)  # type: ignore[misc]
                    )
                    self.passing("automation.set_off")
        return began

    def _say_once(self, reader: str, problem: str) -> None:
        if reader not in self._read_at:
            self._read_at[reader] = 0
            _log.warning("%s", problem)


def _watching(connection: Connection) -> list[tuple[AutomationRow, int, MailTrigger]]:
    """Mailboxes that are watched, each with its automation and the place of the trigger."""
    return [
        (row, place, MailTrigger.model_validate(one))
        for row in automations.list_automations(connection)
        if not row.gone and not row.paused
        for place, one in enumerate(row.triggers)
        if "mail" in one
    ]


def _counts(mail: Mail, trigger: MailTrigger, box: Mailbox) -> bool:
    own = mail.sender == box.spec.address.lower()
    from_them = fnmatch.fnmatchcase(mail.sender, trigger.sender.lower())
    about_it = fnmatch.fnmatchcase(mail.subject.lower(), trigger.subject.lower())
    return not own and from_them and about_it


def _begin(connection: Connection, stamps: Stamps, row: AutomationRow, mail: Mail) -> bool:
    values: dict[str, JsonValue] = {
        "sender": mail.sender,
        "name": mail.name,
        "subject": mail.subject,
        "text": mail.text,
        "attachments": list(mail.attachments),
        "kind": mail.kind,
    }
    label = Label(integrity="untrusted", readers=frozenset({OWNER_ID}))
    given = Labelled(value=values, label=label)
    return automations.begin_run(connection, stamps, row, f"mail:{mail.key}", given)[1]
