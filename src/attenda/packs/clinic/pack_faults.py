"""What is wrong with the clinic's own files: rules, red flags, questions, words, sample patients.

`attenda pack check clinic` says all of it; nothing here runs when the pack is opened.
"""

import datetime
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

import yaml

from attenda.packs.clinic.asking import BY_FINDINGS
from attenda.packs.clinic.formulary import Formulary, Severity
from attenda.packs.clinic.questionnaire_check import flaws_in
from attenda.packs.clinic.red_flags import red_flag_rules, red_flags
from attenda.packs.clinic.samples import SAMPLES
from attenda.packs.clinic.scoring import BY_VALUES
from attenda.packs.clinic.trends import NAMES
from attenda.packs.clinic.words import FOLDER, catalogue, phrase, read_yaml

__all__ = ["faults"]

LANGUAGES = ("en", "zh-CN")
_SHARE = re.compile(
    r"\d+(?:[.,]\d+)?\s*[%％‰]|\bper ?cent\b|百分之|[一二三四五六七八九\d]成(?!分|人|年|立)"
)
"""A likelihood in numbers, which no option may have."""
_FILLED = re.compile(r"\{(\w+)")
_SEXES = ("female", "male", None)
Fault = tuple[str, str, Mapping[str, object]]
"""File, key of a sentence `fault.…`, and its values."""


def faults(language: str) -> list[str]:
    """All that is wrong, each with its file, in a language."""
    said = []
    for look in _LOOKS:
        for file, key, values in look():
            said.append(f"{file}: {phrase(language, f'fault.{key}', **values)}")
    return said


