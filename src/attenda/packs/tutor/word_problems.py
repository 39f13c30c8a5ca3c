"""Word problems in GSM8K's form: a question, worked steps with `<<sum=result>>`, the answer.

Every step is reckoned again by program; a problem whose steps don't hold, or whose answer isn't
what the last one says, is rejected with the place. Hints are made of the steps, without results.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.hints import leaks
from attenda.packs.tutor.item import Item, Texts
from attenda.packs.tutor.numbers import read_number
from attenda.packs.tutor.reading import Reading, Reject, Unreadable
from attenda.packs.tutor.reckon import BadSum, reckon

__all__ = ["Step", "read_word_problems", "steps_of"]

_MARK = re.compile(r"<<([^<>=]*)=([^<>]*)>>")
_NEAR = Fraction(1, 100)
"""Results in the files are rounded to cents."""


@dataclass(frozen=True, slots=True)
class Step:
    """One worked step."""

    words: str
    question: str
    """Of the Socratic form; else empty."""
    sums: tuple[tuple[str, str], ...]
    """What is reckoned, and what it gives."""


def read_word_problems(lines: Iterable[str], name: str, skill: str = "word_problems") -> Reading:
    """The problems of a JSONL file with `question` and `answer`."""
    found = Reading()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            row = json.loads(line)
            found.items.append(
                _item(str(row["question"]), str(row["answer"]), f"{name}#{number}", skill)
            )
        except (KeyError, TypeError, json.JSONDecodeError):
            found.rejects.append(Reject(place, both("reject_no_pair")))
        except Unreadable as error:
            found.rejects.append(Reject(place, error.reason))
    return found


def steps_of(answer: str) -> tuple[list[Step], str]:
    """The worked steps, and the answer after `####`."""
    body, _, final = answer.partition("####")
    steps = []
    for line in body.strip().splitlines():
        question, mark, words = line.partition(" ** ")
        sums = tuple((sum_.strip(), result.strip()) for sum_, result in _MARK.findall(line))
        said = _MARK.sub("", words if mark else line).strip()
        steps.append(Step(said, question.strip() if mark else "", sums))
    return steps, final.strip()


def _item(question: str, answer: str, source: str, skill: str) -> Item:
    steps, final = steps_of(answer)
    key = read_number(final.lstrip("$"))
    if key is None:
        raise Unreadable("no_number", text=final[:40])
    results = [_checked(sum_, result) for step in steps for sum_, result in step.sums]
    for step in steps[-2:]:  # the last sums are often written without their marks
        results += _unmarked(step.words)
    if not results:
        raise Unreadable("no_step")
    if all(abs(one - key.value) > _NEAR for one in results):
        raise Unreadable("steps_differ", steps=f"{float(results[-1]):g}", text=final[:40])
    draft = Item(
        source.replace("#", "-"),
        skill,
        "number",
        {"en": question},
        (str(key.value),),
        _off(key.value),
    )
    made = [text for text in _hints(steps) if not leaks(draft, text["en"], hidden=False)]
    return Item(
        draft.id, skill, "number", draft.prompt, draft.keys, draft.tolerance, hints=tuple(made[:3]),
        solution={"en": "\n".join([*(step.words for step in steps), f"= {final}"])}, source=source,
    )  # fmt: skip


def _unmarked(words: str) -> list[Fraction]:
    """Results of sums that a sentence states, units and all, as far as they hold."""
    plain = re.sub(r"(?<=\d)\s*[x×]\s*(?=[\d$(])", "*", words.translate(_SIGNS))
    bare = re.sub(r"[a-z']+(?:/[a-z]+)?", " ", plain.lower().replace("$", " ")).replace(",", "")
    found = []
    for sum_, result in re.findall(r"([\d.()+*/% -]*\d[\d.()+*/% -]*)=\s*(\d+(?:\.\d+)?)", bare):
        parts = sum_.split()
        for first in range(len(parts)):  # numbers that stood before the sum are no part of it
            rest = " ".join(parts[first:])
            if not re.search(r"\d\)?\s*[-+*/]\s*\(?\d", rest):
                break  # a bare number proves nothing
            try:
                found.append(_checked(rest, result))
                break
            except Unreadable:
                continue
    return found


_SIGNS = str.maketrans({"–": "-", "−": "-", "÷": "/", "[": "(", "]": ")"})


def _off(key: Fraction) -> float:
    """Money may be a cent off; whole numbers may not."""
    return 0.0 if key.denominator == 1 else 0.01


def _checked(sum_: str, result: str) -> Fraction:
    """What a sum comes to, after it was held against what the step says.

    Raises:
        Unreadable: it cannot be reckoned, or gives something else.
    """
    said = read_number(result.lstrip("$"))
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", sum_.replace("$", ""))
    plain = re.sub(r"(\d+(?:\.\d+)?)%", r"(\1/100)", plain)
    plain = re.sub(r"(?<![\d.])0+(?=\d)", "", plain)  # 05 is 5
    try:
        value = reckon(plain)
    except BadSum:
        raise Unreadable("sum_unread", text=f"{sum_}={result}"[:80]) from None
    if said is None or isinstance(value, str):
        raise Unreadable("sum_unread", text=f"{sum_}={result}"[:80])
    right = said.value * (100 if said.percent and abs(value) > 1 else 1)
    if abs(value - right) > max(_NEAR, abs(right) / 200):
        raise Unreadable("sum_wrong", text=sum_[:60], value=f"{float(value):g}", result=result[:40])
    return value


def _hints(steps: list[Step]) -> list[Texts]:
    """From the idea to the step: what the first step asks, then what it reckons, then the next."""
    made: list[Texts] = []
    for step in steps:
        if step.question:
            made.append({"en": step.question})
        for sum_, _ in step.sums[:1]:
            made.append({"en": f"Work out {sum_}.", "zh-CN": f"先算一算 {sum_}。"})
    return made
