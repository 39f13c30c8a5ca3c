"""Commands of `attenda learn` as child processes of low priority: the school's only hands.

A command runs in a folder without files, so that no name in it means a file by chance, and in a
session of its own, so that Ctrl-C in the server's terminal is the server's alone. What it trains
or measures, this file does not know.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from attenda.core.errors import OperatorError, UserError

__all__ = ["begin", "call", "end"]

_NICE = 10
_GRACE_S = 3.0


async def begin(
    home: Path, arguments: Sequence[str], language: str, log: IO[bytes]
) -> asyncio.subprocess.Process:
    """Start `attenda learn …` with its words going to `log`.

    Args:
        home: of the installation.
        arguments: after `learn`.
        language: of the sentences that the command writes.
        log: file of all it says.
    """
    return await _start(home, arguments, language, log, log)


async def call(
    home: Path, arguments: Sequence[str], language: str, timeout_s: float, *, ok: tuple[int, ...]
) -> str:
    """Carry out `attenda learn …` and return what it printed.

    Args:
        home: of the installation.
        arguments: after `learn`.
        language: of the sentences that the command writes.
        timeout_s: seconds after which it is ended.
        ok: exit codes of success.

    Raises:
        OperatorError: it took too long, or this version has no such command.
        UserError: it failed; the sentence is its own.
    """
    pipe = asyncio.subprocess.PIPE
    process = await _start(home, arguments, language, pipe, pipe)
    try:
        async with asyncio.timeout(timeout_s):
            said, complained = await process.communicate()
    except TimeoutError as error:
        raise OperatorError("school.too_slow", seconds=int(timeout_s)) from error
    finally:
        await end(process, grace_s=0.0)
    if process.returncode in ok:
        return said.decode("utf-8", errors="replace")
    told = complained.decode("utf-8", errors="replace")
    if "No such command" in told:
        raise OperatorError("school.no_command", command=arguments[0])
    lines = [line.strip(" │╭╮╰╯─") for line in told.splitlines()]
    problem = next((line for line in reversed(lines) if line), f"exit {process.returncode}")
    raise UserError("school.failed", problem=problem[:600])


async def end(process: asyncio.subprocess.Process, grace_s: float = _GRACE_S) -> None:
    """End a process that may have ended: ask, wait a little, then kill."""
    if process.returncode is None and grace_s:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _start(
    home: Path,
    arguments: Sequence[str],
    language: str,
    out: IO[bytes] | int,
    err: IO[bytes] | int,
) -> asyncio.subprocess.Process:
    desk = _desk(home)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "attenda", "--home", str(desk.parents[1]), "learn", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        cwd=desk,
        env=_environment(language),
        start_new_session=True,
    )
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
    return process


def _desk(home: Path) -> Path:
    """The folder without files that commands run in."""
    desk = home.absolute() / "school" / "desk"
    desk.mkdir(parents=True, exist_ok=True)
    return desk


def _environment(language: str) -> dict[str, str]:
    """Ours, with the language; paths of modules stay valid in another folder."""
    kept = {**os.environ, "ATTENDA_LANGUAGE": language, "NO_COLOR": "1", "PYTHONUTF8": "1"}
    if kept.get("PYTHONPATH"):
        parts = kept["PYTHONPATH"].split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(str(Path(part).absolute()) for part in parts if part)
    return kept
