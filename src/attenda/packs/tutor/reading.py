"""What came of reading a file of exercises: which were taken, which were not, and why.

Also what every reader needs: HTML as plain text, XML that cannot reach outside.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lxml import etree, html

from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.item import Item, Texts

__all__ = ["Reading", "Reject", "Unreadable", "plain_text", "safe_xml"]

MOST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Reject:
    """One exercise that was not taken."""

    place: str
    """The file, and the line where it begins."""
    reason: Texts


class Unreadable(ValueError):
    """It is no exercise that is given here; says why in both languages."""

    def __init__(self, why: str, **values: object) -> None:
        """`why` names a sentence `reject_…` of the pack's words."""
        self.reason = both(f"reject_{why}", **values)
        super().__init__(self.reason["en"])


@dataclass(slots=True)
class Reading:
    """Exercises of one file."""

    items: list[Item] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is no exercise: categories, descriptions."""

    @property
    def present(self) -> int:
        """Exercises that the file has."""
        return len(self.items) + len(self.rejects)

    def without_twins(self) -> "Reading":
        """The same, where of exercises with one id only the first stays."""
        twice = {one for one, n in Counter(item.id for item in self.items).items() if n > 1}
        seen: set[str] = set()
        for item in list(self.items):
            if item.id in twice and item.id in seen:
                self.items.remove(item)
                self.rejects.append(Reject(item.source, both("reject_twice")))
            seen.add(item.id)
        return self


def plain_text(text: str) -> str:
    """HTML as plain text; scripts and styles are left out, blocks end lines."""
    if "<" not in text and "&" not in text:
        return _tidy(text)
    made = html.fragment_fromstring(text, create_parent="div")
    for gone in made.xpath(".//script|.//style|.//comment()"):
        gone.drop_tree()
    for block in made.xpath(".//p|.//br|.//li|.//div|.//tr|.//pre"):
        block.tail = "\n" + (block.tail or "")
    return _tidy(str(made.text_content()))


def _tidy(text: str) -> str:
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def safe_xml(content: bytes) -> Any:
    """The root of an XML file; nothing outside the file is read, no entity is expanded.

    Raises:
        ValueError: it is no XML, is too large, or declares a document type.
    """
    if len(content) > MOST_BYTES:
        raise ValueError("the file is larger than 20 MB")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"it is no XML: {error.msg}") from error
    if root.getroottree().docinfo.doctype:
        raise ValueError("it declares a document type, which quizzes don't need")
    return root
