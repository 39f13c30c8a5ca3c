"""The lens: what it shows is what the model computes, and its pages hold in a browser."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Browser, Page, expect
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor
from typer.testing import CliRunner

from attenda.cli.learn_app import learn_app
from attenda.core.errors import UserError
from attenda.core.message import text_message
from attenda.core.template import TEMPLATES
from attenda.core.words.en import ENGLISH
from attenda.learn import attention
from attenda.learn.dialogues import write
from attenda.learn.gguf import read_gguf
from attenda.learn.lens import MOST_TOKENS, View, look
from attenda.learn.lens_page import mask_page, page
from attenda.learn.mask import masked_rows
from attenda.learn.model_folder import write_folder
from attenda.learn.pieces import pieces
from attenda.learn.shape import ModelShape
from attenda.learn.sources import find_source, open_source
from attenda.learn.tokenizer import TextTokenizer, WordPieceTokenizer, train_tokenizer
from attenda.learn.transformer import Decoder, EncoderDecoder, Transformer, build
from tests.learn.school import talks, tiny, tokenizer

AXE = Path(__file__).resolve().parents[1] / "data" / "axe" / "axe.min.js"
BOUND = 1e-5
HOSTILE = (
    '<script>document.title="owned"</script> "onload=1 </style><img src=x onerror=1> \u202e {x}'
)


def changed(family: str = "llama", **choices: Any) -> ModelShape:
    row = {**json.loads(tiny(family).to_json()), **choices}
    return ModelShape.from_json(json.dumps(row))


SHAPES = {
    "rotary, grouped": tiny("llama"),
    "rotary, normed": tiny("qwen3"),
    "learned": tiny("gpt2"),
    "norms after": changed("gpt2", norm_first=False),
    "encoder, learned": changed(
        "gpt2", kind="encoder", norm_first=False, embedding_norm=True, token_types=2
    ),
    "encoder, rotary": changed("llama", kind="encoder"),
    "encoder-decoder": tiny("vaswani"),
    "encoder-decoder, relative": changed("vaswani", positions="relative", attention_scale=1.0),
}


def model_of(shape: ModelShape) -> Transformer:
    """A model whose heads look somewhere: its weights are large enough to decide."""
    model = build(shape, seed=3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2:
                weight *= 12 if name.endswith(("query.weight", "key.weight")) else 4
    return model.eval()


@contextmanager
def seen_again(weights: Iterator[Tensor]) -> Iterator[None]:
    """Every attention mixes by given weights (H, T, S), one after another, and looks at nothing."""

    def mix(q: Tensor, k: Tensor, v: Tensor, sight: object, scale: float | None) -> Tensor:
        return next(weights)[None] @ v.repeat_interleave(q.shape[1] // v.shape[1], dim=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "attend", mix)
        yield


def ids_in(view: View, own: TextTokenizer, kind: str) -> Tensor:
    """The ids behind a map's queries, found again by how each is shown."""
    shown = next(one.queries for one in view.maps if one.kind == kind)
    numbers = {piece: number for number in range(320) for piece in pieces(own, [number])}
    return torch.tensor([[numbers[piece] for piece in shown]])


@pytest.mark.parametrize("name", SHAPES)
def test_the_output_rebuilt_from_the_weights_is_the_models_own(name: str) -> None:
    own, model = tokenizer(), model_of(SHAPES[name])
    said = "red green blue one two three cat dog"
    view = look(model, own, said)
    maps = {one.kind: one.weights for one in view.maps}
    for weights in maps.values():
        assert weights.min() >= 0
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
        assert weights.max() > 0.3  # they are no even spread that would prove nothing
    order: list[Tensor]
    if isinstance(model, EncoderDecoder):
        source = torch.tensor([own.prompt([text_message("user", said)])])
        inputs: tuple[Tensor, ...] = (source, ids_in(view, own, "own"))
        both = zip(maps["own"], maps["cross"], strict=True)
        order = [*maps["reading"], *(one for pair in both for one in pair)]
    else:
        inputs, order = (torch.tensor([own.encode(said)]),), list(maps["own"])
    with torch.no_grad():
        expected = model(*inputs)
        with seen_again(iter(order)):
            found = model(*inputs)
    difference = (found - expected).abs().max().item() / max(expected.abs().max().item(), 1.0)
    print(f"{name}: {difference:.1e}")
    assert difference <= BOUND


