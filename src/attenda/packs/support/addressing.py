"""The address in what somebody says when asked for one: its street and number up to its country.

Pure reading. Where nothing in the words looks like a street or a postcode, all of them are kept,
and so they are where what is left out names a country: whether an order may go there hangs on it.
"""

import re

from attenda.packs.support.countries import countries, country_named_in, postcodes_in

__all__ = ["address_in"]

_MARKS = re.compile(r"[,，;；:：。!！?？\n]+|(?<=[a-z]{4})[.…]+\s|[.…]+$")
"""Between clauses; a point behind a short word, as in “ul. Prosta 3”, ends none."""
_HAN = "\u3400-\u9fff"
_STREET = re.compile(
    rf"(?:\d+[a-zA-Z]?|[一二三四五六七八九十百]+)\s*(?:号|弄|栋|幢|座|楼|室|单元|巷)|[{_HAN}][路街道巷弄里]\s*\d"
    r"|(?<![A-Za-zÀ-ÿ])[A-ZÀ-Þ][A-Za-zÀ-ÿ]*[.’']?\s+\d+[a-zA-Z]?(?![A-Za-z0-9])"
    r"|[a-zà-ÿ]{2,}(?:straße|strasse|str\.|straat|gata|vej)\s+\d|\b\d+[a-zA-Z]?\s+[A-ZÀ-Þ][a-zà-ÿ]"
)
"""A house with its number."""
_CODE = re.compile(r"邮编|邮政编码|\b(?:post|postal|zip) ?code\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:since|in|until|from) \d{4}\b|\d{4} ?年", re.IGNORECASE)
_PLACE = re.compile(
    rf"\s*(?:[A-ZÀ-Þ][^\W\d_]+[ -]?){{1,3}}\s*|\s*[{_HAN}]{{2,9}}[省市区县镇村路街道]\s*"
)
_PART = re.compile(
    r"\b(?:flat|apt|apartment|unit|floor|building|block|suite|room|c/o|box)\b", re.IGNORECASE
)
_TIME = re.compile(
    r"\d+ ?(?:[年月天岁点次个周]|(?:years?|months?|weeks?|days?|hours?|minutes?|times|am|pm)\b)",
    re.IGNORECASE,
)
_MOST_LETTERS, _MOST_WORDS = 30, 5
"""Of a clause that says which flat, floor or house it is."""
_CHAT = re.compile(
    r"\s*(?:hi|hello|hey|yes|yeah|no|ok(?:ay)?|well|so|oh|ah|right|sure|sorry|thanks|thank you"
    r"|dear\b.*|please|now|finally|good (?:morning|day|evening))\s*",
    re.IGNORECASE,
)
_LEAD_HAN = re.compile(
    r"(?:寄到|寄往|寄去|寄回|送到|送往|送去|发到|发往|改到|改成|改为|换成|换到|搬到|搬去"
    r"|(?:地址|家|那边|这边|那里|这里|新的|写|填)(?:就|应该)?[是为]|地址|(?:^|[就请改那后往接都我])[寄送][到往去给]?|那就|那么|好吧|喏)"
    r"\s*(?:的是?)?\s*"
)
_LEAD = re.compile(
    r"(?i:(?:[^\W\d_]+(?:['’][a-z]+)?\s+)*?(?:to|at|in|is|it['’]?s|be)\s+)(?=[A-ZÀ-Þ0-9])"
)
_WORDS_BEFORE = re.compile(
    r"(?:(?:ok(?:ay)?|well|then|so|sorry|yes|sure|and|please|hi|hello|oh|ah|now|right)\s+)+",
    re.IGNORECASE,
)
_PADDING = re.compile(
    r"\s*(?:(?:行了|好了|就行|就好|就可以)?(?:吧|呗|哈|啦|哦)|好了|就行|就好|谢谢您?|可以吗|行吗)(?=\s*(?:[，,。]|$))"
)
_THANKS = re.compile(
    r"[\s,]*(?:\b(?:please|pls|thanks|thx|thank you|cheers))*[\s,.!]*$", re.IGNORECASE
)


def address_in(text: str) -> str:
    """The clauses that are an address, from the street to postcode and country, without padding.

    All of the text, stripped, where none is found.
    """
    whole = text.strip()
    clauses = _clauses(whole)
    sure = [at for at, (first, end) in enumerate(clauses) if _is_address(whole[first:end])]
    if not sure:
        return whole
    low, high = sure[0], sure[-1]
    while low and _is_place(whole[slice(*clauses[low - 1])]):
        low -= 1
    while high + 1 < len(clauses) and _is_place(whole[slice(*clauses[high + 1])]):
        high += 1
    start, end = clauses[low][0], clauses[high][1]
    start += _lead(whole[start : clauses[low][1]])
    kept = _THANKS.sub("", _PADDING.sub("", whole[start:end])).strip(" ,.!，。！\n")
    left = f"{whole[:start]} {whole[end:]}"
    safe = country_named_in(whole) in ("", country_named_in(kept)) and not _names_a_country(left)
    return kept if safe and _STREET.search(kept) else whole


def _clauses(text: str) -> list[tuple[int, int]]:
    """Where each clause begins and ends."""
    spans, start = [], 0
    for mark in [*_MARKS.finditer(text), None]:
        end = mark.start() if mark else len(text)
        if text[start:end].strip():
            spans.append((start, end))
        start = mark.end() if mark else end
    return spans


def _is_address(clause: str) -> bool:
    """Whether it has a street with a number, or a postcode."""
    if _STREET.search(clause) or _CODE.search(clause):
        return True
    return bool(postcodes_in(_YEAR.sub(" ", clause)))


def _is_place(clause: str) -> bool:
    """Whether it is the name of a place or a part of a house, and nothing else."""
    if _CHAT.fullmatch(clause):
        return False
    numbered = re.search(r"\d", _TIME.sub(" ", _YEAR.sub(" ", clause)))
    short = len(clause.strip()) <= _MOST_LETTERS and len(clause.split()) <= _MOST_WORDS
    if short and (numbered or _PART.search(clause)):
        return True
    return bool(country_named_in(clause.strip()) or _PLACE.fullmatch(clause))


def _lead(clause: str) -> int:
    """How many letters before the address only say that it comes."""
    number = re.search(r"\d", clause)
    head = clause[: number.start()] if number else clause
    if found := list(_LEAD_HAN.finditer(head)):
        return found[-1].end()
    before = _WORDS_BEFORE.match(clause.lstrip())
    skipped = len(clause) - len(clause.lstrip()) + (before.end() if before else 0)
    said = _LEAD.match(clause, skipped)
    names = [one for one in said.group().split()[1:] if one[0].isupper()] if said else []
    return said.end() if said and all(one.startswith("I") for one in names) else skipped


def _names_a_country(text: str) -> bool:
    """Whether the name of any country stands in it, however it is used."""
    names = {name for one in countries().values() for name in (*one.name.values(), *one.also)}
    ways = (re.escape(one) if not one.isascii() else rf"\b{re.escape(one)}\b" for one in names)
    return re.search("|".join(ways), text, re.IGNORECASE) is not None
