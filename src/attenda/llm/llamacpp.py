"""GGUF in process by llama.cpp (xllamacpp): the engine of every platform but x86-64.

Runs inside a model's child process (`child.py`). The library opens an HTTP server whatever one
does: it gets a Unix socket in a folder that only this user may enter, and counts tokens there.
Each request has a thread, since the library's call blocks until its answer ends. It knows token
ids and prompts as text; messages and templates are the client's.
"""

import fcntl
import http.client
import json
import os
import queue
import shutil
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xllamacpp

from attenda.llm.engine import Answer, Request
from attenda.llm.gguf_header import read_header

__all__ = ["LlamaCppEngine"]

_FOLDER = "attenda-llamacpp-"
_MARK = "@@@@"
"""What no model begins an answer with."""
_SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""White space inside JSON: a small model that may write as much as it likes writes on and on."""
_SPOKE_NOT_S = 1.0
"""Silence after which the library is asked whether it is alive."""
_POLL_S = 0.05
"""How long a step waits, and so a request or a stop at most, while nothing comes."""


@dataclass(slots=True)
class _Generation:
    """One request, waiting or under way."""

    number: int
    body: dict[str, Any]
    prompt_tokens: int
    most_tokens: int
    """Tokens it may come to hold of the shared context."""
    cancelled: bool = False
    last: dict[str, Any] = field(default_factory=dict)
    """The library's last words: why it ended and the usage, or an error."""


class LlamaCppEngine:
    """A llama.cpp server over one GGUF model, asked in process."""

    def __init__(self, path: str, threads: int, context_tokens: int, parallel: int = 8) -> None:
        """Load `path`; twice `context_tokens` is what all requests may hold together."""
        header = read_header(Path(path))
        self._folder, self._lock = _private_folder()
        self._template = header.chat_template
        self._context_tokens = min(context_tokens, header.context_tokens or context_tokens)
        self._shared_tokens = 2 * self._context_tokens
        self._parallel = parallel
        settings = _settings(path, threads, self._shared_tokens, parallel)
        settings.hostnames = [str(self._folder / "s.sock")]  # the ending makes it a Unix socket
        try:
            self._server = xllamacpp.Server(settings)
        except RuntimeError as error:
            kind = header.architecture or "unknown"
            raise ValueError(f"llama.cpp cannot load this file (architecture {kind})") from error
        self._waiting: deque[_Generation] = deque()
        self._running: dict[int, _Generation] = {}
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._heard = time.monotonic()
        self._compiled: set[str] = set()

    def info(self) -> Answer:
        """Engine, library version, context and the file's own chat template."""
        return {
            "engine": f"xllamacpp {version('xllamacpp')}",
            "context_tokens": self._context_tokens,
            "chat_template": self._template,
        }

    def take(self, request: Request) -> list[Answer]:
        """Begin a generation, or count tokens."""
        if request["op"] == "count":
            count = len(self._tokens(request["text"]))
            return [{"id": request["id"], "count": count, "end": True}]
        tokens = self._tokens(request["prompt"])
        room = self._context_tokens - len(tokens)
        if room < 1:
            raise ValueError(f"{len(tokens)} tokens do not fit {self._context_tokens}")
        body = _body(request, tokens, room)
        most = len(tokens) + int(body["max_tokens"])
        self._waiting.append(_Generation(request["id"], body, len(tokens), most))
        self._begin()
        return []

    def cancel(self, number: int) -> None:
        """Stop a generation at its next token or part of the prompt."""
        self._waiting = deque(one for one in self._waiting if one.number != number)
        if number in self._running:
            self._running[number].cancelled = True

    def busy(self) -> bool:
        """Whether any generation runs or waits."""
        return bool(self._running or self._waiting)

    def step(self) -> list[Answer]:
        """Collect what came; a long silence must be explained by the library's main loop."""
        answers: list[Answer] = []
        with suppress(queue.Empty):
            answers.append(self._answers.get(timeout=_POLL_S))
            while True:
                answers.append(self._answers.get_nowait())
        now = time.monotonic()
        if answers:
            self._heard = now
        elif now - self._heard > _SPOKE_NOT_S:
            # Answered between two batches. A loop that hangs holds us here, and our owner,
            # hearing nothing, kills this process.
            self._server.handle_metrics()
            self._heard = time.monotonic()
        return [one for answer in answers for one in self._settle(answer)]

    def _settle(self, answer: Answer) -> list[Answer]:
        """Take an ended request off the list; a stopped one says nothing more."""
        generation = self._running[answer["id"]]
        if "end" in answer or "error" in answer:
            del self._running[generation.number]
            self._begin()
        return [] if generation.cancelled else [answer]

    def _begin(self) -> None:
        """Start who waits, in turn, as long as slots and context last."""
        while self._waiting and len(self._running) < self._parallel:
            held = sum(one.most_tokens for one in self._running.values())
            if held + self._waiting[0].most_tokens > self._shared_tokens:
                return
            generation = self._waiting.popleft()
            self._running[generation.number] = generation
            threading.Thread(target=self._work, args=(generation,), daemon=True).start()

    def _work(self, generation: _Generation) -> None:
        """Run one request to its end, in its own thread."""
        grammar = generation.body.get("grammar", "")
        try:
            if grammar and not self._compiles(grammar):
                generation.last = {"error": {"message": "llama.cpp cannot follow this grammar"}}
            else:
                self._server.handle_completions(generation.body, self._hearer(generation))
        except RuntimeError as error:
            generation.last = {"error": {"message": str(error)}}
        self._answers.put(_ending(generation))

    def _hearer(self, generation: _Generation) -> Callable[[dict[str, Any]], bool]:
        def hear(piece: dict[str, Any]) -> bool:
            """Pass text on; true stops the library. What is raised here would be lost."""
            choices = piece.get("choices") or [{}]
            if "error" in piece or choices[0].get("finish_reason"):
                generation.last = piece
            self._answers.put({"id": generation.number, "text": choices[0].get("text", "")})
            return generation.cancelled

        return hear

    def _compiles(self, grammar: str) -> bool:
        """Whether the library follows `grammar`, tried behind a mark.

        One that does not compile is dropped without a word, and then the mark does not come.
        """
        if grammar in self._compiled:
            return True
        marked = grammar.replace("start: ", f'start: "{_MARK}" ', 1)
        body = {"prompt": "Hello", "max_tokens": 8, "temperature": 0.0, "grammar": marked}
        answer = self._server.handle_completions({**body, "cache_prompt": False})
        text = str((answer.get("choices") or [{}])[0].get("text", ""))
        if text.startswith(_MARK):
            self._compiled.add(grammar)
        return text.startswith(_MARK)

    def _tokens(self, text: str) -> list[int]:
        """The ids of `text`, its control strings read as such."""
        body = json.dumps({"content": text, "add_special": False, "parse_special": True})
        connection = _UnixConnection(self._folder / "s.sock")
        try:
            connection.request("POST", "/tokenize", body, {"Content-Type": "application/json"})
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        except OSError as error:
            raise ValueError(f"the engine's socket failed ({error.strerror})") from error
        finally:
            connection.close()
        if "tokens" not in answer:
            raise ValueError(f"the text could not be read as tokens ({answer.get('error')})")
        return list(answer["tokens"])


