"""What sets automations off by itself: times of schedules, and files in folders.

A due time or a file's content is the origin of a run, and an origin begins one run: whoever looks
twice, in whichever process, or after the clock was set back, begins nothing twice. Webhooks come
in over HTTP and events from the transactions they happen in; neither is known here.
"""

import fnmatch
import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from attenda.core.label import SYSTEM, Label, Labelled
from attenda.runtime.automation import FolderTrigger, ScheduleTrigger
from attenda.runtime.schedule import read_schedule
from attenda.store import automations
from attenda.store.database import Connection
from attenda.store.people import OWNER_ID
from attenda.store.stamps import Stamps

__all__ = ["begin_due", "begin_for_files", "files_in", "folders_of"]

_log = logging.getLogger("attenda.automations")
_LATE_US = 60_000_000
"""A time that passed longer ago was missed."""
_MOST_MISSED = 100
_MOST_FILES = 1000
_MOST_BYTES = 100_000
"""Of a file's text that a run is told."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file in a folder that is watched."""

    path: Path
    content_hash: str
    text: str | None
    """None where it is no UTF-8 text, or a long one."""
    size: int


def begin_due(connection: Connection, stamps: Stamps) -> list[str]:
    """Begin what schedules are due, and let them be due the next time; ids of new runs."""
    begun: list[str] = []
    now = stamps.now()
    for automation, place, due_at in automations.schedules_due(connection):
        trigger = ScheduleTrigger.model_validate(automation.triggers[place])
        schedule = read_schedule(trigger.schedule, trigger.zone)
        following = schedule.next_after(now)
        assert following is not None
        if due_at > now:
            if following < due_at:  # the clock was set back: what lies between is not left out
                automations.move_due(connection, automation.name, place, due_at, following)
            continue
        if not automations.move_due(connection, automation.name, place, due_at, following):
            continue  # another process has seen to it
        if automation.paused:
            continue
        for at in _to_begin(schedule.all_between(due_at, now, _MOST_MISSED), now, trigger.missed):
            local = datetime.fromtimestamp(at / 1e6, schedule.zone).isoformat()
            utc = datetime.fromtimestamp(at / 1e6, UTC).isoformat()
            given = Labelled(value={"due": local, "due_utc": utc}, label=SYSTEM)
            origin = f"schedule:{place}:{at // 1_000_000}"
            id_, is_new = automations.begin_run(connection, stamps, automation, origin, given)
            begun += [id_] if is_new else []
    return begun


def _to_begin(due: list[int], now: int, missed: str) -> list[int]:
    """Which of the times that passed count."""
    on_time = [at for at in due if at > now - _LATE_US]
    if missed == "all":
        return due
    if missed == "once" and not on_time:
        return due[-1:]
    return on_time


def folders_of(connection: Connection) -> list[tuple[automations.AutomationRow, FolderTrigger]]:
    """Folders that are watched, each with its automation."""
    return [
        (row, FolderTrigger.model_validate(one))
        for row in automations.list_automations(connection)
        if not row.gone and not row.paused
        for one in row.triggers
        if "folder" in one
    ]


def files_in(
    home: Path, trigger: FolderTrigger, known: dict[Path, tuple[int, int]]
) -> Iterator[FoundFile]:
    """Files that are new or changed since they were looked at last; `known` remembers them.

    A file that is still being written shows by its size or time when it is looked at again, so
    one counts once two looks agree.
    """
    folder = home / Path(trigger.folder).expanduser()
    try:
        paths = sorted(path for path in folder.iterdir() if _counts(path, trigger.files))
    except OSError:
        return  # it is not there yet
    for path in paths[:_MOST_FILES]:
        try:
            stat = path.stat()
            seen = stat.st_size, stat.st_mtime_ns
            settled = known.get(path) == seen
            is_done = known.get(path) == (-1, seen[1])
            if settled:
                yield _read(path, stat.st_size)
            if not is_done:
                known[path] = (-1, seen[1]) if settled else seen
        except OSError as error:
            _log.warning("%s can't be read: %s", path, error)


def _counts(path: Path, pattern: str) -> bool:
    hidden = path.name.startswith((".", "~"))
    return path.is_file() and not hidden and fnmatch.fnmatch(path.name, pattern)


def _read(path: Path, size: int) -> FoundFile:
    digest = hashlib.sha256()
    head = b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            head = head if len(head) > _MOST_BYTES else head + block
    text: str | None = None
    if size <= _MOST_BYTES:
        try:
            text = head.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = None
    return FoundFile(path, digest.hexdigest(), text, size)


def begin_for_files(
    connection: Connection,
    stamps: Stamps,
    automation: automations.AutomationRow,
    found: list[FoundFile],
) -> list[str]:
    """Begin a run for each file, unless one was begun for that name with that content."""
    begun: list[str] = []
    label = Label(integrity="untrusted", readers=frozenset({OWNER_ID}))
    for one in found:
        values: dict[str, JsonValue] = {
            "name": one.path.name,
            "path": str(one.path),
            "size": one.size,
            "text": one.text,
        }
        name = hashlib.sha256(str(one.path).encode()).hexdigest()[:16]
        origin = f"folder:{name}:{one.content_hash}"
        given = Labelled(value=values, label=label)
        id_, is_new = automations.begin_run(connection, stamps, automation, origin, given)
        begun += [id_] if is_new else []
    return begun
