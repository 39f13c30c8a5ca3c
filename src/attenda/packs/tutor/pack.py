"""The tutor: practice with hints that keep the answer back, a plan, progress, exams.

What is right and what counts stands in `rules.py` and its neighbours, as pure functions; the tools
keep rows; when what is said stands in `flows/`, what is allowed in `policy.toml`.
"""

from collections.abc import Sequence
from pathlib import Path

from attenda.api import Command, Pack, Said, StartFlow
from attenda.packs.tutor import planning, practice, teaching
from attenda.packs.tutor.importing import IMPORTERS
from attenda.packs.tutor.pages import ENDPOINTS, SCREENS
from attenda.packs.tutor.safeguard import look
from attenda.packs.tutor.samples import SAMPLES
from attenda.packs.tutor.tables import TABLES

__all__ = ["PACK"]


def safe_first(said: Said) -> Sequence[Command]:
    """A sign of danger goes before everything else that a message may mean."""
    return [StartFlow(flow="safeguard")] if look(said.text) else []


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
        teaching.progress,
        teaching.class_view,
        teaching.export_attempts,
        teaching.set_exam,
        teaching.override_mastery,
    ),
    tables=TABLES,
    samples=SAMPLES,
    first=safe_first,
    screens=SCREENS,
    endpoints=ENDPOINTS,
    importers=IMPORTERS,
)
