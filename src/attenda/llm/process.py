"""The client of one model's child process: starts it, asks it, watches it, starts it again.

Requests and answers are JSON lines over the child's standard input and output (`child.py`). A
child that dies fails the requests under way with the reason and is started again by the next
one; a child that says nothing for `hang_s` while it has work is killed and counts as dead. It
knows no engine and no prompt.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from attenda.core.errors import ModelError, OperatorError

__all__ = ["ModelProcess", "available_cpus"]

_LINE_LIMIT = 64 << 20
Answer = dict[str, Any]


def available_cpus() -> int:
    """CPUs this process may really use: the affinity mask, cut by the control group's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            count = min(count, max(1, round(int(quota) / int(period))))
    return max(1, count)


class ModelProcess:
    """One child process, started by its first request."""

    def __init__(
        self,
        engine: str,
        settings: dict[str, Any],
        *,
        name: str,
        nice: int = 0,
        load_s: float = 180.0,
        hang_s: float = 60.0,
    ) -> None:
        """`engine` is a name in `child.ENGINES`; `settings` go to it as they are (JSON)."""
        self.name = name
        self._command = [sys.executable, "-m", "attenda.llm.child", engine, json.dumps(settings)]
        self._nice = nice
        self._load_s = load_s
        self._hang_s = hang_s
        self._starting = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, asyncio.Queue[Answer | ModelError]] = {}
        self._last_id = 0
        self._last_word = 0.0
        self._last_stderr: deque[str] = deque(maxlen=20)
        self._killed_because = ""
        self.info: Answer = {}
        """What the engine said of itself when it was ready."""
        self.starts = 0
        """How often the child was started."""

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.pid if self._child and self._child.returncode is None else None

    async def start(self) -> Answer:
        """Start the child unless it runs; returns what the engine says of itself.

        Raises:
            ModelError: it could not load; its last words are quoted.
        """
        async with self._starting:
            if self.pid is None:
                await self._launch()
            return self.info

    async def ask(self, request: Answer) -> AsyncGenerator[Answer, None]:
        """Send one request; yields its answers up to the one with `"end": true`.

        Closing the iterator early cancels the request in the child.

        Raises:
            ModelError: the child died, hung, or reported a failure.
        """
        await self.start()
        self._last_id += 1
        number = self._last_id
        answers: asyncio.Queue[Answer | ModelError] = asyncio.Queue()
        if not self._waiting:
            self._last_word = asyncio.get_running_loop().time()
        self._waiting[number] = answers
        ended = False
        try:
            await self._send({**request, "id": number})
            while not ended:
                answer = await answers.get()
                if isinstance(answer, ModelError):
                    ended = True
                    raise answer
                ended = bool(answer.get("end"))
                yield answer
        finally:
            self._waiting.pop(number, None)
            if not ended:
                with contextlib.suppress(ModelError):
                    await self._send({"op": "cancel", "id": number})

    async def ask_once(self, request: Answer) -> Answer:
        """Send a request that has one answer, and return it."""
        last: Answer = {}
        async for answer in self.ask(request):
            last = answer
        return last

    async def close(self) -> None:
        """End the child and fail what was under way."""
        self._kill("closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._child is not None:
            await self._child.wait()

    async def _launch(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._killed_because = ""
        self._last_stderr.clear()
        self.starts += 1
        self._child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
            env={**os.environ, "ATTENDA_NICE": str(self._nice)},
            start_new_session=True,  # Ctrl-C in the terminal is the app's to handle
        )
        ready: asyncio.Queue[Answer | ModelError] = asyncio.Queue()
        self._waiting[0] = ready
        reading = asyncio.create_task(self._read(self._child))
        self._tasks = [
            reading,
            asyncio.create_task(self._listen(self._child)),
            asyncio.create_task(self._watch(self._child)),
        ]
        try:
            answer = await asyncio.wait_for(ready.get(), self._load_s)
        except TimeoutError:
            self._kill("load")
            raise ModelError("model.load_slow", name=self.name, seconds=self._load_s) from None
        finally:
            self._waiting.pop(0, None)
        if isinstance(answer, ModelError):
            raise answer
        if "error" in answer:
            self._kill("load")
            raise ModelError("model.load_failed", name=self.name, problem=answer["error"])
        self.info = answer

    async def _send(self, request: Answer) -> None:
        child = self._child
        if child is None or child.stdin is None or self.pid is None:
            raise self._dead()
        try:
            child.stdin.write(json.dumps(request, ensure_ascii=False).encode() + b"\n")
            await child.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise self._dead() from None

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        """Hand each line to who waits for it; the end of the stream is the child's death."""
        assert child.stdout is not None
        loop = asyncio.get_running_loop()
        while line := await child.stdout.readline():
            self._last_word = loop.time()
            answer: Answer = json.loads(line)
            queue = self._waiting.get(int(answer.get("id", -1)))
            if queue is None:
                continue
            if "error" in answer and answer.get("id"):
                queue.put_nowait(_failure(self.name, answer))
            else:
                queue.put_nowait(answer)
        await child.wait()
        for queue in self._waiting.values():
            queue.put_nowait(self._dead())

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        """Keep the child's last words for the error's sentence."""
        assert child.stderr is not None
        while line := await child.stderr.readline():
            self._last_stderr.append(line.decode(errors="replace").strip())

    async def _watch(self, child: asyncio.subprocess.Process) -> None:
        """Kill a child that has work and says nothing."""
        loop = asyncio.get_running_loop()
        while child.returncode is None:
            await asyncio.sleep(min(1.0, self._hang_s / 4))
            working = any(number != 0 for number in self._waiting)
            if working and loop.time() - self._last_word > self._hang_s:
                self._kill("hung")

    def _kill(self, because: str) -> None:
        if self._child is not None and self._child.returncode is None:
            self._killed_because = because
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()

    def _dead(self) -> ModelError:
        if self._killed_because == "hung":
            return ModelError("model.hung", name=self.name, seconds=f"{self._hang_s:g}")
        if self._killed_because == "closed":
            return ModelError("model.closed", name=self.name)
        code = self._child.returncode if self._child else None
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return ModelError("model.died", name=self.name, how=signal.Signals(-code).name)
        last = next((line for line in reversed(self._last_stderr) if line), "")
        how = f"exit code {code}" + (f", {last[:200]}" if last else "")
        return ModelError("model.died", name=self.name, how=how)


def _failure(name: str, answer: Answer) -> ModelError:
    if answer.get("kind") == "grammar":
        return ModelError("model.bad_grammar", problem=answer["error"])
    return ModelError("model.request_failed", name=name, problem=answer["error"])


def require_engine(module: str, requirement: str) -> None:
    """Say plainly that an engine's library is absent.

    Raises:
        OperatorError: `module` cannot be found in this environment.
    """
    import importlib.util

    if importlib.util.find_spec(module) is None:
        raise OperatorError("model.no_engine", module=module, requirement=requirement)
