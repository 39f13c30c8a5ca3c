"""Choosing at work: a tuned model is asked where examples leave open what a person wants.

Nothing rests on it. A model that is slow, broken or not allowed any more tokens leaves the message
as the examples left it, and so does one that was not seen to choose better than they do.
"""

import asyncio
import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from attenda.core.command import Clarify, Command, NotUnderstood
from attenda.core.errors import AttendaError
from attenda.core.ports import Account, ChatModel
from attenda.dialogue.choosing import NONE, Choice, question, settings_for
from attenda.dialogue.nearest_features import language_by_script

__all__ = ["Chooser", "is_left_open", "keep_choosers", "kept_choosers", "open_choosers"]

_log = logging.getLogger(__name__)
_FILE = "choosers.json"


@dataclass(frozen=True, slots=True)
class Chooser:
    """A model, and what it was seen to choose well."""

    model: ChatModel
    flows: frozenset[str]
    """Names of the flows that it was tuned on; it is asked about no others."""
    languages: frozenset[str]
    """`en`, `zh-CN`."""
    patience_s: float = 4.0
    """Longest time that a person waits for a choice; then the examples alone decide."""

    def knows(self, choice: Choice) -> bool:
        """Whether it was seen to choose well in this language, and knows all these flows."""
        spoken = language_by_script(choice.wish) in self.languages
        return spoken and self.flows.issuperset(choice.flows)

    async def choose(self, choice: Choice, account: Account | None = None) -> str:
        """The name that it takes, or none of them."""
        with contextlib.suppress(AttendaError, TimeoutError):
            async with asyncio.timeout(self.patience_s):
                return await self._answer(choice, account)
        return NONE

    async def _answer(self, choice: Choice, account: Account | None) -> str:
        messages, settings = question(choice), settings_for(choice)
        asked = (
            account.ask(self.model, messages, settings)
            if account
            else self.model.stream(messages, settings)
        )
        async with aclosing(asked) as chunks:
            name = "".join([chunk.text async for chunk in chunks])
        return name if name in choice.names else NONE


def is_left_open(commands: Sequence[Command]) -> bool:
    """Whether the examples left open what a message means."""
    return len(commands) == 1 and isinstance(commands[0], Clarify | NotUnderstood)


class _Row(BaseModel):
    """What a home keeps of a chooser, by the name of its pack."""

    model_config = ConfigDict(extra="ignore")
    model: str
    flows: frozenset[str]
    languages: frozenset[str]


def open_choosers(home: Path, chat: Callable[[str], ChatModel]) -> list[Chooser]:
    """The choosers of a home; one whose model is gone is left out, and the log says so."""
    found = []
    for name, row in kept_choosers(home).items():
        try:
            one = _Row.model_validate(row)
            found.append(Chooser(chat(one.model), one.flows, one.languages))
        except (ValidationError, AttendaError) as problem:
            _log.warning("the chooser of %s is left out: %s", name, problem)
    return found


def kept_choosers(home: Path) -> dict[str, Any]:
    """What a home's file says of its choosers, by pack; a broken file says nothing."""
    path = home / _FILE
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        _log.warning("%s can't be read, so examples alone decide: %s", path, problem)
        return {}
    return found if isinstance(found, dict) else {}


def keep_choosers(home: Path, known: dict[str, Any]) -> None:
    """Write a home's file of choosers, whole or not at all."""
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=home, delete=False, encoding="utf-8") as file:
        json.dump(known, file, indent=1)
    os.replace(file.name, home / _FILE)