def _twice() -> Iterator[Fault]:
    """Keys that stand twice in a file: the first of them would be lost in silence."""
    for path in sorted(FOLDER.rglob("*.yaml")):
        file = path.relative_to(FOLDER).as_posix()
        node = yaml.compose(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        yield from _twice_below(file, node)


def _twice_below(file: str, node: Any) -> Iterator[Fault]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                yield f"{file}:{line}", "twice", {"name": key.value}
            seen.add(key.value)
            yield from _twice_below(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _twice_below(file, one)


def _medication() -> Iterator[Fault]:
    """Rules of drugs: source, texts in both languages, names that mean something."""
    known = Formulary(FOLDER / "medication")
    file = "medication/ingredients.yaml"
    if not known.about.source or known.about.date is None or known.about.expires is None:
        yield file, "about", {}
    classes = {name for all_ in known.classes_of.values() for name in all_}
    for rule in known.rules:
        if rule.severity not in get_args(Severity):
            yield "medication", "severity", {"rule": rule.id, "severity": rule.severity}
        for language in LANGUAGES:
            if not all(text.strip() for text in rule.texts[language]):
                yield "medication", "text", {"rule": rule.id, "tongue": language}
        for name in (*rule.terms, *filter(None, [rule.allergy]), *rule.instead):
            if name not in known.classes_of and name not in classes:
                yield "medication", "term", {"rule": rule.id, "name": name}
        if rule.condition and rule.condition not in known.conditions:
            yield "medication", "condition", {"rule": rule.id, "name": rule.condition}


def _scores() -> Iterator[Fault]:
    """Every score names a paper, or says that nobody reviewed it."""
    results = {name: rule({}) for name, rule in BY_VALUES.items()}
    results |= {name: rule({}) for name, (_, rule) in BY_FINDINGS.items()}
    for name, found in results.items():
        if not found.source or found.total is not None:
            yield "rules.py", "score", {"name": name}


def _options() -> Iterator[Fault]:
    """Options to weigh: sourced, no likelihood in numbers, each with the sentence of its page."""
    written = read_yaml(FOLDER / "differential.yaml")
    if not written["about"].get("source"):
        yield "differential.yaml", "about", {}
    for topic in written["topics"]:
        page = (FOLDER / topic["page"]).read_text("utf-8")
        for option in topic["options"]:
            name = option["name"].get("en", "?")
            if not all(option["name"].get(one) for one in LANGUAGES):
                yield "differential.yaml", "name", {"name": name}
            if option["quote"] not in page:
                yield "differential.yaml", "quote", {"name": name, "page": topic["page"]}
            if not option.get("for"):
                yield "differential.yaml", "no_for", {"name": name}
    places = {"differential.yaml": FOLDER / "differential.yaml"}
    places |= {topic["page"]: FOLDER / topic["page"] for topic in written["topics"]}
    for file, path in places.items():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if found := _SHARE.search(line):
                yield f"{file}:{number}", "share", {"words": found.group()}


def _flags() -> Iterator[Fault]:
    """Every red flag is raised by a sentence of its own in each language."""
    file, written = "red_flags.yaml", read_yaml(FOLDER / "red_flags.yaml")
    if not written["about"].get("source"):
        yield file, "about", {}
    for rule in red_flag_rules():
        said = written["rules"][rule.id].get("said", {})
        for language in LANGUAGES:
            where: dict[str, object] = {"rule": rule.id, "tongue": language}
            if not rule.title.get(language) or not rule.say.get(language):
                yield file, "flag_words", where
            if not said.get(language):
                yield file, "flag_unsaid", where
            for sentence in said.get(language, ()):
                if rule.id not in {one.rule.id for one in red_flags([sentence])}:
                    yield file, "flag_missed", where | {"sentence": sentence}


def _questions() -> Iterator[Fault]:
    for path in sorted((FOLDER / "questionnaires").glob("*.json")):
        written = json.loads(path.read_text("utf-8"))
        for one in flaws_in(written):
            key, place = one.key.removeprefix("form."), one.place
            yield f"questionnaires/{path.name}", "form", {"place": place, "why": key}


def _words() -> Iterator[Fault]:
    """Every sentence in both languages, with the same values to fill in."""
    english, chinese = (catalogue()[one] for one in LANGUAGES)
    for key in sorted(english.keys() ^ chinese.keys()):
        yield "words.yaml", "one_language", {"name": key}
    for key in sorted(english.keys() & chinese.keys()):
        if set(_FILLED.findall(english[key])) != set(_FILLED.findall(chinese[key])):
            yield "words.yaml", "filled", {"name": key}


def _samples() -> Iterator[Fault]:
    """Sample patients that a chart can be made of, with drugs that the rules know."""
    known, people = Formulary(FOLDER / "medication"), {one["id"] for one in SAMPLES["patients"]}
    for one in SAMPLES["patients"]:
        wrong = [name for name in ("weight_kg", "height_cm", "creatinine_mg_dl")
                 if one[name] is not None and not _is_number(one[name])]  # fmt: skip
        wrong += [] if _is_time(one["birth_date"]) else ["birth_date"]
        wrong += [] if one["sex"] in _SEXES else ["sex"]
        yield from (_sample(one, name) for name in wrong)
    for table in SAMPLES:
        for one in SAMPLES[table]:
            if table != "patients" and one["patient_id"] not in people:
                yield _sample(one, "patient_id")
    yield from (_sample(one, "text") for one in SAMPLES["medicines"]
                if known.find(str(one["text"])).unknown)  # fmt: skip
    for one in SAMPLES["observations"]:
        for name, fits in (("value", _is_number), ("at", _is_time), ("code", NAMES.__contains__)):
            if not fits(one[name]):
                yield _sample(one, name)


def _sample(row: Mapping[str, object], name: str) -> Fault:
    return "samples.py", "sample", {"row": row["id"], "name": name, "value": row[name]}


def _is_number(written: object) -> bool:
    try:
        return Decimal(str(written)).is_finite()
    except InvalidOperation:
        return False


def _is_time(written: object) -> bool:
    try:
        return bool(datetime.datetime.fromisoformat(str(written)))
    except ValueError:
        return False


_LOOKS: tuple[Callable[[], Iterator[Fault]], ...] = (
    _twice, _medication, _scores, _options, _flags, _questions, _words, _samples,
)  # fmt: skip
