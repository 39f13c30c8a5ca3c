"""MiniLM against golden vectors of the original model, and its two encoders against each other.

Tests marked `weights` need the real model folder; the others make do with random weights.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from attenda.llm import minilm
from attenda.llm.catalogue import DEFAULT_EMBEDDER
from attenda.llm.minilm import MiniLM, expected_shapes
from attenda.llm.minilm_numpy import FloatArray, NumpyEncoder, erf
from attenda.llm.minilm_openvino import OpenVinoEncoder

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "data" / "minilm_golden.json").read_text(encoding="utf-8")
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def cosines(a: FloatArray, b: FloatArray) -> FloatArray:
    unit_a: FloatArray = a / np.linalg.norm(a, axis=1, keepdims=True)
    unit_b: FloatArray = b / np.linalg.norm(b, axis=1, keepdims=True)
    products: FloatArray = (unit_a * unit_b).sum(axis=1)
    return products


def random_weights() -> dict[str, FloatArray]:
    rng = np.random.default_rng(7)
    weights = {}
    for name, shape in expected_shapes().items():
        spread = 1.0 if "embeddings" in name else 0.05
        weights[name] = rng.standard_normal(shape, dtype=np.float32) * np.float32(spread)
        if name.endswith("LayerNorm.weight"):
            weights[name] += 1
    return weights


def write_tokenizer(folder: Path) -> None:
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = marks + list(LETTERS) + ["##" + letter for letter in LETTERS]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module", params=["numpy", "openvino"])
def real(request: pytest.FixtureRequest, weights_home: Path) -> MiniLM:
    folder = weights_home / "models" / DEFAULT_EMBEDDER
    if request.param == "openvino":
        pytest.importorskip("openvino_genai", reason="OpenVINO is not installed")
    return MiniLM(folder, 2, request.param)


@pytest.fixture(scope="module")
def weights() -> dict[str, FloatArray]:
    return random_weights()


@pytest.fixture(scope="module")
def toy(weights: dict[str, FloatArray], tmp_path_factory: pytest.TempPathFactory) -> MiniLM:
    """A model of random weights that spells words out letter by letter."""
    folder = tmp_path_factory.mktemp("toy")
    write_tokenizer(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minilm, "_load_weights", lambda path: weights)
        return MiniLM(folder, backend="numpy")


@pytest.mark.weights
def test_golden(real: MiniLM) -> None:
    vectors = real.embed(GOLDEN["texts"])
    golden = np.array(GOLDEN["vectors"], dtype=np.float32)
    assert vectors.shape == golden.shape == (8, MiniLM.width)
    assert vectors.dtype == np.float32
    assert cosines(vectors, golden).min() >= 0.9995
    if real.backend == "numpy":
        assert np.abs(vectors - golden).max() < 2e-5


@pytest.mark.weights
def test_unit_length_whatever_the_text(real: MiniLM) -> None:
    texts = [
        "",
        " \n",
        "x" * 10_000,
        "long words " * 900,
        "\0\ud83d half",
        "🦆" * 300,
        "中文" * 400,
    ]
    vectors = real.embed(texts)
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.weights
def test_meaning(real: MiniLM) -> None:
    query, near, far = real.embed(
        [
            "How do I open a bank account?",
            "Steps to set up a new checking account",
            "The symptoms of measles appear after ten days",
        ]
    )
    assert query @ near > 0.5 > query @ far + 0.2


@pytest.mark.weights
def test_text_past_256_tokens_is_left_out(real: MiniLM) -> None:
    head = "word " * 254
    same, other = cosines(
        real.embed([head + "tail of another kind", "word " * 100]), real.embed([head, head])
    )
    assert same > 0.9999
    assert other < same


def test_encoders_agree(weights: dict[str, FloatArray]) -> None:
    pytest.importorskip("openvino_genai", reason="OpenVINO is not installed")
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 30522, (3, 32), dtype=np.int32)
    mask = (np.arange(32) < np.array([[32], [2], [17]])).astype(np.float32)
    plain = NumpyEncoder(weights).encode(ids, mask)
    exact = OpenVinoEncoder(weights, 2, "f32").encode(ids, mask)
    native = OpenVinoEncoder(weights, 2).encode(ids, mask)
    assert cosines(plain, exact).min() > 0.99999
    assert cosines(plain, native).min() > 0.999


def test_padding_does_not_matter(weights: dict[str, FloatArray]) -> None:
    encoder = NumpyEncoder(weights)
    ids = np.arange(1, 10, dtype=np.int32)[None]
    padded = np.pad(ids, ((0, 0), (0, 23)), constant_values=99)
    mask = (np.arange(32) < 9).astype(np.float32)[None]
    assert encoder.encode(padded, mask) == pytest.approx(
        encoder.encode(ids, np.ones((1, 9), dtype=np.float32)), abs=1e-5
    )


@settings(max_examples=8, deadline=None)
@given(texts=st.lists(st.text(LETTERS + " é", max_size=40), max_size=6))
def test_order_is_kept(toy: MiniLM, texts: list[str]) -> None:
    together = toy.embed(texts)
    assert together.shape == (len(texts), 384)
    for text, vector in zip(texts, together, strict=True):
        assert toy.embed([text])[0] == pytest.approx(vector, abs=1e-5)


def test_order_is_kept_across_chunks(toy: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["seventeen letters", "a", "", "two words", "abcdefghijklmnopqrstuvwxyz", "b", "cc"]
    whole = toy.embed(texts)
    monkeypatch.setattr(minilm, "CHUNK", 3)
    monkeypatch.setattr(minilm, "BATCH_TOKENS", 40)
    assert toy.embed(texts) == pytest.approx(whole, abs=1e-5)


@given(lengths=st.lists(st.integers(2, 256), max_size=80))
def test_batches_hold_every_text_once_within_the_bound(lengths: list[int]) -> None:
    batches = list(minilm._batches(lengths))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        ids, mask = minilm._pad([[1] * lengths[i] for i in batch])
        assert ids.size <= minilm.BATCH_TOKENS
        assert mask.sum() == sum(lengths[i] for i in batch)


def test_one_string_is_refused(toy: MiniLM) -> None:
    with pytest.raises(TypeError, match="one string"):
        toy.embed("abc")


def test_auto_falls_back_to_numpy(
    weights: dict[str, FloatArray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*args: object) -> None:
        raise ImportError("no openvino")

    write_tokenizer(tmp_path)
    monkeypatch.setattr(minilm, "_load_weights", lambda path: weights)
    monkeypatch.setattr(minilm, "OpenVinoEncoder", absent)
    assert MiniLM(tmp_path).backend == "numpy"
    with pytest.raises(ImportError):
        MiniLM(tmp_path, backend="openvino")


def test_openvino_comes_without_its_usage_reporting(tmp_path: Path) -> None:
    pytest.importorskip("openvino_genai", reason="OpenVINO is not installed")
    script = (
        "import sys; from attenda.llm.minilm_openvino import import_openvino; import_openvino();"
        "print([m for m in sys.modules if m.startswith('openvino_telemetry.')])"
    )
    home = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=home, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tokenizer\.json: file not found"):
        MiniLM(tmp_path)
    write_tokenizer(tmp_path)
    with pytest.raises(ValueError, match=r"model\.safetensors: file not found"):
        MiniLM(tmp_path)


FIRST = "embeddings.word_embeddings.weight"


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ({"other": np.zeros(2, np.float32)}, f"'{FIRST}' is missing"),
        ({FIRST: np.zeros((2, 3), np.float32)}, rf"'{FIRST}' has shape \(2, 3\), expected"),
        ({FIRST: np.zeros((30522, 384), np.int8)}, f"'{FIRST}' has number type I8"),
    ],
)
def test_wrong_weights(tmp_path: Path, tensors: dict[str, np.ndarray], complaint: str) -> None:
    write_tokenizer(tmp_path)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=rf"model\.safetensors: weight {complaint}"):
        MiniLM(tmp_path)


def test_broken_files(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ValueError, match=r"model\.safetensors: not a readable"):
        MiniLM(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json: not a readable"):
        MiniLM(tmp_path)


@pytest.mark.parametrize("content", ["[", "{}", '{"max_seq_length": 4096}', "[1]"])
def test_wrong_length_setting(tmp_path: Path, content: str) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "sentence_bert_config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"sentence_bert_config\.json: .*'max_seq_length'"):
        MiniLM(tmp_path)


def test_threads_below_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="threads"):
        MiniLM(tmp_path, threads=0)


def test_erf() -> None:
    x = np.linspace(-5, 5, 2001, dtype=np.float32)
    true = np.array([math.erf(v) for v in x])
    assert np.abs(erf(x) - true).max() < 6e-7
