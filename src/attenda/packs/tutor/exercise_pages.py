"""The teacher's pages of exercises that were brought in: all of them, and one to change."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from attenda.api import Asked, Deed, NotFound, Screen
from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.exercises import keys_of, newest_change, skills_to_file
from attenda.packs.tutor.item import Item, text_in
from attenda.packs.tutor.state import Row, brought_in, minute_of, title_of

__all__ = ["EXERCISE_SCREENS"]

_ON_A_PAGE = 25


async def exercises_page(asked: Asked) -> Mapping[str, Any]:
    """The exercises that were brought in, those of one skill, or those that are retired."""

    def look(rows: Any) -> dict[str, Any]:
        found = rows("items").find()
        filed = Counter(_filed(row) for row in found if not row["retired_at"])
        skill, retired = asked.values.get("skill", ""), asked.values.get("retired", "") == "yes"
        shown = [
            row
            for row in found
            if bool(row["retired_at"]) is retired and skill in ("", _filed(row))
        ]
        page = _page(asked.values.get("page", ""), len(shown))
        begin = (page - 1) * _ON_A_PAGE
        return {
            "skill": skill,
            "retired": retired,
            "filed": [(one, _name(one, asked.language), n) for one, n in sorted(filed.items())],
            "count": len(shown),
            "retired_count": sum(bool(row["retired_at"]) for row in found),
            "page": page,
            "pages": max(1, -(-len(shown) // _ON_A_PAGE)),
            "items": [_line(row, asked.language) for row in shown[begin : begin + _ON_A_PAGE]],
        }

    return await asked.read(look)


def _filed(row: Row) -> str:
    """The skill that an exercise is filed under, by its file or by a teacher."""
    return str((row["own"] or {}).get("skill", row["skill"]))


def _page(said: str, count: int) -> int:
    """The number of a page that there is."""
    last = max(1, -(-count // _ON_A_PAGE))
    return min(max(int(said), 1), last) if said.isdecimal() and len(said) < 7 else 1


def _name(skill: str, language: str) -> str:
    return text_in(title_of(skill), language)


def _line(row: Row, language: str) -> dict[str, str]:
    item = brought_in(row)
    return {
        "id": row["id"],
        "prompt": text_in(item.prompt, language),
        "skill": _name(item.skill, language),
        "source": item.source,
    }


async def exercise_page(asked: Asked) -> Mapping[str, Any]:
    """One exercise: as it is asked, what is right, how it went, and what was changed."""

    def look(rows: Any) -> dict[str, Any]:
        deed, language = Deed(asked.who, "", asked.now, rows), asked.language
        found = rows("items").find(id=asked.values["item"])
        if not found:
            raise NotFound("pack.no_row", table="tutor_items", row=asked.values["item"][:80])
        row, item = found[0], brought_in(found[0])
        made = rows("attempts").find(item=item.id)
        changes = rows("changes").find_sorted("-at", item=item.id)
        newest = newest_change(deed, item.id)
        return {
            **_shown(item, language),
            "retired": bool(row["retired_at"]),
            "answered": len(made),
            "right": sum(one["verdict"] == "right" for one in made),
            "pupils": len({one["learner"] for one in made}),
            "skills": [(one, _name(one, language)) for one in skills_to_file()],
            "undo": newest is not None,
            "changes": [
                {"what": text_in(both(f"change_{one['what']}"), language),
                 "when": minute_of(one["at"]), "by": one["by"], "undone": one["undone"]}
                for one in changes
            ],
        }  # fmt: skip

    return await asked.read(look)


def _shown(item: Item, language: str) -> dict[str, Any]:
    return {
        "item": item.id,
        "skill": item.skill,
        "skill_name": _name(item.skill, language),
        "source": item.source,
        "kind": text_in(both(f"kind_{item.kind}"), language),
        "chosen": item.kind in ("choice", "several"),
        "fixed": item.kind in ("match", "open"),
        "asked": text_in(item.prompt, language),
        "prompt": dict(item.prompt),
        "answers": "\n".join(keys_of(item)),
        "solution": text_in(item.solution, language),
        "hints": [text_in(one, language) for one in item.hints],
        "options": [
            (chr(ord("a") + at), text_in(one.text, language), one.right)
            for at, one in enumerate(item.options)
        ],
    }


EXERCISE_SCREENS = (
    Screen("exercises", {"en": "Exercises", "zh-CN": "题库"}, "exercises.html", exercises_page,
           needs="manage_agents"),
    Screen("exercises/{item}", {"en": "Exercise", "zh-CN": "题目"}, "exercise.html", exercise_page,
           needs="manage_agents", listed=False),
)  # fmt: skip
