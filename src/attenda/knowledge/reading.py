"""Asks a low-priority child process to read one file, and stops it at its deadline.

The child has limits on memory, time and output, and is told no secret of this process; a file
that breaks its reader costs that file alone. What comes back is data, taken apart in a thread so
that nothing else waits for it.
"""

import asyncio
import contextlib
import io
import json
import os
import sys
from pathlib import Path

from attenda.core.errors import UserError
from attenda.knowledge.parse import Parsed, UnreadableFile, read_answer
from attenda.knowledge.parse.blocks import Limits
from attenda.knowledge.parse.files import parse_file

__all__ = ["read_file", "read_ours"]

_ANSWER_LIMIT = 512 << 20
"""Bytes that a child may answer with, all documents together."""
_BLOCK = 1 << 20
_PASSED_ON = frozenset(
    {
        "PATH",
        "PYTHONPATH",
        "PYTHONHOME",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
        "TMPDIR",
    }
)
"""Variables of the environment that a reader needs; keys and addresses are not among them."""


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
        limit=_BLOCK,
        env={key: value for key, value in os.environ.items() if key.upper() in _PASSED_ON},
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


async def read_ours(path: Path, name: str) -> list[Parsed]:
    """The same of a file that came with code which runs here: it needs no child to be shut in.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return await asyncio.to_thread(parse_file, path, name, Limits())
    except UnreadableFile as error:
        raise UserError(f"ingest.{error.code}", name=name, detail=error.detail) from error


async def _exchange(process: asyncio.subprocess.Process, request: bytes, name: str) -> list[Parsed]:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(request)
        await process.stdin.drain()
        process.stdin.close()
    answer = bytearray()
    while block := await process.stdout.read(_BLOCK):
        answer += block
        if len(answer) > _ANSWER_LIMIT:
            detail = f"Its text takes more than {_ANSWER_LIMIT >> 20} MB."
            raise UserError("ingest.too_large", name=name, detail=detail)
    try:
        return await asyncio.to_thread(_take_apart, answer)
    except UnreadableFile as error:
        raise UserError(f"ingest.{error.code}", name=name, detail=error.detail) from error


def _take_apart(answer: bytearray) -> list[Parsed]:
    try:
        return read_answer(io.BytesIO(answer))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UnreadableFile("broken", "Its reader gave an answer that makes no sense.") from error
