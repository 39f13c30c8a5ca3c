"""`attenda up`: own the home and serve its pages until a signal."""

import asyncio
import contextlib
import secrets
import signal
from collections.abc import Callable

from attenda.cli.owner import listen_local, listen_tcp, note_address, own, serve_house
from attenda.cli.server import settle
from attenda.core.config import Settings
from attenda.core.errors import OperatorError

__all__ = ["serve"]

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})

_SILENT_S = 4.0


async def serve(
    settings: Settings, ready: Callable[[str, str], None], slow: Callable[[], None]
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the address and the sign-in link.

    `slow` is called once where that takes more than a few seconds, so that nobody sees silence.

    Raises:
        OperatorError: the port is in use, the home has another owner, or the address is open to
            the network without a name that it may be asked for.
    """
    if settings.host not in _LOCAL and not settings.hosts:
        raise OperatorError("owner.open_to_all", host=settings.host)
    listener = listen_tcp(settings.host, settings.port)
    port = listener.getsockname()[1]
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, ending.set)
    waiting = loop.call_later(_SILENT_S, slow)
    with contextlib.closing(listener):
        async with own(settings) as (house, path):
            async with serve_house(house, [listener, listen_local(path)]):
                address = f"http://{settings.host}:{port}"
                note_address(settings.home, address)
                token = secrets.token_urlsafe(32)
                house.entrances.add(token)
                waiting.cancel()
                ready(address, f"{address}/enter?key={token}")
                settle()
                warming = asyncio.create_task(house.models.warm_up(), name="warm up")
                await ending.wait()
                warming.cancel()
                await asyncio.gather(warming, return_exceptions=True)
