"""`attenda ask`: one question, its answer as it comes, its citations below."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from attenda.cli.client import events, request
from attenda.cli.documents import add_paths
from attenda.cli.invocation import language
from attenda.cli.terminal import err
from attenda.core.words import sentence

__all__ = ["ask_once", "answer"]


async def ask_once(
    client: httpx.AsyncClient,
    question: str,
    files: Sequence[Path],
    *,
    go_on: bool,
    as_json: bool,
    model: str = "",
) -> int:
    """Ask in a new session, or in the last one; returns the exit code."""
    if files:
        code = await add_paths(client, files, "Library", as_json=False, quiet=True)
        if code:
            return code
    session_id = await _session(client, go_on=go_on)
    result = await answer(client, session_id, question, show=not as_json, model=model)
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
    return 0 if result["status"] == "done" else 1


async def answer(
    client: httpx.AsyncClient,
    session_id: str,
    question: str,
    *,
    show: bool,
    model: str = "",
) -> dict[str, Any]:
    """Ask, follow the answer (printing it when `show`), and return it as data."""
    path = f"/api/sessions/{session_id}"
    started = await request(
        client, "POST", f"{path}/messages", json={"text": question, "model": model}
    )
    stopping = asyncio.create_task(_stop_on_interrupt(client, path))
    result: dict[str, Any] = {
        "answer": "",
        "citations": [],
        "searched": False,
        "model": "",
        "usage": {},
        "session": session_id,
        "status": "failed",
    }
    try:
        async for event in events(client, f"{path}/events?after={started['after']}"):
            _take(result, event, show=show)
    finally:
        stopping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopping
    if show:
        _print_end(result)
    return result


def _take(result: dict[str, Any], event: dict[str, Any], *, show: bool) -> None:
    kind = event["type"]
    if kind == "run.started":
        result["model"] = event["model"]
    elif kind == "text":
        fresh = event["text"][max(0, len(result["answer"]) - event["at"]) :]
        result["answer"] += fresh
        if show:
            sys.stdout.write(fresh)
            sys.stdout.flush()
    elif kind == "searched":
        result["searched"] = True
    elif kind == "cited":
        cited = event["citation"]
        result["citations"].append(
            {name: cited[name] for name in ("n", "document", "page", "start", "end", "quote")}
        )
    elif kind == "nearest":
        result["nearest"] = [
            {name: one[name] for name in ("document", "page", "start", "end", "text")}
            for one in event["passages"]
        ]
    elif kind == "run.finished":
        result["status"] = event["reason"]
        result["usage"] = event["usage"]
        if event["error_key"]:
            result["error"] = sentence("en", event["error_key"], **event["error_values"])


def _print_end(result: dict[str, Any]) -> None:
    sys.stdout.write("\n")
    sys.stdout.flush()
    for cited in result["citations"]:
        page = f", p. {cited['page']}" if cited["page"] else ""
        quote = " ".join(cited["quote"].split())
        err.print(
            f"  [{cited['n']}] {cited['document']}{page}: “{quote[:160]}”",
            markup=False,
            style="dim",
        )
    for one in result.get("nearest", []):
        err.print(
            f"  – {one['document']}: “{' '.join(one['text'].split())[:120]}…”",
            markup=False,
            style="dim",
        )
    if not result["searched"] and result["usage"].get("answer_tokens"):
        err.print(sentence(language(), "ask.by_itself"), markup=False, style="dim")
    if result["status"] == "failed":
        err.print(result.get("error", ""), style="red", markup=False)


async def _session(client: httpx.AsyncClient, *, go_on: bool) -> str:
    if go_on:
        known = await request(client, "GET", "/api/sessions")
        if known:
            return str(max(known, key=lambda one: int(one["updated_at"]))["id"])
    return str((await request(client, "POST", "/api/sessions"))["id"])


async def _stop_on_interrupt(client: httpx.AsyncClient, path: str) -> None:
    """On Ctrl-C, stop the run; what was written stays."""
    pressed = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, pressed.set)
    try:
        await pressed.wait()
        await request(client, "POST", f"{path}/stop")
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
