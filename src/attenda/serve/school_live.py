"""The school live: what is new of a run or an errand, sent as it comes until that has ended.

While somebody reads, the run's files are looked at twice a second. A look that finds something is
one event, whose id says how far both growing files were read: a stream that is cut anywhere goes
on from there, without a gap and without anything twice.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse

from attenda.core.errors import Denied
from attenda.core.principal import Action
from attenda.serve import school_files
from attenda.serve.access import OpenStreams
from attenda.serve.gate import credential, house_of, identify
from attenda.serve.lessons import GOING

__all__ = ["BEGINNING", "PLACE", "Look", "RunReader", "stream"]

BEGINNING = "0-0"
PLACE = r"^\d{1,15}-\d{1,15}$"
"""How far a reader has come: bytes of the metrics and of the samples."""
_LOOK_S = 0.5
_SILENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found."""

    news: dict[str, Any] | None
    """Nothing where all is as before."""
    ended: bool
    """No other look can find anything."""
    place: str = ""


class RunReader:
    """One reader of one run: each look gives what is new since the last."""

    def __init__(
        self, folder: Path, standing: Callable[[], dict[str, Any]], place: str = BEGINNING
    ) -> None:
        """`standing` tells how the run stands; `place` is that of an earlier look."""
        self._folder = folder
        self._standing = standing
        self._metrics, self._samples = map(int, place.split("-"))
        self._told: dict[str, Any] = {}

    def look(self) -> Look:
        """The run's standing, with its new steps, its new samples and changed facts."""
        row = self._standing()  # first: what it wrote before it ended is then in the files
        ended = row["status"] not in GOING
        row.update(school_files.details(self._folder))
        curve = school_files.curve(self._folder, self._metrics)
        answers, self._samples = school_files.samples(self._folder, self._samples)
        self._metrics = curve["end"]
        place = f"{self._metrics}-{self._samples}"
        told = self._told
        changed = {key: row[key] for key in row if key not in told or told[key] != row[key]}
        self._told = row
        if not (changed or curve["points"] or curve["measured"] or answers):
            return Look(None, ended)
        news = {**changed, "status": row["status"], "curve": curve, "samples": answers}
        return Look({**news, "place": place}, ended, place)


def stream(request: Request, action: Action, look: Callable[[], Look]) -> StreamingResponse:
    """What `look` finds as server-sent events, while the reader may do `action`."""
    house, secret = house_of(request), credential(request)
    closed = asyncio.Event()

    async def proof() -> None:
        if not (await identify(house, secret)).may(action):
            raise Denied("gate.not_allowed")

    streams: OpenStreams = request.app.state.streams
    frames = streams.while_allowed(_frames(look, closed), closed.set, proof)
    return StreamingResponse(frames, media_type="text/event-stream")


async def _frames(look: Callable[[], Look], closed: asyncio.Event) -> AsyncGenerator[bytes, None]:
    """Look until the end; a silent stream shows a sign of life."""
    silent_s = 0.0
    while not closed.is_set():
        found = await asyncio.to_thread(look)
        if found.news is not None:
            name = f"id: {found.place}\n" if found.place else ""
            yield f"{name}data: {json.dumps(found.news, ensure_ascii=False)}\n\n".encode()
            silent_s = 0.0
        elif silent_s >= _SILENCE_S:
            yield b": still here\n\n"
            silent_s = 0.0
        if found.ended:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):  # `wait_for` may lose a cancellation
                await closed.wait()
        silent_s += _LOOK_S
