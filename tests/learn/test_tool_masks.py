"""Calls, results and reasoning in every template: the text, what of it is learned, its hash."""

import json
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.core.jinja import jinja_template
from attenda.core.message import Message, text_message
from attenda.core.template import (
    TEMPLATES,
    ChatTemplate,
    assistant_words,
    render,
    template_hash,
)
from attenda.learn.dialogues import Dialogue
from attenda.learn.mask import masked_rows
from attenda.learn.tokenizer import train_tokenizer
from tests.learn.masked import ASKED, KINDS, OSLO, ROME, result, shown_mask, thought, wrote

GOLDEN = Path(__file__).parent / "golden_tool_masks.json"
PUBLISHED = Path(__file__).parent / "golden_published.json"
TOKENIZERS = {name: train_tokenizer([ASKED.text] * 20, 400, t) for name, t in TEMPLATES.items()}
WORLD = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
WORLD.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)  # as transformers
PROGRAMS = {name: WORLD.from_string(jinja_template(t)) for name, t in TEMPLATES.items()}

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(
    lambda text: f"a{text}b"
)
calls = st.lists(st.sampled_from([OSLO, ROME]), min_size=1, max_size=3)
spoken = st.builds(lambda text: text_message("user", text), words)
answered = st.builds(lambda text: wrote(text), words)
reasoned = st.builds(lambda why, text: wrote(thought(why), text), words, words)
called = st.builds(
    lambda why, text, made, told: [
        wrote(*[thought(one) for one in why], *text, *made),
        *(result(one, told) for one in made),
    ],
    st.lists(words, max_size=1),
    st.lists(words, max_size=1),
    calls,
    words,
)
block = st.one_of(
    *(one.map(lambda message: [message]) for one in (spoken, answered, reasoned)), called
)
talks = st.lists(block, min_size=1, max_size=5).map(
    lambda blocks: [ASKED, *(message for one in blocks for message in one)]
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_masks_of_every_kind_as_written_down(name: str) -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))[name]
    shown = {kind: shown_mask(TOKENIZERS[name], said) for kind, said in KINDS.items()}
    assert shown == golden


@pytest.mark.parametrize("case", json.loads(PUBLISHED.read_text("utf-8")), ids=lambda c: c["model"])
def test_the_text_is_what_published_templates_write(case: dict[str, str | dict[str, str]]) -> None:
    """Written by `apply_chat_template` of transformers with each model's own template."""
    template = TEMPLATES[str(case["template"])]
    assert len(case["texts"]) >= 2
    for kind, text in dict(case["texts"]).items():  # type: ignore[arg-type]
        assert render(KINDS[kind], template, answer_next=False) == text, kind


@pytest.mark.parametrize("name", TEMPLATES)
@settings(max_examples=25, deadline=None)
@given(said=talks)
def test_each_turn_of_the_assistant_is_learned_with_its_stop(
    name: str, said: list[Message]
) -> None:
    tokenizer, template = TOKENIZERS[name], TEMPLATES[name]
    row = tokenizer.row(said)
    assert list(row.ids) == tokenizer.encode(render(said, template, answer_next=False))
    asked = max(place for place, one in enumerate(said) if one.role == "user")
    expected = "".join(
        assistant_words(one, template, reasoning=place > asked) + template.stop[0]
        for place, one in enumerate(said)
        if one.role == "assistant"
    )
    learned = [own for own, mark in zip(row.ids, row.learned, strict=True) if mark]
    assert tokenizer.decode(learned) == expected


@pytest.mark.parametrize("name", TEMPLATES)
@settings(max_examples=25, deadline=None)
@given(said=talks, answer=st.one_of(answered, reasoned, calls.map(lambda made: wrote(*made))))
def test_at_work_the_model_reads_the_ids_it_learned_with(
    name: str, said: list[Message], answer: Message
) -> None:
    """Also between a call and its result: what follows the prompt is learned, all of it."""
    tokenizer = TOKENIZERS[name]
    whole, prompt = tokenizer.row([*said, answer]), tokenizer.prompt(said)
    assert list(whole.ids[: len(prompt)]) == prompt
    assert whole.learned[len(prompt)] and not whole.learned[len(prompt) - 1]
    ends = [own in tokenizer.stop_ids for own in whole.ids[len(prompt) :]]
    answer_marks = whole.learned[len(prompt) : len(prompt) + ends.index(True) + 1]
    assert all(answer_marks)


def plain(message: Message) -> list[dict[str, object]]:
    """As `apply_chat_template` takes messages."""
    if message.results:
        return [{"role": "tool", "content": one.text} for one in message.results]
    functions = [{"name": one.name, "arguments": one.arguments} for one in message.calls]
    row: dict[str, object] = {"role": message.role, "content": message.text or None}
    row |= {"reasoning_content": message.reasoning} if message.reasoning else {}
    return [row | ({"tool_calls": [{"function": one} for one in functions]} if functions else {})]


@pytest.mark.parametrize("name", TEMPLATES)
@settings(max_examples=25, deadline=None)
@given(said=talks, answer_next=st.booleans())
def test_other_programs_render_calls_and_results_alike(
    name: str, said: list[Message], answer_next: bool
) -> None:
    rows = [row for message in said for row in plain(message)]
    found = PROGRAMS[name].render(messages=rows, add_generation_prompt=answer_next)
    assert found == render(said, TEMPLATES[name], answer_next=answer_next)


def test_models_from_before_there_were_tools_keep_their_hash() -> None:
    """The hashes stand in checkpoints and files that people have."""
    hashes = {name: template_hash(one)[:12] for name, one in TEMPLATES.items()}
    assert hashes == {
        "smollm2": "0fabc6f360f9",
        "qwen2": "13a38118e1d8",
        "chatml": "c751ad8d69ad",
        "llama3": "ef3eca10d640",
        "gpt2": "a8e6eed072cd",
    }
    assert template_hash(ChatTemplate("", before="", after="")).startswith("64a924c93b91")


@pytest.mark.parametrize("name", TEMPLATES)
def test_another_form_of_tools_is_another_hash(name: str) -> None:
    template = TEMPLATES[name]
    changed = replace(template.tools, reasoning=("<reason>", "</reason>"))
    assert template_hash(replace(template, tools=changed)) != template_hash(template)


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_viewer_shows_calls_and_results(name: str) -> None:
    said = tuple(KINDS["reasoning and call"])
    tokenizer = TOKENIZERS[name]
    (row,) = masked_rows([Dialogue("1", said, "1", "a.jsonl:1")], tokenizer)
    marks = list(zip(row.tokens, row.learned, strict=True))
    learned = "".join(piece.text for piece, mark in marks if mark)
    given = "".join(piece.text for piece, mark in marks if not mark)
    assert "Oslo" in learned and "degrees" in given and "degrees" not in learned
    stretches = "".join("#" if mark else " " for _, mark in marks).split()
    assert len(stretches) == 2, "one for each turn of the assistant"
