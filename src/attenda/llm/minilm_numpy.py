"""The all-MiniLM-L6-v2 encoder written out in NumPy: token ids in, sentence vectors out.

This is the portable path (NumPy only) and the reference the faster backend is tested against,
so every formula stays in plain sight. Shape letters: B texts, T tokens, C = 384 channels,
H = 12 heads, D = 32 channels a head, F = 1536 inner channels.
It does not know about text, tokenizers, files or batching; see `minilm` for those.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EPSILON",
    "HEADS",
    "LAYERS",
    "MASKED",
    "POSITIONS",
    "VOCABULARY",
    "WIDTH",
    "FloatArray",
    "IntArray",
    "NumpyEncoder",
    "Weights",
    "erf",
    "gelu",
    "layer_norm",
    "softmax",
]

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]
Weights = Mapping[str, FloatArray]

LAYERS = 6
HEADS = 12
WIDTH = 384
POSITIONS = 512
VOCABULARY = 30522
EPSILON = 1e-12
# Added to the score of a padding token. exp(-10000) is 0 in every float type, and unlike the
# smallest float32 it does not overflow where a backend computes in float16.
MASKED = -1e4


def erf(x: FloatArray) -> FloatArray:
    """Return the error function of x, any shape, to an absolute error of 5e-7.

    Abramowitz and Stegun, Handbook of Mathematical Functions (1964), formula 7.1.26: 1.5e-7 of
    the formula, the rest of float32.
    """
    a = np.abs(x)
    t = 1.0 / (1.0 + 0.3275911 * a)
    series = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    magnitude: FloatArray = 1.0 - series * np.exp(-a * a)
    return np.copysign(magnitude, x)


def gelu(x: FloatArray) -> FloatArray:
    """Return x * Phi(x), any shape, Phi the normal distribution function.

    Hendrycks and Gimpel, Gaussian Error Linear Units (2016), the exact (erf) form BERT uses.
    """
    return np.float32(0.5) * x * (np.float32(1.0) + erf(x * np.float32(2**-0.5)))


def softmax(x: FloatArray) -> FloatArray:
    """Return exp(x) / sum(exp(x)) over the last axis; the maximum is taken off first."""
    e: FloatArray = np.exp(x - x.max(axis=-1, keepdims=True))
    total: FloatArray = e.sum(axis=-1, keepdims=True)
    return e / total


def layer_norm(x: FloatArray, gain: FloatArray, bias: FloatArray) -> FloatArray:
    """Return x normalised over its last axis, times gain, plus bias.

    Ba, Kiros and Hinton, Layer Normalization (2016).
    """
    centred: FloatArray = x - x.mean(axis=-1, keepdims=True)
    variance: FloatArray = np.square(centred).mean(axis=-1, keepdims=True)
    deviation: FloatArray = np.sqrt(variance + np.float32(EPSILON))
    return centred / deviation * gain + bias


class NumpyEncoder:
    """BERT (Devlin et al., 2018) with mean pooling (Reimers and Gurevych, Sentence-BERT, 2019)."""

    def __init__(self, weights: Weights) -> None:
        """Keep the weights under their names in `model.safetensors`, all float32."""
        self._w = weights

    def encode(self, ids: IntArray, mask: FloatArray) -> FloatArray:
        """Return (B, 384) vectors of length 1 for ids (B, T) and mask (B, T), 1 at real tokens.

        Every row needs at least one real token.
        """
        x = self._embed(ids)  # (B, T, C)
        bias = ((1.0 - mask) * MASKED)[:, None, None, :]  # (B, 1, 1, T)
        for i in range(LAYERS):
            x = self._layer(x, bias, f"encoder.layer.{i}.")
        real = mask[:, :, None]  # (B, T, 1)
        mean: FloatArray = (x * real).sum(axis=1) / real.sum(axis=1)  # (B, C)
        length: FloatArray = np.linalg.norm(mean, axis=1, keepdims=True)  # (B, 1)
        return mean / length

    def _embed(self, ids: IntArray) -> FloatArray:
        words = self._w["embeddings.word_embeddings.weight"][ids]  # (B, T, C)
        positions = self._w["embeddings.position_embeddings.weight"][: ids.shape[1]]  # (T, C)
        segment = self._w["embeddings.token_type_embeddings.weight"][0]  # (C,)
        return self._norm(words + positions + segment, "embeddings.LayerNorm")

    def _layer(self, x: FloatArray, bias: FloatArray, at: str) -> FloatArray:
        a = self._attention(x, bias, at + "attention.self.")
        a = self._linear(a, at + "attention.output.dense")
        x = self._norm(x + a, at + "attention.output.LayerNorm")
        f = gelu(self._linear(x, at + "intermediate.dense"))  # (B, T, F)
        return self._norm(x + self._linear(f, at + "output.dense"), at + "output.LayerNorm")

    def _attention(self, x: FloatArray, bias: FloatArray, at: str) -> FloatArray:
        """Return softmax(Q K' / sqrt(D)) V, Vaswani et al., Attention Is All You Need (2017)."""
        batch, tokens, width = x.shape
        q, k, v = (
            self._linear(x, at + name)
            .reshape(batch, tokens, HEADS, width // HEADS)  # (B, T, H, D)
            .transpose(0, 2, 1, 3)  # (B, H, T, D)
            for name in ("query", "key", "value")
        )
        scale = np.float32((width // HEADS) ** -0.5)
        # Scaling q, not the far larger scores, saves a pass over (B, H, T, T).
        scores: FloatArray = np.matmul(q * scale, k.transpose(0, 1, 3, 2))  # (B, H, T, T)
        p = softmax(scores + bias)
        heads: FloatArray = (p @ v).transpose(0, 2, 1, 3)  # (B, T, H, D)
        return heads.reshape(batch, tokens, width)

    def _linear(self, x: FloatArray, at: str) -> FloatArray:
        # One flat (B*T, C) product: BLAS is several times faster on it than on B small ones.
        flat = x.reshape(-1, x.shape[-1]) @ self._w[at + ".weight"].T + self._w[at + ".bias"]
        return flat.reshape(*x.shape[:-1], -1)

    def _norm(self, x: FloatArray, at: str) -> FloatArray:
        return layer_norm(x, self._w[at + ".weight"], self._w[at + ".bias"])
