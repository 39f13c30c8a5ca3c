"""Who a conversation is with: found by e-mail or by name and zip code, one person and no other.

Every tool that reads or changes something asks here first.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from attenda.api import Deed, ToolRefused, tool

__all__ = [
    "caller",
    "find_user_id_by_email",
    "find_user_id_by_name_zip",
    "refused",
    "words_for",
    "words_of",
]


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))


def words_of(key: str, language: str = "en") -> str:
    """A sentence with its places still open."""
    by_language = _words()[key]
    return by_language.get(language, by_language["en"])


def words_for(name: str) -> dict[str, dict[str, str]]:
    """What a person reads who is asked to confirm a tool: by language, see `Tool.words`."""
    begins = "argument_"
    arguments = [key.removeprefix(begins) for key in _words() if key.startswith(begins)]
    return {
        language: {"": words_of(f"deed_{name}", language)}
        | {one: words_of(f"{begins}{one}", language) for one in arguments}
        for language in ("en", "zh-CN")
    }


def refused(deed: Deed, key: str, **values: object) -> ToolRefused:
    """A refusal in the language of the person."""
    return ToolRefused(words_of(key, deed.who.language).format(**values))


def caller(deed: Deed) -> str:
    """Id of the user whom this conversation is with.

    Raises:
        ToolRefused: nobody was found yet.
    """
    known = deed.rows("callers").find(session_id=deed.session_id)
    if not known:
        raise refused(deed, "not_identified")
    return str(known[0]["user_id"])


@tool(writes=True)
def find_user_id_by_email(deed: Deed, email: str) -> str:
    """Find the user by e-mail. Every conversation begins with this, or with name and zip code."""
    wanted = email.strip().lower()
    return _found(deed, [one for one in _users(deed) if one["email"].lower() == wanted])


@tool(writes=True)
def find_user_id_by_name_zip(deed: Deed, first_name: str, last_name: str, zip: str) -> str:
    """Find the user by name and zip code, where they don't know their e-mail."""
    wanted = (first_name.strip().lower(), last_name.strip().lower(), zip.strip())
    return _found(deed, [one for one in _users(deed) if _name_zip(one) == wanted])


def _name_zip(user: dict[str, Any]) -> tuple[str, str, str]:
    return user["first_name"].lower(), user["last_name"].lower(), user["address"]["zip"]


def _users(deed: Deed) -> list[dict[str, Any]]:
    return deed.rows("users").find()


def _found(deed: Deed, users: list[dict[str, Any]]) -> str:
    """Note whom the conversation is with.

    Raises:
        ToolRefused: it is nobody, more than one, or another one than before.
    """
    if len(users) != 1:
        raise refused(deed, "no_user")
    user_id = str(users[0]["id"])
    known = deed.rows("callers").find(session_id=deed.session_id)
    if known and known[0]["user_id"] != user_id:
        raise refused(deed, "another_user")
    if not known:
        deed.rows("callers").add(session_id=deed.session_id, user_id=user_id, found_at=deed.now)
    return user_id
