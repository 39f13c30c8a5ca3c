"""Which sentences of passages answer a question."""

from attenda.core.event import Found
from attenda.knowledge.cite import best_sentences


def _passage(document: str, heading: str, text: str) -> Found:
    return Found(
        passage_id="p", document_id="d", document=document, heading=heading, start=0,
        end=len(text), score=1.0, text=text,
    )  # fmt: skip


def test_a_heading_that_says_what_is_asked_is_no_answer() -> None:
    for question, document, heading, body in (
        ("我要投诉", "投诉", "投诉 › 我要投诉", "如果有不满意的地方，请在聊天中告诉我们。"),
        ("运费多少钱", "运费", "运费 › 运费多少钱", "标准配送运费 4.90 欧元。"),
        ("cost of express delivery", "Shipping", "Shipping › Cost of express delivery",
         "Express delivery costs 12.90 EUR."),
        ("cost of express delivery", "Cost of express delivery", "", "It costs 12.90 EUR here."),
    ):  # fmt: skip
        title = heading.rpartition(" › ")[2] or document
        found = best_sentences(
            question, [_passage(document, heading, f"{title}\n\n{body}")], lambda _: 0.0
        )
        assert [one.quote for one in found] == [body]


def test_a_sentence_that_says_just_what_is_asked_is_an_answer() -> None:
    text = "The warranty lasts two years."
    found = best_sentences(
        "the warranty lasts two years", [_passage("Warranty", "", text)], lambda _: 0.0
    )
    assert [one.quote for one in found] == [text]
