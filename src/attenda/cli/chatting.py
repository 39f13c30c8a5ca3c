"""`attenda chat`: a conversation in the terminal, over ssh too; from a pipe, a line a turn.

A line that begins with `/` is for the terminal: /new, /add FILE, /sources, /again, /help, /quit.
"""

import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory

from attenda.cli.asking import answer
from attenda.cli.client import request
from attenda.cli.documents import add_paths
from attenda.cli.terminal import err
from attenda.core.errors import AttendaError

__all__ = ["chat"]

_HELP = "/new starts over · /add FILE adds a document · /sources · /quit"


async def chat(client: httpx.AsyncClient, home: Path, model: str, *, go_on: bool) -> int:
    """Talk until the input ends; the exit code is 1 if the last answer failed."""
    session_id = await _session(client, go_on=go_on)
    last: dict[str, Any] = {"status": "done", "citations": []}
    interactive = sys.stdin.isatty()
    if interactive:
        err.print(_HELP, style="dim", markup=False)
    async for line in _lines(home, interactive=interactive):
        word, _, rest = line.partition(" ")
        if word == "/quit":
            break
        try:
            if word == "/new":
                session_id = await _session(client, go_on=False)
            elif word == "/add":
                await add_paths(client, [_path(rest)], "Library", as_json=False)
            elif word == "/sources":
                _print_sources(last)
            elif word.startswith("/"):
                err.print(_HELP, style="dim", markup=False)
            else:
                last = await answer(client, session_id, line, show=True, model=model)
        except AttendaError as error:
            err.print(str(error), style="red", markup=False)
            last = {"status": "failed", "citations": []}
    return 0 if last["status"] in ("done", "stopped") else 1


async def _session(client: httpx.AsyncClient, *, go_on: bool) -> str:
    known = await request(client, "GET", "/api/sessions") if go_on else []
    if known:
        return str(max(known, key=lambda one: int(one["updated_at"]))["id"])
    return str((await request(client, "POST", "/api/sessions"))["id"])


async def _lines(home: Path, *, interactive: bool) -> AsyncIterator[str]:
    """What the person types, empty lines left out, until the end of input."""
    if not interactive:
        for line in sys.stdin:
            if line.strip():
                yield line.strip()
        return
    prompt: PromptSession[str] = PromptSession(history=FileHistory(str(home / "chat.history")))
    while True:
        try:
            line = await prompt.prompt_async("› ")
        except (EOFError, KeyboardInterrupt):
            return
        if line.strip():
            yield line.strip()


def _path(typed: str) -> Path:
    return Path(typed.strip()).expanduser()


def _print_sources(last: dict[str, Any]) -> None:
    for cited in last["citations"]:
        with contextlib.suppress(KeyError):
            err.print(f"[{cited['n']}] {cited['document']}", style="bold", markup=False)
            err.print(f"    {cited['quote']}", markup=False)
    if not last["citations"]:
        err.print("The last answer has no sources.", style="dim")
