"""Deeds on articles: a draft begun from questions; written, published, withdrawn.

What a customer asked is not kept in a draft, only which messages asked; the words are looked up
where they may be read.
"""

from typing import Any

from attenda.api import Deed, NotFound, ToolRefused, tool
from attenda.packs.support.phrases import phrase

__all__ = ["begin_article", "write_article"]


@tool(writes=True, free_text=frozenset({"title", "questions"}))
def begin_article(
    deed: Deed, title: str, questions: str = "", language: str = ""
) -> dict[str, Any]:
    """Begin a draft of an article, for questions that nobody could answer yet."""
    asked = set(questions.split())
    for one in deed.rows("articles").find(source="questions"):
        if asked and asked & set(one["questions"].split()) and one["state"] != "withdrawn":
            return {"article": one["id"]}  # begun twice
    id_ = f"A-{deed.key[:10]}.md"
    deed.rows("articles").add(
        id=id_, title=title.strip()[:200], language=language, body="", state="draft",
        source="questions", questions=" ".join(sorted(asked)), changed_by=deed.who.id,
        changed_at=deed.now,
    )  # fmt: skip
    return {"article": id_}


@tool(writes=True, free_text=frozenset({"title", "body"}))
def write_article(
    deed: Deed, article: str, title: str, body: str = "", published: bool = False
) -> dict[str, Any]:
    """Change the title and words of an article, and whether everyone may find it."""
    row = _article(deed, article)
    if published and not (title.strip() and body.strip()):
        raise ToolRefused(phrase(deed.who.language, "article_empty"))
    before = "draft" if row["state"] == "draft" else "withdrawn"
    state = "published" if published else before
    deed.rows("articles").change(
        article, title=title.strip()[:200], body=body.strip(), state=state,
        changed_by=deed.who.id, changed_at=deed.now,
    )  # fmt: skip
    return {"article": article, "state": state}


def _article(deed: Deed, article: str) -> dict[str, Any]:
    try:
        return deed.rows("articles").get(article)
    except NotFound as error:
        raise ToolRefused(phrase(deed.who.language, "article_gone")) from error
