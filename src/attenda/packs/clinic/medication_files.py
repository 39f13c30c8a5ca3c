"""Files of medication knowledge read in: rules as CSV, names of RxNorm, label texts of openFDA.

What a file says of itself (version, date, until when it holds) is kept and stands on each card.
Rules come from the CSV alone; text of labels is shown as text and never becomes a rule.
"""

import csv
import datetime
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from attenda.api import Importer, ReadIn, UserError
from attenda.packs.clinic.formulary import Severity, starter

__all__ = ["IMPORTERS", "read_labels", "read_rules", "read_rxnorm"]

_ABOUT = ("id", "title", "version", "date", "expires", "author", "licence", "source")
_COLUMNS = ("id", "one", "two", "severity", "effect", "why", "management")
_MOST_BYTES = 400 << 20
"""Of an unpacked file; a small zip may hold a great deal."""
_LABEL_LETTERS = 60_000
_KINDS = ("IN", "PIN", "BN")
"""Kinds of RxNorm names that are read: ingredients, their salts, brands."""
_TO_INGREDIENT = frozenset({"tradename_of", "has_tradename", "form_of", "has_form"})
_Rejects = list[tuple[str, str]]


def read_rules(name: str, content: bytes) -> ReadIn:
    """Pairs that interact, as CSV: lines `# key: value` about the file, then a row for each rule.

    Raises:
        UserError: it is no such table, or does not say which version it is and until when it holds.
    """
    lines = _text(name, content).splitlines(keepends=True)
    head = [one for one in lines if one.startswith("#")]
    about = _about(name, head, content)
    table = csv.DictReader(io.StringIO("".join(lines[len(head) :])))
    missing = set(_COLUMNS) - set(table.fieldnames or ())
    if missing:
        raise _no(name, f"no column {min(missing)}")
    ours = {one.id for one in starter().rules}
    rows: dict[str, Mapping[str, object]] = {}
    rejects: _Rejects = []
    for row in table:
        place = f"{name}:{table.line_num + len(head)}"
        reason = _wrong_rule(row, ours | rows.keys())
        if reason:
            rejects.append((place, reason))
            continue
        rows[row["id"]] = {
            **{column: row[column].strip() for column in _COLUMNS},
            "pack": about["id"], "digest": about["digest"],
        }  # fmt: skip
    return ReadIn({"drug_packs": [about], "drug_pairs": list(rows.values())}, rejects)


def _wrong_rule(row: Mapping[str | None, Any], taken: Iterable[str]) -> str:
    """Why a row is no rule; "" where it is one."""
    if None in row or any(row[column] is None for column in _COLUMNS):
        return "it has not as many fields as there are columns"
    empty = [column for column in _COLUMNS if not row[column].strip()]
    if empty:
        return f"{empty[0]} is empty"
    if row["severity"].strip() not in get_args(Severity):
        return f"severity is one of {', '.join(get_args(Severity))}"
    if row["one"].strip().lower() == row["two"].strip().lower():
        return "one and two are the same"
    if row["id"] in taken:
        return "there is a rule with this id"
    return ""


def _about(name: str, head: Sequence[str], content: bytes) -> dict[str, object]:
    """What a file says of itself in its first lines."""
    said = dict(re.findall(r"^#\s*(\w+)\s*:\s*(.*?)\s*$", "".join(head), re.MULTILINE))
    for one in ("id", "version", "date", "expires", "source"):
        if not said.get(one):
            raise _no(name, f"no line “# {one}: …” before the table")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,39}", said["id"]):
        raise _no(name, "id: small letters, digits, points and dashes, 40 at most")
    for one in ("date", "expires"):
        try:
            datetime.date.fromisoformat(said[one])
        except ValueError as error:
            raise _no(name, f"{one} is no day as YYYY-MM-DD") from error
    about: dict[str, object] = {one: said.get(one, "") for one in _ABOUT}
    return about | {"title": said.get("title") or said["id"], "kind": "rules",
                    "digest": _digest(content)}  # fmt: skip