@pytest.mark.parametrize("name", [n for n in SHAPES if not n.startswith("encoder")])
def test_losses_and_the_last_layers_guesses_are_the_models_own(name: str) -> None:
    own, model = tokenizer(), model_of(SHAPES[name])
    assert isinstance(model, Decoder)
    ids = own.encode("red green blue sun moon")
    view = look(model, own, "red green blue sun moon")
    with torch.no_grad():
        logits = model(torch.tensor([ids]))[0]
    wanted = F.cross_entropy(logits[:-1], torch.tensor(ids[1:]), reduction="none")
    assert view.losses[0] is None
    torch.testing.assert_close(torch.tensor(view.losses[1:]), wanted)
    assert view.loss == pytest.approx(wanted.mean().item())
    assert len(view.guesses) == model.shape.layers
    best = logits.softmax(-1).topk(5)
    for place, guesses in enumerate(view.guesses[-1]):
        assert [one.share for one in guesses] == pytest.approx(best.values[place].tolist())
        assert [one.piece for one in guesses] == [
            pieces(own, [number])[0] for number in best.indices[place].tolist()
        ]


def test_a_conversation_is_read_as_the_template_writes_it() -> None:
    own, model = tokenizer(), model_of(tiny())
    asked = [text_message("user", "red green")]
    told = [*asked, text_message("assistant", "green red")]
    waiting = "".join(one.text for one in look(model, own, asked).tokens)
    assert waiting == "<|im_start|>user↵red·green<|im_end|>↵<|im_start|>assistant↵"
    assert len(look(model, own, told).tokens) == len(own.row(told).ids)
    reader = model_of(tiny("vaswani"))
    answer = look(reader, own, told)
    assert "".join(one.text for one in answer.tokens[1:-1]) == "green·red"
    assert answer.maps[0].weights.shape[2:] == (len(answer.tokens), len(own.prompt(asked)))


@pytest.mark.parametrize(
    ("text", "key"), [("", "learn.lens.empty"), ("a b " * MOST_TOKENS, "learn.lens.long")]
)
def test_too_little_and_too_much_are_refused(text: str, key: str) -> None:
    with pytest.raises(UserError) as caught:
        look(model_of(changed(context=512)), tokenizer(), text)
    assert caught.value.key == key


def test_looking_changes_nothing() -> None:
    own, model = tokenizer(), model_of(tiny())
    ids = torch.tensor([own.encode("red green blue")])
    before = model(ids)
    model.train()
    look(model, own, "one two")
    assert model.training
    assert not any(part._forward_hooks for part in model.modules())
    assert torch.equal(model.eval()(ids), before)


@pytest.mark.parametrize("text", ["red  green\n", "注意力 naïve 🙂🙂", "a\x00b\t\u202e\xa0", "½ Ω"])
def test_tokens_are_readable_and_lose_nothing(text: str) -> None:
    own = tokenizer()
    ids = own.encode(text)
    shown = pieces(own, [*ids, own.stop_ids[0], *ids[:1]])
    assert len(shown) == len(ids) + 2
    assert shown[len(ids)].control and not any(one.control for one in shown[: len(ids)])
    whole = "".join(one.text for one in shown[: len(ids)] if one.text[-1:] not in "₂₃₄")
    seen = {" ": "·", "\n": "↵", "\t": "⇥", "\x00": "⟨0000⟩", "\u202e": "⟨202E⟩", "\xa0": "⟨00A0⟩"}
    assert whole.replace("₁", "") == "".join(seen.get(letter, letter) for letter in text)
    half = own.encode("🙂")[:2]
    assert all(one.text.startswith("⟨") for one in pieces(own, half))


