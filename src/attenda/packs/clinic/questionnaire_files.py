"""A clinic's own questionnaires: files read in, which of them are asked, and a screen of them.

A file is a FHIR Questionnaire (R4) as JSON, or several of them in a zip or a folder. One with a
mistake is refused whole. A newer file stands beside the older one, so that an interview under way
ends on the questions that it began with.
"""

import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attenda.api import Asked, Deed, Importer, ReadIn, Rows, Tables, ToolRefused, UserError, tool
from attenda.packs.clinic.questionnaire import Questionnaire, read_questionnaire
from attenda.packs.clinic.questionnaire_check import Flaw, flaws_in
from attenda.packs.clinic.words import FOLDER, both, phrase

__all__ = ["IMPORTER", "SHIPPED", "in_use", "questionnaires", "sheet", "sheet_of",
           "use_questionnaire"]  # fmt: skip

SHIPPED = "shipped"
"""Key of the questionnaire that comes along; its row is there once somebody put it out of use."""
_LARGEST = 4_000_000
"""Bytes of one questionnaire."""


def read_files(name: str, content: bytes) -> ReadIn:
    """Questionnaires as rows; each mistake with its item.

    Raises:
        UserError: it is a zip that cannot be read.
    """
    rows: list[Mapping[str, object]] = []
    rejected: list[tuple[str, str | Mapping[str, str]]] = []
    files = list(_files(name, content))
    for file, text in files:
        written, flaws = _read(text)
        wrong = [one for one in flaws if not one.is_note]
        before = f"{file}: " if len(files) > 1 else ""
        rejected += [(f"{before}{one.place}", _words(one)) for one in wrong]
        if not wrong:
            rows.append(_row(file, written, [one for one in flaws if one.is_note]))
    return ReadIn(
        {"questionnaires": rows} if rows else {}, rejected, keeps=frozenset({"questionnaires"})
    )


def _files(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if not name.lower().endswith(".zip"):
        yield name, content
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            for one in sorted(zipped.infolist(), key=lambda each: each.filename):
                if one.filename.lower().endswith(".json"):
                    with zipped.open(one) as file:
                        yield one.filename, file.read(_LARGEST + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UserError("request.refused", problem=f"{name}: {error}") from error


def _read(text: bytes) -> tuple[Any, list[Flaw]]:
    if len(text) > _LARGEST:
        return None, [Flaw("—", "form.too_large", {"most": str(_LARGEST // 1_000_000)})]
    try:
        written = json.loads(text)
        return written, flaws_in(written)
    except (ValueError, RecursionError) as error:
        return None, [Flaw("—", "form.no_json", {"problem": str(error)})]


def _row(file: str, written: Mapping[str, Any], notes: list[Flaw]) -> dict[str, object]:
    digest = hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()
    title = str(written.get("title") or written.get("name") or file)
    return {
        "id": f"Q-{digest[:8].upper()}", "title": title[:200], "url": str(written.get("url", "")),
        "version": str(written.get("version", "")), "digest": digest, "body": written,
        "notes": [{"place": one.place, **_words(one)} for one in notes], "in_use": False,
    }  # fmt: skip


def _words(one: Flaw) -> dict[str, str]:
    return {language: phrase(language, one.key, **one.values) for language in ("en", "zh-CN")}


@functools.cache
def sheet() -> Questionnaire:
    """The questionnaire that comes along."""
    path = FOLDER / "questionnaires" / "intake.json"
    return read_questionnaire(json.loads(path.read_text("utf-8")))


def sheet_of(rows: Callable[[str], Rows], key: str | None) -> Questionnaire:
    """The questionnaire of an interview; the one that comes along where it names none.

    Raises:
        NotFound: it is not there.
    """
    if not key or key == SHIPPED:
        return sheet()
    row = rows("questionnaires").get(key)
    return _kept(json.dumps(row["body"]))


@functools.lru_cache(maxsize=16)
def _kept(body: str) -> Questionnaire:
    return read_questionnaire(json.loads(body))


def in_use(rows: Callable[[str], Rows]) -> dict[str, str]:
    """Titles of the questionnaires that are asked, by key; the one that comes along first."""
    own = rows("questionnaires").find()
    off = any(one["id"] == SHIPPED and not one["in_use"] for one in own)
    found = {} if off else {SHIPPED: sheet().title}
    return found | {one["id"]: one["title"] for one in own
                    if one["in_use"] and one["id"] != SHIPPED}  # fmt: skip


@tool(writes=True, needs={"questionnaire": "operator"})
def use_questionnaire(deed: Deed, questionnaire: str, ask: str) -> dict[str, Any]:
    """Have a questionnaire asked from now on (`ask` is `yes`), or no more (`no`)."""
    table = deed.rows("questionnaires")
    if questionnaire != SHIPPED and not table.find(id=questionnaire):
        raise ToolRefused(both("form.no_such", questionnaire=questionnaire))
    wanted = ask == "yes"
    if not wanted and set(in_use(deed.rows)) <= {questionnaire}:
        raise ToolRefused(both("form.last"))
    if questionnaire == SHIPPED and not table.find(id=SHIPPED):
        table.add(id=SHIPPED, title=sheet().title, in_use=wanted)
    else:
        table.change(questionnaire, in_use=wanted)
    return {"questionnaire": questionnaire, "in_use": wanted}


async def questionnaires(asked: Asked) -> Mapping[str, Any]:
    """The questionnaires there are, with what each asks and what of it is not asked."""

    def found(rows: Tables) -> list[dict[str, Any]]:
        used = in_use(rows)
        own = [one for one in rows("questionnaires").find() if one["id"] != SHIPPED]
        listed: list[tuple[str, str, list[dict[str, str]], Questionnaire]]
        listed = [(SHIPPED, "", [], sheet())]
        listed += [(one["id"], one["version"], one["notes"], sheet_of(rows, one["id"]))
                   for one in own]  # fmt: skip
        return [
            {"id": key, "version": version, "title": form.title or key, "in_use": key in used,
             "notes": [(one["place"], one.get(asked.language, one["en"])) for one in notes],
             "asks": [one.asks(asked.language) for one in form.asked()]}
            for key, version, notes, form in listed
        ]  # fmt: skip

    return {"forms": await asked.read(found), "changes": asked.who.role in ("supervisor", "owner")}


IMPORTER = Importer(
    "questionnaire",
    {"en": "Questionnaires of your own (FHIR R4)", "zh-CN": "自有问卷（FHIR R4）"},
    (".json", ".zip"),
    read_files,
)
