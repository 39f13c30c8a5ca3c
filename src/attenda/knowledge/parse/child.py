"""Reads one file in a process of its own: `python -m attenda.knowledge.parse.child`.

It takes one JSON line on stdin, {"path", "name", "deadline"?: CPU seconds, "limits"?: {...}}, and
writes one JSON line per document (see `Parsed.to_json`), then {"done": N}, or a single last line
{"error": code, "detail": sentence}.  A process that ends without a last line was killed: the file
crashed a C library or was too costly for the system's own limits.  `answer.read_answer` is the
other side.  It knows nothing of its parent.
"""

from __future__ import annotations

import importlib.util
import json
import os
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

from attenda.knowledge.parse.blocks import Limits, Parsed, UnreadableFile
from attenda.knowledge.parse.files import parse_file

__all__ = ["main", "restrict"]

_ADDRESS_SPACE = 2 * 1024**3
_CPU_SECONDS = 120.0
_REQUEST_BYTES = 1 << 20


class _Answer:
    """The only way to the real stdout; C libraries and stray prints reach stderr instead."""

    def __init__(self) -> None:
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._closed = False

    def is_file(self) -> bool:
        """Whether the answer goes to a file, which a limit on file sizes would stop."""
        return stat.S_ISREG(os.fstat(self._descriptor).st_mode)

    def line(self, text: str, last: bool = False) -> None:
        """Write one whole line, unless the last one has been written."""
        data = memoryview(text.encode("utf-8") + b"\n")
        with self._lock:
            if self._closed:
                return
            self._closed = last
            while data:
                data = data[os.write(self._descriptor, data) :]

    def error(self, code: str, detail: str) -> None:
        """Write the last line of a failure."""
        self.line(json.dumps({"error": code, "detail": detail}, ensure_ascii=False), last=True)


def main() -> int:
    """Serve one request; the exit status is 0 when the last line says 'done'."""
    sys.dont_write_bytecode = True
    answer = _Answer()
    try:
        request = json.loads(sys.stdin.buffer.readline(_REQUEST_BYTES))
        seconds = max(1.0, float(request.get("deadline") or _CPU_SECONDS))
        restrict(seconds, writes_file=answer.is_file())
        _watch(seconds, answer)
        limits = Limits(**request.get("limits", {}))
        documents = parse_file(Path(request["path"]), str(request["name"]), limits)
        _send(documents, answer)
    except UnreadableFile as error:
        answer.error(error.code, error.detail)
    except MemoryError:
        answer.error("too_large", "Reading the file needs more memory than is allowed.")
    except Exception as error:  # noqa: BLE001
        # A hostile file can make a parser library raise anything at all, and the parent must
        # get a last line that it understands.  This is the only such net in the package.
        answer.error("broken", f"The file cannot be read ({type(error).__name__}).")
    else:
        return 0
    return 1


def _send(documents: list[Parsed], answer: _Answer) -> None:
    for document in documents:
        answer.line(document.to_json())
    answer.line(json.dumps({"done": len(documents)}), last=True)


def restrict(seconds: float, *, writes_file: bool) -> None:
    """Take from this process what a parser does not need."""
    if hasattr(os, "nice"):
        os.nice(10)
    if importlib.util.find_spec("resource") is None:
        return  # Windows: the parent's own deadline is all there is
    import resource

    whole = int(seconds)
    wanted: dict[str, tuple[int, int]] = {
        "RLIMIT_AS": (_ADDRESS_SPACE, _ADDRESS_SPACE),
        # The system's signal comes later than the watch below, whose answer says why.
        "RLIMIT_CPU": (whole + 2, whole + 4),
        "RLIMIT_CORE": (0, 0),
    }
    if not writes_file:
        wanted["RLIMIT_FSIZE"] = (0, 0)
    for name, values in wanted.items():
        _limit(resource, name, values)


def _limit(resource: Any, name: str, values: tuple[int, int]) -> None:
    number = getattr(resource, name, None)
    if number is None:
        return
    try:
        resource.setrlimit(number, values)
    except (ValueError, OSError):  # macOS refuses RLIMIT_AS, and a lower limit may stand already
        print(f"attenda.parse: {name} was not set", file=sys.stderr)


def _watch(seconds: float, answer: _Answer) -> None:
    """End this process with an answer once it has used its CPU time, even within a C library."""

    def run() -> None:
        while time.process_time() < seconds:
            time.sleep(0.2)
        answer.error("too_large", f"Reading the file took longer than {seconds:.0f} s.")
        os._exit(1)

    threading.Thread(target=run, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
