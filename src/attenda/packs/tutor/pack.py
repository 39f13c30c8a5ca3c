"""The tutor: practice with hints that keep the answer back, a plan, progress, exams.

What is right and what counts stands in `rules.py` and its neighbours, as pure functions; the tools
keep rows; when what is said stands in `flows/`, what is allowed in `policy.toml`.
"""

from collections.abc import Sequence
from pathlib import Path

from attenda.api import (
    Command,
    Deed,
    Labelled,
    Pack,
    Said,
    SetSlot,
    SilenceTimes,
    StartFlow,
    greets,
)
from attenda.packs.tutor import exercises, planning, practice, teaching
from attenda.packs.tutor.answers import answer_in, asks_to_be_told
from attenda.packs.tutor.asking import is_about_else
from attenda.packs.tutor.beginning import (
    asks_for_exercise,
    asks_for_more,
    asks_for_report,
    asks_to_begin,
)
from attenda.packs.tutor.catalogue import both, wish
from attenda.packs.tutor.hints import leaks
from attenda.packs.tutor.importing import IMPORTERS
from attenda.packs.tutor.item import text_in
from attenda.packs.tutor.naming import learner_in, mastery_in
from attenda.packs.tutor.pack_faults import faults
from attenda.packs.tutor.pages import ENDPOINTS, SCREENS
from attenda.packs.tutor.safeguard import look
from attenda.packs.tutor.samples import samples_on
from attenda.packs.tutor.state import find_item, open_task
from attenda.packs.tutor.tables import TABLES
from attenda.packs.tutor.telling import told
from attenda.packs.tutor.topics import explained_topic, practised_topic, topic_in

__all__ = ["PACK"]


def heard_first(said: Said) -> Sequence[Command]:
    """A sign of danger goes before everything else that a message may mean.

    While an exercise waits, so does what gives an answer or asks for it, whatever else it is like;
    while nothing is under way, to begin is to practise, for a pupil, and how a learner does is a
    teacher's question.
    """
    if look(said.text):
        return [StartFlow(flow="safeguard")]
    top = said.state.top
    if top is None and not said.state.candidates and (begun := _first_wish(said)):
        return begun
    asked = top is not None and top.flow == "topic" and "skill" not in top.values
    if asked and not is_about_else(said.text) and (skill := topic_in(said.text)):
        return [_set(said, "skill", skill)]
    waits = top is not None and top.flow == "practice" and "answer" not in top.values
    if waits and _is_for_exercise(said.text):
        return [_set(said, "answer", said.text.strip())]
    return []


def _set(said: Said, slot: str, value: str | int) -> SetSlot:
    words = str(value) if str(value) in said.text else said.text.strip()
    return SetSlot(slot=slot, value=Labelled(value=value, label=said.label), words=words)


def _first_wish(said: Said) -> Sequence[Command]:
    """What is begun where nothing is under way; nothing where examples are to tell."""
    if (wanted := mastery_in(said.text)) is not None:
        learner, skill, percent = wanted
        return [
            StartFlow(flow="override"),
            _set(said, "learner", learner),
            _set(said, "skill", skill),
            _set(said, "percent", percent),
        ]
    if greets(said.text):
        return [StartFlow(flow="greet")]
    if _role(said) != "supervisor" and (skill := practised_topic(said.text)):
        return [StartFlow(flow="practice"), _set(said, "about", skill)]
    if skill := explained_topic(said.text):
        return [StartFlow(flow="explain"), _set(said, "skill", skill)]
    if asks_for_report(said.text) and not _is_pupil(said):
        return _report(said)
    if _begins(said) and _is_pupil(said):
        return [StartFlow(flow="practice")]
    return []


def _begins(said: Said) -> bool:
    more = said.state.last == "practice" and asks_for_more(said.text)
    return more or asks_to_begin(said.text) or asks_for_exercise(said.text)


def _is_for_exercise(text: str) -> bool:
    """Whether it is an answer, a wish about the exercise that is open, or about nothing else."""
    said = any(map(str.isalnum, text))
    if answer_in(text) or asks_to_be_told(text) or wish(text) == "skip":
        return True
    return said and not is_about_else(text)


def _report(said: Said) -> Sequence[Command]:
    """What a teacher's question about a learner means, and whom it names."""
    begun = StartFlow(flow="learner_report")
    place = learner_in(said.text)
    if place is None:
        return [begun]
    return [begun, _set(said, "learner", said.text[slice(*place)])]


def _is_pupil(said: Said) -> bool:
    return _role(said) not in ("supervisor", "owner")


def _role(said: Said) -> object:
    user = said.given.names["user"].value
    return user.get("role") if isinstance(user, dict) else None


def keep_back(deed: Deed, text: str, language: str) -> str | None:
    """What stands in the place of a model's text that would tell the open exercise's answer.

    In an exam nothing of a model is shown; once the answer was told, everything may be.
    """
    learner = deed.rows("learners").find(id=deed.who.id)
    if learner and learner[0]["exam"]:
        return text_in(both("exam_no_help"), language)
    row = open_task(deed, deed.who.id)
    if row is None or row["told"] or not leaks(find_item(deed, row["item"]), text):
        return None
    return text_in(both("kept_back"), language)


PACK = Pack(
    name="tutor",
    title={"en": "Tutor", "zh-CN": "学习辅导"},
    folder=Path(__file__).parent,
    tools=(
        practice.give_task,
        practice.answer,
        practice.give_hint,
        practice.explain,
        practice.raise_concern,
        planning.make_plan,
        planning.show_plan,
        planning.move_entry,
        planning.finish_entry,
        planning.add_entry,
        planning.remove_entry,
        teaching.progress,
        teaching.class_view,
        teaching.export_attempts,
        teaching.set_exam,
        teaching.override_mastery,
        teaching.look_into,
        exercises.refile_item,
        exercises.edit_item,
        exercises.retire_item,
        exercises.undo_change,
    ),
    tables=TABLES,
    catalogues={"learners": learner_in},
    samples=samples_on,
    first=heard_first,
    alarms=("safeguard",),
    guard=keep_back,
    told=told,
    screens=SCREENS,
    endpoints=ENDPOINTS,
    importers=IMPORTERS,
    faults=faults,
    silence=SilenceTimes.of("30m", end="24h"),
)
