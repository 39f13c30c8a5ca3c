"""The help centre's screens: what nobody could answer, put together; drafts; published ones."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from attenda.api import Asked, ModelError, OpenQuestion, Screen
from attenda.packs.support.clusters import groups, masked, middle
from attenda.packs.support.phrases import phrase
from attenda.packs.support.profile import moment, sorted_by

__all__ = ["ARTICLE_SCREENS"]

_DAYS = 90
_MOST = 300
"""Questions that are put together at once, the newest."""
_DAY = 86_400 * 1_000_000


async def articles(asked: Asked) -> Mapping[str, Any]:
    """Open questions in groups, then the articles by state."""
    questions = (await asked.open_questions(asked.now - _DAYS * _DAY))[:_MOST]
    rows = await asked.read(lambda tables: tables("articles").find())
    taken = {id_ for row in rows if row["state"] != "withdrawn" for id_ in _ids(row)}
    left = [one for one in questions if one.message_id not in taken]
    listed = [
        {**row, "at": moment(row["changed_at"]), "asked": len(_ids(row)),
         "told": phrase(asked.language, f"article_{row['state']}")}
        for row in sorted_by(rows, "changed_at", "id")
    ]  # fmt: skip
    return {
        "groups": await _grouped(asked, left),
        "drafts": [row for row in listed if row["state"] == "draft"],
        "others": [row for row in listed if row["state"] != "draft"],
        "days": _DAYS,
    }


def _ids(row: Mapping[str, Any]) -> list[str]:
    return str(row["questions"] or "").split()


async def _grouped(asked: Asked, questions: Sequence[OpenQuestion]) -> list[dict[str, Any]]:
    """Questions that mean the same, by the house's sentence model, or by their words.

    The model knows English; what is asked in Chinese is put together by its words.
    """
    han = [one for one in questions if _is_han(one.text)]
    others = [one for one in questions if not _is_han(one.text)]
    try:
        vectors = await asked.vectors([_shown(one) for one in others])
    except ModelError:  # its weights are not here
        vectors = []
    made = await asyncio.to_thread(
        lambda: _as_shown(others, vectors) + _as_shown(han, ()),
    )
    return sorted(made, key=lambda one: -one["count"])


def _is_han(text: str) -> bool:
    return any("\u3400" <= one <= "\u9fff" for one in text)


def _shown(question: OpenQuestion) -> str:
    return masked(question.text)[:300]


def _as_shown(
    questions: Sequence[OpenQuestion], vectors: Sequence[Sequence[float]]
) -> list[dict[str, Any]]:
    texts, shown = [_shown(one) for one in questions], []
    for group in groups(texts, vectors):
        title = texts[middle(group, texts, vectors)]
        shown.append({
            "title": title,
            "language": "zh-CN" if _is_han(title) else "en",
            "texts": list(dict.fromkeys(texts[one] for one in group)),
            "ids": " ".join(questions[one].message_id for one in group),
            "count": len(group),
            "newest": moment(max(questions[one].at for one in group)),
        })  # fmt: skip
    return shown


async def article(asked: Asked) -> Mapping[str, Any]:
    """One article to be written, beside the questions that it is for."""
    row = await asked.read(lambda tables: tables("articles").get(asked.values["article"]))
    wanted = set(_ids(row))
    questions = await asked.open_questions() if wanted else []
    texts = [_shown(one) for one in questions if one.message_id in wanted]
    return {
        "article": row,
        "told": phrase(asked.language, f"article_{row['state']}"),
        "questions": list(dict.fromkeys(texts)),
        "hidden": len(wanted) - len(texts),
    }


ARTICLE_SCREENS = (
    Screen("articles", {"en": "Help centre", "zh-CN": "帮助中心"}, "articles.html", articles,
           needs="manage_agents"),
    Screen("articles/{article}", {"en": "Article", "zh-CN": "文章"}, "article.html", article,
           needs="manage_agents", listed=False),
)  # fmt: skip
