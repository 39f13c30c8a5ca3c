"""Which flow a sentence means, from a few examples: named, unsure between two, or none of these."""

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from attenda.dialogue.nearest import Certain, Judgement, Nearest, NoneOfThese, Unsure
from attenda.dialogue.nearest_features import SentenceFeatures
from attenda.dialogue.nearest_softmax import fit_softmax, softmax
from attenda.dialogue.outside import OUTSIDE

DATA = Path(__file__).resolve().parents[1] / "data" / "shop_sentences.json"
SHOP = json.loads(DATA.read_text("utf-8"))
FLOWS = sorted({row["flow"] for row in SHOP["examples"]})


def vector(row: dict[str, str]) -> NDArray[np.float32]:
    """The sentence's vector by the default embedder, as the file keeps it."""
    whole = np.frombuffer(base64.b64decode(row["vector"]), dtype=np.int8).astype(np.float32)
    return whole / np.linalg.norm(whole)


def learn(rows: Sequence[dict[str, str]]) -> Nearest:
    names = [row.get("flow") for row in rows]
    return Nearest.fit(names, [row["text"] for row in rows], np.stack([*map(vector, rows)]))


def ask(nearest: Nearest, row: dict[str, str]) -> Judgement:
    return nearest.judge(row["text"], vector(row))


def questions(*expected: str) -> list[dict[str, str]]:
    return [row for row in SHOP["questions"] if row["expect"] in expected]


def text_of(row: dict[str, str]) -> str:
    return row["text"] or "empty"


@pytest.fixture(scope="module")
def shop() -> Nearest:
    return learn([*SHOP["examples"], *SHOP["strange"]])


@pytest.mark.parametrize("row", questions(*FLOWS), ids=text_of)
def test_new_words_for_a_known_flow_are_understood(shop: Nearest, row: dict[str, str]) -> None:
    judgement = ask(shop, row)
    assert isinstance(judgement, Certain)
    assert judgement.best.name == row["expect"]


@pytest.mark.parametrize("row", questions("none"), ids=text_of)
def test_what_no_flow_is_for_is_none_of_these(shop: Nearest, row: dict[str, str]) -> None:
    judgement = ask(shop, row)
    assert isinstance(judgement, NoneOfThese)
    assert len(judgement.candidates) == 3


def test_a_near_tie_names_both(shop: Nearest) -> None:
    judgement = ask(shop, questions("tie")[0])
    assert isinstance(judgement, Unsure)
    assert {one.name for one in judgement.candidates} == {"address", "track"}


def test_a_value_that_is_named_speaks_for_its_flow(shop: Nearest) -> None:
    row = questions("tie")[0]
    for name in ("address", "track"):
        judgement = shop.judge(row["text"], vector(row), {name})
        assert isinstance(judgement, Certain) and judgement.best.name == name
    strange = questions("none")[0]
    judgement = shop.judge(strange["text"], vector(strange), {"nothing_of_ours"})
    assert isinstance(judgement, NoneOfThese)


def test_chinese_is_told_apart_by_its_characters_where_vectors_say_nothing() -> None:
    """Vectors of an embedder that takes all Chinese for one thing, but for noise."""
    kinds = {"refund": "退款退钱退货", "parcel": "包裹快递物流", "invoice": "发票开票税号"}
    chance = np.random.default_rng(1)
    texts = [
        (name, f"{lead}{words[at : at + 2]}{tail}")
        for name, words in kinds.items()
        for at in (0, 2, 4)
        for lead, tail in (("我想", "的事"), ("请问", "怎么办"), ("帮我看看", ""))
    ]
    noise = chance.normal(size=(len(texts), 64)) + 2
    vectors = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
    nearest = Nearest.fit([name for name, _ in texts], [text for _, text in texts], vectors)
    for name, words in kinds.items():
        for at in (0, 2, 4):
            said = f"关于{words[at : at + 2]}，谢谢"
            assert nearest.rank(said, vectors[0])[0].name == name, said


