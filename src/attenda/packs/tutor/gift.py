"""Moodle's GIFT: questions as plain text, with their answers in braces.

Written after Moodle's description of the format (general knowledge of it) and the sample files of
the GIFT-grammar project. Descriptions and categories are kept as notes; they ask nothing.
"""

import hashlib
import re
from dataclasses import dataclass

from attenda.packs.tutor.item import Item, Kind, Option
from attenda.packs.tutor.reading import Reading, Reject, Unreadable, plain_text

__all__ = ["read_gift"]

_ESCAPED = "~=#{}:\\"
_HIDE = {f"\\{one}": chr(0xE000 + at) for at, one in enumerate(_ESCAPED)}
_SHOW = {ord(hidden): plain[1] for plain, hidden in _HIDE.items()}
_FORMAT = re.compile(r"^\s*\[(html|moodle|plain|markdown)\]", re.IGNORECASE)
_GAP = "_____"
_NUMERIC = re.compile(r"[-+\d.eE]+(?::[\d.eE]+)?|[-+\d.]+\.\.[-+\d.]+")


@dataclass(slots=True)
class _Question:
    title: str
    before: str
    answers: str | None
    after: str
    format: str = "moodle"
    id: str = ""


def read_gift(text: str, name: str, skill: str = "imported") -> Reading:
    """The questions of a GIFT file.

    Args:
        text: of the file.
        name: of the file; part of the exercises' ids.
        skill: that they are filed under.
    """
    found = Reading()
    for number, (line, block, remarks) in enumerate(_blocks(text), start=1):
        if block.startswith("$CATEGORY:"):
            found.notes.append(block)
            continue
        try:
            question = _question(block, remarks)
            if question.answers is None:
                found.notes.append(_shown(question.before, question.format))
                continue
            found.items.append(_item(question, name, number, skill))
        except Unreadable as error:
            found.rejects.append(Reject(f"{name}:{line}", error.reason))
    return found.without_twins()


def _blocks(text: str) -> list[tuple[int, str, str]]:
    """Questions, each with its first line's number and the comments before it.

    An empty line ends a question, as in Moodle.
    """
    blocks: list[tuple[int, str, str]] = []
    lines: list[str] = []
    remarks: list[str] = []
    plain = text.lstrip("\ufeff").replace("\r\n", "\n")
    for number, line in enumerate([*plain.split("\n"), ""], start=1):
        if line.lstrip().startswith("//"):
            remarks.append(line)
        elif line.startswith("$CATEGORY:"):
            blocks.append((number, line.strip(), ""))
        elif line.strip():
            lines.append(line)
        elif lines:
            blocks.append((number - len(lines), "\n".join(lines), "\n".join(remarks)))
            lines, remarks = [], []
    return blocks


def _hidden(text: str) -> str:
    """Text whose escaped signs are none of the format's."""
    return re.sub(r"\\[~=#{}:\\]", lambda found: _HIDE[found[0]], text)


def _shown(text: str, format_: str) -> str:
    made = text.replace("\\n", "\n").translate(_SHOW)
    return (
        plain_text(made) if format_ == "html" or re.search(r"</?\w+[^<>]*>", made) else made.strip()
    )


def _question(block: str, remarks: str) -> _Question:
    text = _hidden(block).strip()
    title = ""
    titled = re.match(r"::(.*?)::", text, re.DOTALL)
    if titled:
        title, text = titled[1].translate(_SHOW).strip(), text[titled.end() :]
    marked = _FORMAT.match(text)
    format_ = marked[1].lower() if marked else "moodle"
    text = text[marked.end() :] if marked else text
    braces = re.search(r"\{(.*?)\}", text, re.DOTALL)
    if braces is None:
        if "{" in text:
            raise Unreadable("brace_open")
        return _Question(title, text, None, "", format_)
    after = text[braces.end() :]
    if "{" in after:
        raise Unreadable("braces_two")
    return _Question(
        title, text[: braces.start()], braces[1].strip(), after, format_,
        "".join(re.findall(r"\[id:([^\]]+)\]", remarks)[:1]),
    )  # fmt: skip


def _item(question: _Question, name: str, number: int, skill: str) -> Item:
    assert question.answers is not None
    stem = _shown(question.before, question.format)
    if question.after.strip():
        stem = f"{stem} {_GAP} {_shown(question.after, question.format)}".strip()
    if not stem:
        raise Unreadable("asks_nothing")
    body, _, general = question.answers.partition("####")
    kind, keys, options, shares = _answers(body.strip(), question.format)
    digest = hashlib.sha256(f"{name}\n{question.title}\n{stem}\n{body}".encode()).hexdigest()[:10]
    return Item(
        id=f"gift-{question.id or number}-{digest}",
        skill=skill,
        kind=kind,
        prompt={"en": stem},
        keys=keys,
        options=options,
        part_scores=shares,
        solution={"en": _shown(general, question.format)} if general.strip() else {},
        source=f"{name}#{number}",
    )


