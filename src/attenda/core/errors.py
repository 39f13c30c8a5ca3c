"""The tree of errors; each class names who must read it.

    AttendaError
    ├── UserError          the person who asked: mend the input
    │   ├── NotFound       it isn't there, or isn't theirs to see
    │   ├── Denied         their role does not allow it
    │   ├── Unauthenticated  nobody is signed in
    │   ├── Conflict       it is so already, or something else is under way
    │   ├── TooLarge       over a limit; the limit is named
    │   └── TooMany        too often; later it may do
    ├── OperatorError      who runs the machine: mend the installation
    └── ModelError         the run: the model's process or server failed

An error holds a key of the catalogue (`core/words.py`) and the values of that sentence, so a page
can show it in the reader's language; `str(error)` is English. Programming mistakes stay Python's
own exceptions.
"""

from attenda.core.words import sentence

__all__ = [
    "AttendaError",
    "Conflict",
    "Denied",
    "ModelError",
    "NotFound",
    "OperatorError",
    "TooLarge",
    "TooMany",
    "Unauthenticated",
    "UserError",
]


class AttendaError(Exception):
    """An expected failure with one clear sentence."""

    status = 500
    """HTTP status of the answer that reports it."""
    exit_code = 1
    """Exit code of the command that reports it."""

    def __init__(self, key: str, **values: object) -> None:
        self.key = key
        self.values = values
        super().__init__(sentence("en", key, **values))

    def text(self, language: str) -> str:
        """The sentence in `language` (English where the catalogue has no such language)."""
        return sentence(language, self.key, **self.values)

    @property
    def plain_values(self) -> dict[str, str]:
        """The sentence's values as text, to be stored."""
        return {name: str(value) for name, value in self.values.items()}


class UserError(AttendaError):
    """The person's input is wrong; the sentence says what, where and how to mend it."""

    status = 400
    exit_code = 2


class NotFound(UserError):
    """It is not there, or not theirs to see: the two are told apart nowhere."""

    status = 404
    exit_code = 1


class Denied(UserError):
    """The role or the key's scope does not allow it."""

    status = 403
    exit_code = 1


class Unauthenticated(UserError):
    """Nobody is signed in, or the key is unknown, expired or revoked."""

    status = 401
    exit_code = 1


class Conflict(UserError):
    """It is so already, or something else is under way; trying again later may help."""

    status = 409
    exit_code = 1


class TooLarge(UserError):
    """Over a limit, which the sentence names."""

    status = 413
    exit_code = 1


class TooMany(UserError):
    """Too often; the sentence says how long to wait."""

    status = 429
    exit_code = 1


class OperatorError(AttendaError):
    """The installation must be mended by who runs it."""

    status = 503


class ModelError(AttendaError):
    """The model's process or server failed this run; the next run may succeed."""

    status = 502
