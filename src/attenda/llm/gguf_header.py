"""The header of a GGUF file: what the model is, and whether the file is whole.

An engine that is handed a torn file may crash instead of saying so; this is read first. It knows
the file format, versions 2 and 3 in little-endian order, and no tensor's values.
"""

import math
import mmap
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["GgufHeader", "GgufTensor", "read_header"]

_STRING, _ARRAY = 8, 9
_SCALARS = {
    **{0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?"},
    **{10: "<Q", 11: "<q", 12: "<d"},
}
_BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210)},
    **{20: (32, 18), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 30: (1, 2)},
}
"""Weights in a block and its bytes, by tensor type; of other types only the start is checked."""
_MOST_DIMENSIONS = 4


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """Where one tensor lies in the file."""

    name: str
    kind: int
    """Its type's number."""
    shape: tuple[int, ...]
    """Longest in memory last, as NumPy has it."""
    start: int
    """Its first byte, counted from the start of the file."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says of itself."""

    architecture: str
    context_tokens: int
    """Tokens the model was made to read; 0 when the file does not say."""
    chat_template: str
    tensors: tuple[GgufTensor, ...]
    template_name: str = ""
    """Of our listed template, where Attenda wrote the file."""
    template_sha256: str = ""
    """Hash of that template as the model learned with it."""
    people: tuple[str, ...] = ()
    """Marks of those whose conversations it learned from (`core/provenance.py`)."""


def read_header(path: Path) -> GgufHeader:
    """Read and check the header of the file at `path`.

    Raises:
        ValueError: no such file, not a GGUF file, or a torn one; one line says which.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _parse(_Cursor(data), path.name)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read ({error.strerror})") from error
    except (struct.error, ValueError) as error:
        what = str(error) if str(error).startswith(path.name) else f"{path.name} is cut off"
        raise ValueError(what) from error


def _parse(cursor: "_Cursor", name: str) -> GgufHeader:
    if cursor.take(4) != b"GGUF":
        raise ValueError(f"{name} is not a GGUF file")
    version = cursor.number("<I")
    if version not in (2, 3):
        raise ValueError(f"{name} has the GGUF version {version}, and 2 or 3 is read")
    tensors: int = cursor.number("<Q")
    pairs: int = cursor.number("<Q")
    fields: dict[str, Any] = {}
    for _ in range(pairs):
        key = cursor.text()
        fields[key] = cursor.value(cursor.number("<I"))
    described = [_tensor(cursor, name) for _ in range(tensors)]
    alignment = int(fields.get("general.alignment", 32)) or 1
    start = -(-cursor.place // alignment) * alignment
    end = start + max((tensor.start + _byte_size(tensor) for tensor in described), default=0)
    if end > cursor.size:
        raise ValueError(f"{name} is cut off: {cursor.size:,} of {end:,} bytes are there")
    architecture = str(fields.get("general.architecture", ""))
    return GgufHeader(
        architecture=architecture,
        context_tokens=int(fields.get(f"{architecture}.context_length", 0)),
        chat_template=str(fields.get("tokenizer.chat_template", "")),
        template_name=str(fields.get("attenda.template.name", "")),
        template_sha256=str(fields.get("attenda.template.sha256", "")),
        people=tuple(filter(None, str(fields.get("attenda.people", "")).split(","))),
        tensors=tuple(replace(tensor, start=start + tensor.start) for tensor in described),
    )


def _tensor(cursor: "_Cursor", name: str) -> GgufTensor:
    """The next tensor's description, its start counted from where the tensors begin."""
    title = cursor.text()
    dimensions = cursor.number("<I")
    if dimensions > _MOST_DIMENSIONS:
        raise ValueError(f"{name} has a tensor of {dimensions} dimensions")
    shape = tuple(int(cursor.number("<Q")) for _ in range(dimensions))[::-1]
    return GgufTensor(title, cursor.number("<I"), shape, cursor.number("<Q"))


def _byte_size(tensor: GgufTensor) -> int:
    weights, size = _BLOCKS.get(tensor.kind, (1, 0))
    return math.prod(tensor.shape) // weights * size


class _Cursor:
    """Reads forward; past the end is an error, whatever length the file claims."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.size = len(data)
        self.place = 0

    def take(self, count: int) -> bytes:
        if count > self.size - self.place:
            raise struct.error("past the end")
        self.place += count
        return self._data[self.place - count : self.place]

    def number(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self._data, self.place)
        self.place += struct.calcsize(form)
        return value

    def text(self) -> str:
        return self.take(self.number("<Q")).decode(errors="replace")

    def value(self, kind: int) -> Any:
        """The value of a field; an array is passed over."""
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            return self.number(_form(kind))
        inner, count = self.number("<I"), self.number("<Q")
        if inner in _SCALARS:
            self.take(struct.calcsize(_SCALARS[inner]) * count)
            return None
        for _ in range(count):
            self.take(self.number("<Q")) if inner == _STRING else self.value(inner)
        return None


def _form(kind: int) -> str:
    if kind not in _SCALARS:
        raise struct.error(f"unknown field type {kind}")
    return _SCALARS[kind]
