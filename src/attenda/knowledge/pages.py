"""A page as a picture, and where on it the words of a span stand."""

import asyncio
import contextlib
import json
import sys
import zlib
from pathlib import Path
from typing import Any

from attenda.core.errors import NotFound
from attenda.store.documents import StoredPage

__all__ = ["draw_page", "marks"]

_DEADLINE_S = 30.0
_WIDTH = 1100
_LINE_SLACK = 0.5
"""Share of a word's height by which words of one line may lie apart."""


async def draw_page(path: Path, number: int) -> bytes:
    """Page `number` (from 1) of the PDF at `path` as PNG.

    Raises:
        NotFound: it can't be drawn.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "attenda.knowledge.parse.render",
        str(path),
        str(number),
        str(_WIDTH),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_DEADLINE_S):
            picture, _ = await process.communicate()
    except TimeoutError:
        picture = b""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or not picture:
        raise NotFound("page.not_drawn", number=number)
    return picture


def marks(page: StoredPage, start: int, end: int) -> list[dict[str, float]]:
    """Boxes around the words from `start` to `end`, one a line, as shares of the page's size."""
    words = [
        box for box in json.loads(zlib.decompress(page.boxes)) if box[0] < end and box[1] > start
    ]
    lines: list[list[float]] = []
    for _, _, x0, y0, x1, y1 in words:
        last = lines[-1] if lines else None
        if last is not None and abs(y0 - last[1]) < _LINE_SLACK * (y1 - y0) and x0 >= last[0]:
            last[1], last[2], last[3] = min(y0, last[1]), max(x1, last[2]), max(y1, last[3])
        else:
            lines.append([x0, y0, x1, y1])
    return [_share(page, *line) for line in lines]


def _share(page: StoredPage, x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    return {
        "left": x0 / page.width,
        "top": y0 / page.height,
        "width": (x1 - x0) / page.width,
        "height": (y1 - y0) / page.height,
    }
