"""Silence: what waits for an answer is asked again or put down, and nothing is ever done by it."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from attenda.core.command import Affirm, Command, NotUnderstood, Silence, StartFlow
from attenda.core.event import Called, FlowEnded, Silent
from attenda.dialogue.flow_file import read_flows
from attenda.dialogue.machine import Given, advance, open_question, reduce
from attenda.dialogue.next_step import Await, Idle
from attenda.dialogue.state import DialogueState, replay
from tests.dialogue.test_machine import BOOK, COMMANDS, FLOWS, TEXT, Talk, slot

GIVEN = Given(message_id="msg_s")
SILENCES = st.builds(Silence, reminders=st.integers(1, 3), ends=st.booleans())


@settings(max_examples=1000 if os.environ.get("ATTENDA_LONG") == "1" else 60, deadline=None)
@given(
    st.lists(st.lists(COMMANDS, min_size=1, max_size=2), max_size=8),
    st.integers(-1, 2),
    SILENCES,
)
def test_nothing_is_done_by_silence_in_any_state(
    turns: list[list[Command]], approved: int, command: Silence
) -> None:
    talk = Talk()
    for commands in turns:
        talk.hear(*commands)
    state = talk.state
    if 0 <= approved < len(state.frames):  # one of the flows waits for somebody's approval
        here = state.frames[approved].instance
        waits = Called(instance=here, step="x", tool="t", state="waiting", approval_id="apr_1")
        state = replay(state, [waits])
    asked = open_question(state, BOOK, GIVEN)
    events = reduce(state, [command], BOOK, GIVEN)
    after = replay(state, events)
    assert TypeAdapter(Command).validate_json(command.model_dump_json()) == command
    assert DialogueState.model_validate_json(after.model_dump_json()) == after
    assert all(isinstance(one, Silent | FlowEnded) for one in events)
    assert not events or asked, "only a question can be met by silence"
    was, now = advance(state, BOOK, GIVEN), advance(after, BOOK, GIVEN)
    if not (events and command.ends):
        assert after == state.model_copy(update={"reminded": after.reminded})
        assert now == was, "a reminder leaves everything where it stood"
        return
    assert not now.events and isinstance(now.next, Idle | Await)
    assert after.frames == state.frames[: len(after.frames)]
    kept = [one for one in state.frames if one.approval_id]
    assert kept == [one for one in after.frames if one.approval_id], "an approval stays open"
    assert open_question(after, BOOK, GIVEN) is None
    assert reduce(after, [command], BOOK, GIVEN) == [], "what is put down is put down once"


def test_a_yes_after_the_end_does_nothing_and_the_wish_begins_anew() -> None:
    talk = Talk()
    talk.hear(StartFlow(flow="refund"), slot("order", "O-1001"), slot("email", "a@b.test"))
    talk.hear(Silence(reminders=1))
    assert talk.state.reminded == 1 and len(talk.state.frames) == 1
    assert isinstance(talk.hear(Silence(ends=True)), Idle)
    assert isinstance(talk.hear(Affirm()), Idle) and talk.writes == []
    assert [e.outcome for e in talk.log if isinstance(e, FlowEnded)][-1] == "abandoned"
    talk.hear(StartFlow(flow="refund"), slot("order", "O-1001"), slot("email", "a@b.test"))
    assert isinstance(talk.hear(Affirm()), Idle) and len(talk.writes) == 1


def test_who_was_not_understood_is_asked_again_what_was_asked_before() -> None:
    talk = Talk()
    first = talk.hear(StartFlow(flow="hours"))
    talk.hear(NotUnderstood())
    assert open_question(talk.state, BOOK, GIVEN) == first
    assert open_question(Talk().state, BOOK, GIVEN) is None


def test_times_are_checked_with_their_line_and_are_no_part_of_what_a_flow_is() -> None:
    timed = TEXT.replace("  hidden: true\n", "  hidden: true\n  silence: {remind: 5m, end: 2h}\n")
    flows, problems = read_flows(timed, "flows.yaml")
    assert not problems and flows["who"].silence is not None
    assert flows["who"].silence.remind == (300,) and flows["who"].silence.end == 7200
    assert flows["who"].fingerprint == FLOWS["who"].fingerprint
    again = type(flows["who"]).model_validate_json(flows["who"].model_dump_json(by_alias=True))
    assert again.silence == flows["who"].silence
    line = timed[: timed.index("silence:")].count("\n") + 1
    for wrong in (
        "{remind: soon}",
        "{remind: 30s}",
        "{remind: [2h, 1h]}",
        "{remind: 3h, end: 2h}",
        "{end: 2y}",
        "{stop: 2h}",
        "{remind: 5m, mail: {mail: {end: 9d}}}",
        "sometimes",
    ):
        _, found = read_flows(timed.replace("{remind: 5m, end: 2h}", wrong), "flows.yaml")
        assert [(one.file, one.line) for one in found] == [("flows.yaml", line)], wrong
    for off in ("off", "no"):
        flows, problems = read_flows(timed.replace("{remind: 5m, end: 2h}", off), "flows.yaml")
        assert not problems and flows["who"].silence is not None
        assert flows["who"].silence.last == 0
