"""A deed sent beyond our database: tried again under its key alone, and never repeated blindly."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from attenda.core.errors import UserError
from attenda.core.label import Labelled
from attenda.tools.call import Outcome
from attenda.tools.problems import problem_of
from attenda.tools.tool import BadResult, Deed, Tool

__all__ = ["Letter", "send_out"]

_log = logging.getLogger("attenda.tools")
_TRIES = 3
"""Times that a deed is sent to an outside that counts keys."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent."""

    tool: Tool
    deed: Deed
    arguments: Mapping[str, Any]
    labelled: Callable[[Any], Labelled]
    """What came back, as a result with its label."""


async def send_out(letter: Letter, is_off: Callable[[], Awaitable[bool]], *, lost: bool) -> Outcome:
    """Send a deed out; `lost` says that it may have been sent before.

    Whoever switches the tool off while a try is out keeps the next one back.
    """
    tool, deed = letter.tool, letter.deed
    for _ in range(_TRIES):
        try:
            async with asyncio.timeout(tool.timeout_s):
                found = None
                if lost and tool.query is not None:
                    found = await tool.query(deed)
                elif lost and not tool.takes_key:
                    break
                if found is None:
                    if await is_off():
                        break
                    found = await tool.run(deed, **letter.arguments)
            return Outcome("done", deed.key, letter.labelled(found))
        except BadResult as lie:  # it came back, so it may well have been done
            _log.error("%s: %s", tool.name, lie)
            problem = UserError("tool.bad_answer", tool=tool.name)
            return Outcome("unknown", deed.key, problem=problem)
        except (TimeoutError, OSError) as error:  # it may have been done, or not
            _log.warning("%s: %r; whether it was done is not known", tool.name, error)
            lost = True
        except Exception as error:  # noqa: BLE001 - whatever a tool raises ends in a state
            return Outcome("failed", deed.key, problem=problem_of(tool, error))
    if not lost:
        return Outcome("failed", deed.key, problem=UserError("tool.off", tool=tool.name))
    return Outcome("unknown", deed.key, problem=UserError("tool.lost", tool=tool.name))
