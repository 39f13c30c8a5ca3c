"""Passages are spans in order, of a size the embedder reads, cut between sentences; in bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.knowledge import split as splitting
from attenda.knowledge.parse import Block, Parsed
from attenda.knowledge.sentences import sentence_spans, words_of
from attenda.knowledge.split import PASSAGE_WORDS, passage_id, split

SENTENCES = st.lists(
    st.sampled_from(
        [
            "The gate opens at noon.",
            "It costs 3.5 %, i.e. little.",
            "门在中午开。",
            "Dr. Li asks why?",
        ]
    ),
    min_size=1,
    max_size=400,
)


def _one_block(text: str) -> Parsed:
    return Parsed("t", text, (Block(0, len(text), "paragraph", (), None),), ())


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=4000), SENTENCES.map(" ".join)))
def test_passages_cover_the_text_in_order(text: str) -> None:
    pieces = split(_one_block(text))
    last = 0
    for piece in pieces:
        assert last <= piece.start < piece.end <= len(text)
        assert len(words_of(text[piece.start : piece.end])) <= PASSAGE_WORDS
        assert text[last : piece.start].strip() == ""
        last = piece.end
    assert text[last:].strip() == ""


@settings(max_examples=60, deadline=None)
@given(SENTENCES.map(" ".join))
def test_windows_change_no_sentence(text: str) -> None:
    whole = list(sentence_spans(text))
    assert list(splitting._sentences(text, 0, len(text))) == whole


@pytest.mark.parametrize("word", ["A. ", "e.g. ", "A.\t", "No. ", "1. ", "a", "!\n", ".", "中"])
def test_the_work_grows_with_the_text_alone(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters that are handed to the sentence finder, weighed by the stops it looks back from."""
    work: list[int] = []

    def counted(text: str, start: int = 0, end: int | None = None):
        end = len(text) if end is None else end
        work.append((end - start) * (1 + text.count(". ", start, end)))
        return sentence_spans(text, start, end)

    monkeypatch.setattr(splitting, "sentence_spans", counted)
    spent = []
    for size in (30_000, 60_000):
        work.clear()
        pieces = split(_one_block((word * size)[:size]))
        assert pieces[-1].end >= size - 10
        spent.append(sum(work))
    assert spent[1] <= 2.2 * spent[0] + 10_000


def test_a_heading_stays_with_its_text_and_sections_stay_apart() -> None:
    text = "Fees\nNone at all.\nRates\nOne percent."
    spans = [(0, 4, "heading"), (5, 17, "paragraph"), (18, 23, "heading"), (24, 36, "paragraph")]
    blocks = [
        Block(start, end, kind, ("Fees",) if start < 18 else ("Rates",), None)  # type: ignore[arg-type]
        for start, end, kind in spans
    ]
    pieces = split(Parsed("t", text, tuple(blocks), ()))
    assert [(text[p.start : p.end], p.heading) for p in pieces] == [
        ("Fees\nNone at all.", ("Fees",)),
        ("Rates\nOne percent.", ("Rates",)),
    ]


def test_an_id_names_a_span_of_a_version() -> None:
    assert passage_id("doc_1", 1, 0, 5) == passage_id("doc_1", 1, 0, 5)
    others = {
        passage_id("doc_1", 2, 0, 5),
        passage_id("doc_2", 1, 0, 5),
        passage_id("doc_1", 1, 0, 6),
    }
    assert len(others | {passage_id("doc_1", 1, 0, 5)}) == 4
