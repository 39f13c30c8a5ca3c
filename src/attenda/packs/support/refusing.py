"""A refusal in the words of its rule, with the article that says so cited."""

from collections.abc import Mapping
from typing import Any

from attenda.api import Deed
from attenda.packs.support.shop_policy import ShopRule
from attenda.packs.support.words import LANGUAGES, both, filled

__all__ = ["told_arrival", "why_not"]


def why_not(deed: Deed, rule: ShopRule | None, facts: Mapping[str, object]) -> dict[str, Any]:
    """What is said where a rule forbids it: `why`, `rule`, and `cites` by language.

    The article is quoted where it is in the library and still says so; else the rule stands alone.
    """
    if rule is None:
        return {"rule": "", "why": both("parts", "no_rule"), "cites": {"en": [], "zh": []}}
    why, cites = filled(rule.refused, **facts), {}
    for language, name in zip(LANGUAGES, why, strict=True):
        words = rule.quote[language]
        found = _cited(deed, words)
        cites[name] = [found] if found else []
        if found:
            why[name] += f" “{words}” [1]"
    return {"rule": rule.id, "why": why, "cites": cites}


def told_arrival(facts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """`delivered`, a day in words, and `basis`, a sentence where it was reckoned; by language."""
    day, sent = facts.get("delivered", ""), facts.get("sent", "")
    if not sent:
        return {"delivered": {"en": day, "zh": day}, "basis": {"en": "", "zh": ""}}
    return {key: both("arrival", key, day=day, sent=sent) for key in ("delivered", "basis")}


def _cited(deed: Deed, words: str) -> dict[str, Any] | None:
    for one in deed.passages(words):
        if found := one.cited(1, words):
            return found.model_dump(mode="json")
    return None
