"""Countries by their names and postcodes, from `countries.yaml`: where an address says it is.

Pure reading: whether an order may go there is `rules.address_decision`'s.
"""

import functools
import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from attenda.api import UserError
from attenda.packs.support.shop_policy import FOLDER, Texts, read_yaml

__all__ = ["Country", "code_of", "countries", "country_named_in", "plain_postcode", "postcodes_in"]

_SIGNS = {"9": "[0-9]", "A": "[A-Za-z]", "X": "[A-Za-z0-9]"}
_CAPITALS = {"A": "[A-Z]", "X": "[A-Z0-9]"}
_LETTERS = "[ABDEFILNPS]"
"""Of countries, as they stand on cars and before postcodes."""
_ON = (
    r"(?:[^\w,;:\n，；：]+(?!(?:street|st|road|rd|avenue|ave|lane|square|park|place|way|close|drive"
    r"|court|house|terrace|gardens|row|hill)\b)(?-i:[a-z'’]+|I)){0,4}"
)
"""Small words behind a name up to the end of its part: “please”, “where I live now”."""
_BEFORE_HAN = r"(?:^|(?<=[\s,，、;；。:：到在往去是为寄送]))"
_NO_NAME = r"(?![人籍货产路街巷])"
"""Behind a name in Chinese: who comes from there, or a street that is called after it."""
_AFTER_HAN = r"(?=$|[\s,，、;；。:：])"


class Country(BaseModel):
    """One country."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Texts
    also: tuple[str, ...] = ()
    """How people call it besides."""
    postcodes: tuple[str, ...]
    """How they are written, the fullest first."""

    @field_validator("postcodes")
    @classmethod
    def _known_signs(cls, found: tuple[str, ...]) -> tuple[str, ...]:
        bad = [one for one in found if not re.fullmatch(r"[9AX]+(?:[ -][9AX]+)?", one)]
        if bad or not found:
            raise ValueError(f"a postcode is written with 9, A, X and one blank or hyphen: {bad}")
        return found

    @property
    def example(self) -> str:
        """A postcode as it is written there, such as `1234-567` or `AB1C 2DE`."""
        digits, letters = iter("1234567890"), iter("ABCDEFGH")
        of = {"9": digits, "A": letters, "X": digits}
        return "".join(next(of[one]) if one in of else one for one in self.postcodes[0])


@functools.cache
def countries() -> Mapping[str, Country]:
    """All of them, by ISO 3166 code.

    Raises:
        UserError: the file has one that can't be read.
    """
    path = FOLDER / "countries.yaml"
    try:
        return {code: Country.model_validate(one) for code, one in read_yaml(path).items()}
    except ValidationError as error:
        raise UserError("policy.file", file=path.name, problem=error) from error


def code_of(country: str) -> str:
    """The ISO code of a country by its code or a name of it; what is neither stays as it is."""
    said = country.strip().casefold()
    for code, one in countries().items():
        if said in {
            code.casefold(),
            *(name.casefold() for name in (*one.name.values(), *one.also)),
        }:
            return code
    return country.strip().upper()


def plain_postcode(text: object) -> str:
    """A postcode without blanks and marks, in small letters: `sw1a1aa`, `4050001`."""
    return "".join(filter(str.isalnum, str(text))).lower()


def postcodes_in(text: str, country: str = "") -> list[str]:
    """The postcodes in a text as they were written, in its order.

    Args:
        text: an address, or what somebody said.
        country: those of this country, in its fullest way that is there; else those of any.
    """
    for pattern in _patterns(country):
        if found := pattern.findall(text):
            return [str(one) for one in found]
    return []


def country_named_in(address: str) -> str:
    """The code of the country that an address names; empty where it names none.

    Only where names of countries stand in addresses: a street may be called after one.
    """
    found = [
        (
            spot.end(),
            -spot.start(),
            code,
        )  # the last one; of Northern Ireland and Ireland the longer
        for code, name in _names()
        for spot in name.finditer(address)
    ]
    return max(found)[2] if found else ""


@functools.cache
def _patterns(country: str) -> tuple[re.Pattern[str], ...]:
    """Of one country a pattern each, to be tried in order; of all countries one for everything."""
    if country:
        known = countries().get(country)
        return tuple(_pattern([one]) for one in known.postcodes) if known else ()
    every = {one for known in countries().values() for one in known.postcodes}
    return (_pattern(sorted(every, key=lambda one: (-len(one), one))),)


def _pattern(written: list[str]) -> re.Pattern[str]:
    """A postcode that stands alone, perhaps behind the letter of its country as in `D-10115`."""
    ways, codes = "|".join(map(_way, written)), "|".join(countries())
    before = rf"(?<![A-Za-z0-9_-])(?:(?:{codes}|{_LETTERS})-)?"
    return re.compile(rf"{before}({ways})(?![A-Za-z0-9_-])")


def _way(written: str) -> str:
    """One way to write it. Letters alone behind a blank are capitals: “4000 is mine” has none."""
    head, mark, tail = re.match(r"([9AX]+)([ -]?)([9AX]*)", written).groups()  # type: ignore[union-attr]
    first = "".join(_SIGNS[one] for one in head)
    if not mark:
        return first
    last = "".join(_SIGNS[one] for one in tail)
    if "9" in tail:
        return f"{first}[ -]?{last}"
    return f"{first}(?:{last}|[ -]{''.join(_CAPITALS[one] for one in tail)})"


@functools.cache
def _names() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The names of each country, where they end a line or a part of an address."""
    found = []
    for code, one in countries().items():
        known = sorted({*one.name.values(), *one.also}, key=len, reverse=True)
        latin = "|".join(re.escape(name) for name in known if not _is_han(name))
        han = "|".join(re.escape(name) for name in known if _is_han(name))
        text = rf"(?<!\w)(?:{latin}){_ON}[\s.!]*(?=$|[,;:\n，；：])"
        if han:
            text = rf"{text}|{_BEFORE_HAN}(?:{han}){_NO_NAME}|(?:{han}){_AFTER_HAN}"
        found.append((code, re.compile(text, re.IGNORECASE)))
    return tuple(found)


def _is_han(text: str) -> bool:
    return any("\u3400" <= one <= "\u9fff" for one in text)