_Made = tuple[Kind, tuple[str, ...], tuple[Option, ...], tuple[tuple[str, float], ...]]


def _answers(body: str, format_: str) -> _Made:
    if not body:
        return "open", (), (), ()
    truth = re.fullmatch(r"(T|F|TRUE|FALSE)\s*(?:#(.*))?", body, re.IGNORECASE | re.DOTALL)
    if truth:
        return _true_false(truth[1].upper().startswith("T"), truth[2] or "", format_)
    if body.startswith("#"):
        return _numeric(body[1:].strip())
    parts = [one for one in re.split(r"(?=[~=])", body) if one.strip()]
    if not parts[0].lstrip().startswith(("~", "=")):
        return "short", (_answer_text(body, format_)[1],), (), ()
    if all(one.startswith("=") for one in parts):
        if all("->" in one for one in parts):
            return _matching(parts, format_)
        return _short(parts, format_)
    return _choices(parts, format_)


def _true_false(is_true: bool, feedback: str, format_: str) -> _Made:
    """Feedback stands as GIFT has it: for a wrong answer first, for a right one second."""
    wrong, _, right = (_shown(one, format_) for one in feedback.partition("#"))
    said = {is_true: right, not is_true: wrong}
    words = {True: {"en": "true", "zh-CN": "对"}, False: {"en": "false", "zh-CN": "错"}}
    options = tuple(
        Option(words[one], one is is_true, feedback={"en": said[one]} if said[one] else {})
        for one in (True, False)
    )
    return "choice", (), options, ()


def _answer_text(part: str, format_: str) -> tuple[float | None, str, str]:
    """The share, the words and the feedback of one answer."""
    body = part.strip().lstrip("~=").strip()
    weighed = re.match(r"%(-?\d+(?:\.\d+)?)%", body)
    share = float(weighed[1]) / 100 if weighed else None
    body = body[weighed.end() :] if weighed else body
    words, _, feedback = body.partition("#")
    own = _FORMAT.match(words)
    words = words[own.end() :] if own else words
    return share, _shown(words, own[1].lower() if own else format_), _shown(feedback, format_)


def _short(parts: list[str], format_: str) -> _Made:
    keys, shares = [], []
    for share, words, _ in (_answer_text(part, format_) for part in parts):
        if share is None or share >= 1:
            keys.append(words)
        else:
            shares.append((words, share))
    if not keys:
        raise Unreadable("no_right_answer")
    return "short", tuple(keys), (), tuple(shares)


def _matching(parts: list[str], format_: str) -> _Made:
    options = []
    for part in parts:
        left, _, right = part.partition("->")
        _, words, _ = _answer_text(left, format_)
        options.append(Option({"en": words}, partner={"en": _shown(right, "moodle")}))
    if len(options) < 2:
        raise Unreadable("one_pair")
    return "match", (), tuple(options), ()


def _choices(parts: list[str], format_: str) -> _Made:
    options = []
    for part in parts:
        share, words, feedback = _answer_text(part, format_)
        options.append(
            Option(
                {"en": words},
                right=part.startswith("=") or (share or 0) > 0,
                share=share or 0.0,
                feedback={"en": feedback} if feedback else {},
            )
        )
    right = sum(one.right for one in options)
    if not right:
        raise Unreadable("no_right_option")
    if right > 1 and any(part.startswith("=") for part in parts):
        return "choice", (), tuple(options), ()
    return ("several" if right > 1 else "choice"), (), tuple(options), ()


def _numeric(body: str) -> _Made:
    parts = [one for one in re.split(r"(?==)", body) if one.strip()] or [body]
    keys, shares = [], []
    for part in parts:
        share, words, _ = _answer_text(part, "plain")
        if not re.fullmatch(
            r"[-+\d.eE]+(?::[\d.eE]+)?|[-+\d.]+\.\.[-+\d.]+", words.replace(" ", "")
        ):
            raise Unreadable("no_number", text=words[:40])
        if share is None or share >= 1:
            keys.append(words.replace(" ", ""))
        elif share > 0:
            shares.append((words.replace(" ", ""), share))
    if not keys:
        raise Unreadable("no_right_answer")
    return "number", tuple(keys), (), tuple(shares)
