"""A GGUF model in OpenVINO's own format, made once and kept beside the file.

It loads in less than half the time, and it holds the weights that the file really holds: reading
a GGUF, OpenVINO GenAI 2026.4 rounds the zero point of 4-bit blocks that carry a minimum (Q4_1,
Q4_K) to a whole number between 0 and 15, which shifts weights by up to half a step and more, and
makes one greedy token in five of SmolLM2 another one. A small model's blocks are widened to eight
bits, which the processor multiplies faster; a large one's keep four, with a fraction for a zero.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import openvino_genai as genai
from numpy.typing import NDArray
from openvino import opset13

from attenda.llm.gguf_header import GgufHeader, GgufTensor

__all__ = ["converted", "multiplies_bytes"]

_Q4_1, _Q8_0, _Q4_K = 3, 8, 12
_BLOCK_BYTES = {_Q4_1: 20, _Q4_K: 144}
_FOLDER = "openvino-"
_EDITION = 4
"""Of what is made here; a folder of another edition is made anew."""
_WIDENED_BELOW_BYTES = 256 << 20
"""A larger model waits for memory, not for the processor, and eight bits are twice as many."""
Halves = NDArray[np.float16]
Floats = NDArray[np.float32]


def multiplies_bytes(path: Path, header: GgufHeader) -> bool:
    """Whether the converted model's matrices are of 8 bits throughout."""
    kinds = {tensor.kind for tensor in header.tensors if len(tensor.shape) > 1}
    widened = set(_BLOCK_BYTES) if path.stat().st_size < _WIDENED_BELOW_BYTES else set()
    return kinds <= {_Q8_0, *widened}


@contextmanager
def converted(path: Path, header: GgufHeader) -> Iterator[Path]:
    """The folder of the converted model and its tokenizer; valid inside the block.

    Made on first use, and kept where the file's folder can be written.

    Raises:
        RuntimeError: OpenVINO cannot read the file.
    """
    facts = path.stat()
    version = genai.get_version().partition("-")[0]
    kept = path.parent / f"{_FOLDER}{version}-{_EDITION}-{facts.st_size}-{facts.st_mtime_ns}"
    if not kept.is_dir():
        parent = path.parent if os.access(path.parent, os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=parent, prefix=f".{_FOLDER}") as scratch:
            made = _convert(path, header, Path(scratch))
            if parent is None:
                yield made
                return
            _keep(made, kept)
    yield kept


def _keep(made: Path, kept: Path) -> None:
    """Move the finished folder into place; another process may have been faster."""
    for old in kept.parent.glob(f"{_FOLDER}*"):
        if old != kept:
            shutil.rmtree(old, ignore_errors=True)
    with suppress(OSError):
        os.replace(made, kept)


def _convert(path: Path, header: GgufHeader, scratch: Path) -> Path:
    """Have the library save what it reads, which it does beside the file it is given."""
    read, made = scratch / "read", scratch / "made"
    read.mkdir()
    made.mkdir()
    gguf = read / "model.gguf"
    gguf.symlink_to(path.resolve())
    genai.Tokenizer(gguf, enable_save_ov_model=True)
    schedule = genai.SchedulerConfig()
    schedule.num_kv_blocks = 1
    genai.ContinuousBatchingPipeline(gguf, schedule, "CPU", {"enable_save_ov_model": True})
    model = openvino.Core().read_model(read / "openvino_model.xml")
    _correct(model, _minima(path, header), widen=multiplies_bytes(path, header))
    openvino.save_model(model, made / "openvino_model.xml", compress_to_fp16=False)
    # Half a character must show as such, or the text of a token that ends in one is lost.
    detokenizer = read / "openvino_detokenizer.xml"
    mended = detokenizer.read_text("utf-8").replace('replace_mode="false"', 'replace_mode="true"')
    detokenizer.write_text(mended, "utf-8")
    for part in read.glob("openvino_*tokenizer.*"):
        part.rename(made / part.name)
    return made


def _minima(path: Path, header: GgufHeader) -> dict[bytes, Floats]:
    """The minima of each row of 4-bit blocks, by the bytes of the row's scales."""
    found: dict[bytes, Floats] = {}
    for tensor in header.tensors:
        if tensor.kind in _BLOCK_BYTES:
            scales, minima = _scales_and_minima(path, tensor)
            found.update((row.tobytes(), least) for row, least in zip(scales, minima, strict=True))
    return found


