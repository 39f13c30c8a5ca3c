"""What is looked at live: as it is first, then each part of it that changes, as server-sent events.

A look follows whenever the bell rings in this process, and every two seconds in any case: another
process may have changed something, or time has.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse

from attenda.core.errors import AttendaError
from attenda.core.principal import Principal
from attenda.runtime.house import House
from attenda.serve.access import OpenStreams
from attenda.serve.gate import credential, house_of, identify
from attenda.store.database import Connection

__all__ = ["Look", "Proof", "watched"]

Look = Callable[[Connection], dict[str, Any]]
"""All that is shown, by part; raises an AttendaError when there is nothing to see any more."""

Proof = tuple[Callable[[Request], str], Callable[[House, str], Awaitable[Principal]]]
"""What a request proves itself with, and who that is."""

_LOOK_S = 2.0
_TOGETHER_S = 0.05
"""Seconds within which changes make one look."""
_SILENCE_S = 15.0


def watched(
    request: Request,
    who: Principal,
    bells: Sequence[str],
    look: Look,
    proving: Proof = (credential, identify),
) -> StreamingResponse:
    """What `look` finds, for as long as `who` may see it and is as before."""
    house, secret = house_of(request), proving[0](request)
    closed = asyncio.Event()

    async def proof() -> None:
        again = await proving[1](house, secret)
        if _rights(again) != _rights(who):
            closed.set()  # comes back with the rights of today
        await house.database.read(look)

    def end() -> None:
        closed.set()
        house.runs.bells.ring(*bells)

    streams: OpenStreams = request.app.state.streams
    frames = streams.while_allowed(_frames(house, bells, look, closed), end, proof)
    return StreamingResponse(frames, media_type="text/event-stream")


def _rights(who: Principal) -> tuple[object, ...]:
    return who.role, who.teams, who.scopes, who.grant


async def _frames(
    house: House, bells: Sequence[str], look: Look, closed: asyncio.Event
) -> AsyncGenerator[bytes, None]:
    told: dict[str, Any] = {}
    silent_s = 0.0
    with house.runs.bells.listen(bells) as rung:
        while not closed.is_set():
            rung.clear()
            try:
                found = await house.database.read(look)
            except AttendaError:
                return
            changed = {key: one for key, one in found.items() if told.get(key, ...) != one}
            told = found
            if changed:
                yield f"data: {json.dumps(changed, ensure_ascii=False)}\n\n".encode()
                silent_s = 0.0
            elif silent_s >= _SILENCE_S:
                yield b": still here\n\n"
                silent_s = 0.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):  # `wait_for` may lose a cancellation
                    await rung.wait()
                await asyncio.sleep(_TOGETHER_S)
            silent_s += _LOOK_S
