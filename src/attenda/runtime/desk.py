"""People in a conversation: asked for, taking it, answering, giving it back; the bot keeps silent.

Each passing on is one transaction: whose the session is, the withdrawal of an answer that runs,
and what the customer is told. A run of this process is stopped at once; one of another process
finds at its end that it was withdrawn.
"""

from dataclasses import dataclass

from attenda.core.errors import UserError
from attenda.core.label import Label
from attenda.core.message import text_message
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.runtime.announcing import hand_over, language_of_session, tell, tell_promise
from attenda.runtime.handoff import standing
from attenda.runtime.house import House
from attenda.runtime.suggesting import label_of_draft, message_of_draft
from attenda.store import audit, desk, journal, runs, sessions, suggestions
from attenda.store.database import Connection

__all__ = ["Desk"]

_MOST = 20_000
"""Characters of one reply."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What people do with sessions."""

    house: House

    async def ask_person(self, who: Principal, session_id: str) -> None:
        """Let one's own session wait for a person, unless it does or has one.

        Raises:
            NotFound: the session is not theirs.
        """
        stamps = self.house.stamps

        def work(connection: Connection) -> list[runs.NumberedEvent]:
            if sessions.get_session(connection, who, session_id).uses_draft:
                hand_over(connection, stamps, session_id, "asked")
                return []
            if not desk.enqueue(connection, stamps, session_id, "asked"):
                return []
            ended = runs.withdraw_run(connection, stamps, session_id)
            session = sessions.get_session(connection, who, session_id)
            self._tell(connection, session, "dialogue.handed_off_asked")
            tell_promise(connection, stamps, session_id)
            audit.note(connection, stamps, who.id, "session.queued", session_id)
            return ended

        await self._pass_on(session_id, work)

    async def claim(self, who: Principal, session_id: str, *, take_over: bool = False) -> None:
        """Take a session; whatever still answers there is withdrawn.

        Raises:
            NotFound: it is not on their desk.
            Conflict: somebody else has it, or it does not wait.
        """
        stamps = self.house.stamps

        def work(connection: Connection) -> list[runs.NumberedEvent]:
            desk.claim(connection, stamps, who, session_id, take_over=take_over)
            return runs.withdraw_run(connection, stamps, session_id)

        await self._pass_on(session_id, work)

    async def reply(
        self, who: Principal, session_id: str, text: str, suggestion_id: str = ""
    ) -> str:
        """Answer as a person, perhaps by what was suggested to them; the message's id.

        Raises:
            NotFound: it is not on their desk, or there is no such suggestion.
            Denied: they have not taken it.
            UserError: the reply is empty or too long.
        """
        if not text.strip():
            raise UserError("message.empty")
        if len(text) > _MOST:
            raise UserError("message.too_long", limit=_MOST)
        stamps = self.house.stamps

        def work(connection: Connection) -> str:
            session = desk.staff_replied(connection, stamps, who, session_id)
            label = Label(integrity="operator", readers=frozenset({session.owner_id, who.id}))
            message, outcome = text_message("assistant", text.strip()), ""
            if suggestion_id:
                draft = suggestions.get_suggestion(connection, who, session_id, suggestion_id)
                message, outcome = message_of_draft(text.strip(), draft)
                label = label_of_draft(label, draft)
            place = {"parent_id": session.head_id, "author_id": who.id}
            stored = sessions.add_message(connection, stamps, session_id, message, label, **place)
            if outcome:
                suggestions.mark_used(connection, suggestion_id, stored.id, outcome)
            return stored.id

        id_ = await self.house.database.write(work)
        self.house.runs.publish(session_id, [])
        return id_

    async def hand_back(self, who: Principal, session_id: str) -> None:
        """Give a session back to the bot, which goes on only with what was decided meanwhile.

        Raises:
            NotFound: it is not on their desk.
            Denied: they have not taken it.
            Conflict: it has changed hands in between.
        """
        stamps = self.house.stamps

        def work(connection: Connection) -> bool:
            session = desk.desk_session(connection, who, session_id)
            desk.release(connection, stamps, who, session_id, "bot")
            self._tell(connection, session, "dialogue.handed_back")
            _, state = standing(self.house, connection, session)
            awaited = state.top.approval_id if state.top else ""
            now = stamps.now()
            return bool(awaited) and not journal.is_pending(connection, awaited, now)

        decided = await self.house.database.write(work)
        self.house.runs.publish(session_id, [])
        if decided:
            await self.house.runs.go_on(session_id)

    async def resolve(self, who: Principal, session_id: str) -> None:
        """Close a session; it opens again when its customer writes.

        Raises:
            NotFound: it is not on their desk.
            Denied: another has it.
            Conflict: it has changed hands in between.
        """
        await self.house.database.write(
            lambda c: desk.release(c, self.house.stamps, who, session_id, "resolved")
        )
        self.house.runs.publish(session_id, [])

    async def _pass_on(self, session_id: str, work: object) -> None:
        ended = await self.house.database.write(work)  # type: ignore[arg-type, var-annotated]
        self.house.runs.publish(session_id, ended)
        await self.house.runs.silence(session_id)

    def _tell(self, connection: Connection, session: sessions.Session, key: str) -> None:
        language = language_of_session(connection, session)
        tell(connection, self.house.stamps, session, sentence(language, key))
