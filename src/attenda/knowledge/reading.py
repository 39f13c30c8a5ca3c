"""Asks a low-priority child process to read one file, and stops it at its deadline.

The child has limits on memory and time and no way to the database; a file that breaks its reader
costs that file alone. What comes back is data.
"""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from attenda.core.errors import UserError
from attenda.knowledge.parse import Parsed, UnreadableFile, read_answer

__all__ = ["read_file"]

_LINE_LIMIT = 512 << 20


async def read_file(path: Path, name: str, deadline_s: float) -> list[Parsed]:
    """The documents in the file at `path`, called `name`.

    Raises:
        UserError: it cannot be read; the sentence says why and what to do.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "attenda.knowledge.parse.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LINE_LIMIT,
    )
    request = {"path": str(path), "name": name, "deadline": deadline_s}
    try:
        async with asyncio.timeout(deadline_s):
            return await _exchange(process, json.dumps(request).encode() + b"\n", name)
    except TimeoutError:
        raise UserError("ingest.too_slow", name=name, seconds=f"{deadline_s:g}") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def _exchange(process: asyncio.subprocess.Process, request: bytes, name: str) -> list[Parsed]:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(request)
        await process.stdin.drain()
        process.stdin.close()
    lines: list[bytes] = []
    while line := await process.stdout.readline():
        lines.append(line)
    try:
        return await asyncio.to_thread(read_answer, lines)
    except UnreadableFile as error:
        raise UserError(f"ingest.{error.code}", name=name, detail=error.detail) from error
