"""Where in its file each flow, step and slot stands, for mistakes that are seen after reading.

Steps are named as the flow names them: by their id, or by their place.
"""

from collections.abc import Iterator
from typing import Any

from attenda.core.lined_yaml import BadYaml, Place, line_of, lined_yaml

__all__ = ["flow_lines"]

_INNER = {"then": "then", "else": "else", "otherwise": "no"}
"""Keys of steps within a step, and what the ids of those steps are called by."""


def flow_lines(text: str) -> dict[tuple[str, str], int]:
    """The line of each (flow, step or slot); of a flow itself with an empty name."""
    try:
        tree, lines = lined_yaml(text)
    except BadYaml:
        return {}
    found: dict[tuple[str, str], int] = {}
    for flow, body in tree.items() if isinstance(tree, dict) else ():
        found[flow, ""] = line_of(lines, (flow,))
        if not isinstance(body, dict):
            continue
        slots = body.get("slots")
        for slot in slots if isinstance(slots, dict) else ():
            found[flow, slot] = line_of(lines, (flow, "slots", slot))
        for id_, place in _steps(body.get("steps"), (flow, "steps"), ""):
            found[flow, id_] = line_of(lines, place)
    return found


def _steps(rows: Any, place: Place, path: str) -> Iterator[tuple[str, Place]]:
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict):
            continue
        here: Place = (*place, number)
        id_ = str(row.get("id") or f"{path}{number + 1}")
        yield id_, here
        for key, called in _INNER.items():
            yield from _steps(row.get(key), (*here, key), f"{id_}.{called}.")
