"""Spaced review by FSRS: when a skill that was mastered should be looked at again.

The schedule is the library's (`fsrs`, 21 parameters, times in UTC); this file hands it one answer
after another and keeps its card as JSON. Without the library there are no reviews, and that is
said.
"""

import json
from datetime import UTC, datetime
from typing import Any, Literal

__all__ = ["Rating", "ReviewsMissing", "due_at", "reviewed", "reviews_installed"]

Rating = Literal["again", "hard", "good", "easy"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReviewsMissing(RuntimeError):
    """`fsrs` is not installed."""


def _library() -> Any:
    try:
        import fsrs
    except ImportError as error:
        raise ReviewsMissing("pip install -e '.[tutor]'") from error
    return fsrs


def reviews_installed() -> bool:
    """Whether reviews can be planned here."""
    try:
        _library()
    except ReviewsMissing:
        return False
    return True


def reviewed(card: str, rating: Rating, at: int) -> tuple[str, int]:
    """A card after one answer.

    Args:
        card: as JSON; "" is one that was never shown.
        rating: again is wrong; hard is right with hints; good is right.
        at: when, microseconds since 1970, UTC.

    Returns the card as JSON and when it is due, microseconds since 1970, UTC. The same answers
    give the same dates: nothing is left to chance.

    Raises:
        ReviewsMissing: `fsrs` is not installed.
    """
    fsrs = _library()
    scheduler = fsrs.Scheduler(enable_fuzzing=False)
    before = fsrs.Card.from_json(card) if card else fsrs.Card(card_id=0, due=_moment(at))
    after, _ = scheduler.review_card(before, fsrs.Rating[rating.capitalize()], _moment(at))
    text = after.to_json()
    return (text if isinstance(text, str) else json.dumps(text)), due_at(text)


def due_at(card: str) -> int:
    """When a card is due, microseconds since 1970, UTC."""
    moment = datetime.fromisoformat(json.loads(card)["due"])
    apart = moment.astimezone(UTC) - _EPOCH
    return (apart.days * 86_400 + apart.seconds) * 1_000_000 + apart.microseconds


def _moment(at: int) -> datetime:
    seconds, micros = divmod(at, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
