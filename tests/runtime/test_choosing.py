"""Choosing: a tuned model is asked where examples leave it open, held to what is possible."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenda.api import Message, Principal, ScriptedEmbedder
from attenda.core.command import AskHuman, Cancel, Clarify, Command, NotUnderstood, StartFlow
from attenda.core.errors import Denied, ModelError, NotFound
from attenda.core.label import said_by
from attenda.core.ports import ModelChunk, ModelSettings
from attenda.dialogue.book import FlowBook
from attenda.dialogue.choosing import NONE, PERSON, STOP, Ranked, is_held_back, lessons, question
from attenda.dialogue.flow import Flow, SayStep
from attenda.dialogue.state import DialogueState, Frame
from attenda.evals.exams.choosing import HeldBack, examine_chooser, hold_back, teach
from attenda.llm.scripted import ScriptedModel
from attenda.runtime.choosing import Chooser, keep_choosers, open_choosers
from attenda.runtime.flow_turn import given_for
from attenda.runtime.pack import Said
from attenda.runtime.understanding import gather_examples, learn_examples

THINGS = ("lamp", "kettle", "chair", "table", "clock", "radio", "mirror", "carpet", "shelf", "vase")
FLOWS = {
    "refund": [f"give me my money back for the {one}" for one in THINGS],
    "where": [f"when does the parcel with the {one} come" for one in THINGS],
}
OPEN = "money parcel"
"""As like the one as the other."""


def flow(name: str, examples: Sequence[str]) -> Flow:
    steps = (SayStep(say={"en": "Done."}),)
    return Flow(name=name, title={"en": name}, examples={"en": tuple(examples)}, steps=steps)


BOOK = FlowBook({name: flow(name, texts) for name, texts in FLOWS.items()})


@dataclass
class Asked:
    """A model that notes what it is asked, and answers as it is told to."""

    answer: Callable[[str, ModelSettings], str]
    read: list[str] = field(default_factory=list)
    settings: list[ModelSettings] = field(default_factory=list)

    def model(self) -> ScriptedModel:
        return ScriptedModel(lambda _: "", name="chooser")

    async def ask(
        self, model: object, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        self.read.append("\n".join(one.text for one in messages))
        self.settings.append(settings)
        yield ModelChunk(text=self.answer(messages[-1].text, settings))


async def meant(text: str, asked: Asked, state: DialogueState | None = None) -> list[Command]:
    chooser = Chooser(asked.model(), frozenset(FLOWS), frozenset({"en"}))
    understand = await learn_examples(ScriptedEmbedder(256), BOOK, [chooser])
    names = given_for(Principal(id="ana", role="viewer"), "m", [text], 0)
    label = said_by("ana", "m")
    said = Said(text, "m", label, names, state or DialogueState(), account=asked)
    return list(await understand(said))


def test_a_model_is_asked_only_what_examples_leave_open_and_reads_only_the_persons_words() -> None:
    asked = Asked(lambda *_: "where")
    assert asyncio.run(meant(FLOWS["refund"][0], asked)) == [StartFlow(flow="refund")]
    assert not asked.read
    assert asyncio.run(meant(OPEN, asked)) == [StartFlow(flow="where")]
    assert asked.read == [f"Name what is asked for.\nOptions: {names(asked)}\nMessage: {OPEN}"]
    grammar = asked.settings[0].grammar
    assert grammar is not None
    possible = {"refund", "where", PERSON, NONE}
    assert all(re.fullmatch(grammar.text, one) for one in possible)
    assert not re.fullmatch(grammar.text, STOP)  # nothing is under way


def test_the_order_in_which_flows_are_offered_says_nothing() -> None:
    orders = set()
    for text in (OPEN, "parcel money", "the money of the parcel", "lamp", "give me the parcel"):
        asked = Asked(lambda *_: NONE)
        asyncio.run(meant(text, asked))
        orders |= {names(asked)} if asked.read else set()
    assert orders == {f"refund, where, {PERSON}, {NONE}"}


def names(asked: Asked) -> str:
    return asked.read[0].split("Options: ")[1].split("\n")[0]


def test_what_is_chosen_besides_flows() -> None:
    under_way = DialogueState(
        frames=(Frame(flow="where", fingerprint=BOOK.current["where"].fingerprint, instance="1"),)
    )
    assert asyncio.run(meant(OPEN, Asked(lambda *_: PERSON))) == [AskHuman()]
    assert asyncio.run(meant(OPEN, Asked(lambda *_: STOP), under_way)) == [Cancel()]
    (left,) = asyncio.run(meant(OPEN, Asked(lambda *_: NONE)))
    assert isinstance(left, Clarify | NotUnderstood)


@pytest.mark.parametrize("failure", [ModelError("run.broken"), Denied("loop.too_far"), "lies"])
def test_a_model_that_fails_is_refused_or_lies_leaves_all_as_the_examples_left_it(
    failure: Exception | str,
) -> None:
    def answer(*_: object) -> str:
        if isinstance(failure, Exception):
            raise failure
        return failure

    (left,) = asyncio.run(meant(OPEN, Asked(answer)))
    assert isinstance(left, Clarify | NotUnderstood)


@given(
    order=st.permutations(["a", "b", "c", "d"]),
    flow=st.sampled_from(["a", "b", "c", "d", None]),
    seed=st.integers(0, 99),
)
def test_each_lesson_has_its_answer_among_what_may_be_answered(
    order: list[str], flow: str | None, seed: int
) -> None:
    known = [Ranked("please do it", flow, tuple(order)), Ranked("the other", "a", tuple(order))]
    for one in lessons(known, ["en"], seed):
        assert one.right in one.choice.names
        assert len(set(one.choice.flows)) == len(one.choice.flows) <= 3
        if one.choice.wish == "please do it" and one.right == NONE:
            assert flow not in one.choice.flows


def test_what_is_held_back_is_in_no_lesson() -> None:
    examples = asyncio.run(gather_examples(ScriptedEmbedder(256), BOOK))
    held = {one.ranked.text for one in hold_back(examples, ["en"])}
    taught = [question(one.choice)[-1].text for one in teach(examples, ["en"])]
    assert held
    assert taught
    assert all(map(is_held_back, held))
    assert not any(text.endswith(f"Message: {one}") for text in taught for one in held)


def by_its_words(text: str) -> str:
    return "refund" if "money" in text else "where" if "parcel" in text else NONE


@pytest.mark.parametrize(
    ("answer", "left_open", "useful"),
    [
        (by_its_words, True, True),
        (by_its_words, False, False),
        (lambda _: "refund", True, False),
        (lambda _: NONE, True, False),
    ],
    ids=["knows", "is not needed", "always says one", "always says none"],
)
def test_a_model_is_of_use_if_it_takes_the_right_names_where_these_are_open(
    answer: Callable[[str], str], left_open: bool, useful: bool
) -> None:
    said = [(text, name) for name, texts in FLOWS.items() for text in texts]
    said += [("what's the weather like", None), ("tell me a joke", None)]
    order = ("where", "refund")
    best = ["where" if name == "refund" else name or "where" for _, name in said]
    held = [
        HeldBack(Ranked(text, name, order), ("refund", "where"), likeliest, left_open)
        for (text, name), likeliest in zip(said, best, strict=True)
    ]
    model = ScriptedModel(lambda read: answer(read[-1].text.split("Message: ")[1]))
    chooser = Chooser(model, frozenset(FLOWS), frozenset({"en"}))
    marks = asyncio.run(examine_chooser(chooser, held))["en"]
    assert marks.asked == 22
    assert marks.is_useful == useful


def test_a_chooser_whose_model_is_gone_or_whose_file_is_broken_stops_nothing(
    tmp_path: Path,
) -> None:
    def chat(name: str) -> ScriptedModel:
        if name == "gone":
            raise NotFound("model.script_ended", name=name)
        return ScriptedModel([], name=name)

    row = {"flows": ["refund"], "languages": ["en"]}
    keep_choosers(tmp_path, {"a": {**row, "model": "gone"}, "b": {**row, "model": "m"}, "c": {}})
    assert [one.model.name for one in open_choosers(tmp_path, chat)] == ["m"]
    (tmp_path / "choosers.json").write_text("{")
    assert open_choosers(tmp_path, chat) == []