def read_rxnorm(name: str, content: bytes) -> ReadIn:
    """Names of RxNorm: a zip with `RXNCONSO.RRF` and `RXNREL.RRF`, or the first alone.

    Ingredients, their salts and brands in English are read; which brand has which ingredient
    stands in the second file. One that is alone gives ingredients and no brand.

    Raises:
        UserError: it is neither.
    """
    names, relations = _rrf_files(name, content)
    concepts, rejects = _concepts(names)
    into = _ingredients(concepts, relations)
    rows: dict[str, Mapping[str, object]] = {}
    digest = _digest(content)
    for (code, kind), said in concepts.items():
        found = [code] if kind == "IN" else sorted(into.get(code, ()))
        for ingredient in found:
            title = concepts.get((ingredient, "IN"))
            if title:
                rows[f"rxnorm:{code}:{ingredient}"] = {
                    "id": f"rxnorm:{code}:{ingredient}", "pack": "rxnorm", "digest": digest,
                    "said": said.lower(), "ingredient": title.lower(),
                }  # fmt: skip
        if not any(f"rxnorm:{code}:{one}" in rows for one in found):
            rejects.append((f"RXNCONSO {code}", f"no ingredient of “{said}” is named"))
    about = _plain_about("rxnorm", "RxNorm", digest, "names", "U.S. National Library of Medicine")
    if day := re.search(r"(\d\d)(\d\d)(20\d\d)", name):  # as releases are named
        about |= {"version": f"{day[3]}-{day[1]}-{day[2]}", "date": f"{day[3]}-{day[1]}-{day[2]}"}
    return ReadIn({"drug_packs": [about], "drug_names": list(rows.values())}, rejects)


def _rrf_files(name: str, content: bytes) -> tuple[Iterable[str], Iterable[str]]:
    """The lines of names and of relations."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        if "RXNREL" in name.upper():
            raise _no(name, "RXNREL.RRF says nothing without RXNCONSO.RRF: put both into one zip")
        return _text(name, content).splitlines(), ()
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        found = {one.filename.rpartition("/")[2].upper(): one for one in packed.infolist()}
        if "RXNCONSO.RRF" not in found:
            raise _no(name, "no RXNCONSO.RRF in it")
        if sum(one.file_size for one in found.values()) > _MOST_BYTES:
            raise _no(name, f"it unpacks to over {_MOST_BYTES >> 20} MB")
        texts = [
            _text(one, packed.read(found[one])).splitlines() if one in found else []
            for one in ("RXNCONSO.RRF", "RXNREL.RRF")
        ]
    return texts[0], texts[1]


def _concepts(lines: Iterable[str]) -> tuple[dict[tuple[str, str], str], _Rejects]:
    """Names by code and kind; RXNCONSO has 18 columns, each ended by a bar."""
    found: dict[tuple[str, str], str] = {}
    rejects: _Rejects = []
    for number, line in enumerate(lines, 1):
        fields = line.split("|")
        if len(fields) != 19:
            rejects.append((f"RXNCONSO:{number}", f"{len(fields) - 1} columns and not 18"))
            continue
        code, language, source, kind, said, suppressed = (
            fields[0], fields[1], fields[11], fields[12], fields[14], fields[16],
        )  # fmt: skip
        if source != "RXNORM" or language != "ENG" or kind not in _KINDS:
            continue
        if suppressed not in ("N", ""):
            rejects.append((f"RXNCONSO:{number}", f"“{said}” is suppressed ({suppressed})"))
        elif not said.strip():
            rejects.append((f"RXNCONSO:{number}", "it has no name"))
        else:
            found[code, kind] = said.strip()
    if not found and not rejects:
        raise UserError("request.invalid", place="RXNCONSO", problem="no names of RxNorm in it")
    return found, rejects


def _ingredients(
    concepts: Mapping[tuple[str, str], str], lines: Iterable[str]
) -> dict[str, set[str]]:
    """Ingredients by the code of a brand or a salt; RXNREL has 16 columns."""
    kinds: dict[str, set[str]] = {}
    for code, kind in concepts:
        kinds.setdefault(code, set()).add(kind)
    found: dict[str, set[str]] = {}
    for line in lines:
        fields = line.split("|")
        if len(fields) != 17 or fields[7] not in _TO_INGREDIENT:
            continue
        for one, other in ((fields[0], fields[4]), (fields[4], fields[0])):
            if "IN" in kinds.get(other, ()) and "IN" not in kinds.get(one, {"IN"}):
                found.setdefault(one, set()).add(other)
    return found


def read_labels(name: str, content: bytes) -> ReadIn:
    """Label texts of openFDA: JSON with `results`, of which the section on interactions is kept.

    Raises:
        UserError: it is no such JSON.
    """
    try:
        file = json.loads(_text(name, content))
    except (ValueError, RecursionError) as error:
        raise _no(name, "no JSON") from error
    results = file.get("results") if isinstance(file, dict) else None
    if not isinstance(results, list):
        raise _no(name, "no “results”, as openFDA gives labels")
    rejects: _Rejects = []
    labels: list[Mapping[str, object]] = []
    names: list[Mapping[str, object]] = []
    for number, one in enumerate(results):
        found = _label(one)
        if isinstance(found, str):
            rejects.append((f"{name} results[{number}]", found))
            continue
        labels.append(found)
        names += [
            {"id": f"{found['id']}:{said}"[:80], "label_id": found["id"], "said": said}
            for said in _named(one)
        ]
    meta = file.get("meta") if isinstance(file.get("meta"), dict) else {}
    updated = str(meta.get("last_updated") or "")
    about = _plain_about("openfda-labels", "openFDA drug labels", _digest(content), "labels",
                         "U.S. Food and Drug Administration")  # fmt: skip
    if re.fullmatch(r"\d{4}-\d\d-\d\d", updated):
        about["date"] = updated
    return ReadIn(
        {"drug_packs": [about], "drug_labels": labels, "drug_label_names": names}, rejects
    )


def _label(one: Any) -> dict[str, object] | str:
    """A label's row, or why there is none."""
    if not isinstance(one, dict) or not isinstance(one.get("set_id"), str):
        return "it has no set_id"
    text = "\n".join(str(part) for part in one.get("drug_interactions") or ()).strip()
    if not text:
        return "it has no section on interactions"
    if not _named(one):
        return "it names no ingredient (openfda.generic_name, openfda.substance_name)"
    day = str(one.get("effective_time") or "")
    dated = f"{day[:4]}-{day[4:6]}-{day[6:8]}" if re.fullmatch(r"\d{8}", day) else ""
    generic = (one["openfda"].get("generic_name") or [""])[0]
    return {
        "id": one["set_id"][:60], "title": str(generic)[:200], "date": dated,
        "version": str(one.get("version") or ""), "text": text[:_LABEL_LETTERS],
    }  # fmt: skip


