"""The all-MiniLM-L6-v2 encoder as an OpenVINO graph, compiled for this machine's CPU.

The graph is the one of `minilm_numpy`, node for node, with pooling and normalisation inside it
and both batch and length left open. OpenVINO is imported only when an encoder is made, and its
usage reporting is kept from loading. Shape letters as in `minilm_numpy`.
It does not know about text, tokenizers, files or batching; see `minilm` for those.
"""

import importlib
import sys
import threading
from typing import Any, Literal, cast

import numpy as np

from attenda.llm.minilm_numpy import (
    EPSILON,
    HEADS,
    LAYERS,
    MASKED,
    WIDTH,
    FloatArray,
    IntArray,
    Weights,
)

__all__ = ["OpenVinoEncoder", "Precision", "import_openvino"]

Precision = Literal["native", "f32"]

# An OpenVINO graph node. The package ships no type information, so the alias only names it.
Node = Any


def import_openvino() -> Any:
    """Import OpenVINO without its usage reporting and return the module.

    A plain `import openvino` writes a usage counter in the home folder and sends an event over
    the network, unless the package openvino_telemetry is absent; OpenVINO then takes a silent
    stand-in of its own. A None in `sys.modules` makes it absent. That works only before the
    first `import openvino` or `import openvino_genai` of the process: call this before either.

    Raises:
        ImportError: OpenVINO is not installed.
    """
    cast(dict[str, Any], sys.modules).setdefault("openvino_telemetry", None)
    return importlib.import_module("openvino")


class OpenVinoEncoder:
    """The compiled encoder; safe to call from several threads, one batch runs at a time."""

    def __init__(
        self, weights: Weights, threads: int | None = None, precision: Precision = "native"
    ) -> None:
        """Build and compile the graph, about 0.2 s.

        `threads`: CPU threads, None for one per core. `precision`: "native" computes matrix
        products in the number type the CPU is fastest in (bfloat16 where it has AMX, float32 on
        most others); "f32" always in float32.

        Raises:
        ImportError: OpenVINO is not installed.
        """
        ov = import_openvino()
        # LATENCY: all threads share one batch. Two streams (THROUGHPUT) measured no faster on
        # whole batches and twice as slow on a single query.
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        if precision == "f32":
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = ov.Core().compile_model(_Graph(weights).model(ov), "CPU", settings)
        self.precision: str = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self._request = compiled.create_infer_request()
        # An infer request holds its own buffers and refuses a second caller.
        self._lock = threading.Lock()

    def encode(self, ids: IntArray, mask: FloatArray) -> FloatArray:
        """Return (B, 384) vectors of length 1 for ids (B, T) and mask (B, T), 1 at real tokens.

        Every row needs at least one real token.
        """
        with self._lock:
            return cast(FloatArray, self._request.infer([ids, mask])[0])


class _Graph:
    """Turns weights into graph nodes, one method per formula of `NumpyEncoder`."""

    def __init__(self, weights: Weights) -> None:
        self._w = weights
        self._o: Any = importlib.import_module("openvino.opset13")

    def model(self, ov: Any) -> Any:
        """Return the whole model: inputs ids and mask (B, T), output (B, C)."""
        o = self._o
        ids = o.parameter([-1, -1], np.int32, name="ids")
        mask = o.parameter([-1, -1], np.float32, name="mask")
        absent = o.subtract(np.float32(1.0), o.unsqueeze(mask, _axes(1, 2)))  # (B, 1, 1, T)
        bias = o.multiply(absent, np.float32(MASKED))
        x = self._embed(ids)  # (B, T, C)
        for i in range(LAYERS):
            x = self._layer(x, bias, f"encoder.layer.{i}.")
        return ov.Model([self._pool(x, mask)], [ids, mask], "minilm")

    def _embed(self, ids: Node) -> Node:
        o = self._o
        words = o.gather(self._weight("embeddings.word_embeddings"), ids, np.int64(0))
        # The segment is always 0 for a single text, so its row folds into the positions.
        segment = self._w["embeddings.token_type_embeddings.weight"][0]
        table = o.constant(self._w["embeddings.position_embeddings.weight"] + segment)
        tokens = o.gather(o.shape_of(ids, "i64"), _axes(1), np.int64(0))
        positions = o.slice(table, _axes(0), tokens, _axes(1), _axes(0))  # (T, C)
        return self._norm(o.add(words, positions), "embeddings.LayerNorm")

    def _layer(self, x: Node, bias: Node, at: str) -> Node:
        o = self._o
        a = self._attention(x, bias, at + "attention.self.")
        a = self._linear(a, at + "attention.output.dense")
        x = self._norm(o.add(x, a), at + "attention.output.LayerNorm")
        f = o.gelu(self._linear(x, at + "intermediate.dense"), "erf")  # (B, T, F)
        f = self._linear(f, at + "output.dense")
        return self._norm(o.add(x, f), at + "output.LayerNorm")

    def _attention(self, x: Node, bias: Node, at: str) -> Node:
        # Written out on purpose: the CPU compiler fuses these nodes into one kernel, measured
        # faster than the scaled_dot_product_attention node and than one joint QKV product.
        o = self._o
        q, k, v = (self._heads(x, at + name) for name in ("query", "key", "value"))
        scale = np.float32((WIDTH // HEADS) ** -0.5)
        scores = o.add(o.multiply(o.matmul(q, k, False, True), scale), bias)  # (B, H, T, T)
        mixed = o.matmul(o.softmax(scores, -1), v, False, False)  # (B, H, T, D)
        mixed = o.transpose(mixed, _axes(0, 2, 1, 3))  # (B, T, H, D)
        return o.reshape(mixed, _axes(0, 0, WIDTH), True)  # (B, T, C)

    def _heads(self, x: Node, at: str) -> Node:
        split = self._o.reshape(self._linear(x, at), _axes(0, 0, HEADS, WIDTH // HEADS), True)
        return self._o.transpose(split, _axes(0, 2, 1, 3))  # (B, H, T, D)

    def _pool(self, x: Node, mask: Node) -> Node:
        o = self._o
        real = o.unsqueeze(mask, _axes(2))  # (B, T, 1)
        total = o.reduce_sum(o.multiply(x, real), _axes(1))  # (B, C)
        mean = o.divide(total, o.reduce_sum(real, _axes(1)))
        return o.normalize_l2(mean, _axes(1), EPSILON, "max")

    def _linear(self, x: Node, at: str) -> Node:
        o = self._o
        return o.add(o.matmul(x, self._weight(at), False, True), self._bias(at))

    def _norm(self, x: Node, at: str) -> Node:
        o = self._o
        unit = o.mvn(x, o.constant(_axes(-1)), True, EPSILON, "INSIDE_SQRT")
        return o.add(o.multiply(unit, self._weight(at)), self._bias(at))

    def _weight(self, at: str) -> Node:
        return self._o.constant(self._w[at + ".weight"])

    def _bias(self, at: str) -> Node:
        return self._o.constant(self._w[at + ".bias"])


def _axes(*values: int) -> Any:
    """Return the small int64 array OpenVINO wants for axes, shapes and bounds."""
    return np.array(values, dtype=np.int64)
