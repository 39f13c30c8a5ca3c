"""Server-sent events: a run's log as a stream that can be cut and resumed anywhere.

An `id:` says up to which stored event all was sent; a client that reconnects sends the last one
it saw. A word leaves at once, and those that come within the next 30 ms leave together; a silent
stream shows a sign of life every 15 seconds.
"""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from attenda.core.event import RunFinished, TextAdded
from attenda.core.words import sentence
from attenda.runtime.follower import Follower
from attenda.runtime.live import Heard

__all__ = ["event_stream"]

_MERGE_S = 0.03
_SILENCE_S = 15.0


def _body(heard: Heard, language: str) -> str | None:
    event = heard.event
    if isinstance(event, TextAdded):  # nearly all there is: spelled by hand, since it is hot
        return f'{{"type":"text","at":{event.at},"text":{json.dumps(event.text)}}}'
    if isinstance(event, RunFinished) and event.error_key:
        message = sentence(language, event.error_key, **event.error_values)
        return json.dumps({**event.model_dump(), "error_message": message}, ensure_ascii=False)
    return event.model_dump_json()


async def event_stream(
    follower: Follower, language: str, body: Callable[[Heard, str], str | None] = _body
) -> AsyncGenerator[bytes, None]:
    """The bytes of a stream, batch by batch; a failure is worded in `language`.

    `body` gives an event as JSON, or nothing for one that is not told.
    """
    said = follower.last
    async with aclosing(follower.batches(_MERGE_S, _SILENCE_S)) as batches:
        async for batch in batches:
            told = [found for one in batch if (found := body(one, language)) is not None]
            frames = [f"data: {found}\n\n" for found in told] or [": still here\n\n"]
            if follower.last > said:  # whoever has read this far can resume from there
                said = follower.last
                frames[-1] = f"id: {said}\n{frames[-1]}"
            yield "".join(frames).encode()
