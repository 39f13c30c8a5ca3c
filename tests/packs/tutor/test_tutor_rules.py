"""The arithmetic of tutoring against worked examples: tracing, choosing, reviews, hints, plans."""

import csv
import datetime
import os
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenda.packs.tutor import review
from attenda.packs.tutor.choose import Candidate, Choice, Learner, Pause, choose
from attenda.packs.tutor.plan import draft
from attenda.packs.tutor.rules import (
    MASTERED,
    Attempt,
    Tracing,
    hint_level,
    interval,
    item_rate,
    may_tell_answer,
    predicted,
    traced,
    updated,
)
from attenda.packs.tutor.skills import Skill, SkillGraph, SkillMistake
from attenda.packs.tutor.tracing_fit import area_under_curve, fit, predictions

CHANCE = st.floats(0.01, 0.99)


def skill(id_: str, *needs: str) -> Skill:
    return Skill(id_, {"en": id_}, needs)


GRAPH = SkillGraph([skill("add", "equal"), skill("equal"), skill("percent", "add"), skill("area")])


def test_tracing_gives_the_worked_example() -> None:
    values = traced([Attempt(right) for right in (True, False, True, True)], Tracing())
    assert np.allclose(values, [0.7268, 0.3997, 0.7998, 0.9578], atol=0.0005)
    assert [value >= MASTERED for value in values] == [False, False, False, True]
    assert predicted(0.24, Tracing()) == pytest.approx(0.368)


def test_only_unaided_attempts_move_mastery() -> None:
    aided = [Attempt(True, hints=1), Attempt(True, told=True), Attempt(True, guessable_again=True)]
    assert traced([Attempt(True), *aided], Tracing()) == traced([Attempt(True)], Tracing())


@given(CHANCE, CHANCE, st.floats(0.01, 0.49), st.floats(0.01, 0.49))
def test_a_right_answer_never_means_less_than_a_wrong_one(
    known: float, learn: float, guess: float, slip: float
) -> None:
    one = Tracing(0.3, learn, guess, slip)
    assert 0 <= updated(known, False, one) <= updated(known, True, one) <= 1
    assert guess - 1e-9 <= predicted(known, one) <= 1 - slip + 1e-9


@pytest.mark.parametrize("wrong", [{"prior": 1.5}, {"slip": -0.1}, {"guess": 0.6, "slip": 0.4}])
def test_parameters_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"between 0 and 1|below 1"):
        Tracing(**wrong)


def test_fitting_finds_the_parameters_that_answers_were_drawn_with() -> None:
    chance, drawn = np.random.default_rng(7), Tracing(0.3, 0.25, 0.15, 0.08)
    sequences = []
    for _ in range(1200):
        known, answers = chance.random() < drawn.prior, []
        for _ in range(12):
            answers.append(int(chance.random() < (1 - drawn.slip if known else drawn.guess)))
            known = known or chance.random() < drawn.learn
        sequences.append(answers)
    found = fit(sequences)
    for name in ("prior", "learn", "guess", "slip"):
        assert getattr(found.skill, name) == pytest.approx(getattr(drawn, name), abs=0.04), name
    worse = fit(sequences, Tracing(0.9, 0.01, 0.45, 0.35), rounds=1)
    assert found.log_likelihood > worse.log_likelihood
    with pytest.raises(ValueError, match="no answers"):
        fit([[]])


def test_the_area_under_the_curve_counts_pairs() -> None:
    truth, scores = [1, 0, 1, 0, 1], [0.9, 0.8, 0.8, 0.1, 0.3]
    pairs = [(scores[a], scores[b]) for a in (0, 2, 4) for b in (1, 3)]
    expected = sum((one > other) + (one == other) / 2 for one, other in pairs) / len(pairs)
    assert area_under_curve(truth, scores) == pytest.approx(expected)
    assert area_under_curve(truth, [0.5] * 5) == 0.5
    with pytest.raises(ValueError, match="right and wrong"):
        area_under_curve([1, 1], [0.1, 0.2])


