"""What is wrong with the tutor's own files: the course, its words, signs of danger, topics.

`attenda pack check` says all of it; nothing here runs when the pack is opened.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.course import Course, read_course
from attenda.packs.tutor.course_lint import lint
from attenda.packs.tutor.item import text_in

__all__ = ["faults"]

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "zh-CN")
Fault = tuple[str, str, Mapping[str, object]]
"""File, key of a sentence `fault_…`, and its values."""


def faults(language: str) -> list[str]:
    """All that is wrong, each with its file, in a language."""
    try:
        course = read_course(FOLDER / "course")
    except ValueError as error:
        return [f"course: {error}"]
    found = [f"course: {told}" for told in lint(course, language)]
    for file, key, values in (*_topics(course), *_words(), *_signs()):
        found.append(f"{file}: {text_in(both(f'fault_{key}', **values), language)}")
    return found


def _topics(course: Course) -> Iterator[Fault]:
    """Topics that can be asked for are the skills of the course, by their titles."""
    file = "flows/explain.yaml"
    flows = yaml.safe_load((FOLDER / file).read_text("utf-8"))
    choices = flows["topic"]["slots"]["skill"]["choices"]
    for name in sorted(choices.keys() ^ course.graph.skills.keys()):
        yield file, "topic" if name in choices else "topic_missing", {"name": name}
    for name in choices.keys() & course.graph.skills.keys():
        skill = course.graph.skills[name]
        if missing := [one for one in skill.title.values() if one not in choices[name]]:
            yield file, "topic_title", {"name": name, "text": ", ".join(missing)}


def _words() -> Iterator[Fault]:
    """Sentences stand in both languages, with the same places to fill."""
    sentences = tomllib.loads((FOLDER / "words.toml").read_text("utf-8"))
    for key, sentence in sentences.items():
        places = [set(re.findall(r"\{(\w+)\}", sentence.get(one, ""))) for one in LANGUAGES]
        if not all(one in sentence for one in LANGUAGES):
            yield "words.toml", "language", {"name": key}
        elif places[0] != places[1]:
            odd = ", ".join(sorted(places[0] ^ places[1]))
            yield "words.toml", "places", {"name": key, "text": odd}


def _signs() -> Iterator[Fault]:
    """Each sign of danger is raised by sentences of its own, and has words in both languages."""
    file = "safeguard.toml"
    found = tomllib.loads((FOLDER / file).read_text("utf-8"))
    for sign in found["sign"]:
        try:
            patterns = [re.compile(one, re.IGNORECASE) for one in sign["any"]]
        except re.error as error:
            yield file, "pattern", {"name": sign["id"], "text": str(error)}
            continue
        if not sign.get("such_as"):
            yield file, "no_example", {"name": sign["id"]}
        for text in sign.get("such_as", ()):
            if not any(one.search(text) for one in patterns):
                yield file, "not_raised", {"name": sign["id"], "text": text}
        words = found["words"].get(sign["kind"], {})
        if missing := [one for one in LANGUAGES if not words.get(one, "").strip()]:
            yield file, "no_words", {"name": sign["kind"], "tongues": ", ".join(missing)}
