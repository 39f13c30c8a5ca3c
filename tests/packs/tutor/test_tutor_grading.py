"""Grading by program, and the guard on answers: tables of right, wrong, told too early."""

import base64
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenda.packs.tutor.algebra import NotATerm, equal_terms, read_term
from attenda.packs.tutor.answers import said_number
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.hints import hint_text, leaks
from attenda.packs.tutor.item import Item, Option, from_json, to_json
from attenda.packs.tutor.numbers import read_number
from attenda.packs.tutor.safeguard import look


def item(kind: str, *keys: str, **more: object) -> Item:
    return Item("i", "s", kind, {"en": "?"}, keys, **more)  # type: ignore[arg-type]


FIVE_SIXTHS = item(
    "number",
    "5/6",
    mistakes=(("ADD-NUM-AND-DEN", "2/5"),),
    hints=({"en": "Find equal parts."}, {"en": "Both become sixths."}, {"en": "It is 5/6."}),
    solution={"en": "3/6 + 2/6 = 5/6"},
)
CHOICE = item("choice", options=(Option({"en": "one half"}, True), Option({"en": "one third"})))
NUMERIC_CHOICE = item("choice", options=(Option({"en": "3"}), Option({"en": "1"}, True)))
PARTS = item(
    "several",
    options=(Option({"en": "2"}, True, share=0.5), Option({"en": "9"}, share=-1.0),
             Option({"en": "7"}, True, share=0.5)),
)  # fmt: skip
PAIRS = item(
    "match",
    options=(
        Option({"en": "1/2"}, partner={"en": "0.5"}),
        Option({"en": "1/4"}, partner={"en": "0.25"}),
    ),
)


