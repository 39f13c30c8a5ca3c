"""Where sentences begin and end, in English and Chinese; spans, never copies.

A full stop ends a sentence only before white space and a likely beginning, so that "3.5 %",
"e.g." and "Dr. Li" stay whole. Line ends that structure a text (lists, rows) end sentences too.
"""

import re
from collections.abc import Iterator

__all__ = ["sentence_spans", "words_of"]

_END = re.compile(r"[。！？；]+[”’」』）]*|[.!?]+[\"'”’)\]]*(?=\s|$)|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|Dr|Mr|Mrs|Ms|St|No|Nr|Inc|Ltd|Co|Fig|approx|dept|est|min|max)"
    r"|\b[A-Z])\.$"
)
_NUMBERED = re.compile(r"^\s*(?:\d{1,3}|[a-zA-Z])\.$")
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+(?:[.,'’-][^\W_{_HAN}]+)*")


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Spans (start, end) of the sentences of `text[start:end]`, white space trimmed."""
    end = len(text) if end is None else end
    begin = start
    for match in _END.finditer(text, start, end):
        candidate = text[begin : match.end()]
        if "." in match.group() and (
            _ABBREVIATION.search(candidate[-12:])
            or _NUMBERED.match(candidate[:40].lstrip("-*• ") if len(candidate) < 40 else "")
        ):
            continue
        yield from _trimmed(text, begin, match.end())
        begin = match.end()
    yield from _trimmed(text, begin, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        yield start, end


def words_of(text: str) -> list[str]:
    """Words as a reader counts them: Latin words and numbers whole, Han character by character."""
    return _WORD.findall(text)
