"""Sentence vectors of all-MiniLM-L6-v2, straight from `model.safetensors` and `tokenizer.json`.

Reads and checks the model folder, tokenizes, groups texts of like length into batches and hands
them to one of two encoders: OpenVINO, or plain NumPy where OpenVINO is not installed.
It does not know where a model folder comes from, nor what is done with the vectors; it never
touches the network, and it needs neither PyTorch nor transformers.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from attenda.llm.minilm_numpy import (
    LAYERS,
    POSITIONS,
    VOCABULARY,
    WIDTH,
    FloatArray,
    IntArray,
    NumpyEncoder,
)
from attenda.llm.minilm_openvino import OpenVinoEncoder, Precision

__all__ = ["Backend", "MiniLM", "expected_shapes"]

Backend = Literal["openvino", "numpy", "auto"]

# Padded tokens in one batch. Larger batches measured no faster, and a concurrent query waits for
# the batch before it.
BATCH_TOKENS = 1024
# Batch lengths are rounded up to this many tokens, so that OpenVINO, which prepares kernels for
# each new shape, meets a handful of shapes instead of hundreds.
LENGTH_STEP = 16
# Texts tokenized in one go: bounds the memory held by token lists.
CHUNK = 1024
# What sentence-transformers uses for this model when its settings file is absent.
DEFAULT_LENGTH = 256
# [CLS], one token of the text, [SEP].
SHORTEST_LENGTH = 3


class _Encoder(Protocol):
    def encode(self, ids: IntArray, mask: FloatArray) -> FloatArray: ...


class MiniLM:
    """Turns texts into unit vectors whose dot product measures likeness of meaning.

    Reimers and Gurevych, Sentence-BERT (2019); Wang et al., MiniLM (2020). Safe to call from
    several threads: batches of concurrent calls take turns.
    """

    width = WIDTH

    def __init__(
        self,
        folder: Path,
        threads: int | None = None,
        backend: Backend = "auto",
        *,
        precision: Precision = "native",
    ) -> None:
        """Load the model from `folder`: `model.safetensors`, `tokenizer.json`.

        `threads`: CPU threads of the OpenVINO backend, None for all cores; NumPy takes its
        number from the environment (OPENBLAS_NUM_THREADS) at its own import. `backend`: "auto"
        is "openvino" where that package imports, else "numpy"; the attribute `backend` tells
        which it became. `precision`: of OpenVINO alone, "native" for the fastest number type
        of this CPU, "f32" for vectors that agree across machines to 1e-5.

        Raises:
            ValueError: a missing or broken file, a missing or misshapen weight, `threads` < 1.
            ImportError: `backend` is "openvino" and that package is not installed.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, got {threads}")
        self._tokenizer = _load_tokenizer(folder)
        self._encoder, self.backend = _make_encoder(folder, threads, backend, precision)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return one vector per text, in the order given.

        Shape (N, 384), float32, each row of length 1. Text beyond 256 tokens (about 190 English
        words) is left out, as sentence-transformers does for this model; split long documents
        first. The empty string has a vector too, near no text in particular.

        Raises:
            TypeError: `texts` is one string instead of a sequence of them.
        """
        if isinstance(texts, str):
            raise TypeError("embed() takes a sequence of strings, got one string")
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for start in range(0, len(texts), CHUNK):
            rows = self._tokenize(texts[start : start + CHUNK])
            for batch in _batches([len(row) for row in rows]):
                ids, mask = _pad([rows[i] for i in batch])
                vectors[[start + i for i in batch]] = self._encoder.encode(ids, mask)
        return vectors

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        # Half a surrogate pair (badly decoded files have them) has no UTF-8 form and would
        # make the tokenizer raise; it becomes a question mark.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(clean)]


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight the encoder reads, by its name in the file."""
    inner = 4 * WIDTH
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (VOCABULARY, WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for i in range(LAYERS):
        at = f"encoder.layer.{i}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value"):
            shapes |= _linear_shapes(at + name, WIDTH, WIDTH)
        shapes |= _linear_shapes(at + "attention.output.dense", WIDTH, WIDTH)
        shapes |= _linear_shapes(at + "intermediate.dense", inner, WIDTH)
        shapes |= _linear_shapes(at + "output.dense", WIDTH, inner)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{at}{name}.weight": (WIDTH,), f"{at}{name}.bias": (WIDTH,)}
    return shapes


