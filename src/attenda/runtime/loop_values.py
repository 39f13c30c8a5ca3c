"""Values in the tool loop: what the model sees of a result, and what its references stand for.

What strangers wrote is not shown to the model that chooses tools. In its place stands a reference
such as `${r2.note}`, which it may put into arguments and into its answer; what a reference is
replaced by keeps its own label. So no choice can rest on those words.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import JsonValue

from attenda.core.errors import UserError
from attenda.core.label import Label, Labelled, at_least, join, join_all

__all__ = ["REFERENCE", "as_text", "filled", "in_lines", "names_in", "open_end", "resolve", "shown"]

REFERENCE = re.compile(r"\$\{(r\d+)((?:\.[^.{}\s$]+)*)\}")
_PATH_PART = re.compile(r"[^.{}\s$]+")
_LONGEST_REFERENCE = 200


def shown(held: Labelled, name: str) -> JsonValue:
    """A result as the model that chooses tools sees it: strangers' words are references to them."""
    if at_least(held.whole_label, "user"):
        return held.value
    if not at_least(held.label, "user"):
        return f"${{{name}}}"
    return _without(held.value, held.fields, name)


def _without(value: JsonValue, fields: Mapping[str, Label], at: str) -> JsonValue:
    if isinstance(value, list):
        return [_without(one, fields, f"{at}.{place}") for place, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    found: dict[str, JsonValue] = {}
    for key, one in value.items():
        there = f"{at}.{key}"
        kept_aside = key in fields and not at_least(fields[key], "user")
        if not _PATH_PART.fullmatch(key):
            return f"${{{at}}}"  # no reference could name it
        found[key] = f"${{{there}}}" if kept_aside else _without(one, fields, there)
    return found


def resolve(written: JsonValue, results: Mapping[str, Labelled], own: Label) -> Labelled:
    """An argument as the model wrote it, with its references replaced.

    `own` is the label of what the model has seen: that of every word it wrote itself.

    Raises:
        UserError: a reference names no result, or nothing in it.
    """
    labels = [own]

    def value_of(match: re.Match[str]) -> JsonValue:
        value, label = _at(results, match[1], match[2])
        labels.append(label)
        return value

    value = _replaced(written, value_of)
    return Labelled(value=value, label=join_all(labels))


def _replaced(written: JsonValue, value_of: Callable[[re.Match[str]], JsonValue]) -> JsonValue:
    if isinstance(written, dict):
        return {key: _replaced(one, value_of) for key, one in written.items()}
    if isinstance(written, list):
        return [_replaced(one, value_of) for one in written]
    if not isinstance(written, str):
        return written
    if (whole := REFERENCE.fullmatch(written.strip())) is not None:
        return value_of(whole)
    return REFERENCE.sub(lambda match: as_text(value_of(match)), written)


def filled(text: str, results: Mapping[str, Labelled]) -> tuple[str, Label]:
    """Words of the model with their references replaced, and the label of what was put in.

    A reference that stands for nothing is left out.
    """
    labels: list[Label] = []

    def words(match: re.Match[str]) -> str:
        try:
            value, label = _at(results, match[1], match[2])
        except UserError:
            return ""
        labels.append(label)
        return as_text(value)

    return REFERENCE.sub(words, text), join_all(labels)


def open_end(text: str) -> int:
    """Where a reference begins that may not be whole yet; the text's length where none does."""
    at = text.rfind("$")
    if at < 0 or "}" in text[at:] or len(text) - at > _LONGEST_REFERENCE:
        return len(text)
    return at if text[at:] == "$" or text.startswith("${", at) else len(text)


def names_in(written: JsonValue) -> list[str]:
    """Names of the results that an argument refers to, in order."""
    texts = json.dumps(written, ensure_ascii=False)
    return list(dict.fromkeys(match[1] for match in REFERENCE.finditer(texts)))


def as_text(value: JsonValue) -> str:
    """A value inside a text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def in_lines(words: Mapping[str, str], arguments: Mapping[str, JsonValue], longest: int) -> str:
    """Arguments, each on a line of its own, by `words` for their names; no value is two lines.

    A value has at most `longest` letters.
    """

    def one_line(value: JsonValue) -> str:
        plain = " ".join(as_text(value).split())
        return plain if len(plain) <= longest else f"{plain[:longest]}…"

    return "".join(
        f"\n- {words.get(name, name)}: {one_line(value)}" for name, value in arguments.items()
    )


def _at(results: Mapping[str, Labelled], name: str, path: str) -> tuple[JsonValue, Label]:
    """The value at a path in a result, and the label of that value alone.

    Raises:
        UserError: there is none.
    """
    held = results.get(name)
    if held is None:
        raise UserError("loop.no_result", name=name + path)
    parts = path.split(".")[1:]
    value, label = held.value, held.label
    for part in parts:
        label = join(label, held.fields.get(part, label))
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif at_least(held.whole_label, "user"):
            raise UserError("loop.no_result", name=name + path)
        else:  # whether it is there may be a stranger's doing, and must not be seen
            return "", join(label, held.whole_label)
    inner = (held.fields[key] for key in _keys(value) if key in held.fields)
    return value, join_all([label, *inner])


def _keys(value: JsonValue) -> Iterator[str]:
    """Names of all fields inside a value."""
    inner: Sequence[JsonValue] = ()
    if isinstance(value, dict):
        yield from value
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    for one in inner:
        yield from _keys(one)