def _settings(path: str, threads: int, shared_tokens: int, parallel: int) -> Any:
    settings = xllamacpp.CommonParams()
    settings.model.path = path
    settings.n_ctx = shared_tokens
    settings.kv_unified = True  # whoever needs context takes it; `_begin` keeps the sum in bounds
    settings.n_parallel = parallel + 1  # one for trying a grammar while all the others are taken
    settings.n_batch = 256  # a prompt's part: how soon a stop, or another's token, comes through
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.cache_ram_mib = 256  # prompts whose slot another took; the default is 8 GiB
    settings.n_threads_http = 2
    settings.endpoint_metrics = True
    settings.ui = False
    settings.verbosity = 1  # errors alone
    return settings


def _body(request: Request, tokens: list[int], room: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "prompt": tokens,
        "max_tokens": min(request["max_tokens"], room),
        "temperature": request["temperature"],
        "top_p": request["top_p"],
        "top_k": 0,
        "min_p": 0.0,
        "seed": request["seed"],
        "repeat_penalty": request["repetition_penalty"],
        "repeat_last_n": room + len(tokens),
        "ignore_eos": bool(request.get("ignore_eos", False)),
        "cache_prompt": True,
        "stream": True,
        "return_progress": True,
    }
    if request.get("grammar"):
        body["grammar"] = _grammar(request["grammar"]["kind"], request["grammar"]["text"])
    return body


def _grammar(kind: str, text: str) -> str:
    """The grammar in the language of llguidance, which every xllamacpp is built with."""
    if kind == "json_schema":
        schema = json.loads(text)
        if isinstance(schema, dict):
            schema = {**schema, "x-guidance": _SPACING}
        return f"%llguidance {{}}\nstart: %json {json.dumps(schema)}"
    return f"%llguidance {{}}\nstart: /{_in_slashes(text)}/"


def _in_slashes(pattern: str) -> str:
    """`pattern` between slashes: a bare slash or line's end would close it."""
    pieces: list[str] = []
    escaped = False
    for char in pattern:
        if char in "/\n\r":
            written = {"/": "/", "\n": "n", "\r": "r"}[char]
            pieces.append(written if escaped else f"\\{written}")
        else:
            pieces.append(char)
        escaped = char == "\\" and not escaped
    return "".join(pieces)


def _ending(generation: _Generation) -> Answer:
    """The last answer of a request."""
    last = generation.last
    if "error" in last:
        kind = {"kind": "grammar"} if "grammar" in last["error"]["message"] else {}
        return {"id": generation.number, "error": last["error"]["message"], **kind}
    reason = (last.get("choices") or [{}])[0].get("finish_reason")
    return {
        "id": generation.number,
        "end": True,
        "stop_reason": "length" if reason == "length" else "stop",
        "prompt_tokens": generation.prompt_tokens,
        "answer_tokens": last.get("usage", {}).get("completion_tokens", 0),
    }


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = str(path)

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def _private_folder() -> tuple[Path, int]:
    """A folder that only this user may enter, and the lock that says it is in use.

    This process is always killed and never cleans up, so the next one does: a folder whose lock
    nobody holds is removed.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        with suppress(OSError):
            if left.lstat().st_uid == os.getuid():
                _remove_unless_locked(left)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
    lock = os.open(folder / "new", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "new").rename(folder / "lock")
    return folder, lock


def _remove_unless_locked(folder: Path) -> None:
    lock = os.open(folder / "lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