def _linear_shapes(at: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {at + ".weight": (outputs, inputs), at + ".bias": (outputs,)}


def _make_encoder(
    folder: Path, threads: int | None, backend: Backend, precision: Precision
) -> tuple[_Encoder, Literal["openvino", "numpy"]]:
    weights = _load_weights(folder / "model.safetensors")
    if backend != "numpy":
        try:
            return OpenVinoEncoder(weights, threads, precision), "openvino"
        except ImportError:
            if backend == "openvino":
                raise
    return NumpyEncoder(weights), "numpy"


def _load_weights(path: Path) -> dict[str, FloatArray]:
    """Return the weights by name, all float32.

    Raises:
        ValueError: the file is absent or unreadable, or a weight is absent or misshapen.
    """
    _require(path)
    weights: dict[str, FloatArray] = {}
    try:
        with safe_open(path, framework="numpy") as file:
            present = set(file.keys())
            for key, shape in expected_shapes().items():
                if key not in present:
                    raise ValueError(f"{path}: weight {key!r} is missing")
                _check(path, key, shape, file.get_slice(key))
                weights[key] = file.get_tensor(key).astype(np.float32, copy=False)
    except SafetensorError as error:
        raise ValueError(f"{path}: not a readable safetensors file ({error})") from error
    return weights


class _Slice(Protocol):
    def get_shape(self) -> list[int]: ...

    def get_dtype(self) -> str: ...


def _check(path: Path, key: str, shape: tuple[int, ...], found: _Slice) -> None:
    if tuple(found.get_shape()) != shape:
        raise ValueError(
            f"{path}: weight {key!r} has shape {tuple(found.get_shape())}, expected {shape}"
        )
    if found.get_dtype() not in ("F32", "F16"):
        raise ValueError(
            f"{path}: weight {key!r} has number type {found.get_dtype()}, expected F32 or F16"
        )


def _load_tokenizer(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    _require(path)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises a bare Exception
        raise ValueError(f"{path}: not a readable tokenizer file ({error})") from error
    if tokenizer.get_vocab_size() > VOCABULARY:
        raise ValueError(
            f"{path}: key 'vocab' has {tokenizer.get_vocab_size()} entries, "
            f"the model knows {VOCABULARY}"
        )
    # The file itself asks for padding and truncation at 128; the model was published for more.
    tokenizer.no_padding()
    tokenizer.enable_truncation(_longest(folder / "sentence_bert_config.json"))
    return tokenizer


def _longest(path: Path) -> int:
    """Return the tokens kept of a text, [CLS] and [SEP] included."""
    if not path.is_file():
        return DEFAULT_LENGTH
    try:
        length = json.loads(path.read_text(encoding="utf-8"))["max_seq_length"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: no readable key 'max_seq_length'") from error
    if not isinstance(length, int) or not SHORTEST_LENGTH <= length <= POSITIONS:
        raise ValueError(
            f"{path}: key 'max_seq_length' is {length!r}, expected {SHORTEST_LENGTH} to {POSITIONS}"
        )
    return length


def _require(path: Path) -> None:
    if not path.is_file():
        raise ValueError(f"{path}: file not found")


def _rounded(length: int) -> int:
    return -(-length // LENGTH_STEP) * LENGTH_STEP


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield lists of indices, shortest texts first, each within BATCH_TOKENS after padding."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * _rounded(lengths[i]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _pad(rows: Sequence[Sequence[int]]) -> tuple[IntArray, FloatArray]:
    """Return ids and mask, both (B, T), T the longest row rounded up to LENGTH_STEP."""
    tokens = _rounded(max(len(row) for row in rows))
    ids = np.zeros((len(rows), tokens), dtype=np.int32)
    mask = np.zeros((len(rows), tokens), dtype=np.float32)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1.0
    return ids, mask