@pytest.mark.parametrize(
    ("one", "answer", "verdict"),
    [
        (FIVE_SIXTHS, "5/6", "right"), (FIVE_SIXTHS, "10/12", "right"),
        (FIVE_SIXTHS, "0.8333", "right"), (FIVE_SIXTHS, "five sixths", "right"),
        (FIVE_SIXTHS, "5 / 6 ", "right"), (FIVE_SIXTHS, "83.33%", "right"),
        (FIVE_SIXTHS, "0.8", "wrong"), (FIVE_SIXTHS, "5/7", "wrong"),
        (FIVE_SIXTHS, "六分之五", "right"), (FIVE_SIXTHS, "５／６", "right"),
        (FIVE_SIXTHS, "I think the answer is 5/6.", "right"), (FIVE_SIXTHS, "-5/6", "wrong"),
        (FIVE_SIXTHS, "1/2 + 1/3", "unreadable"), (FIVE_SIXTHS, "5/0", "unreadable"),
        (FIVE_SIXTHS, "no idea", "unreadable"), (FIVE_SIXTHS, "9**9**9", "unreadable"),
        (FIVE_SIXTHS, "__import__('os').getcwd()", "unreadable"),
        (FIVE_SIXTHS, "5" * 5000, "unreadable"), (FIVE_SIXTHS, "", "unreadable"),
        (FIVE_SIXTHS, "okay, I worked it out and got 5/6", "right"),
        (FIVE_SIXTHS, "fine, then I'd go for five sixths", "right"),
        (FIVE_SIXTHS, "its 5/6", "right"), (FIVE_SIXTHS, "that gives 5/6, I'd say", "right"),
        (FIVE_SIXTHS, "I'd say 5/6 goes there", "right"),
        (FIVE_SIXTHS, "这回应该是 5/6 吧", "right"),
        (FIVE_SIXTHS, "1/2 + 1/3 is 5/6", "right"), (FIVE_SIXTHS, "it is 1/2 + 1/3", "unreadable"),
        (FIVE_SIXTHS, "I don't think it's 5/6", "unreadable"),
        (FIVE_SIXTHS, "why is it 5/6", "unreadable"), (FIVE_SIXTHS, "我不觉得是 5/6", "unreadable"),
        (item("quantity", "3 km"), "so that gives 3000 m", "right"),
        (item("number", "7/2"), "3 1/2", "right"), (item("number", "7/2"), "3½", "right"),
        (item("number", "7/2"), "三又二分之一", "right"),
        (item("number", "7/2"), "3.4999", "wrong"),
        (item("number", "1234"), "1,234", "right"), (item("number", "-3"), "−3", "right"),
        (item("number", "-3"), "minus three", "right"),
        (item("number", "105"), "一百零五", "right"),
        (item("number", "3/4", form="lowest"), "6/8", "wrong"),
        (item("number", "3/4", form="lowest"), "3/4", "right"),
        (item("number", "40%", form="percent"), "40", "right"),
        (item("number", "40%", form="percent"), "40 %", "right"),
        (item("number", "40%", form="percent"), "0.4", "right"),
        (item("number", "40%", form="percent"), "4", "wrong"),
        (item("number", "3.141..3.142"), "3.1415", "right"),
        (item("number", "3.141..3.142"), "3.15", "wrong"),
        (item("number", "1822:2"), "1824", "right"), (item("number", "1822:2"), "1825", "wrong"),
        (item("quantity", "3 km"), "3000 m", "right"), (item("quantity", "3 km"), "3", "right"),
        (item("quantity", "3 km"), "3 千米", "right"), (item("quantity", "3 km"), "3 kg", "wrong"),
        (item("quantity", "3 km"), "3 parsecs", "unreadable"),
        (item("quantity", "12 cm^2"), "12 cm²", "right"),
        (item("quantity", "4.50 EUR"), "€4.50", "right"),
        (item("quantity", "90 km/h"), "25 m/s", "right"),
        (item("term", "2x + 6"), "6+2*x", "right"), (item("term", "2x + 6"), "2(x+3)", "right"),
        (item("term", "2x + 6", form="expanded"), "2(x+3)", "wrong"),
        (item("term", "2x + 6"), "2x + 3", "wrong"),
        (item("term", "2x + 6"), "dunno", "unreadable"),
        (item("term", "x^2 - 1"), "(x-1)(x+1)", "right"), (item("term", "x/2"), "0.5x", "right"),
        (item("term", "2sqrt(2)"), "√8", "right"), (item("term", "4"), "x = 4", "right"),
        (item("short", "numerator", "top number"), "The Numerater", "right"),
        (item("short", "numerator"), "denominator", "wrong"),
        (item("short", "cat"), "car", "wrong"),
        (item("short", "分子"), "分母", "wrong"),
        (item("short", "Dag*"), "Dag Hammarskjöld", "right"),
        (CHOICE, "a", "right"), (CHOICE, "B)", "wrong"), (CHOICE, "one half", "right"),
        (CHOICE, "2", "wrong"), (CHOICE, "maybe", "unreadable"), (NUMERIC_CHOICE, "1", "right"),
        (NUMERIC_CHOICE, "a", "wrong"),
        (PARTS, "a and c", "right"), (PARTS, "2", "partly"), (PARTS, "a, b", "wrong"),
        (item("set", "2, 3"), "3 and 2", "right"), (item("set", "2, 3"), "2", "wrong"),
        (item("order", "1/4, 1/3, 1/2"), "0.25 < 1/3 < 0.5", "right"),
        (item("order", "1/4, 1/3, 1/2"), "1/2, 1/3, 1/4", "wrong"),
        (PAIRS, "1-b, 2-a", "right"), (PAIRS, "1-b, 2-b", "partly"), (PAIRS, "1-a 2-b", "wrong"),
        (item("open"), "an essay", "person"),
    ],
)  # fmt: skip
def test_grades(one: Item, answer: str, verdict: str) -> None:
    assert grade(one, answer).verdict == verdict
    assert from_json(to_json(one)) == one


def test_a_wrong_answer_tells_its_misconception() -> None:
    assert grade(FIVE_SIXTHS, "2/5").mistake == "ADD-NUM-AND-DEN"
    assert grade(FIVE_SIXTHS, "4/10").mistake == "ADD-NUM-AND-DEN"
    assert grade(FIVE_SIXTHS, "1/6").mistake == ""
    assert grade(item("number", "3/4", form="lowest"), "6/8").remark == "lowest"


@pytest.mark.parametrize(
    "hostile",
    [
        "9**9**9", "x^99", "((x+y+z)^9)^9", "(" * 60 + "1" + ")" * 60, "-" * 60 + "x", "9" * 40,
        "__import__('os')", "lambda: 0", "x.__class__", "1/0", "a+b+c+d", "x" * 200, "2^(3^4)",
        "1/(x+1)+1/(x+2)+1/(x+3)+1/(x+4)+1/(x+5)",
    ],
)  # fmt: skip
def test_what_is_hostile_is_refused_before_anything_is_reckoned(hostile: str) -> None:
    with pytest.raises(NotATerm):
        equal_terms(read_term(hostile), read_term("x"))


@given(st.text(alphabet="0123456789xy+-*/^(). =", max_size=40))
def test_any_text_is_graded_without_an_accident(text: str) -> None:
    assert grade(item("term", "2x + 6"), text).verdict in ("right", "wrong", "unreadable")
    assert grade(FIVE_SIXTHS, text).verdict in ("right", "wrong", "unreadable")


