"""Automations on DBOS: a queue that many processes share, each run in one of them at a time.

What DBOS keeps is whose a segment of a run is, and nothing else: an id and a number. Where a run
stands is in our own rows, so its file may be lost. It is told a JSON serializer and made unable to
read or write pickle; it has no telemetry, no console and no log but its errors. It is loaded when
the first run is due.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError
from typing import Any

from attenda.core.errors import AttendaError, OperatorError

__all__ = ["Durable", "keep_on"]

_QUEUE = "attenda"
_VERSION = "1"
"""Of what a segment is, not of the automations: a run's own text hangs on the run, so that one
which waits goes on after any upgrade."""
_AT_ONCE = 8
"""Segments that one process carries out side by side."""
_OVER = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
_MOST_ROWS = 1000

_AGAIN_S = 5.0
_log = logging.getLogger("attenda.automations")

Carry = Callable[[str, int], Awaitable[None]]
"""Carries a run out, as far as it goes in its segment."""

_carrying: "list[Durable]" = []
"""The one that is at work in this process; DBOS knows one alone."""


async def keep_on(look: Callable[[], Awaitable[None]], pause_s: float) -> None:
    """Look again and again, for ever; what goes wrong is logged, and does not end it."""
    while True:
        try:
            await look()
        except AttendaError as problem:
            _log.error("%s", problem)
            await asyncio.sleep(_AGAIN_S)
        except Exception:  # noqa: BLE001 - whatever it was, the other runs go on
            _log.exception("automations are looked after again in %d seconds", _AGAIN_S)
            await asyncio.sleep(_AGAIN_S)
        await asyncio.sleep(pause_s)


class Durable:
    """The queue, while it is open."""

    def __init__(
        self, url: str, process_id: str, carry: Carry, prepare: Callable[[str], None]
    ) -> None:
        """`url` is of a file that DBOS may have to itself, made by `prepare`, or of PostgreSQL."""
        self._url, self._process_id, self._carry = url, process_id, carry
        self._prepare = prepare
        self._dbos: Any = None
        self._segment: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._launching: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is at work."""
        return self._dbos is not None

    async def open(self) -> None:
        """Begin to carry out what is in the queue, and what this process left when it died.

        Raises:
            OperatorError: another installation is at work in this process, or its database cannot
                be opened.
        """
        if _carrying:
            raise OperatorError("automation.one_queue")
        self._loop = asyncio.get_running_loop()
        _carrying.append(self)
        self._launching = asyncio.ensure_future(asyncio.to_thread(self._launch))
        try:
            # Who waits may be called off, but not what goes on: `close` ends that in its turn.
            await asyncio.shield(self._launching)
        except Exception as error:
            _carrying.remove(self)
            told = str(error).strip().partition("\n")[0]
            raise OperatorError("automation.no_queue", problem=told) from error

    def _launch(self) -> None:
        self._prepare(self._url)
        self._dbos, self._segment = _launch(self._url, self._process_id)

    async def enqueue(self, run_id: str, segment: int) -> None:
        """Let a process carry a segment out; the same segment again changes nothing."""
        await asyncio.to_thread(self._enqueue, run_id, segment)

    async def lost(self, segments: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """Those of these segments that nobody will carry out: not in the queue, or over there."""
        if not segments:
            return []
        ids = [_id_of(*one) for one in segments]

        def look() -> set[str]:
            found = self._dbos.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
            return {one.workflow_id for one in found if one.status not in _OVER}

        alive = await asyncio.to_thread(look)
        return [one for one in segments if _id_of(*one) not in alive]

    async def take_over(self, process_id: str) -> None:
        """Put what a dead process was at back into the queue; doing so twice changes nothing."""
        await asyncio.to_thread(self._dbos._recover_pending_workflows, [process_id])

    async def sweep(self) -> int:
        """Forget segments that are over; how many."""

        def forget() -> int:
            found = self._dbos.list_workflows(
                status=sorted(_OVER), limit=_MOST_ROWS, load_input=False, load_output=False
            )
            ids = [one.workflow_id for one in found]
            if ids:
                self._dbos.delete_workflows(ids)
            return len(ids)

        return await asyncio.to_thread(forget)

    async def close(self) -> None:
        """Leave the queue; what is in it stays there."""
        if self._launching is not None:
            await asyncio.wait([self._launching])
        if self._dbos is not None:
            await asyncio.to_thread(self._dbos.destroy, destroy_registry=True)
            self._dbos = None
        if self in _carrying:
            _carrying.remove(self)

    def _enqueue(self, run_id: str, segment: int) -> None:
        from dbos import SetWorkflowID

        with SetWorkflowID(_id_of(run_id, segment)):
            self._dbos.enqueue_workflow(_QUEUE, self._segment, run_id, segment)

    def carry_here(self, run_id: str, segment: int) -> None:
        """Carry a segment out in the installation's own loop; called by DBOS in a thread of its."""
        assert self._loop is not None
        carrying = asyncio.run_coroutine_threadsafe(self._carried(run_id, segment), self._loop)
        try:
            carrying.result()
        except CancelledError as error:
            raise RuntimeError("the installation was closed") from error

    async def _carried(self, run_id: str, segment: int) -> None:
        await self._carry(run_id, segment)


def _id_of(run_id: str, segment: int) -> str:
    return f"{run_id}.{segment}"


def _launch(url: str, process_id: str) -> tuple[Any, Any]:
    """DBOS at work, and the function that its queue calls."""
    from dbos import DBOS
    from dbos._utils import GlobalParams

    _refuse_pickle()
    _be_quiet()
    GlobalParams.dbos_cloud = False  # whatever the environment says, nobody is called
    segment = DBOS.workflow(name="attenda.segment")(_carry_segment)
    DBOS(
        config={
            "name": "attenda",
            "system_database_url": url,
            "dbos_system_schema": "attenda_dbos",
            "serializer": _json_serializer(),
            "application_version": _VERSION,
            "executor_id": process_id,
            "enable_otlp": False,
            "log_level": "ERROR",
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": 1.0,
            "scheduler_polling_interval_sec": 3600.0,
        }
    )
    try:
        DBOS.launch()
        DBOS.register_queue(_QUEUE, worker_concurrency=_AT_ONCE, polling_interval_sec=0.2)
    except BaseException:
        DBOS.destroy(destroy_registry=True)
        raise
    return DBOS, segment


def _carry_segment(run_id: str, segment: int) -> None:
    """What DBOS takes from its queue."""
    if not _carrying:
        raise RuntimeError("no installation is open here")
    _carrying[0].carry_here(str(run_id), int(segment))


def _json_serializer() -> Any:
    from dbos import Serializer

    class Json(Serializer):
        """Values as JSON; an error as its words."""

        def serialize(self, data: Any) -> str:
            if isinstance(data, BaseException):
                data = {"error": f"{type(data).__name__}: {data}"}
            return json.dumps(data)

        def deserialize(self, serialized_data: str) -> Any:
            found = json.loads(serialized_data)
            is_error = isinstance(found, dict) and found.keys() == {"error"}
            return RuntimeError(found["error"]) if is_error else found

        def name(self) -> str:
            return "attenda_json"

    return Json()


def _refuse_pickle() -> None:
    """A row names its own decoder, so that of pickle must not work, whatever is configured."""
    from dbos import _serialization

    def refuse(*_values: object) -> Any:
        raise ValueError("data is never code: this row is written as pickle")

    for name in ("serialize", "deserialize"):
        setattr(_serialization.DefaultSerializer, name, refuse)


def _be_quiet() -> None:
    """Errors go to our own log; nothing is written to the console."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
