"""Turns one uploaded file into plain text with exact spans.

`parse_file` reads a file in this process; `python -m attenda.knowledge.parse.child` does the same
in a process with limits on memory and time, which is how strangers' files should be read.
This package knows formats only: nothing of chunks, indexes, databases or users, and it imports
nothing of attenda outside itself.  The format libraries load when a file of their kind arrives.
"""

from attenda.knowledge.parse.answer import read_answer
from attenda.knowledge.parse.blocks import (
    Block,
    Box,
    Code,
    Kind,
    Limits,
    Page,
    Parsed,
    UnreadableFile,
)
from attenda.knowledge.parse.files import parse_file
from attenda.knowledge.parse.media import media_type

__all__ = [
    "Block",
    "Box",
    "Code",
    "Kind",
    "Limits",
    "Page",
    "Parsed",
    "UnreadableFile",
    "media_type",
    "parse_file",
    "read_answer",
]
