"""Number words of four more languages, so that an answer does not leak by being translated.

French, Spanish, German and Italian, 0 to 20 and the tens, and the usual fractions. Only for looking
whether a text gives an answer away; learners' answers are read in English and Chinese.
"""

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction

__all__ = ["foreign_numbers"]

_ONES = {
    "fr": "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze "
    "quinze seize dix-sept dix-huit dix-neuf vingt",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce "
    "quince dieciseis diecisiete dieciocho diecinueve veinte",
    "de": "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn "
    "funfzehn sechzehn siebzehn achtzehn neunzehn zwanzig",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici "
    "quattordici quindici sedici diciassette diciotto diciannove venti",
}
_TENS = {
    "fr": "trente quarante cinquante soixante",
    "es": "treinta cuarenta cincuenta sesenta setenta ochenta noventa cien",
    "de": "dreissig vierzig funfzig sechzig siebzig achtzig neunzig hundert",
    "it": "trenta quaranta cinquanta sessanta settanta ottanta novanta cento",
}
_PARTS = {
    "fr": "demi:2 tiers:3 quart:4 cinquieme:5 sixieme:6 septieme:7 huitieme:8 neuvieme:9 "
    "dixieme:10 onzieme:11 douzieme:12 quinzieme:15 vingtieme:20",
    "es": "medio:2 tercio:3 cuarto:4 quinto:5 sexto:6 septimo:7 octavo:8 noveno:9 decimo:10 "
    "onceavo:11 doceavo:12 quinceavo:15 veinteavo:20",
    "de": "halbe:2 drittel:3 viertel:4 funftel:5 sechstel:6 siebtel:7 achtel:8 neuntel:9 "
    "zehntel:10 elftel:11 zwolftel:12 funfzehntel:15 zwanzigstel:20",
    "it": "mezzo:2 terzo:3 terzi:3 quarto:4 quarti:4 quinto:5 quinti:5 sesto:6 sesti:6 settimo:7 "
    "settimi:7 ottavo:8 ottavi:8 nono:9 noni:9 decimo:10 decimi:10 dodicesimo:12 dodicesimi:12",
}
_WHOLE = {word: value for words in _ONES.values() for value, word in enumerate(words.split())} | {
    word: 30 + 10 * at for words in _TENS.values() for at, word in enumerate(words.split())
}
_WHOLE |= {"un": 1, "una": 1, "une": 1, "ein": 1, "eine": 1}
_PART = {
    word: int(value)
    for parts in _PARTS.values()
    for word, value in (part.split(":") for part in parts.split())
}


def foreign_numbers(text: str) -> Iterator[Fraction]:
    """Values of number words in a text, fractions by their two words."""
    bare = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    words = re.findall(r"[a-z-]+", "".join(one for one in bare if not unicodedata.combining(one)))
    for first, second in zip(words, [*words[1:], ""], strict=False):
        if first in _WHOLE:
            yield Fraction(_WHOLE[first])
            for spelled in (second, second.removesuffix("s")):
                if spelled in _PART:
                    yield Fraction(_WHOLE[first], _PART[spelled])
        for part, below in _PART.items():  # German writes both in one word, too
            if first.endswith(part) and first.removesuffix(part) in _WHOLE:
                yield Fraction(_WHOLE[first.removesuffix(part)], below)
