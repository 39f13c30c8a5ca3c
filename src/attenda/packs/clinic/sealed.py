"""Sealed charts: opened with a reason for some hours, and every look at one is written down.

Who has opened one reads nothing of it before a row says that they look; one row holds for a few
minutes.
"""

from collections.abc import Callable
from typing import Any, Literal

from attenda.api import Deed, Rows, ToolRefused, tool

__all__ = [
    "LOOK_HOLDS",
    "OPEN_HOURS",
    "Seal",
    "break_glass",
    "look_at_chart",
    "note_look",
    "seal_of",
]

OPEN_HOURS = 8
"""How long a sealed chart stays open for who opened it: a shift."""
_HOUR = 3_600_000_000
"""In microseconds."""
LOOK_HOLDS = _HOUR // 12
"""How long one row stands for looking: five minutes, in microseconds."""
Seal = Literal["none", "sealed", "to_note", "open"]


@tool(writes=True, free_text=frozenset({"reason"}), opens=True)
def break_glass(deed: Deed, patient: str, reason: str) -> dict[str, Any]:
    """Open a sealed chart for who asks, for some hours, with the reason kept."""
    if len(reason.strip()) < 5:
        raise ToolRefused(
            "A reason in a few words is needed to open a sealed chart / 打开受限病历需要写明理由"
        )
    deed.rows("accesses").add(
        id=f"AC-{deed.key[:10]}", patient_id=patient, user_id=deed.who.id, reason=reason.strip(),
        opened_at=deed.now,
    )  # fmt: skip
    look_at_chart(deed, patient)
    return {"patient": patient}


@tool(writes=True, opens=True)
def note_look(deed: Deed, patient: str) -> dict[str, Any]:
    """Write down that who asks looks at a sealed chart that they have opened."""
    look_at_chart(deed, patient)
    return {"patient": patient}


def seal_of(rows: Callable[[str], Rows], user: str, patient: str, now: int) -> Seal:
    """How a chart stands to a person.

    Args:
        rows: of the pack's tables, by name.
        user: id of who wants to see it.
        patient: id.
        now: microseconds since 1970, UTC.

    Returns:
        `none` where it is not sealed; `sealed`; `to_note` where they opened it and no row says yet
        that they look; `open`.
    """
    if not rows("patients").find(id=patient, sealed=True):
        return "none"
    if not _opened(rows, user, patient, now):
        return "sealed"
    looks = rows("looks").find(patient_id=patient, user_id=user)
    fresh = any(now - one["looked_at"] < LOOK_HOLDS for one in looks)
    return "open" if fresh else "to_note"


def look_at_chart(deed: Deed, patient: str) -> None:
    """Write a look at a chart down where it is sealed and no fresh row says so.

    Raises:
        ToolRefused: it is sealed from who asks.
    """
    seal = seal_of(deed.rows, deed.who.id, patient, deed.now)
    if seal == "sealed":
        raise ToolRefused(f"{patient}: this chart is sealed / {patient} 的病历受限")
    if seal == "to_note":
        opened = _opened(deed.rows, deed.who.id, patient, deed.now)
        deed.rows("looks").add(
            id=f"LK-{deed.key[:10]}", access_id=opened[-1]["id"], patient_id=patient,
            user_id=deed.who.id, looked_at=deed.now,
        )  # fmt: skip


def _opened(rows: Callable[[str], Rows], user: str, patient: str, now: int) -> list[dict[str, Any]]:
    """Openings that still hold, the oldest first."""
    found = rows("accesses").find_sorted("opened_at", patient_id=patient, user_id=user)
    return [one for one in found if now - one["opened_at"] < OPEN_HOURS * _HOUR]