def word_piece_model(folder: Path) -> TextTokenizer:
    """A BERT whose tokenizer is as BERT's own: word pieces, marks around, cut and filled up."""
    inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=60, special_tokens=marks, show_progress=False, initial_alphabet=list(",\u732b")
    )
    inner.train_from_iterator(["where were you", "the night caf\u00e9"] * 9, trainer)
    ends = [(name, inner.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    inner.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, ends)
    inner.enable_truncation(8)
    inner.enable_padding(length=8)
    shape = replace(tiny("bert"), vocabulary=inner.get_vocab_size())
    write_folder(folder, model_of(shape), None)
    inner.save(str(folder / "tokenizer.json"))
    return WordPieceTokenizer(inner)


def test_a_model_of_word_pieces_is_looked_into(tmp_path: Path, home: Path) -> None:
    own = word_piece_model(tmp_path / "bert")
    model, tokenizer = open_source(find_source(str(tmp_path / "bert"), home), talks=False)
    text = "Where were you, Caf\u00e9 night \u732b \u2603"
    view = look(model, tokenizer, text)
    shown = [piece.text for piece in view.tokens]
    assert shown[0] == "[CLS]" and shown[-1] == "[SEP]" and len(shown) > 8
    assert "".join(shown[1:-1]).replace("##", "") == "wherewereyou,cafenight\u732b[UNK]"
    assert [piece.control for piece in view.tokens] == [True, *[False] * (len(shown) - 2), True]
    assert ids_in(view, own, "own").tolist() == [own.encode(text)]
    with pytest.raises(UserError) as refused:
        look(model, tokenizer, " ")
    assert refused.value.key == "learn.lens.empty"
    written = tmp_path / "lens.html"
    told = json.loads(
        run("lens", str(tmp_path / "bert"), "Where,", "--json", "--out", str(written))
    )
    assert told["tokens"] >= 4 and told["loss"] is None
    assert "[CLS]" in written.read_text("utf-8")
    with pytest.raises(UserError) as refused:  # to talk, it needs a template of ours
        open_source(find_source(str(tmp_path / "bert"), home))
    assert refused.value.key == "learn.template.unknown"


@pytest.mark.long
def test_the_real_model(weights_home: Path) -> None:
    model, own = read_gguf(weights_home / "models" / "smollm2-135m-instruct" / "model.gguf")
    said = "The cat sat on the mat, because it was tired."
    view = look(model, own, said)
    ids = torch.tensor([own.encode(said)])
    with torch.no_grad():
        expected = model(ids)
        with seen_again(iter(view.maps[0].weights)):
            found = model(ids)
    difference = (found - expected).abs().max().item() / expected.abs().max().item()
    print(f"smollm2: {difference:.1e}")
    assert difference <= BOUND
    assert view.loss is not None and 1 < view.loss < 5


# ------------------------------------------------------------------ pages


Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens a page from its file; at the end none may have asked for more, or complained."""
    asked: list[str] = []
    complaints: list[str] = []
    contexts = []

    def begin(text: str, width: int = 1280, scheme: Any = "light") -> Page:
        file = tmp_path / f"page-{len(asked)}.html"
        file.write_text(text, "utf-8")
        size: Any = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda said: complaints.append(said.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(file.as_uri())
        return tab

    yield begin
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith("file:")] == []
    assert len(asked) == len(contexts)


def hostile_view() -> tuple[View, TextTokenizer]:
    own = train_tokenizer([HOSTILE] * 9, 400, TEMPLATES["chatml"])
    return look(model_of(changed(vocabulary=own.vocabulary)), own, HOSTILE), own


def violations(tab: Page) -> list[tuple[str, Any]]:
    scan = f"{AXE.read_text('utf-8')}; axe.run(document, {{resultTypes: ['violations']}})"
    return [
        (one["id"], [node["target"] for node in one["nodes"]])
        for one in tab.evaluate(scan)["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def test_the_page_is_walked_by_keyboard_and_by_mouse(opened: Opener) -> None:
    own = tokenizer()
    tab = opened(page(look(model_of(tiny()), own, "red green blue one two"), "en", "tiny"))
    chosen = tab.locator('.heads button[aria-pressed="true"]')
    expect(chosen).to_have_attribute("aria-label", "Layer 1, head 1")
    chosen.focus()
    for key, name in (
        ("ArrowRight", "1, head 2"),
        ("ArrowDown", "2, head 2"),
        ("End", "2, head 4"),
    ):
        tab.keyboard.press(key)
        expect(chosen).to_have_attribute("aria-label", f"Layer {name}")
        expect(chosen).to_be_focused()
    expect(tab.locator("#chosen")).to_have_text("Layer 2, head 4")
    strip = tab.locator(".strip button")
    first = strip.first.locator(".piece")
    strip.first.click()
    expect(tab.get_by_role("status")).to_contain_text(f"“{first.inner_text()}” looks at")
    tab.keyboard.press("ArrowRight")
    expect(strip.nth(1)).to_be_focused()
    expect(strip.nth(1)).to_have_attribute("aria-pressed", "true")
    assert _coloured(tab) <= {0, 1}  # a causal model's second token sees two
    tab.get_by_label("Who looks at it").check()
    assert 0 not in _coloured(tab)  # and the first never sees the second
    expect(tab.get_by_role("status")).to_contain_text("is looked at by")
    expect(tab.locator(".guesses tr")).to_have_count(2)
    expect(tab.locator(".guesses tr").first.locator("td")).to_have_count(5)


def _coloured(tab: Page) -> set[int]:
    colours = tab.locator(".strip button > .piece").evaluate_all(
        "all => all.map(one => one.style.backgroundColor)"
    )
    return {place for place, colour in enumerate(colours) if colour}


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [
        ("zh-CN", "dark", 360),
        pytest.param("en", "light", 1280, marks=pytest.mark.long),
        pytest.param("en", "dark", 360, marks=pytest.mark.long),
        pytest.param("zh-CN", "light", 1280, marks=pytest.mark.long),
    ],
)
def test_pages_hold_hostile_text_any_width_and_axe(
    opened: Opener, language: str, scheme: str, width: int
) -> None:
    view, own = hostile_view()
    rows = list(masked_rows(talks(2), own))
    for text in (
        page(view, language, HOSTILE),
        page(look(model_of(tiny("vaswani")), tokenizer(), "red green"), language),
        page(look(model_of(changed(kind="encoder")), tokenizer(), "red green"), language),
        mask_page(rows, language, HOSTILE),
    ):
        tab = opened(text, width, scheme)
        tab.wait_for_selector(".piece")
        assert tab.title() != "owned"
        assert tab.locator("img, iframe, a[href], link[href^=http]").count() == 0
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(tab) == []


def test_an_encoder_decoders_page_shows_both_texts(opened: Opener) -> None:
    talk = [text_message("user", "red green"), text_message("assistant", "green red")]
    tab = opened(page(look(model_of(tiny("vaswani")), tokenizer(), talk)))
    expect(tab.locator(".strip")).to_have_count(2)
    tab.locator('.strip[data-side="key"] button').nth(2).click()
    expect(tab.get_by_role("status")).to_contain_text("is looked at by")
    tab.get_by_label("while reading").check()
    expect(tab.locator(".strip")).to_have_count(1)
    expect(tab.get_by_label("Where it looks")).to_be_visible()


def test_scripts_name_sentences_that_exist() -> None:
    folder = Path(attention.__file__).parent / "pages"
    named = re.findall(r"learn\.\w+\.\w+", (folder / "lens.js").read_text("utf-8"))
    assert named and set(named) <= ENGLISH.keys()


# ------------------------------------------------------------------ commands


def test_the_commands(tmp_path: Path, home: Path) -> None:
    own = tokenizer()
    write_folder(tmp_path / "model", build(tiny("llama", own.vocabulary)), own)
    write(tmp_path / "talks.jsonl", talks(5))
    model, data, out = (str(tmp_path / name) for name in ("model", "talks.jsonl", "deep/lens.html"))
    told = run("lens", model, "red green", "--out", out, "--json")
    assert json.loads(told)["layers"] == 2
    assert Path(out).read_text("utf-8").startswith("<!doctype html>")
    assert run("lens", model, "red green", "--chat", "--out", out).strip() == f"✓ {out}"
    rows = json.loads(run("mask", model, "--data", data, "-n", "2", "--json"))
    assert len(rows) == 2
    written = [token for token, learned in rows[0]["tokens"] if learned]
    assert "".join(written) == talks(1)[0].messages[1].text.replace(" ", "·") + "<|im_end|>"
    printed = run("mask", model, "--data", data, "-n", "1")
    assert "<|im_start|>user" in printed and "tokens are learned" in printed
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "tokenizer.json").write_text(own.to_json(), "utf-8")
    page_of_words = str(tmp_path / "mask.html")
    alone = ["mask", str(tmp_path / "words"), "--template", "chatml", "--data", data]
    run(*alone, "--all", "--out", page_of_words)
    marks = re.findall(r'<(mark|span) class="piece[^"]*">', Path(page_of_words).read_text("utf-8"))
    assert marks.count("span") == 3 and marks.count("mark") > 3  # the legend's, and all of it


def run(*words: str) -> str:
    answer = CliRunner().invoke(learn_app, list(words), catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output
