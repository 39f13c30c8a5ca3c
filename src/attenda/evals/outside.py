"""Tools that reach outside, answered by a scenario: no trial touches the world.

Each call takes the next answer, and the last one stays. `lost` is an answer that did not come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue

from attenda.core.errors import UserError
from attenda.tools.tool import Deed, Tool, ToolRefused

__all__ = ["LOST", "answered_by"]

LOST = "lost"


def answered_by(
    answers: Mapping[str, Sequence[JsonValue]], tools: Sequence[Tool]
) -> tuple[Tool, ...]:
    """The tools, those that reach outside answered by a list of answers each."""
    return tuple(
        _answered(one, list(answers.get(one.name, ()))) if one.outside else one for one in tools
    )


def _answered(tool: Tool, answers: list[JsonValue]) -> Tool:
    async def run(_deed: Deed, **_arguments: object) -> JsonValue:
        if not answers:
            raise UserError("eval.outside", tool=tool.name)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        match answer:
            case str() if answer == LOST:
                raise TimeoutError
            case {"refused": str(reason)}:
                raise ToolRefused(reason)
        return answer

    return replace(tool, run=run, query=run if tool.query else None)
