"""An automation's run within one transaction: what it knows, and steps that touch our rows alone.

Such a step and its record are one transaction. Waiting for a time or for a person is putting the
run down; it is woken by its clock, or by what people do, and looks again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from attenda.core.duration import read_duration
from attenda.core.errors import AttendaError, UserError
from attenda.core.label import SYSTEM, Label, Labelled, join_all
from attenda.dialogue.expression import fill, parse
from attenda.dialogue.flow import words_in
from attenda.runtime.automation import (
    Automation,
    Branch,
    FormStep,
    Instruction,
    Jump,
    MessageStep,
    SetStep,
    StopStep,
    WaitStep,
)
from attenda.runtime.automation_message import send_message
from attenda.store import automation_forms as forms
from attenda.store import automation_runs as runs
from attenda.store import people
from attenda.store.database import Connection
from attenda.store.stamps import Stamps

__all__ = ["MOST_BYTES", "Progress", "as_told", "look_at", "plain"]

MOST_BYTES = 1_000_000
"""Of what one step is given or gives."""
_KINDS = {
    "CallStep": "call",
    "ModelStep": "model",
    "SearchStep": "search",
    "WaitStep": "wait",
    "FormStep": "form",
    "MessageStep": "message",
    "WebhookStep": "webhook",
    "SetStep": "set",
    "StopStep": "stop",
    "Branch": "if",
    "Jump": "if",
}


@dataclass
class Progress:
    """Where a run stands while one transaction lasts."""

    connection: Connection
    stamps: Stamps
    row: runs.RunRow
    text: Automation
    before: dict[int, runs.StepRow]
    """What was done, by place."""
    names: dict[str, Labelled]
    at: int
    because: list[list[Any]]
    said_in: list[str] = field(default_factory=list)
    """Sessions that something was said in."""

    @property
    def label(self) -> Label:
        """Of the ways that led here."""
        return join_all(Label.model_validate(label) for label, until in self.because)

    @property
    def step(self) -> Instruction | None:
        """The next instruction; none at the end."""
        self.because = [one for one in self.because if one[1] > self.at]
        steps = self.text.instructions
        return steps[self.at] if self.at < len(steps) else None

    def inside(self, step: Instruction) -> bool:
        """Do a step in our own rows; whether the run goes on.

        Raises:
            UserError: it cannot be done.
            BadExpression: its values do not fit an expression.
        """
        match step:
            case Jump(to=to):
                self.at = to
            case Branch():
                self._choose(step)
            case SetStep():
                self._set(step)
            case StopStep(stop=words):
                said, label = fill(words_in(words, "en"), self.names)
                self.record(step, {}, Labelled(value=said, label=label))
                self.move(state="done", result=said, ended_at=self.stamps.now())
                return False
            case MessageStep():
                self._say(step)
            case WaitStep():
                return self._wait(step)
            case FormStep():
                return self._form(step)
        return True

    def _choose(self, step: Branch) -> None:
        found = parse(step.condition).value(self.names)
        truth = Labelled(value=bool(found.value), label=found.whole_label)
        self.record(step, {"if": found}, truth)
        self.because = [*self.because, [truth.label.model_dump(mode="json"), step.ends]]
        self.at = self.at + 1 if truth.value else step.otherwise

    def _set(self, step: SetStep) -> None:
        made: dict[str, Labelled] = {}
        for name, text in step.set.items():
            found = parse(text).value({**self.names, **made})
            made[name] = Labelled(
                value=found.value, label=join_all([found.whole_label, self.label])
            )
        whole = Labelled(
            value={name: one.value for name, one in made.items()},
            label=SYSTEM,
            fields={name: one.label for name, one in made.items()},
        )
        self.record(step, {}, whole)
        self.names |= made
        self.at += 1

    def _say(self, step: MessageStep) -> None:
        who = people.principal_of(self.connection, self.row.owner_id)
        session = parse(step.session).value(self.names)
        said = send_message(
            self.connection, self.stamps, step, session, self.names, self.label, who
        )
        self.record(step, {"session": session}, said)
        self.said_in.append(str(session.value))
        self.at += 1

    def _wait(self, step: WaitStep) -> bool:
        before = self.before.get(self.at)
        now = self.stamps.now()
        if before is not None and before.input:
            until = int(json.loads(before.input)["until"]["value"])
        elif step.wait:
            until = now + read_duration(step.wait) * 1_000_000
        else:
            until = _instant(parse(step.until).value(self.names).value)
        given = {"until": Labelled(value=until, label=SYSTEM)}
        if until > now:
            self._put_down(step, given, "timer", wake_at=until)
            return False
        self.record(step, given, None)
        self.at += 1
        return True

    def _form(self, step: FormStep) -> bool:
        form = forms.form_at(self.connection, self.row.id, self.at)
        if form is not None and form.state == "answered":
            answers = Labelled.model_validate_json(form.answers)
            self.record(step, {}, answers)
            self.names |= {step.into: answers} if step.into else {}
            self.at = self.text.after(self.at)
            return True
        if form is not None and form.state == "pending":
            if form.deadline_at is not None and form.deadline_at <= self.stamps.now():
                return self._give_up(step)
            form_id, deadline = form.id, form.deadline_at
        else:
            form_id, deadline = self._ask(step)
        self._put_down(step, {}, "form", waits_id=form_id, wake_at=deadline)
        return False

    def _give_up(self, step: FormStep) -> bool:
        """Nobody has answered in time."""
        forms.close_forms(self.connection, self.row.id, "expired")
        if not step.otherwise:
            raise UserError("automation.nobody_answered")
        runs.end_step(self.connection, self.stamps, self.row.id, self.at, "late")
        self.at += 2  # past the jump that an answer takes
        return True

    def _ask(self, step: FormStep) -> tuple[str, int | None]:
        """A new form, and its deadline."""
        now = self.stamps.now()
        deadline = now + read_duration(step.deadline) * 1_000_000 if step.deadline else None
        title = {language: fill(words, self.names)[0] for language, words in step.form.items()}
        fields = {name: one.model_dump(mode="json") for name, one in step.fields.items()}
        values = {"role": step.role, "title": title, "fields": fields, "deadline_at": deadline}
        return forms.ask_form(self.connection, self.stamps, self.row, self.at, **values), deadline

    def begin(self, step: Instruction, given: Mapping[str, Labelled]) -> int:
        """Write down that a step is about to be done; how often it was begun by now."""
        values = {"step": step.id, "kind": _KINDS[type(step).__name__], "input": plain(given)}
        return runs.begin_step(self.connection, self.stamps, self.row.id, self.at, **values)

    def record(
        self, step: Instruction, given: Mapping[str, Labelled], value: Labelled | None
    ) -> None:
        """Write a step in our own rows down as done."""
        self.begin(step, given)
        output = value.model_dump_json() if value is not None else ""
        if len(output) > MOST_BYTES:
            raise UserError("automation.too_large", limit=MOST_BYTES)
        runs.end_step(self.connection, self.stamps, self.row.id, self.at, "done", output=output)

    def fail(self, problem: AttendaError) -> None:
        """The run cannot go on from here."""
        told = as_told(problem)
        steps = self.text.instructions
        if self.at < len(steps):
            if self.at not in self.before:
                self.begin(steps[self.at], {})
            runs.end_step(
                self.connection, self.stamps, self.row.id, self.at, "failed", problem=told
            )
        self.move(state="failed", problem=told, ended_at=self.stamps.now())

    def move(self, **values: object) -> None:
        """Write down where the run stands."""
        row, here = self.row, {"at": self.at, "because": self.because}
        runs.move_run(self.connection, self.stamps, row.id, row.segment, **here, **values)

    def _put_down(
        self,
        step: Instruction,
        given: Mapping[str, Labelled],
        waits_for: Literal["timer", "form"],
        **values: object,
    ) -> None:
        self.begin(step, given)
        runs.end_step(self.connection, self.stamps, self.row.id, self.at, "waiting")
        self.move(state="waiting", waits_for=waits_for, **values)


def look_at(connection: Connection, stamps: Stamps, row: runs.RunRow, text: Automation) -> Progress:
    """Where a run stands, with the names that its steps may read."""
    before = {one.place: one for one in runs.list_steps(connection, row.id)}
    now = datetime.fromtimestamp(stamps.now() / 1e6, UTC)
    names = {
        "input": Labelled.model_validate_json(row.input),
        "run": Labelled(value={"id": row.id}, label=SYSTEM),
        "today": Labelled(value=now.date().isoformat(), label=SYSTEM),
        "now": Labelled(value=now.isoformat(timespec="seconds"), label=SYSTEM),
    }
    for place, done in sorted(before.items()):
        if done.state == "done" and done.output:
            names |= _kept(text.instructions[place], done.output)
    return Progress(connection, stamps, row, text, before, names, row.at, row.because)


def plain(given: Mapping[str, Labelled]) -> str:
    """What a step was given, for its history."""
    shown = {name: one.model_dump(mode="json") for name, one in given.items()}
    text = json.dumps(shown, ensure_ascii=False)
    return text if len(text) <= MOST_BYTES else "{}"


def as_told(problem: AttendaError) -> dict[str, Any]:
    """A problem as it is kept: words of whichever language are made from it later."""
    return {"key": problem.key, "values": problem.plain_values}


def _kept(step: Instruction, output: str) -> dict[str, Labelled]:
    """The names that what a step gave is kept under."""
    value = Labelled.model_validate_json(output)
    if isinstance(step, SetStep):
        assert isinstance(value.value, dict)
        return {
            name: Labelled(value=one, label=value.fields.get(name, SYSTEM))
            for name, one in value.value.items()
        }
    into = getattr(step, "into", "")
    return {into: value} if into else {}


def _instant(value: object) -> int:
    """Microseconds of a date, or of a date and time, in UTC where no zone is named."""
    try:
        found = datetime.fromisoformat(str(value))
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return int(found.timestamp() * 1e6)
    except (ValueError, OverflowError) as error:
        raise UserError("automation.no_instant", value=str(value)[:80]) from error
