"""The chatterbot corpus: YAML lists of lists of utterances, taken in turns.

Reads that corpus's own plain style line by line (`- - first`, `  - next`, indented text goes on);
it is no YAML parser and knows no other file.
"""

import json
import re
from collections.abc import Iterator

from attenda.learn.conversation import Draft, Problem
from attenda.learn.formats.source import Source, undecoded

__all__ = ["EXAMPLE", "is_chatterbot", "read_chatterbot"]

EXAMPLE = "conversations:\n- - Hi\n  - Hello!"
_ITEM = re.compile(r"(- - ?|- |  - ?)(.*)")
_INDENT = 4


def is_chatterbot(source: Source) -> bool:
    """Whether it is such a list."""
    return re.search(r"^conversations:\s*$", source.head, re.M) is not None


def read_chatterbot(source: Source) -> Iterator[Draft | Problem]:
    """Every conversation of a file."""
    begun, first, said = False, 0, list[list[str]]()
    for number, line in source.lines():
        if undecoded(line):
            yield Problem(source.place(number), "learn.data.not_utf8")
            continue
        if not begun:
            begun = line.rstrip() == "conversations:"
            continue
        item = _ITEM.match(line)
        if item and item[1].startswith("-"):
            if said:
                yield _draft(source.place(first), said)
            first, said = number, [[item[2]]]
        elif item and said:
            said.append([item[2]])
        elif said:
            said[-1].append(line)
    if said:
        yield _draft(source.place(first), said)


def _draft(place: str, said: list[list[str]]) -> Draft:
    roles = ("user", "assistant")
    return Draft(place, [(roles[n % 2], _scalar(lines)) for n, lines in enumerate(said)])


def _scalar(lines: list[str]) -> str:
    """A literal (`|`), quoted or plain scalar as text."""
    if lines[0].strip() in ("|", "|-"):
        return "\n".join(line[_INDENT:] for line in lines[1:]).strip("\n")
    text = " ".join(line.strip() for line in lines if line.strip())
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text
