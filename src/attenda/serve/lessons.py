"""The runs that this server carries out: begun, stopped and resumed, one at a time.

Each is a child process that outlives a crash of the server; its folder says how it stands. What
other programs began is seen and can be stopped as well.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attenda.core.errors import Conflict
from attenda.serve import school_children, school_files

__all__ = ["GOING", "Lessons"]

GOING = ("starting", "running", "stopping")
"""States of a run that a process has."""

_ASK_AGAIN_S = 0.5
_SAVING_S = 12.0
"""Seconds that runs have to save themselves when the server ends."""


class Lessons:
    """The runs of one home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._turn = asyncio.Lock()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._exit_codes: dict[str, int | None] = {}

    def standing(self, folder: Path, language: str) -> dict[str, Any]:
        """How a run stands, with what only its parent knows: it is starting, or it is stopping."""
        row = school_files.standing(folder, language, self._exit_codes.get(folder.name))
        process = self._processes.get(folder.name)
        if process is not None and school_files.facts_of(folder).get("pid") != process.pid:
            row.update(status="starting", problem="")  # what is noted is from before
        elif process is not None and row["status"] != "running":
            row.update(status="stopping", problem="")  # it has said its last word, not left yet
        if row["status"] in ("running", "starting") and self._is_stopping(folder):
            row["status"] = "stopping"
        return row

    def all(self, language: str) -> list[dict[str, Any]]:
        """Every run of the home, the newest first."""
        return [self.standing(folder, language) for folder in school_files.run_folders(self._home)]

    def is_going(self, folder: Path) -> bool:
        """Whether a process has the run."""
        return self.standing(folder, "en")["status"] in GOING

    async def begin(self, name: str, arguments: Sequence[str], language: str) -> None:
        """Begin a new run by a command.

        Args:
            name: of the run, checked.
            arguments: of `attenda learn`.
            language: of the one who asks.

        Raises:
            Conflict: there is a run of that name, or another one is going.
        """
        folder = self._home / "runs" / name
        async with self._turn:
            if folder.exists():
                raise Conflict("school.name_taken", name=name)
            await self._refuse_second()
            folder.mkdir(parents=True)
            await self._start(folder, arguments, language)

    async def resume(self, folder: Path, language: str) -> None:
        """Go on with a run that was stopped, failed or killed.

        Raises:
            Conflict: it is finished, or a run is going.
        """
        async with self._turn:
            await self._refuse_second()
            if self.standing(folder, language)["status"] == "finished":
                raise Conflict("school.is_finished", name=folder.name)
            await self._start(folder, ["resume", "--", folder.name], language)

    async def stop(self, folder: Path) -> None:
        """Ask a run to save and end.

        Raises:
            Conflict: it isn't going.
        """
        if not await asyncio.to_thread(self.is_going, folder):
            raise Conflict("school.not_going", name=folder.name)
        self._ask(folder)

    async def close(self) -> None:
        """Ask our runs to save and end, wait a while, then end them; a checkpoint stays."""
        for name in list(self._processes):
            self._ask(self._home / "runs" / name)
        if self._processes:
            waiting = [asyncio.ensure_future(one.wait()) for one in self._processes.values()]
            _, left = await asyncio.wait(waiting, timeout=_SAVING_S)
            for one in left:
                one.cancel()
        for process in list(self._processes.values()):
            await school_children.end(process)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refuse_second(self) -> None:
        for folder in await asyncio.to_thread(school_files.run_folders, self._home):
            if await asyncio.to_thread(self.is_going, folder):
                raise Conflict("school.busy", name=folder.name)

    async def _start(self, folder: Path, arguments: Sequence[str], language: str) -> None:
        if asking := self._tasks.pop(f"stop {folder.name}", None):
            asking.cancel()  # it was meant for the run as it went before
        (folder / "stop").unlink(missing_ok=True)
        with (folder / "log.txt").open("ab") as log:
            process = await school_children.begin(self._home, arguments, language, log)
        self._processes[folder.name] = process
        self._exit_codes.pop(folder.name, None)
        self._tasks[folder.name] = asyncio.create_task(self._wait(folder, process))

    async def _wait(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self._exit_codes[folder.name] = await process.wait()
        self._processes.pop(folder.name, None)
        (folder / "stop").unlink(missing_ok=True)

    def _is_stopping(self, folder: Path) -> bool:
        asking = self._tasks.get(f"stop {folder.name}")
        return (folder / "stop").exists() or (asking is not None and not asking.done())

    def _ask(self, folder: Path) -> None:
        if not self._is_stopping(folder):
            key = f"stop {folder.name}"
            self._tasks[key] = asyncio.create_task(self._keep_asking(folder))

    async def _keep_asking(self, folder: Path) -> None:
        """Ask until it has ended: a run that is still beginning forgets what was asked before."""
        while True:
            with contextlib.suppress(OSError):
                (folder / "stop").touch()
            await asyncio.sleep(_ASK_AGAIN_S)
            if await asyncio.to_thread(self._is_over, folder):
                break
        (folder / "stop").unlink(missing_ok=True)

    def _is_over(self, folder: Path) -> bool:
        if folder.name in self._processes:
            return False
        return str(school_files.standing(folder, "en")["status"]) != "running"