@given(st.integers(-999, 999), st.integers(1, 99), st.integers(1, 9))
def test_every_equal_form_of_a_fraction_is_read_alike(top: int, below: int, times: int) -> None:
    plain, wide = read_number(f"{top}/{below}"), read_number(f"{top * times} / {below * times}")
    assert plain is not None and wide is not None and plain.value == wide.value
    assert leaks(item("number", f"{top}/{below}"), f"so it is {top * times}/{below * times}, see?")


@pytest.mark.parametrize(
    ("one", "text"),
    [
        *((FIVE_SIXTHS, text) for text in (
            "The answer is 5/6.", "five sixths", "Five-Sixths!", "10/12", "about 0.83", "83.3 %",
            "\\frac{5}{6}", "5 over 6", "cinq sixièmes", "cinco sextos", "fünf Sechstel",
            "六分之五", "print(5/6)", "f i v e sixths", base64.b64encode(b"it is 5/6").decode(),
            "6/5 backwards"[::-1], "svir fvkguf",
        )),
        (item("number", "12"), "zwölf"), (item("number", "12"), "0b1100"),
        (item("number", "40%", form="percent"), "forty"), (item("term", "2x+6"), "so 6 + 2x it is"),
        (item("term", "2x+6"), "it becomes 2(x + 3)"), (CHOICE, "It is one half."),
        (CHOICE, "The answer is A"), (item("quantity", "3 km"), "3000 m"),
        (item("short", "numerator"), "call it the numerator"),
    ],
)  # fmt: skip
def test_an_answer_is_seen_in_every_form(one: Item, text: str) -> None:
    assert leaks(one, text)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (FIVE_SIXTHS, "Halves and thirds: which parts do both fit into?"),
        (FIVE_SIXTHS, "1/2 = 3/6. Now the other one."),
        (item("term", "2x+6"), "Multiply 2 by x first."),
        (CHOICE, "Is it one half or one third?"), (item("short", "numerator"), "It stands on top."),
    ],
)  # fmt: skip
def test_a_hint_that_tells_nothing_passes(one: Item, text: str) -> None:
    assert not leaks(one, text)


def test_a_rung_that_would_tell_is_held_back() -> None:
    about = {"en": "Tops and bottoms aren't added apart."}
    assert hint_text(FIVE_SIXTHS, 2, "en", about) == f"{about['en']} Both become sixths."
    assert hint_text(FIVE_SIXTHS, 3, "en") == ""  # somebody wrote the answer into it
    assert "5/6" in hint_text(FIVE_SIXTHS, 4, "zh-CN")


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("ah, 12", "12"), ("okay so that makes 12", "12"), ("12, isn't it?", "12"),
        ("12, because I add first", "12"), ("three quarters, so 0.75", "3/4"),
        ("it has to be minus three", "-3"), ("I worked out 3/4", "3/4"), ("not 12", None),
        ("12 or 13", None), ("is it more than 12?", None), ("3, 4", None), ("1/2 + 1/3", None),
        ("I have 12 apples", None), ("那么应该就是12", "12"), ("我求得四分之三", "3/4"),
        ("12，因为先加", "12"), ("肯定是12没错", "12"),
        ("所以12", "12"), ("比12大吗", None), ("!" * 20_000, None),
    ],
)  # fmt: skip
def test_a_number_is_read_in_the_words_around_it(said: str, value: str | None) -> None:
    found = said_number(said)
    assert (found.value if found else None) == (Fraction(value) if value else None)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I don't want to live any more", "self_harm"),
        ("i dont wanna be here anymore", "self_harm"),
        ("I want to kill myself", "self_harm"), ("我不想活了", "self_harm"),
        ("活着没意思", "self_harm"), ("my life isn't worth living", "self_harm"),
        ("they'd be better off if I wasn't here", "self_harm"), ("我活够了", "self_harm"),
        ("there is nothing to live for", "self_harm"), ("死了算了", "self_harm"),
        ("no point in doing this one", ""), ("做题没意思", ""), ("气死我了", ""),
        ("I've stopped wanting to wake up in the mornings", "self_harm"),
        ("昨晚又哭了，觉得活着一点意思都没有。", "self_harm"),
        ("my dad hits me", "abuse"), ("I'm scared to go home", "abuse"), ("他打我", "abuse"),
        ("I'm dying to know the answer", ""), ("kill the fraction", ""), ("死记硬背没用", ""),
        ("she beats me at chess", ""), ("5/6", ""), ("I can't live without music", ""),
    ],
)  # fmt: skip
def test_signs_of_danger(text: str, kind: str) -> None:
    found = look(text)
    assert (found.kind if found else "") == kind
