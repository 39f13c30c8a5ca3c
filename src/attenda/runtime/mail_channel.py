"""E-mail as a channel: what comes in makes or continues sessions, and answers go out once.

Each mail is written down before anything is done with it, and each answer before it is sent. A
mail without our own mark begins a conversation of its own, whatever it says it answers; one with
the mark from another address is kept for a person, and no agent acts on it. Machines are not
answered.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any

from attenda.core.errors import AttendaError, Conflict, Denied, TooMany, Unauthenticated
from attenda.core.label import Label
from attenda.core.message import Message, text_message
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.runtime.announcing import customer_wrote, hand_over, language_of_session
from attenda.runtime.house import House
from attenda.runtime.live import DESK
from attenda.runtime.mail_in import new_mails
from attenda.runtime.mail_message import Mail
from attenda.runtime.mail_out import Letter, our_ids, reply_code, session_replied_to, written
from attenda.store import channels, mail, sessions, visitors
from attenda.store.channels import Channel
from attenda.store.database import Connection
from attenda.store.mail import Outgoing, Received, Thread
from attenda.tools.mailbox import Mailbox

__all__ = ["MailChannels"]

_log = logging.getLogger("attenda.mail")
_LOOK_S = 2.0
_MINUTE_US = 60_000_000
_MOST_AN_HOUR = 20
"""Answers to one address: past them it looks like two machines, and a person decides."""
_MOST_TRIES = 10
_WORDS = 20_000


class MailChannels:
    """The mail channels of an installation, served by one task."""

    def __init__(
        self,
        house: House,
        mailboxes: Mapping[str, Mailbox],
        passing: Callable[[str], None] = lambda point: None,
    ) -> None:
        """`passing` is told of each point that a crash test may end the process at."""
        self._house, self._mailboxes, self._passing = house, mailboxes, passing
        self._read_at: dict[str, int] = {}

    async def run(self) -> None:
        """Serve for ever; what fails is tried again at the next look."""
        if self._house.database.dialect == "sqlite":  # nobody else could be at anything
            await self._write(lambda c: mail.forget_owners(c, self._house.stamps))
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - one look that breaks must not be the last
                _log.exception("a look at the mail channels failed; the next follows")
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """One look at every channel: read what is due, work it off, send what waits."""
        for channel in await self._house.database.read(channels.mail_channels):
            box = self._mailboxes.get(channel.mailbox)
            if box is not None:
                try:
                    await self._serve(channel, box)
                except AttendaError as problem:
                    _log.warning("channel %s: %s", channel.name, problem)

    async def _serve(self, channel: Channel, box: Mailbox) -> None:
        try:
            await self._read(channel, box)
        finally:  # what was read before is worked off, and answers go out, all the same
            for received in await self._claimed(channel):
                await self._work_off(channel, received)
            await self._fill_outbox(channel, box)
            for outgoing in await self._house.database.write(
                lambda c: mail.waiting(c, self._house.stamps, channel.id)
            ):
                await self._send(box, outgoing)

    async def _claimed(self, channel: Channel) -> list[Received]:
        return await self._house.database.write(
            lambda c: mail.claim_mails(c, self._house.stamps, channel.id)
        )

    # --- in

    async def _read(self, channel: Channel, box: Mailbox) -> None:
        """Write down what is new in the mailbox."""
        house, now = self._house, self._house.stamps.now()
        if now - self._read_at.get(channel.id, 0) < box.spec.every_s * 1e6:
            return
        self._read_at[channel.id] = now
        mails = new_mails(box, house.database, house.stamps, channel.id)
        async with aclosing(mails) as found:  # type: ignore[type-var]
            async for one in found:
                await self._write(lambda c, one=one: self._keep(c, channel, box, one))  # type: ignore[misc]
                self._passing("mail.kept")

    def _keep(self, connection: Connection, channel: Channel, box: Mailbox, one: Mail) -> None:
        stamps = self._house.stamps
        kind = "automatic" if one.sender == box.spec.address.lower() else one.kind
        state = "new" if kind == "person" else kind
        body = asdict(one) if state == "new" else None
        values = {"sender": one.sender[:254], "body": body}
        if not mail.add_mail(connection, stamps, channel.id, one.key, state, **values):
            return
        if kind == "bounce":
            for id_ in our_ids([*one.refs, *_named(one.text)]):
                mail.bounced(connection, stamps, channel.id, id_)

    async def _work_off(self, channel: Channel, received: Received) -> None:
        """Let a mail come into its session, once, however often this is begun."""
        one = _mail(received)
        try:
            session_id, is_theirs = await self._house.database.write(
                lambda c: self._session(c, channel, received, one)
            )
        except TooMany:
            return await self._settle(received, "new")
        self._passing("mail.placed")
        state = await self._come_in(session_id, received, one, is_theirs)
        self._passing("mail.came_in")
        await self._settle(received, state)

    async def _settle(self, received: Received, state: str) -> None:
        await self._write(lambda c: mail.settle_mail(c, self._house.stamps, received.id, state))

    def _session(
        self, connection: Connection, channel: Channel, received: Received, one: Mail
    ) -> tuple[str, bool]:
        """The session of a mail, and whether it comes from the address that its thread leads to."""
        key, stamps = self._house.channel_key, self._house.stamps
        session_id = received.session_id or session_replied_to(key, channel.id, one.refs, one.to)
        thread = mail.thread_of(connection, session_id) if session_id else None
        if not session_id or thread is None or not visitors.is_in(connection, session_id):
            _, session_id = visitors.start_session(connection, stamps, channel)
            thread = Thread(session_id, channel.id, one.sender, one.name, one.subject, "", [])
        is_theirs = thread.address == one.sender
        if is_theirs:
            untaken = [*thread.untaken, *one.attachments] if not received.session_id else []
            thread = replace(thread, last_id=one.message_id, untaken=untaken or thread.untaken)
        mail.keep_thread(connection, thread)
        mail.settle_mail(connection, stamps, received.id, "taking", session_id)
        return session_id, is_theirs

    async def _come_in(
        self, session_id: str, received: Received, one: Mail, is_theirs: bool
    ) -> str:
        """Begin to answer, or keep it for the people of the desk; the mail's state then."""
        house, text = self._house, one.text.strip()[:_WORDS] or one.subject
        try:
            who = await house.database.read(lambda c: visitors.principal_of_session(c, session_id))
        except Unauthenticated:
            return "failed"  # the channel was closed in between
        if not text:
            return "taken"
        if not is_theirs:
            return await self._note(who, received, text, "untrusted", one.sender)
        try:
            await house.database.read(lambda c: visitors.check_pace(c, house.stamps, session_id))
            await house.runs.start(who, session_id, text, client_id=received.key)
        except Conflict as problem:  # an answer runs: this one comes after it
            return "taken" if problem.key == "message.came_already" else "new"
        except (TooMany, Denied):
            return await self._note(who, received, text, "user", "")
        return "taken"

    async def _note(
        self, who: Principal, received: Received, text: str, integrity: str, stranger: str
    ) -> str:
        """Keep a mail for the people of the desk; no agent answers it."""
        house = self._house
        assert who.grant is not None
        session_id = who.grant.session_id

        def keep(connection: Connection) -> None:
            session = sessions.get_session(connection, who, session_id)
            label = Label(integrity=integrity, readers=frozenset({who.id}))  # type: ignore[arg-type]
            said = text_message("user", house.runs.masked(connection, session, text))
            if sessions.named_message(connection, session_id, received.key) is None:
                stored = sessions.add_message(
                    connection, house.stamps, session_id, said, label, parent_id=session.head_id
                )
                sessions.name_message(connection, session_id, stored.id, received.key)
            language = language_of_session(connection, session)
            reason = "asked"
            if stranger:
                reason = sentence(language, "mail.stranger", address=stranger)
            hand_over(connection, house.stamps, session_id, reason)
            customer_wrote(connection, house.stamps, session_id, house.packs)

        await self._write(keep)
        await house.runs.silence(session_id)
        house.runs.bells.ring(session_id, DESK)
        return "taken"

    # --- out

    async def _fill_outbox(self, channel: Channel, box: Mailbox) -> None:
        """Write down a mail for each answer that none stands for."""

        def fill(connection: Connection) -> list[str]:
            rows = mail.unsent_messages(connection, channel.id)
            for row in rows:
                thread = mail.thread_of(connection, row["session_id"])
                if thread is not None:
                    self._write_letter(connection, channel, box, thread, row)
            return [row["session_id"] for row in rows]

        answered = await self._house.database.write(fill)
        if answered:
            self._house.runs.bells.ring(DESK, *answered)
            self._passing("mail.journalled")

    def _write_letter(
        self,
        connection: Connection,
        channel: Channel,
        box: Mailbox,
        thread: Thread,
        row: dict[str, Any],
    ) -> None:
        """The mail for one answer; where there is none to send, a person must look."""
        house, now = self._house, self._house.stamps.now()
        message = Message.model_validate({"role": "assistant", "parts": row["parts"]})
        by_person = row["author_id"] is not None
        state = "waiting"
        if row["status"] != "done" or not message.text.strip():
            state = "dropped"
        elif not by_person and _too_many(connection, thread.address, now):
            state = "held"
        letter = Letter(
            id=house.stamps.new_id("out"),
            channel=channel.name,
            thread=thread,
            code=reply_code(house.channel_key, channel.id, thread.session_id),
            language=_language(connection, thread.session_id),
            now=now,
            by_person=by_person,
        )
        raw = written(letter, message, box.spec) if state != "dropped" else ""
        values = {"id": letter.id, "state": state, "raw": raw}
        mail.add_outgoing(connection, house.stamps, thread, row["id"], **values)
        if state == "waiting":
            mail.keep_thread(connection, replace(thread, untaken=[]))
        elif row["status"] != "done" or state == "held":
            hand_over(connection, house.stamps, thread.session_id, "")

    async def _send(self, box: Mailbox, outgoing: Outgoing) -> None:
        """Send one mail; what becomes of it is written down, or found unknown later."""
        stamps = self._house.stamps
        if not await self._house.database.write(
            lambda c: mail.begin_sending(c, stamps, outgoing.id)
        ):
            return
        self._passing("mail.sending")
        found = await box.send(outgoing.address, outgoing.raw.encode("ascii"))
        self._passing("mail.sent")
        state, wait_us = str(found.state), 0
        if state == "later":
            state = "waiting" if outgoing.tries + 1 < _MOST_TRIES else "refused"
            wait_us = min(2**outgoing.tries, 60) * _MINUTE_US
        await self._write(
            lambda c: mail.finish_sending(c, stamps, outgoing.id, state, found.problem, wait_us)
        )
        self._passing("mail.settled")
        if state != "sent":
            _log.warning("mail %s is %s: %s", outgoing.id, state, found.problem)

    async def _write(self, work: Callable[[Connection], object]) -> None:
        await self._house.database.write(work)


def _mail(received: Received) -> Mail:
    lists = {name: tuple(received.body[name]) for name in ("refs", "to", "attachments")}
    return Mail(**{**received.body, **lists})


def _named(text: str) -> list[str]:
    return [one for one in text.split() if one.startswith("<out_")]


def _too_many(connection: Connection, address: str, now: int) -> bool:
    return mail.sent_lately(connection, address, now - 60 * _MINUTE_US) >= _MOST_AN_HOUR


def _language(connection: Connection, session_id: str) -> str:
    """The session's language, also where its visitor is let in no more and a person answers."""
    return language_of_session(connection, sessions.session_by_id(connection, session_id))
