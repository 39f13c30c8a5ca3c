"""Why a deed was not done, as a sentence for the person."""

import logging
from collections.abc import Mapping
from typing import Any

from attenda.core.errors import AttendaError, UserError
from attenda.tools.policy import Objection, Ruling
from attenda.tools.tool import Deed, Tool, ToolRefused

__all__ = ["denied", "kept_off", "problem_of", "unreadable", "untried"]

_log = logging.getLogger("attenda.tools")


def denied(tool: Tool, ruling: Ruling) -> UserError:
    """That the rules do not allow it."""
    if ruling.objection is not None and ruling.objection.readers:
        return unreadable(tool, ruling.objection)
    if ruling.reason and ruling.objection is None:  # an allowing rule's says why it allows
        return UserError("tool.denied_because", tool=tool.name, reason=ruling.reason)
    return UserError("tool.denied", tool=tool.name)


def unreadable(tool: Tool, why: Objection) -> UserError:
    """That somebody would learn of a value who may not read it."""
    readers = ", ".join(why.readers)
    return UserError("tool.unreadable", tool=tool.name, name=why.argument, readers=readers)


def untried(tool: Tool, ruling: Ruling) -> UserError:
    """Why a deed is not even tried in a trial."""
    if ruling.do != "deny":
        return UserError("trial.opens", tool=tool.name)
    return denied(tool, ruling)


def kept_off(tool: Tool, deed: Deed, arguments: Mapping[str, Any]) -> UserError | None:
    """Why our tables don't let a deed beyond the database begin; none where they do."""
    if tool.before is None:
        return None
    try:
        tool.before(deed, **arguments)
    except (ToolRefused, UserError) as error:
        return problem_of(tool, error)
    return None


def problem_of(tool: Tool, error: Exception) -> UserError:
    """A tool's failure as a sentence; what it raised by mistake goes to the log alone."""
    if isinstance(error, ToolRefused):
        return UserError("tool.refused", reason=error)
    if isinstance(error, UserError):
        return error
    if isinstance(error, TimeoutError):
        return UserError("tool.slow", tool=tool.name, limit=tool.timeout_s)
    if not isinstance(error, AttendaError):
        _log.error("the tool %s failed", tool.name, exc_info=error)
    return UserError("tool.broke", tool=tool.name)
