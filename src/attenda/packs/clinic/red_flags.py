"""Red flags: rules that are looked at before anything else, on every message. Pure.

What a person says over several messages counts together: pain in one, sweating in the next. A
finding that is denied, a relative's or long past raises none; one that is unsure does.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from attenda.packs.clinic.extract import Mention, mentions
from attenda.packs.clinic.words import FOLDER, read_yaml

__all__ = ["RedFlag", "RedFlagRule", "red_flag_rules", "red_flags"]


@dataclass(frozen=True, slots=True)
class RedFlagRule:
    """Groups of findings; of each group at least one must be there."""

    id: str
    title: Mapping[str, str]
    groups: tuple[frozenset[str], ...]
    say: Mapping[str, str]
    """The first sentence of the answer, by language."""
    kind: str
    """emergency, crisis or danger."""


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A rule that fired, and the words that made it."""

    rule: RedFlagRule
    because: tuple[tuple[int, Mention], ...]
    """Each with the number of its message."""


@functools.cache
def red_flag_rules() -> tuple[RedFlagRule, ...]:
    """The rules that come with the pack, the gravest first."""
    written = read_yaml(FOLDER / "red_flags.yaml")
    return tuple(
        RedFlagRule(
            name, one["title"], tuple(frozenset(group) for group in one["all"]),
            written[one["say"]], one["say"],
        )
        for name, one in written["rules"].items()
    )  # fmt: skip


def red_flags(messages: Sequence[str], rules: Iterable[RedFlagRule] | None = None) -> list[RedFlag]:
    """The rules that the newest message sets off, together with what was said before it.

    Args:
        messages: all that the person wrote, the oldest first.
        rules: those of the pack where nothing is said.
    """
    if not messages:
        return []
    said = [
        (number, one)
        for number, text in enumerate(messages)
        for one in mentions(text)
        if one.is_own_and_present
    ]
    newest = len(messages) - 1
    found: list[RedFlag] = []
    for rule in red_flag_rules() if rules is None else rules:
        because = _fits(rule, said)
        if because and any(number == newest for number, _ in because):
            found.append(RedFlag(rule, because))
    return found


def _fits(
    rule: RedFlagRule, said: Sequence[tuple[int, Mention]]
) -> tuple[tuple[int, Mention], ...]:
    """The words that fill every group of a rule; nothing where one stays empty."""
    because: dict[tuple[int, Mention], None] = {}
    for group in rule.groups:
        here = [one for one in said if one[1].finding in group]
        if not here:
            return ()
        because |= dict.fromkeys(here)
    return tuple(because)
