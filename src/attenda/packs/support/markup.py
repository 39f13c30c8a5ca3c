"""HTML as plain text, and what stands for the title of an article. Nothing is fetched or run."""

import re
from html.parser import HTMLParser

__all__ = ["plain", "title_in"]

_BLOCKS = frozenset(
    "p div br li tr h1 h2 h3 h4 h5 h6 section article ul ol table blockquote".split()
)
_UNSEEN = frozenset({"script", "style", "head", "template"})
_HEADING = re.compile(r"^#{1,2}\s+(.+)$", re.MULTILINE)
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _UNSEEN:
            self.hidden += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def plain(html: str) -> str:
    """The words of a piece of HTML, a line for each block; scripts and styles are left out."""
    words = _Words()
    words.feed(html)
    words.close()
    lines = (" ".join(line.split()) for line in "".join(words.parts).splitlines())
    return "\n".join(line for line in lines if line)


def title_in(text: str, *, html: bool) -> str:
    """The first heading of an article; empty where it has none."""
    found = _TITLE.search(text) if html else _HEADING.search(text)
    if found is None:
        return ""
    return plain(found[2]).replace("\n", " ") if html else found[1].strip()
