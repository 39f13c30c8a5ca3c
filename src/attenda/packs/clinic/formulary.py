"""The medication rules as values: ingredients with their names and classes, and rules by kind.

Read from the pack's own files once. A name in free text is found as a whole word; what is left of
a part without any known name is unknown, and said to be.
"""

import copy
import datetime
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from attenda.packs.clinic.words import FOLDER, read_yaml

__all__ = ["About", "Formulary", "Kind", "Named", "Rule", "Severity", "says", "starter"]

Severity = Literal["critical", "warning", "info"]
Kind = Literal["interaction", "allergy", "kidney", "pregnancy", "age", "disease"]
Texts = Mapping[str, tuple[str, str, str]]

_APART = re.compile(r"\s/\s|[+＋、;；]|\s(?:and|with)\s|[与和加](?=[\u4e00-\u9fff])")
_DIRECTIONS = (
    "tablets? tabs? capsules? caps? oral(?:ly)? solution suspension injections? cream topical "
    "pack puffs? drops? doses?"
    " once twice times three-times daily bid bd tid tds qid qds od om nocte mane stat prn sc "
    "pr sl po iv im extended release"
    " er xl cr sr patch inhaler syrup potassium sodium hydrochloride hcl sulfate acetate "
    "succinate tartrate maleate calcium"
    " magnesium bitartrate food meals? water milk breakfast lunch dinner supper bedtime in at "
    "on every each the before after"
    " during until for of her his their as when if per a an and then to by from up under skin "
    "mouth needed required necessary"
    " pain fever hay knee back head headache infection chest throat ear morning noon midday "
    "afternoon evening night days?"
    " weeks? months? hours? hrs? hourly weekly one two three four five six seven eight ten "
    "fourteen half single only least"
    " glass plenty please thanks start(?:ed)? takes? taken use give give?n without operation "
    "surgery course total max(?:imum)? increased? reduced? raised? lowered? titrated?"
    " i we he she they it him them you me my our this that is be are was would will should "
    "could can may"
    " let'?s us go(?:ing)? try treat(?:ment)? begin continue put add like want(?:s"
    "|ed)? think(?:ing)? prefer"
    " choose maybe ok(?:ay)? now some patient pt so well then i'd we'd i'll we'll i'm"
).split()
"""Words of how and when a drug is taken, which name none."""
_LISTED = re.compile(r"[,，/()（）.。]")
_COMMA = re.compile(r"[,，](?!\d)")
_DOSED = re.compile(
    r"\s*([^\W\d][\w\s-]*?)\s*\d[\d.,/]*\s*(?:mg|mcg|µg|ug|g|ml|iu|units?|毫克|微克|毫升|克)(?![a-z])",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    r"\b\d[\d.,/]*\s*(?:mg|mcg|µg|ug|g|ml|iu|units?|meq|mmol|%|hr|day|actuat)?(?:/\w+)?\b"
    rf"|\b(?:{'|'.join(_DIRECTIONS)})\b|\b[a-z](?:\.[a-z])+\.?"
    r"|毫克|微克|毫升|克|片|粒|胶囊|注射液|口服|静脉|静滴|滴注|肌注|皮下|外用|每日|每天|每晚|每周|一天|一日|[一二两三四五六七八九十半]|次|天|周"
    r"|早|中|晚|各|饭[前后]|餐[前后]|睡前|剂量|总量|用量|[增加减]至|空腹|早餐|晚餐|午餐|随餐|温水|送服|服用|需要时|必要时|疼[时痛]|发[热烧]时|按需|共|[\W\d_]+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class About:
    """Which pack of knowledge this is, and how far it goes."""

    id: str
    title: Mapping[str, str]
    version: str
    date: datetime.date | None
    expires: datetime.date | None
    """None where the file does not say."""
    author: str
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; which of its fields count depends on its kind."""

    id: str
    kind: Kind
    severity: Severity
    texts: Texts
    """By language: what happens, why, what one may do."""
    terms: tuple[str, ...]
    """Ingredients or classes: both of a pair; the drug, else."""
    allergy: str = ""
    condition: str = ""
    measure: Literal["", "egfr", "crcl"] = ""
    at_least: Decimal | None = None
    below: Decimal | None = None
    instead: tuple[str, ...] = ()
    about: About | None = None
    """The pack that it is from; none where that is the formulary's own."""


@dataclass(frozen=True, slots=True)
class Named:
    """What was found in the words of an order: known ingredients, and parts that are not known."""

    ingredients: tuple[str, ...]
    unknown: tuple[str, ...]


class Formulary:
    """Ingredients, classes and rules of one knowledge pack."""

    def __init__(self, folder: Path) -> None:
        drugs = read_yaml(folder / "ingredients.yaml")
        classes = read_yaml(folder / "classes.yaml")
        single = read_yaml(folder / "single_rules.yaml")
        pairs = read_yaml(folder / "class_pairs.yaml")["pairs"]
        self.about = About(**drugs["about"])
        self.more: tuple[About, ...] = ()
        """Packs that were read in beside it."""
        self.classes_of: dict[str, frozenset[str]] = {
            name: frozenset(one["in"]) for name, one in drugs["ingredients"].items()
        }
        self._shown = {name: one["zh"] for name, one in drugs["ingredients"].items()}
        self.class_pairs = tuple(_rules("interaction", pairs))
        self.rules: tuple[Rule, ...] = (
            *self.class_pairs,
            *_rules("interaction", single["pairs"]),
            *_rules("allergy", single["allergies"]),
            *_rules("kidney", single["kidney"]),
            *_rules("pregnancy", single["pregnancy"]),
            *_rules("age", single["age"]),
            *_rules("disease", single["diseases"]),
        )
        self.duplicates: dict[str, dict[str, str]] = classes["duplicates"]
        self.conditions: dict[str, list[str]] = classes["conditions"]
        self._no_drug = _any_of(classes["no_drug"])
        self._reactions = _any_of(classes["reactions"])
        self._no_allergy = frozenset(classes["no_allergy"])
        names = {
            said.lower(): name
            for name, one in drugs["ingredients"].items()
            for said in (name, one["zh"], *one.get("also", ()))
        }
        self._names, self._pattern = names, _any_of(names)
        self._class_names = classes["classes"]
        class_words = {
            said.lower(): name
            for name, one in classes["classes"].items()
            for said in (one["en"], one["zh-CN"], *one.get("also", ()))
        }
        self._class_words, self._class_pattern = class_words, _any_of(class_words)

    def extended(
        self, names: Mapping[str, str], rules: Iterable[Rule], more: tuple[About, ...]
    ) -> "Formulary":
        """The same with more names of ingredients and more rules; its own names and ids hold."""
        made = copy.copy(self)
        known = {said: self._names.get(name, name) for said, name in names.items()}
        made._names = known | self._names
        made._pattern = _any_of(made._names)
        made.classes_of = dict.fromkeys(known.values(), frozenset[str]()) | self.classes_of
        ours = {one.id for one in self.rules}
        made.rules = (*self.rules, *(one for one in rules if one.id not in ours))
        made.more = more
        return made

    def term(self, word: str) -> str:
        """The ingredient or the class that a word names; "" where none does."""
        said = word.strip().lower()
        plain = said if said in self._class_names else ""
        return self._names.get(said) or self._class_words.get(said) or plain

    def find(self, text: str) -> Named:
        """The ingredients that an order's words name."""
        found: list[str] = []
        unknown: list[str] = []
        for part in _APART.split(text):
            here = [self._names[one.group().lower()] for one in self._pattern.finditer(part)]
            found += [one for one in here if one not in found]
            if not here and len(_PLAIN.sub("", part)) > 1:
                unknown.append(part.strip())
            elif here:
                unknown += self._dosed_beside(part)
        if not found and not unknown:
            unknown = [text.strip() or "—"]
        return Named(tuple(found), tuple(unknown))

    def _dosed_beside(self, part: str) -> Iterable[str]:
        """What stands behind a comma with a dose of its own, beside a drug that is known."""
        for piece in _COMMA.split(part):
            dosed = _DOSED.match(piece)
            is_known = self._pattern.search(piece) is not None
            if dosed and not is_known and len(_PLAIN.sub("", dosed[1])) > 1:
                yield piece.strip()

    def reacted_to(self, text: str) -> frozenset[str]:
        """Ingredients and classes that an allergy's words name."""
        drugs = {self._names[one.group().lower()] for one in self._pattern.finditer(text)}
        said = {
            self._class_words[one.group().lower()] for one in self._class_pattern.finditer(text)
        }
        return frozenset(drugs | said)

    def not_reacted_to(self, text: str) -> list[str]:
        """What an allergy's words name that is no known drug or class: nothing is checked by it.

        Pollen and the like, reactions beside a name, and “none known” name no drug.
        """
        if text.strip(" .。!！").casefold() in self._no_allergy:
            return []
        parts = [piece.strip() for part in _APART.split(text) for piece in _LISTED.split(part)]
        named = [one for one in parts if self.reacted_to(one)]
        other = [one for one in parts if one and one not in named]
        no_drug = [one for one in other if self._no_drug.search(one)
                   and not self._is_left(self._no_drug.sub("", one))]  # fmt: skip
        open_ = [one for one in other if one not in no_drug and self._is_left(one)]
        if named or no_drug:
            return open_
        return [text.strip() or "?"]

    def _is_left(self, words: str) -> bool:
        """Whether words say more than how and when somebody reacts."""
        return len(_PLAIN.sub("", self._reactions.sub("", words))) > 1

    def spans(self, text: str) -> Iterable[tuple[int, int, str]]:
        """Where names of ingredients stand in a text: start, end, ingredient."""
        for one in self._pattern.finditer(text):
            yield one.start(), one.end(), self._names[one.group().lower()]

    def belongs(self, ingredient: str, term: str) -> bool:
        """Whether an ingredient is the term, or of that class."""
        return ingredient == term or term in self.classes_of.get(ingredient, ())

    def shown(self, name: str, language: str) -> str:
        """An ingredient's or a class's name in a language."""
        if name in self._class_names:
            return str(self._class_names[name].get(language, self._class_names[name]["en"]))
        return self._shown.get(name, name) if language == "zh-CN" else name

    def conditions_in(self, text: str) -> list[str]:
        """Conditions of which rules speak, named in the words of a problem."""
        said = text.lower()
        return [
            name for name, words in self.conditions.items() if any(word in said for word in words)
        ]


def _rules(kind: Kind, written: Mapping[str, Any]) -> Iterable[Rule]:
    for name, one in written.items():
        texts: dict[str, tuple[str, str, str]] = {
            language: (one[language][0], one[language][1], one[language][2])
            for language in ("en", "zh-CN")
        }
        yield Rule(
            id=name,
            kind=kind,
            severity=one["severity"],
            texts=texts,
            terms=tuple(one.get("between") or (one["drug"],)),
            allergy=one.get("allergy", ""),
            condition=one.get("condition", ""),
            measure=one.get("measure", ""),
            at_least=Decimal(one["from"]) if "from" in one else None,
            below=Decimal(one["below"]) if "below" in one else None,
            instead=tuple(one.get("instead", ())),
        )


def says(text: str, name: str) -> bool:
    """Whether a text has a name: as a whole word in Latin letters, anywhere in Chinese."""
    return _any_of([name]).search(text) is not None


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Whole words in Latin letters, any place in Chinese; the longest first."""
    ordered = sorted(names, key=len, reverse=True)
    latin = "|".join(re.escape(one) for one in ordered if one.isascii())
    whole = [rf"(?<![A-Za-z0-9])(?:{latin})(?![A-Za-z0-9])"] if latin else []
    other = [re.escape(one) for one in ordered if not one.isascii()]
    return re.compile("|".join((*whole, *other)), re.IGNORECASE)


@functools.cache
def starter() -> Formulary:
    """The rules that come with the pack."""
    return Formulary(FOLDER / "medication")
