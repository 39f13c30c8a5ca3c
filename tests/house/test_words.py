"""The catalogue: alike in both languages, complete for the code, and without leftovers."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from attenda.core.words import LANGUAGES
from attenda.core.words.en import ENGLISH

SOURCE = Path(__file__).resolve().parents[2] / "src" / "attenda"
BUILT_KEYS = ("ingest.", "page.automation_", "page.field_")
"""Beginnings of keys whose end the code puts together: `ingest.` + what the reader found."""

LANGUAGE_CODES = sorted(set(LANGUAGES) - {"en"})


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text("utf-8"))


def error_classes() -> set[str]:
    """Names of AttendaError and of all that descend from it, wherever they are."""
    parents = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"AttendaError"}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    return found


def called_name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def keys_in(node: ast.expr) -> Iterator[str]:
    """The keys that an argument can be, as far as the text tells; a built one with its `*`."""
    match node:
        case ast.Constant(value=str(key)):
            yield key
        case ast.IfExp():
            yield from keys_in(node.body)
            yield from keys_in(node.orelse)
        case ast.JoinedStr(values=[ast.Constant(value=str(beginning)), *_]):
            yield f"{beginning}*"


def uses() -> Iterator[tuple[str, str, ast.Call]]:
    """Each (place, key, call) where code asks for a sentence or raises an error with one."""
    errors = error_classes()
    for name, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = called_name(node)
            position = 0 if called in errors else 1 if called == "sentence" else None
            if position is not None and len(node.args) > position:
                for key in keys_in(node.args[position]):
                    yield f"{name}:{node.lineno}", key, node


@pytest.mark.parametrize("language", LANGUAGE_CODES)
def test_languages_have_the_same_keys(language: str) -> None:
    assert LANGUAGES[language].keys() == ENGLISH.keys()


@pytest.mark.parametrize("language", LANGUAGE_CODES)
def test_languages_have_the_same_places(language: str) -> None:
    other = LANGUAGES[language]
    differing = [key for key in ENGLISH if places(ENGLISH[key]) != places(other.get(key, ""))]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGE_CODES)
def test_sentences_are_translated(language: str) -> None:
    other = LANGUAGES[language]
    worded = [key for key, text in ENGLISH.items() if re.search(r"[^\W\d_]", without_places(text))]
    assert [key for key in worded if other.get(key) == ENGLISH[key]] == []


def without_places(sentence: str) -> str:
    return "".join(text for text, _, _, _ in string.Formatter().parse(sentence))


def test_every_key_that_code_names_exists() -> None:
    missing = [
        (place, key)
        for place, key, _ in uses()
        if (not key.startswith(BUILT_KEYS) if key.endswith("*") else key not in ENGLISH)
    ]
    assert missing == []


def test_every_place_of_a_sentence_gets_its_value() -> None:
    wanting = []
    for place, key, call in uses():
        given = {keyword.arg for keyword in call.keywords}
        if key in ENGLISH and None not in given and not places(ENGLISH[key]) <= given:
            wanting.append((place, key, places(ENGLISH[key]) - given))
    assert wanting == []


def texts_of(*kinds: str) -> str:
    return "\n".join(
        path.read_text("utf-8")
        for path in sorted(SOURCE.rglob("*"))
        if path.suffix in kinds and not {"words", "vendor"} & set(path.relative_to(SOURCE).parts)
    )


def test_every_key_that_a_page_names_exists() -> None:
    """Templates say `t["page.documents"]`, scripts `t("documents")`."""
    in_templates = re.findall(r"""\bt\[["']([\w.]+)["']\]""", texts_of(".html"))
    in_scripts = re.findall(r"""\bt\(["'](\w+)["']""", texts_of(".js"))
    named = {*in_templates, *(f"page.{key}" for key in in_scripts)}
    assert sorted(named - ENGLISH.keys()) == []


def test_every_key_is_used() -> None:
    dotted = re.findall(r"(?<![\w.])[a-z]\w*(?:\.\w+)+", texts_of(".py", ".html", ".js", ".yaml"))
    scripts = texts_of(".js")
    in_scripts = re.findall(r"""(["'])(\w+)\1""", scripts)
    named = {*dotted, *(f"page.{word}" for _, word in in_scripts)}
    built = *BUILT_KEYS, *(f"page.{start}" for start in re.findall(r"`(\w+)\$\{", scripts))
    unused = [key for key in ENGLISH if key not in named and not key.startswith(built)]
    assert unused == []
