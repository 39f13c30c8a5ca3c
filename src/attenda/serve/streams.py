"""Server-sent events: a run's log as a stream that can be cut and resumed anywhere.

Only stored events carry an `id:`; a client that reconnects sends the last one it saw. Words that
come within 30 ms leave as one piece, and a silent stream shows a sign of life every 15 seconds.
"""

import asyncio
import json
from collections.abc import AsyncIterator

from attenda.core.event import RunFinished, TextAdded
from attenda.core.words import sentence
from attenda.runtime.live import Heard

__all__ = ["event_stream"]

_MERGE_S = 0.03
_SILENCE_S = 15.0


async def event_stream(heard: AsyncIterator[Heard], language: str) -> AsyncIterator[bytes]:
    """The bytes of a stream, event by event; a failure is worded in `language`."""
    queue: asyncio.Queue[Heard | None] = asyncio.Queue()

    async def pump() -> None:
        try:
            async for one in heard:
                queue.put_nowait(one)
        finally:
            queue.put_nowait(None)

    pumping = asyncio.create_task(pump())
    try:
        while True:
            try:
                first = await asyncio.wait_for(queue.get(), _SILENCE_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if first is None:
                break
            pieces, ended = await _together(first, queue)
            yield b"".join(_frame(one, language) for one in pieces)
            if ended:
                break
        if pumping.done() and not pumping.cancelled() and pumping.exception():
            raise pumping.exception()  # type: ignore[misc]
    finally:
        pumping.cancel()


async def _together(first: Heard, queue: "asyncio.Queue[Heard | None]") -> tuple[list[Heard], bool]:
    """`first` with what follows at once, neighbouring words joined; whether the stream ended."""
    pieces = [first]
    if isinstance(first.event, TextAdded) and first.event.at > 0:
        await asyncio.sleep(_MERGE_S)
    while not queue.empty():
        one = queue.get_nowait()
        if one is None:
            return _joined(pieces), True
        pieces.append(one)
    return _joined(pieces), False


def _joined(pieces: list[Heard]) -> list[Heard]:
    joined: list[Heard] = []
    for one in pieces:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.number is None
            and isinstance(last.event, TextAdded)
            and isinstance(one.event, TextAdded)
            and one.event.at == last.event.at + len(last.event.text)
        ):
            text = last.event.text + one.event.text
            joined[-1] = Heard(TextAdded(at=last.event.at, text=text), one.number)
        else:
            joined.append(one)
    return joined


def _frame(heard: Heard, language: str) -> bytes:
    number = f"id: {heard.number}\n" if heard.number is not None else ""
    event = heard.event
    if isinstance(event, RunFinished) and event.error_key:
        message = sentence(language, event.error_key, **event.error_values)
        body = json.dumps({**event.model_dump(), "error_message": message}, ensure_ascii=False)
    else:
        body = event.model_dump_json()
    return f"{number}data: {body}\n\n".encode()