def test_sounds_are_no_wish_wherever_their_vector_lies() -> None:
    """Vectors of an embedder that takes all Chinese for one thing: only what is written tells."""
    texts = OUTSIDE["zh-CN"]
    names = ["ask" if re.search("[吗么几多谁哪]", text) else "tell" for text in texts]
    vectors = np.full((len(texts), 64), 0.125, dtype=np.float32)
    nearest = Nearest.fit(names, texts, vectors)
    for sounds in ("咕噜噜噜噜", "哔哔啵啵，嘭嘭"):
        assert isinstance(nearest.judge(sounds, vectors[0]), NoneOfThese), sounds
    for words in ("现在附近哪里有火车", "帮我放首歌"):
        assert not isinstance(nearest.judge(words, vectors[0]), NoneOfThese), words
    english = SentenceFeatures(OUTSIDE["en"])
    assert all(map(english.is_unheard, ("hjkl qwrtz mnbv", "snorv plimbuk zzglub")))
    assert not any(map(english.is_unheard, ("how long do I cook eggs", "tell me a stroy", "5 + 5")))
    assert not SentenceFeatures(texts[:50]).is_unheard("咕噜噜噜噜"), "too few to tell"


def test_shares_are_those_of_all_flows_and_sum_to_one(shop: Nearest) -> None:
    row = SHOP["examples"][0]
    ranked = shop.rank(row["text"], vector(row))
    assert sorted(one.name for one in ranked) == FLOWS
    assert sum(one.share for one in ranked) == pytest.approx(1, abs=1e-5)
    assert [one.share for one in ranked] == sorted((one.share for one in ranked), reverse=True)
    assert 0 < shop.threshold < 1


def test_flows_left_out_set_the_threshold_where_nothing_strange_is_known() -> None:
    nearest = learn(SHOP["examples"])
    strange = [*SHOP["strange"], *questions("none")]
    refused = [isinstance(ask(nearest, row), NoneOfThese) for row in strange]
    passed = [not isinstance(ask(nearest, row), NoneOfThese) for row in questions(*FLOWS)]
    assert np.mean(refused) >= 0.8
    assert np.mean(passed) >= 0.8


@pytest.mark.parametrize("flows", [1, 2])
def test_one_example_each_is_enough_to_begin(flows: int) -> None:
    known = [next(row for row in SHOP["examples"] if row["flow"] == flow) for flow in FLOWS[:flows]]
    nearest = learn(known)
    for row in known:
        judgement = ask(nearest, row)
        assert isinstance(judgement, Certain)
        assert judgement.best.name == row["flow"]
    assert all(isinstance(ask(nearest, row), NoneOfThese) for row in SHOP["strange"])


def test_an_example_means_its_flow_however_few_there_are() -> None:
    rows = [row for flow in FLOWS[:4] for row in SHOP["examples"] if row["flow"] == flow]
    few = [row for flow in FLOWS[:4] for row in [one for one in rows if one["flow"] == flow][:2]]
    both = [{**few[0], "text": "that"}, {**few[2], "text": "that"}]  # it means either
    nearest = learn([*few, *both])
    for row in few:
        again = {**row, "text": f"{row['text'].upper()} !"}
        judged = ask(nearest, again)
        assert isinstance(judged, Certain) and judged.best.name == row["flow"]
    assert not isinstance(nearest.judge("that", vector(few[0]) * 0), Certain)


def test_any_text_gets_a_judgement(shop: Nearest) -> None:
    for text in ("\udc80\x00", "٣" * 5000, "？", "x" * 9999):
        assert shop.judge(text, vector(SHOP["strange"][0])).best.name in FLOWS


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="2 names, 1 texts"):
        Nearest.fit(["a", "b"], ["x"], np.ones((1, 3), np.float32))
    with pytest.raises(ValueError, match="no example has a name"):
        Nearest.fit([None], ["x"], np.ones((1, 3), np.float32))


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(1, 40), st.integers(1, 40), st.integers(0, 999))
def test_the_fit_ends_where_the_gradient_vanishes(
    classes: int, count: int, width: int, seed: int
) -> None:
    """For fewer rows than columns and for more, the rows' and the columns' way."""
    chance = np.random.default_rng(seed)
    rows = chance.standard_normal((count, width)).astype(np.float32)
    targets = np.eye(classes, dtype=np.float32)[chance.integers(classes, size=count)]
    weights = fit_softmax(rows, targets, weight_decay=1.0, steps=300)
    gradient = rows.T @ (softmax(rows @ weights) - targets) + weights
    at_first = rows.T @ (np.float32(1 / classes) - targets)
    assert np.abs(gradient).max() <= 0.01 * np.abs(at_first).max() + 1e-3
