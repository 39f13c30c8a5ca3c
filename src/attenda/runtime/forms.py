"""Forms that wait for a person, in the runs of this process.

A program of others asks in the middle of a call; the person of the session answers in the chat.
Whoever does not answer in time has declined. A form ends with the call that asked it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from attenda.core.errors import NotFound
from attenda.core.event import FormAsked, FormEnded
from attenda.core.form import Form, FormAction, FormAnswer, checked
from attenda.runtime.recorder import Recorder
from attenda.store.stamps import Stamps

__all__ = ["Forms"]


@dataclass(frozen=True, slots=True)
class _Waiting:
    session_id: str
    form: Form
    answer: asyncio.Future[FormAnswer]


class Forms:
    """The forms that wait."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._waiting: dict[str, _Waiting] = {}

    async def ask(self, recorder: Recorder, form: Form, limit_s: float) -> FormAnswer:
        """Ask the person of a run's session; who says nothing for `limit_s` has declined."""
        form_id = self._stamps.new_id("frm")
        answer: asyncio.Future[FormAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[form_id] = _Waiting(recorder.session_id, form, answer)
        found = FormAnswer(action="cancel")
        try:
            await recorder.note(FormAsked(form_id=form_id, form=form))
            async with asyncio.timeout(limit_s):
                found = await answer
        except TimeoutError:
            found = FormAnswer(action="decline")
        finally:
            del self._waiting[form_id]
            recorder.jot(FormEnded(form_id=form_id, action=found.action))
        return found

    def answer(
        self, session_id: str, form_id: str, action: FormAction, values: Mapping[str, JsonValue]
    ) -> None:
        """Answer a form of a session; the first answer counts.

        Raises:
            NotFound: no such form waits in this session.
            UserError: a value is not what was asked for; the form still waits.
        """
        waiting = self._waiting.get(form_id)
        if waiting is None or waiting.session_id != session_id or waiting.answer.done():
            raise NotFound("form.gone")
        given = checked(waiting.form, values) if action == "accept" else {}
        waiting.answer.set_result(FormAnswer(action=action, values=given))