def _named(one: Mapping[str, Any]) -> list[str]:
    """Ingredients that a label is of, in the starter's names where it knows them."""
    about = one.get("openfda")
    if not isinstance(about, dict):
        return []
    said = [
        str(text).lower()
        for key in ("generic_name", "substance_name") for text in about.get(key) or ()
    ]  # fmt: skip
    known = [name for text in said for name in starter().find(text).ingredients]
    return sorted({*known, *(text for text in said if text.strip())})


def _plain_about(id_: str, title: str, version: str, kind: str, author: str) -> dict[str, object]:
    """Of a file that says nothing of itself: what is known of its kind."""
    return {
        "id": id_, "title": title, "version": version, "date": None, "expires": None,
        "author": author, "licence": "", "source": title, "kind": kind, "digest": version,
    }  # fmt: skip


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no(name, f"no UTF-8 at byte {error.start}") from error


def _no(name: str, problem: str) -> UserError:
    return UserError("request.invalid", place=name, problem=problem)


def _all() -> Iterator[Importer]:
    yield Importer("rules", {"en": "Medication rules as CSV", "zh-CN": "用药规则 CSV"}, (".csv",),
                   read_rules)  # fmt: skip
    yield Importer(
        "rxnorm", {"en": "Names of RxNorm (RXNCONSO and RXNREL in a zip)",
                   "zh-CN": "RxNorm 名称（RXNCONSO 和 RXNREL 的 zip）"},
        (".zip", ".rrf", ".RRF"), read_rxnorm,
    )  # fmt: skip
    yield Importer("labels", {"en": "Label texts of openFDA", "zh-CN": "openFDA 说明书文本"},
                   (".json",), read_labels)  # fmt: skip


IMPORTERS = tuple(_all())
