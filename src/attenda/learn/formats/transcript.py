"""Plain chat logs: `Name: text` lines, with or without times before them.

A time may be `[12:03]`, ISO, or as WhatsApp writes it; where a conversation's first line has one,
only such lines begin a turn, so a colon in the middle of a message does no harm. It knows no
files: a log may stand in a file or in a cell of a table.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from attenda.learn.conversation import Draft, Turn, join_turns

__all__ = ["human_assistant", "looks_like_log", "read_log"]

_CLOCK = (
    r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?"
    r"(?:[\s\u202f\u00a0]?[AaPp]\.?[Mm]\.?)?(?:Z|[+-]\d{2}:?\d{2})?"
)
_DATE = r"\d{1,4}[-./年]\d{1,2}[-./月]\d{1,4}日?"
_TIME = re.compile(
    rf"\s*[\u200e\u200f]*\[?(?:{_DATE}(?:,?\s+|T))?{_CLOCK}\]?(?:\s+[-\u2013]\s+|\s+)"
)
_NAME = re.compile(
    r"\s*[*_#>]*\s*([^\W\d_][^:\uff1a\n]{0,39}?)"
    r"(?:\s*[\[(][^\])\n]{0,30}\d{1,2}:\d{2}[^\])\n]{0,12}[\])])?"
    r"\s*(?:\*\*|__)?[:\uff1a](?!//)(?:\*\*|__)?\s?(.*)",
    re.S,
)
"""A name, perhaps in Markdown's bold, perhaps with a time in brackets after it; the words."""
_RULE = re.compile(r"\s*(?:-{3,}|={3,}|\*{3,}|_{3,})\s*")
_ASSISTANTS = frozenset(
    "assistant agent bot chatbot support doctor dr tutor teacher ai gpt chatgpt".split()
)
_ASSISTANTS_HAN = ("客服", "助手", "医生", "老师", "机器人")
_USERS = frozenset("user customer client patient student human guest visitor caller".split())
_USERS_HAN = ("用户", "客户", "患者", "病人", "学生", "顾客")
_SYSTEMS = frozenset({"system", "系统"})
_HH = re.compile(r"(?:^|\n\n)(Human|Assistant): ?")
_MOST_NAME_WORDS = 4
_LOOKED_AT = 40


@dataclass(slots=True)
class _Said:
    line: int
    name: str
    text: str


@dataclass(slots=True)
class _Block:
    """Turns between two separators."""

    turns: list[_Said] = field(default_factory=list)
    stray: int = 0
    """First line, if it belongs to no turn."""


def looks_like_log(head: str) -> bool:
    """Whether most lines say who speaks, and two do."""
    lines = [line for line in head.splitlines() if line.strip()][:_LOOKED_AT]
    named = [said for line in lines if (said := _opening(line, 0, timed=_is_timed(line)))]
    return len(named) * 2 > len(lines) and len({said.name.casefold() for said in named}) > 1


def read_log(lines: Iterator[tuple[int, str]], place: str) -> Iterator[Draft]:
    """Conversations of a log; a blank line or a rule (`---`) stands between two.

    Where blank lines stand between all turns, only a rule ends a conversation. `place` is the
    file's: the line is added to it.
    """
    for blocks in _sections(lines):
        if len(blocks) > 1 and all(len(block.turns) <= 1 for block in blocks):
            turns = [said for block in blocks for said in block.turns]
            blocks = [_Block(turns, blocks[0].stray)]
        for block in blocks:
            yield _draft(block, place)


def human_assistant(text: str) -> list[Turn]:
    r"""Turns of a text in the shape `\n\nHuman: …\n\nAssistant: …`; none if it has another."""
    pieces = _HH.split(text)
    if len(pieces) < 3 or pieces[0].strip():
        return []
    roles = {"Human": "user", "Assistant": "assistant"}
    return [
        (roles[who], words.strip()) for who, words in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


def _sections(lines: Iterator[tuple[int, str]]) -> Iterator[list[_Block]]:
    """Blocks between blank lines, together as far as the next rule."""
    blocks: list[_Block] = []
    open_block, blank, timed = False, False, False
    for number, line in lines:
        if _RULE.fullmatch(line):
            if blocks:
                yield blocks
            blocks, open_block = [], False
            continue
        if not line.strip():
            blank = True
            continue
        if not open_block:
            timed = _is_timed(line)
        said = _opening(line, number, timed=timed)
        if not open_block or (blank and said):
            blocks.append(_Block())
            timed, open_block = _is_timed(line), True
            said = _opening(line, number, timed=timed)
        _put(blocks[-1], said, number, line, blank=blank, timed=timed)
        blank = False
    if blocks:
        yield blocks


def _put(
    block: _Block, said: _Said | None, number: int, line: str, *, blank: bool, timed: bool
) -> None:
    if said is not None:
        block.turns.append(said)
    elif timed and _is_timed(line):
        return  # a notice of the program, such as that someone joined
    elif block.turns:
        block.turns[-1].text += ("\n\n" if blank else "\n") + line.strip()
    else:
        block.stray = block.stray or number


def _is_timed(line: str) -> bool:
    return _TIME.match(line) is not None


def _opening(line: str, number: int, *, timed: bool) -> _Said | None:
    """The turn that a line begins, if it begins one."""
    time = _TIME.match(line)
    if timed and time is None:
        return None
    match = _NAME.match(line, time.end() if time else 0)
    if match is None or len(match[1].split()) > _MOST_NAME_WORDS:
        return None
    return _Said(number, match[1].strip(), match[2].strip())


def _draft(block: _Block, place: str) -> Draft:
    names = list(dict.fromkeys(said.name for said in block.turns))
    roles = _roles(names)
    turns = join_turns([(roles[said.name], said.text) for said in block.turns if said.text])
    first = block.turns[0].line if block.turns else block.stray
    notes = []
    speakers = [name for name in names if roles[name] != "system"]
    if len(speakers) > 2:
        answering = ", ".join(name for name in names if roles[name] == "assistant")
        values = {"count": str(len(speakers)), "assistant": answering}
        notes.append(("learn.data.many_speakers", values))
    if block.stray:
        notes.append(("learn.data.nobody_speaks", {"line": str(block.stray)}))
    return Draft(f"{place}:{first}", turns, notes=tuple(notes))


def _roles(names: Sequence[str]) -> dict[str, str]:
    """Who answers: those who are called so, else all but the user, else the second to speak."""
    system = [name for name in names if name.casefold() in _SYSTEMS]
    people = [name for name in names if name not in system]
    answering = {name for name in people if _called(name, _ASSISTANTS, _ASSISTANTS_HAN)}
    asking = {name for name in people if _called(name, _USERS, _USERS_HAN)}
    if not answering and asking:
        answering = set(people) - asking
    if not answering:
        answering = set(people[1:2])
    roles = {name: "assistant" if name in answering else "user" for name in people}
    return roles | dict.fromkeys(system, "system")


def _called(name: str, words: frozenset[str], han: tuple[str, ...]) -> bool:
    found = set(re.split(r"[\W\d_]+", name.casefold()))
    return bool(found & words) or any(one in name for one in han)