def _scales_and_minima(path: Path, tensor: GgufTensor) -> tuple[Halves, Floats]:
    """The scale and the minimum of each block of 32, one row of blocks for a row of weights."""
    size = _BLOCK_BYTES[tensor.kind]
    rows = int(np.prod(tensor.shape[:-1]))
    count = rows * tensor.shape[-1] // (32 if tensor.kind == _Q4_1 else 256)
    raw = np.fromfile(path, np.uint8, count * size, offset=tensor.start).reshape(count, size)
    pair = raw[:, :4].copy().view(np.float16)
    if tensor.kind == _Q4_1:
        return pair[:, 0].reshape(rows, -1), pair[:, 1].astype(np.float32).reshape(rows, -1)
    low, high, mixed = raw[:, 4:8], raw[:, 8:12], raw[:, 12:16]  # six bits each, packed
    of_scale = np.concatenate([low & 63, (mixed & 15) | (low >> 6) << 4], axis=1)
    of_minimum = np.concatenate([high & 63, (mixed >> 4) | (high >> 6) << 4], axis=1)
    wide = pair.astype(np.float32)
    scales = (wide[:, :1] * of_scale).astype(np.float16)
    minima = -wide[:, 1:] * of_minimum
    return scales.reshape(rows, -1), minima.reshape(rows, -1)


def _correct(model: Any, minima: dict[bytes, Floats], *, widen: bool) -> None:
    """Put the file's minima in; rows are known by their scales, in whatever order."""
    for node in model.get_ordered_ops():
        if not _takes_off_four_bits(node):
            continue
        multiply = next(iter(node.output(0).get_target_inputs())).get_node()
        scale = multiply.input_value(1).get_node().get_data().astype(np.float16)
        rows = [minima.get(row.tobytes()) for row in scale.reshape(len(scale), -1)]
        known = [row for row in rows if row is not None]
        if not known:
            continue  # blocks without a minimum (Q4_0): their zero point is 8, and whole
        if len(known) < len(rows):
            raise RuntimeError("the weights that OpenVINO read are not those of the file")
        least = np.stack(known).reshape(scale.shape)
        if widen:
            _widen(node, multiply, scale, least)
        else:
            zeros = opset13.constant(_divide(-least, scale).clip(-6e4, 6e4).astype(np.float16))
            node.input(1).replace_source_output(zeros.output(0))


def _widen(subtract: Any, multiply: Any, scale: Halves, least: Floats) -> None:
    """Eight bits instead of four, from each block's least to its greatest weight."""
    convert, zero_convert = (subtract.input_value(place).get_node() for place in (0, 1))
    packed = convert.input_value(0).get_node().get_data().view(np.uint8).reshape(-1)
    fours = np.stack([packed & 15, packed >> 4], axis=1).reshape(*scale.shape[:2], -1)
    step = scale.astype(np.float32)
    low, high = np.minimum(least, 0), np.maximum(least + 15 * step, 0)
    wide = ((high - low) / 255).astype(np.float16)
    zero = np.rint(_divide(-low, wide)).clip(0, 255)
    eights = (np.rint(_divide(fours * step + least, wide)) + zero).clip(0, 255)
    for place, values in ((convert, eights), (zero_convert, zero)):
        constant = opset13.constant(values.astype(np.uint8))
        place.input(0).replace_source_output(constant.output(0))
    multiply.input(1).replace_source_output(opset13.constant(wide).output(0))


def _divide(dividend: Floats, divisor: Halves) -> Floats:
    """Nothing divided by nothing is nothing here: a block of zeros has the scale 0."""
    wide = divisor.astype(np.float32)
    return np.divide(dividend, wide, out=np.zeros_like(dividend), where=wide != 0)


def _takes_off_four_bits(node: Any) -> bool:
    """Whether `node` takes a 4-bit zero point off some weights."""
    if node.get_type_name() != "Subtract":
        return False
    convert = node.input_value(1).get_node()
    if convert.get_type_name() != "Convert":
        return False
    return bool(convert.get_input_element_type(0) == openvino.Type.u4)
