"""How long an agent waits for an answer: when it reminds of what it asked, and when it lets go.

Times are counted from the question. Nothing here knows a clock.
"""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from attenda.core.duration import read_duration

__all__ = ["NEVER", "SilenceTimes"]

_OFF = ("off", "no", "none")
_LEAST_S = 60
_MOST_S = 366 * 86_400
_MOST_REMINDERS = 5


def _seconds(value: Any) -> Any:
    seconds = read_duration(value) if isinstance(value, str) else value
    if isinstance(seconds, int) and not _LEAST_S <= seconds <= _MOST_S:
        raise ValueError("give a time between 1m and 366d")
    return seconds


def _several(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


def _in_full(value: Any) -> Any:
    return {} if isinstance(value, str) and value in _OFF else value


_Seconds = Annotated[int, BeforeValidator(_seconds)]


class SilenceTimes(BaseModel):
    """What happens when nobody answers; written as in `{remind: 10m, end: 24h}`, or `off`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    remind: Annotated[
        tuple[_Seconds, ...], BeforeValidator(_several), Field(max_length=_MOST_REMINDERS)
    ] = ()
    """Seconds from the question to each reminder."""
    end: _Seconds | None = None
    """Seconds from the question until what is under way is over; without it, it never is."""
    mail: "SilenceTimes | None" = None
    """Where the conversation goes by mail; nothing is said there unless it is given."""
    hours: bool = False
    """Whether all this waits until the people behind the agent are there."""

    @model_validator(mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        value = _in_full(value)
        if isinstance(value, str):
            raise ValueError("write it as {remind: 10m, end: 24h}, or off")
        return value

    @model_validator(mode="after")
    def _rising(self) -> Self:
        each = [*self.remind, *([self.end] if self.end else [])]
        if any(not one < other for one, other in zip(each, each[1:], strict=False)):
            raise ValueError("each reminder comes later than the one before, and the end after all")
        if self.mail and self.mail.mail:
            raise ValueError("“mail” has no place in “mail”")
        return self

    @classmethod
    def of(
        cls, *remind: str, end: str = "", mail: "SilenceTimes | None" = None, hours: bool = False
    ) -> Self:
        """Times as files write them: `SilenceTimes.of("10m", end="24h")`.

        Raises:
            pydantic.ValidationError: they are no times, or in no order.
        """
        given = {"remind": remind, "end": end or None, "mail": mail, "hours": hours}
        return cls.model_validate(given)

    @property
    def last(self) -> int:
        """Seconds from the question after which nothing more happens."""
        return self.end or max(self.remind, default=0)


NEVER = SilenceTimes()
"""Nobody is reminded, and nothing ends by itself."""
