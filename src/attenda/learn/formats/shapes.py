"""Shapes of JSON rows that the world's training tools write: how to know one, how to read it.

OpenAI messages, preference pairs, ShareGPT, Alpaca, questions with answers. It knows no files.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from attenda.core.errors import UserError
from attenda.learn.conversation import Draft, Problem, Turn, role_of
from attenda.learn.formats.columns import ANSWERS, GROUPS, IDS, QUESTIONS
from attenda.learn.formats.fields import Talk, first_text, talk_of, text_in
from attenda.learn.formats.transcript import human_assistant

__all__ = ["GENERAL_SHAPES", "Shape"]

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of JSON row."""

    name: str
    keys: tuple[str, ...]
    """Fields that its rows have, for naming the nearest shape."""
    example: str
    fits: Callable[[Fields], bool]
    read: Callable[[Fields, str], Iterable[Draft | Problem]]
    """The row and its place become conversations; raises UserError where a field is wrong."""


def _identity(row: Fields) -> tuple[str, str]:
    """The row's id and group, where it has them."""
    return first_text(row, IDS), first_text(row, GROUPS)


def _system(row: Fields, turns: list[Turn]) -> list[Turn]:
    system = text_in(row, "system")
    return [("system", system), *turns] if system.strip() else turns


def _offers(row: Fields) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """A warning about descriptions of tools, which are no part of a conversation."""
    offered = row.get("tools") or row.get("functions")
    count = len(offered) if isinstance(offered, list) else 1
    return (("learn.data.tools_offered", {"count": str(count)}),) if offered else ()


def _openai(row: Fields, place: str) -> Iterable[Draft]:
    if "rejected" in row:
        yield from _preference(row, place)
        return
    talk = talk_of(row["messages"], "user", "messages")
    turns = _system(row, talk.turns)
    yield Draft(
        place,
        turns,
        *_identity(row),
        notes=(*talk.notes, *_offers(row)),
        person=text_in(row, "person"),
        chat=text_in(row, "chat"),
    )


def _sharegpt(row: Fields, place: str) -> Iterable[Draft]:
    talk = talk_of(row["conversations"], "user", "conversations")
    turns = _system(row, talk.turns)
    yield Draft(place, turns, *_identity(row), notes=(*talk.notes, *_offers(row)))


def _alpaca_prompt(row: Fields) -> list[Turn]:
    turns: list[Turn] = []
    history = row.get("history") or []
    for pair in history if isinstance(history, list) else [history]:
        texts = [one for one in pair if isinstance(one, str)] if isinstance(pair, list) else []
        if len(texts) != 2:
            raise UserError("learn.data.wrong_type", field="history", wanted="[[…, …], …]")
        turns += [("user", texts[0]), ("assistant", texts[1])]
    parts = (text_in(row, "instruction"), text_in(row, "input"))
    turns.append(("user", "\n".join(part for part in parts if part.strip())))
    return _system(row, turns)


def _alpaca(row: Fields, place: str) -> Iterable[Draft]:
    turns = [*_alpaca_prompt(row), ("assistant", text_in(row, "output"))]
    yield Draft(place, turns, *_identity(row))


def _asked(row: Fields) -> str:
    """The field that holds a question beside an answer; empty when the row is no such pair."""
    return next((name for name in QUESTIONS if row.get(name)), "")


def _answered(row: Fields) -> str:
    return next((name for name in ANSWERS if row.get(name)), "")


def _pair(row: Fields, place: str) -> Iterable[Draft]:
    if row.get("label") is False:  # of unpaired preference data: an answer nobody should give
        raise UserError("learn.data.unpaired")
    asked, answered = _asked(row), _answered(row)
    question, answer = row.get(asked, ""), row.get(answered, "")
    first = talk_of(question, "user", asked)
    second = talk_of(answer, "assistant", answered)
    notes = (*first.notes, *second.notes)
    turns = _system(row, first.turns + second.turns)
    yield Draft(place, turns, *_identity(row), notes=notes)


def _prompt(row: Fields) -> Talk:
    """What both answers of a preference row answer."""
    for name in ("prompt", "messages", "conversations"):
        if row.get(name):
            return talk_of(row[name], "user", name)
    if row.get("instruction"):
        return Talk(_alpaca_prompt(row))
    return Talk([("user", text)] if (text := first_text(row, QUESTIONS)) else [])


def _answers(row: Fields, name: str) -> list[Turn]:
    value = row.get(name)
    if isinstance(value, str) and (told := human_assistant(value)):
        return told
    return talk_of(value, "assistant", name).turns


def _preference(row: Fields, place: str) -> Iterable[Draft]:
    prompt = _prompt(row)
    turns = _system(row, prompt.turns)
    if "chosen" in row:
        chosen, rejected = _answers(row, "chosen"), _answers(row, "rejected")
        if not chosen or chosen[:-1] != rejected[:-1]:
            raise UserError("learn.data.preference_differs")
        turns = turns + chosen if chosen[: len(turns)] != turns or not turns else chosen
    else:
        rejected = _answers(row, "rejected")
    if not rejected or role_of(rejected[-1]) != "assistant":
        raise UserError("learn.data.no_preference")
    yield Draft(
        place,
        turns,
        *_identity(row),
        rejected=rejected[-1],
        notes=(*prompt.notes, *_offers(row)),
        person=text_in(row, "person"),
    )


def _preferred(row: Fields, place: str) -> Iterable[Draft]:
    """The shape of OpenAI's preference tuning, as a row of the usual one."""
    asked = row["input"]
    prompt = asked.get("messages") if isinstance(asked, dict) else asked
    answers = {"chosen": row["preferred_output"], "rejected": row["non_preferred_output"]}
    identity = {name: value for name, value in row.items() if name in (*IDS, *GROUPS)}
    return _preference({**identity, "prompt": prompt, **answers}, place)


GENERAL_SHAPES = (
    Shape(
        "openai-preference",
        ("input", "preferred_output", "non_preferred_output"),
        '{"input": {"messages": [{"role": "user", "content": "Hi"}]}, "preferred_output":'
        ' [{"role": "assistant", "content": "Hello!"}], "non_preferred_output": [{"role":'
        ' "assistant", "content": "What?"}]}',
        lambda row: {"input", "preferred_output", "non_preferred_output"} <= row.keys(),
        _preferred,
    ),
    Shape(
        "preference",
        ("prompt", "chosen", "rejected"),
        '{"prompt": "Hi", "chosen": "Hello! How can I help?", "rejected": "What?"}',
        lambda row: "rejected" in row and ("chosen" in row or "messages" in row),
        _preference,
    ),
    Shape(
        "openai",
        ("messages", "role", "content"),
        '{"messages": [{"role": "user", "content": "Hi"},'
        ' {"role": "assistant", "content": "Hello!"}]}',
        lambda row: isinstance(row.get("messages"), list),
        _openai,
    ),
    Shape(
        "sharegpt",
        ("conversations", "from", "value"),
        '{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}',
        lambda row: isinstance(row.get("conversations"), list),
        _sharegpt,
    ),
    Shape(
        "alpaca",
        ("instruction", "input", "output"),
        '{"instruction": "Translate", "input": "bonjour", "output": "hello"}',
        lambda row: "instruction" in row and "output" in row,
        _alpaca,
    ),
    Shape(
        "pairs",
        ("question", "answer"),
        '{"question": "What time is it?", "answer": "Noon."}',
        lambda row: bool(_asked(row) and _answered(row)),
        _pair,
    ),
)
"""In the order they are tried: a row of an earlier shape may look like one of a later."""
