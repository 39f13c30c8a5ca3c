"""What is said in the place of a deed where a draft is tried, and nothing is done."""

from attenda.core.words import sentence
from attenda.runtime.loop_values import in_lines
from attenda.tools.call import Call, Outcome
from attenda.tools.tool import Tool

__all__ = ["told_instead"]

_LONGEST = 300
"""Letters of one value."""
_ROLES = {
    "owner": "page.role_owner",
    "supervisor": "page.role_supervisor",
    "agent": "page.role_agent",
    "viewer": "page.role_viewer",
}


def told_instead(tool: Tool | None, call: Call, outcome: Outcome, language: str) -> str:
    """Which tool would have been called with what, and after whose yes."""
    words = tool.words.get(language, {}) if tool is not None else {}
    given = {"tool": call.tool, "arguments": in_lines(words, call.plain, _LONGEST)}
    if outcome.would_ask in _ROLES:
        role = sentence(language, _ROLES[outcome.would_ask])
        return sentence(language, "trial.after_yes", role=role, **given)
    return sentence(
        language, "trial.after_own_yes" if outcome.would_ask else "trial.would", **given
    )