def test_tracing_foresees_better_than_the_share_of_right_answers() -> None:
    data = os.environ.get("ATTENDA_DATA")
    path = Path(data) / "assistments_excerpt/responses.csv" if data else None
    if path is None or not path.exists():
        pytest.skip("ATTENDA_DATA has no assistments_excerpt")
    pupils: dict[str, list[int]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["skill"] == "98":
                pupils.setdefault(row["student"], []).append(int(row["correct"]))
    sequences = [answers for answers in pupils.values() if len(answers) > 1]
    learned, held = sequences[::2], sequences[1::2]
    fitted = fit(learned).skill
    truth = [answer for answers in held for answer in answers]
    told = [score for answers in held for score in predictions(answers, fitted)]
    assert area_under_curve(truth, told) > 0.6  # the share of right answers alone has 0.5


@pytest.mark.parametrize(
    ("skills", "said"),
    [
        ([skill("a", "b"), skill("b", "c"), skill("c", "a")], "circle: a, b, c"),
        ([skill("a", "x")], "needs x"),
        ([skill("a"), skill("a")], "twice"),
    ],
)
def test_skills_that_cannot_be_learned_are_refused(skills: list[Skill], said: str) -> None:
    with pytest.raises(SkillMistake, match=said):
        SkillGraph(skills)


def test_the_frontier_rests_on_what_is_mastered() -> None:
    assert GRAPH.frontier({}) == ["equal", "area"]
    assert GRAPH.frontier({"equal": 0.96, "area": 0.99}) == ["add"]
    assert GRAPH.way_to("percent", {}) == ["equal", "add", "percent"]
    assert GRAPH.depth("percent") == 2


ITEMS = [Candidate(f"{name}-{n}", name, n - 2) for name in GRAPH.skills for n in range(1, 5)]


def test_a_weak_prerequisite_goes_first_and_is_named() -> None:
    learner = Learner({"add": 0.40, "equal": 0.24}, wanted="add")
    found = choose(GRAPH, ITEMS, learner)
    assert isinstance(found, Choice)
    assert (found.skill, found.reason, found.because) == ("equal", "prerequisite", "add")
    assert found.rate == pytest.approx(0.368)
    after = choose(GRAPH, ITEMS, Learner({"add": 0.40, "equal": 0.95}, wanted="add"))
    assert isinstance(after, Choice) and (after.skill, after.reason) == ("add", "frontier")


def test_success_is_aimed_at_and_nothing_comes_twice() -> None:
    easy = choose(GRAPH, ITEMS, Learner({"equal": 0.24}, wanted="equal"))
    hard = choose(GRAPH, ITEMS, Learner({"equal": 0.94}, wanted="equal"))
    assert isinstance(easy, Choice) and easy.item == "equal-1"
    assert isinstance(hard, Choice) and 0.60 <= hard.item_rate <= 0.85
    seen: list[str] = []
    for _ in range(4):
        found = choose(
            GRAPH, ITEMS, Learner({"equal": 0.5}, solved=seen, given=seen, wanted="equal")
        )
        assert isinstance(found, Choice) and found.item not in seen
        seen.append(found.item)
    out = choose(GRAPH, ITEMS, Learner({"equal": 0.5}, solved=seen, given=seen, wanted="equal"))
    assert isinstance(out, Choice) and out.skill == "area"  # its own are used up


def test_reviews_are_mixed_in_and_tiredness_ends_it() -> None:
    due = Learner({"equal": 0.97}, due=["equal"], answers_today=2)
    found = choose(GRAPH, ITEMS, due)
    assert isinstance(found, Choice) and found.reason == "review"
    again = choose(GRAPH, ITEMS, Learner({"equal": 0.97}, due=["equal"], answers_today=3))
    assert isinstance(again, Choice) and again.reason == "frontier"
    assert choose(GRAPH, ITEMS, Learner({}, answers_today=30)) == Pause("enough_today")
    assert choose(GRAPH, ITEMS, Learner({}, wrong_in_a_row=6)) == Pause("many_wrong")
    assert choose(GRAPH, [], Learner({})) == Pause("no_items")


def test_a_misconception_brings_an_exercise_that_can_tell_it() -> None:
    tagged = [*ITEMS, Candidate("add-9", "add", 3.0, frozenset({"ADD-NUM-AND-DEN"}))]
    learner = Learner({"equal": 0.96}, wanted="add", remedy="ADD-NUM-AND-DEN")
    found = choose(GRAPH, tagged, learner)
    assert isinstance(found, Choice) and (found.item, found.reason) == ("add-9", "parallel")


@pytest.mark.parametrize(
    ("hints", "attempts", "level"),
    [(0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 0, 3), (3, 1, 3), (3, 2, 4), (0, 9, 1), (7, 2, 4)],
)
def test_the_ladder(hints: int, attempts: int, level: int) -> None:
    assert hint_level(hints, attempts) == level
    assert (level == 4) is may_tell_answer(hints, attempts)


def test_ranges_and_rates_stay_probabilities() -> None:
    for known in (0.0, 0.5, 1.0):
        low, high = interval(known, 0)
        narrow = interval(known, 50)
        assert 0 <= low <= high <= 1 and narrow[1] - narrow[0] < high - low
    assert item_rate(0.7, 0) == pytest.approx(0.7) and item_rate(0.7, 1) < 0.7 < item_rate(0.7, -1)


def test_reviews_fall_due_as_the_library_says() -> None:
    if not review.reviews_installed():
        with pytest.raises(review.ReviewsMissing, match="\\[tutor\\]"):
            review.reviewed("", "good", 0)
        pytest.skip("fsrs is not installed")
    at = int(datetime.datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()) * 1_000_000
    card, due = "", []
    ratings: list[review.Rating] = ["good", "good", "good", "again", "good"]
    for rating in ratings:
        card, at = review.reviewed(card, rating, at)
        due.append(datetime.datetime.fromtimestamp(at / 1e6, UTC).strftime("%m-%d %H:%M"))
    assert due == ["01-05 09:10", "01-07 09:10", "01-18 09:10", "01-18 09:20", "01-20 09:20"]
    assert review.due_at(card) == at


def test_a_plan_keeps_what_the_learner_moved() -> None:
    days = [datetime.date(2026, 3, day) for day in (9, 10, 11, 12)]
    plan = draft(GRAPH, {"equal": 0.4}, "percent", {"area": days[1]}, days, 20)
    assert [(one.day.day, one.skill, one.what) for one in plan] == [
        (9, "equal", "practise"), (10, "area", "review"), (10, "add", "practise"),
        (11, "percent", "practise"),
    ]  # fmt: skip
    kept = [replace(one, day=days[3], by_hand=True) if one.skill == "add" else one for one in plan]
    again = draft(GRAPH, {"equal": 0.4}, "percent", {"area": days[1]}, days, 20, kept)
    assert [one.day.day for one in again if one.skill == "add"] == [12]
    assert sum(one.minutes for one in again if one.day == days[3]) <= 20
    assert draft(GRAPH, {}, "", {}, [], 20) == []
