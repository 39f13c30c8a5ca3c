"""YAML as text, lists and mappings, with the line of every part; for files that people write.

Scalars stay what was written: no date, no `no` and no number becomes something else. Anchors are
refused, since they make a small file huge. It reads text and knows no file.
"""

from typing import Any

import yaml

__all__ = ["BadYaml", "Lines", "Place", "lined_yaml", "line_of"]

Place = tuple[str | int, ...]
"""The keys and numbers that lead to a part."""
Lines = dict[Place, int]
"""Line of each part, counted from 1."""

_MOST_BYTES = 200_000
_DEEPEST = 60
_OPENING = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


class BadYaml(ValueError):
    """The text is no YAML that can be used; `line` says where."""

    def __init__(self, problem: str, line: int = 1) -> None:
        self.problem, self.line = problem, line
        super().__init__(problem)


def lined_yaml(text: str) -> tuple[Any, Lines]:
    """The text as lists, mappings and text, and where each part stands.

    Raises:
        BadYaml: it is no YAML, too large, or has anchors or keys that stand twice.
    """
    if len(text) > _MOST_BYTES:
        raise BadYaml(f"the file is larger than {_MOST_BYTES // 1000} kB")
    lines: Lines = {}
    try:
        _look_over(text)
        return _plain(yaml.compose(text, Loader=yaml.SafeLoader), (), lines), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or error)
        raise BadYaml(said, mark.line + 1 if mark else 1) from error
    except RecursionError as error:
        raise BadYaml("it is nested too deeply") from error
    except BadYaml:
        raise
    except (ValueError, OverflowError) as error:  # an escape for a letter that there is not
        raise BadYaml(str(error)) from error


def _look_over(text: str) -> None:
    """Refuse what makes a small file a long work."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            raise BadYaml("anchors and aliases have no place here", line)
        if depth > _DEEPEST:
            raise BadYaml("it is nested too deeply", line)


def line_of(lines: Lines, place: Place) -> int:
    """The line of a part, or of the nearest one around it that has a line."""
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _plain(node: yaml.Node | None, place: Place, lines: Lines) -> Any:
    if node is None:
        return {}
    line = node.start_mark.line + 1
    lines[place] = line
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.value in found:
                raise BadYaml("a key stands twice, or is no text", line)
            name = _text(key)
            found[name] = _plain(value, (*place, name), lines)
            lines[(*place, name)] = line
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*place, number), lines) for number, one in enumerate(node.value)]
    return _text(node)


def _text(node: yaml.Node) -> str:
    text = str(node.value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadYaml("half a letter has no place here", node.start_mark.line + 1) from error
    return text
