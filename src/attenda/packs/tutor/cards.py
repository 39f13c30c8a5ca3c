"""Anki's cards as text: a front and a back, separated as the file's first lines say.

The header is that of Anki's own export (`#separator:tab`, `#html:true`, `#tags column:3`); a file
without one is read by the separator that its first line has. Cards become short answers.
"""

import csv
import hashlib
import io
import re

from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.item import Item
from attenda.packs.tutor.reading import Reading, Reject, plain_text

__all__ = ["read_cards"]

_NAMED = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|", "colon": ":"}
_CLOZE = re.compile(r"\{\{c\d+::(.*?)(?:::.*?)?\}\}")


def read_cards(text: str, name: str, skill: str = "imported") -> Reading:
    """The cards of a text export."""
    lines = text.lstrip("\ufeff").splitlines()
    head = dict(
        one[1:].lower().split(":", 1) for one in lines if one.startswith("#") and ":" in one
    )
    body = [one for one in lines if not one.startswith("#")]
    separator = _separator(head.get("separator", ""), body)
    meta = {int(head[one]) - 1 for one in _META if head.get(one, "").strip().isdigit()}
    found = Reading()
    table = csv.reader(io.StringIO("\n".join(body)), delimiter=separator)
    head_lines = next((n for n, one in enumerate(lines) if not one.startswith("#")), 0)
    for number, row in enumerate(table, start=1):
        fields = [plain_text(cell) for at, cell in enumerate(row) if at not in meta]
        if not any(fields):
            continue
        made = _card(fields, f"{name}#{number}", skill)
        if isinstance(made, Item):
            found.items.append(made)
        else:
            found.rejects.append(
                Reject(f"{name}:{head_lines + table.line_num}", both(f"reject_{made}"))
            )
    return found.without_twins()


_META = ("tags column", "notetype column", "deck column", "guid column")


def _separator(named: str, body: list[str]) -> str:
    if named:
        return _NAMED.get(named.strip(), named[:1])
    first = next((one for one in body if one.strip()), "")
    return max("\t;,|", key=first.count)


def _card(fields: list[str], source: str, skill: str) -> Item | str:
    """The exercise, or which sentence of the words says why there is none."""
    front, back = (*fields, "", "")[:2]
    clozes = _CLOZE.findall(front)
    if len(clozes) == 1:
        front, back = _CLOZE.sub("_____", front), clozes[0]
    elif clozes:
        return "gaps"
    if not front or not back:
        return "side_empty"
    if len(back) > 120:
        return "too_long"
    digest = hashlib.sha256(f"{front}\n{back}".encode()).hexdigest()[:12]
    keys = tuple(part.strip() for part in back.split(" / ") if part.strip())
    return Item(f"card-{digest}", skill, "short", {"en": front}, keys, source=source)
