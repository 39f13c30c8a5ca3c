"""The child's side: one loaded engine, asked by JSON lines on standard input.

    {"id": 7, "op": "generate", "prompt": …}   → {"id": 7, "text": …} …, {"id": 7, "end": true, …}
    {"id": 8, "op": "count", "text": …}        → {"id": 8, "count": …, "end": true}
    {"id": 9, "op": "embed", "texts": […]}     → {"id": 9, "vectors": base64, "end": true}
    {"id": 7, "op": "cancel"}

The first line out (`"id": 0`) says that the engine is ready and what it is, or why it could not
load. The process ends when its standard input does, so it never outlives its owner.
"""

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, cast

from attenda.llm.engine import Answer, Engine, EngineBroken, Request

__all__ = ["ENGINES", "main"]


def _openvino(settings: dict[str, Any]) -> Engine:
    from attenda.llm.openvino import OpenVinoEngine

    return OpenVinoEngine(**settings)


def _llamacpp(settings: dict[str, Any]) -> Engine:
    # Its threads wait for each other by spinning, and where others want the processors too that
    # makes it five to ten times as slow; read when the library is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    from attenda.llm.llamacpp import LlamaCppEngine

    return LlamaCppEngine(**settings)


def _minilm(settings: dict[str, Any]) -> Engine:
    from attenda.llm.embedder import MiniLMEngine

    return MiniLMEngine(**settings)


ENGINES: dict[str, Callable[[dict[str, Any]], Engine]] = {
    "openvino": _openvino,
    "llamacpp": _llamacpp,
    "minilm": _minilm,
}


def main() -> None:
    """Load the engine named by the arguments and answer until standard input ends."""
    write = _own_stdout()
    # OpenVINO reports its own import unless this package is absent; no variable turns that off.
    cast(dict[str, Any], sys.modules).setdefault("openvino_telemetry", None)
    if hasattr(os, "nice"):
        os.nice(int(os.environ.get("ATTENDA_NICE", "0")))
    try:
        engine = ENGINES[sys.argv[1]](json.loads(sys.argv[2]))
        write({"id": 0, **engine.info()})
    except Exception as error:  # noqa: BLE001 - whatever a library raises, the owner must hear why
        write({"id": 0, "error": _one_line(error)})
        sys.exit(1)
    requests: queue.Queue[Request] = queue.Queue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        _serve(engine, requests, write)


def _serve(engine: Engine, requests: "queue.Queue[Request]", write: Callable[..., None]) -> None:
    """Take what came in (waiting for it when idle), then work one step."""
    waiting = [] if engine.busy() else [requests.get()]
    with contextlib.suppress(queue.Empty):
        while True:
            waiting.append(requests.get_nowait())
    for request in waiting:
        _take(engine, request, write)
    if engine.busy():
        try:
            answers = engine.step()
        except EngineBroken as broken:
            write(*({**answer, "error": _one_line(answer["error"])} for answer in broken.answers))
            os._exit(3)
        write(*(answers or [{"id": -1}]))  # a sign of life when there is nothing to say


def _take(engine: Engine, request: Request, write: Callable[..., None]) -> None:
    if request["op"] == "cancel":
        engine.cancel(request["id"])
        return
    try:
        answers = engine.take(request)
    except (ValueError, RuntimeError) as error:
        write({"id": request["id"], "error": _one_line(error)})
    else:
        write(*answers)


def _one_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


def _listen(requests: "queue.Queue[Request]") -> None:
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(0)


def _own_stdout() -> Callable[..., None]:
    """Keep standard output for answers alone: what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def write(*new: Answer) -> None:
        lines = [json.dumps(answer, ensure_ascii=False) + "\n" for answer in new]
        try:
            answers.write("".join(lines).encode())
            answers.flush()
        except BrokenPipeError:
            os._exit(0)

    return write


if __name__ == "__main__":
    main()
