"""Tokens and masks: what is learned is what the assistant wrote, with its stop, and no more."""

import json
from pathlib import Path

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.core.errors import UserError
from attenda.core.jinja import jinja_template
from attenda.core.message import Message, text_message
from attenda.core.template import TEMPLATES, control_strings, render, template_in
from attenda.learn.tokenizer import TextTokenizer, load_tokenizer, train_tokenizer

TEXTS = ["How long is the refund window? 30 days, from 3 May.", "退款期限是多久？三十天。"] * 20
BLANK_LINES = ["One.\n\nTwo.\n\n\nThree."] * 30
"""Whose newlines would be one token, if they could, where a prompt ends on two of them."""
TOKENIZERS = {
    name: train_tokenizer([*TEXTS, *BLANK_LINES], 400, t) for name, t in TEMPLATES.items()
}
WORLD = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
PROGRAMS = {name: WORLD.from_string(jinja_template(t)) for name, t in TEMPLATES.items()}

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
talk = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), words), min_size=1, max_size=6)


def messages(turns: list[tuple[str, str]]) -> list[Message]:
    return [text_message(role, text) for role, text in turns]  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(text=words)
def test_any_text_comes_back(text: str) -> None:
    tokenizer = TOKENIZERS["chatml"]
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("name", TEMPLATES)
@settings(max_examples=60, deadline=None)
@given(turns=talk, system=st.booleans())
def test_what_is_learned_is_the_answers_with_their_stops(
    name: str, turns: list[tuple[str, str]], system: bool
) -> None:
    tokenizer, template = TOKENIZERS[name], TEMPLATES[name]
    said = messages([("system", "Be brief."), *turns] if system else turns)
    row = tokenizer.row(said)
    assert list(row.ids) == tokenizer.encode(render(said, template, answer_next=False))
    learned = [i for i, mark in zip(row.ids, row.learned, strict=True) if mark]
    stop = template.stop[0]
    expected = ""
    for message in said:
        if message.role == "assistant":
            text = message.text
            while any(control in text for control in control_strings(template)):
                for control in control_strings(template):
                    text = text.replace(control, "")
            expected += text + stop
    assert tokenizer.decode(learned).count(stop) == sum(m.role == "assistant" for m in said)
    # blanks at the edge of an answer may be one token with the template's own line break
    assert tokenizer.decode(learned).replace("\n", "").split() == expected.replace("\n", "").split()


@pytest.mark.parametrize("name", TEMPLATES)
def test_masks_as_written_down(name: str) -> None:
    golden = json.loads((Path(__file__).parent / "golden_masks.json").read_text("utf-8"))[name]
    for case in golden:
        said = messages([tuple(turn) for turn in case["messages"]])
        row = TOKENIZERS[name].row(said)
        shown, inside = "", False
        for token, mark in zip(row.ids, row.learned, strict=True):
            if mark != inside:
                shown += "⟦" if mark else "⟧"
                inside = mark
            shown += TOKENIZERS[name].decode([token])
        assert shown + ("⟧" if inside else "") == case["learned"]


@pytest.mark.parametrize("name", TEMPLATES)
@settings(max_examples=60, deadline=None)
@given(turns=talk)
def test_a_prompt_is_the_beginning_of_what_was_learned(
    name: str, turns: list[tuple[str, str]]
) -> None:
    """Training and serving see the same ids, and the text begins once."""
    tokenizer = TOKENIZERS[name]
    asked = [*messages(turns), text_message("user", "Go on?")]
    whole = tokenizer.row([*asked, text_message("assistant", "Yes.")])
    prompt = tokenizer.prompt(asked)
    assert list(whole.ids[: len(prompt)]) == prompt
    assert whole.learned[len(prompt)] and not whole.learned[len(prompt) - 1]


@pytest.mark.parametrize("name", TEMPLATES)
@settings(max_examples=500, deadline=None)
@given(turns=talk, answer_next=st.booleans())
def test_other_programs_render_the_same_bytes(
    name: str, turns: list[tuple[str, str]], answer_next: bool
) -> None:
    template = TEMPLATES[name]
    said = messages(
        [(r, t) for r, t in turns if not any(c in t for c in control_strings(template))]
    )
    rows = [{"role": m.role, "content": m.text} for m in said]
    found = PROGRAMS[name].render(messages=rows, add_generation_prompt=answer_next)
    assert found == render(said, template, answer_next=answer_next)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_known_again_from_its_jinja_text(name: str) -> None:
    assert template_in(jinja_template(TEMPLATES[name])) == TEMPLATES[name]


def test_a_folder_keeps_the_tokenizer(tmp_path: Path) -> None:
    own = TOKENIZERS["smollm2"]
    (tmp_path / "tokenizer.json").write_text(own.to_json(), "utf-8")
    again = load_tokenizer(tmp_path, TEMPLATES["smollm2"])
    assert again.encode(TEXTS[0]) == own.encode(TEXTS[0])
    assert again.stop_ids == own.stop_ids


def test_gpt2s_two_files_are_read(tmp_path: Path) -> None:
    own = json.loads(TOKENIZERS["gpt2"].to_json())
    (tmp_path / "vocab.json").write_text(json.dumps(own["model"]["vocab"]), "utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in own["model"]["merges"])]
    (tmp_path / "merges.txt").write_text("\n".join(lines), "utf-8")
    read = load_tokenizer(tmp_path, TEMPLATES["gpt2"])
    assert read.decode(read.encode(TEXTS[1])) == TEXTS[1]
    assert read.encode("<|endoftext|>") == [read.end_id]


def test_bad_tokenizers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path, TEMPLATES["chatml"])
    (tmp_path / "tokenizer.json").write_text("{", "utf-8")
    with pytest.raises(UserError, match="can't be read"):
        load_tokenizer(tmp_path, TEMPLATES["chatml"])
    with pytest.raises(UserError, match="llama3"):
        TextTokenizer(TOKENIZERS["chatml"].inner, TEMPLATES["llama3"])
    with pytest.raises(UserError, match="300"):
        train_tokenizer(TEXTS, 299, TEMPLATES["chatml"])
    with pytest.raises(UserError, match="no text"):
        train_tokenizer(["", " "], 400, TEMPLATES["chatml"])
