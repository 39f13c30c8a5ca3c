"""What the tutor's pages say once a tool was called from one: as a talk says it, and no less.

A sign of danger in an answer calls a person as it does in a talk.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from attenda.api import Told
from attenda.packs.tutor.catalogue import said_both

__all__ = ["told"]

_PLANNED = ("make_plan", "move_entry", "finish_entry", "add_entry", "remove_entry")
_WHY = {"en": "A learner may be in danger.", "zh-CN": "学生可能有危险。"}


def told(tool: str, given: Mapping[str, JsonValue], result: JsonValue) -> Told | None:
    """The words of a tool's result; what its page shows by itself is only read out."""
    if not isinstance(result, dict) or "en" not in result:
        return None
    words, state = _words(result), result.get("state", "")
    if state == "danger":
        said = str(given.get("answer") or given.get("words") or "")
        return Told(words, on_page=True, said=said, hand_off=_WHY)
    if state == "open":
        return None  # the exercise itself, which has the focus
    if tool in _PLANNED:
        return Told(words, on_page=bool(result.get("count")))
    following = result.get("next")
    pause = isinstance(following, dict) and following.get("state") == "pause"
    after = _words(following) if pause else {}
    words = said_both(words, after if after != words else {})
    return Told(words, on_page=bool(result.get("shown")))


def _words(result: Any) -> Mapping[str, str]:
    """Its words by language; nothing where it has none."""
    return {"en": result["en"], "zh-CN": result["zh"]} if result["en"] else {}
