"""What a yes says: the question that it answers, as the person's own statement. Pure.

"Do you have chest pain?" and "yes" tell of chest pain as plainly as the words themselves; red flags
hear it. In doubt a question counts as confirmed: only a plain no or a choice that says no is none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attenda.packs.clinic.plain_answer import yes_no_or_unknown
from attenda.packs.clinic.questionnaire import Answers, Item, Questionnaire

__all__ = ["affirmed", "as_statements", "said_by_yes"]

_TURNED: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"\b(?:are|were) you\b", "I am"), (r"\byou(?=\s*(?:[?.!,]|$))", "me"),
        (r"\b(?:do|did|have|has|can|could|would|will) you (?:ever |currently |now "
         r"|still |also )?(?=\w)", "I "),
        (r"\byourself\b", "myself"), (r"\byours\b", "mine"), (r"\byour\b", "my"),
        (r"\byou\b", "I"), (r"您|你", "我"), (r"是否|有没有|是不是|有无", "有"),
        (r"[吗么呢]?[?？]", "."),
    )
)  # fmt: skip
_NONE_OF_IT = re.compile(
    r"^\W*(?:no\b|none\b|not at all\b|never\b|nothing\b|neither\b|n/?a\b|0\b"
    r"|没有|无$|从不|从未|完全没|不$|否)",
    re.IGNORECASE,
)
_AROUND = re.compile(r"[\s，。！!.,我的过了啊呀]|[^\u3400-\u9fff]")
_DENIES = re.compile(r"[不没无未否]")
_MOST_REPEATED = 3


def as_statements(items: Iterable[Item]) -> list[str]:
    """Questions as the person would say them of themselves, in each language that they have."""
    texts = [text for one in items for text in (one.text, *one.translations.values()) if text]
    return [_turned(text) for text in dict.fromkeys(texts)]


def said_by_yes(form: Questionnaire, answers: Answers) -> Iterator[str]:
    """What was confirmed by a bare yes so far."""
    for item in form.asked():
        if item.type == "boolean" and True in answers.values(item.link_id):
            yield from as_statements([item])


def affirmed(answer: str, heard: Mapping[str, Any]) -> str:
    """What an answer confirms by a yes, or by a choice that is no no; empty where it does not.

    Args:
        answer: the person's words.
        heard: what the interview asks now: its `asks` as statements, its `options`.
    """
    asks = " ".join(heard.get("asks") or ())
    if not asks:
        return ""
    options = [one for one in heard.get("options") or () if one.casefold() in answer.casefold()]
    chosen = any(not _NONE_OF_IT.search(one) for one in options)
    plain = yes_no_or_unknown(answer)
    said_yes = plain[0] is True if plain else _repeats(answer, asks)
    return f". {asks}" if chosen or said_yes else ""


def _repeats(answer: str, asks: str) -> bool:
    """Whether a short Chinese answer says the verb of its question again, which is a yes."""
    word = _AROUND.sub("", answer)
    return 0 < len(word) <= _MOST_REPEATED and word in asks and not _DENIES.search(word)


def _turned(text: str) -> str:
    for pattern, words in _TURNED:
        text = pattern.sub(words, text)
    return text
