"""`attenda backup` and `attenda restore`: a home in one file, and back.

A backup only reads, so it needs no owner and may be taken while one is at work; restoring takes
the home's lock, and refuses while somebody has it.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from attenda.cli.terminal import err, out
from attenda.cli.wiring import prepare_home
from attenda.core.config import Settings
from attenda.core.errors import Conflict
from attenda.core.words import sentence
from attenda.store.archive import Manifest
from attenda.store.archive import Progress as Report
from attenda.store.backup import write_backup
from attenda.store.restore import restore_backup
from attenda.store.stamps import Stamps

__all__ = ["back_up", "bring_back"]


def back_up(settings: Settings, target: Path, language: str, *, as_json: bool) -> None:
    """Write a backup to `target` and say what is in it."""
    with _bar(sentence(language, "backup.progress_write")) as report:
        manifest = write_backup(_url(settings), settings.home, target, Stamps(), report)
    size = target.stat().st_size
    if as_json:
        _print_json(manifest, {"file": str(target), "bytes": size})
        return
    said = sentence(
        language,
        "backup.written",
        path=target,
        mb=f"{size / 1e6:.1f}",
        copies=_copies(manifest),
        revision=manifest.revision,
    )
    out.print(said, markup=False)
    if manifest.wanting:
        warning = sentence(language, "backup.wanting", n=len(manifest.wanting))
        err.print(warning, style="yellow", markup=False)


def bring_back(
    settings: Settings, path: Path, language: str, *, replace: bool, as_json: bool
) -> None:
    """Restore the backup at `path` into the home.

    Raises:
        Conflict: the home has an owner at work.
    """
    home = settings.home
    prepare_home(home)
    with _alone(home), _bar(sentence(language, "backup.progress_restore")) as report:
        done = restore_backup(path, home, _url(settings), Stamps(), report, replace=replace)
    if as_json:
        further = {"set_aside": done.set_aside, "settings_beside": done.settings_beside}
        _print_json(done.manifest, {"file": str(path), "home": str(home), **further})
        return
    made = done.manifest.created_at
    said = [sentence(language, "backup.restored", path=path, created_at=made, home=home)]
    if done.set_aside:
        said.append(sentence(language, "backup.set_aside", place=done.set_aside))
    if done.settings_beside:
        said.append(sentence(language, "backup.settings_beside", place=done.settings_beside))
    for line in said:
        out.print(line, markup=False)


def _url(settings: Settings) -> str:
    return settings.database or f"sqlite:///{settings.home / 'attenda.db'}"


def _copies(manifest: Manifest) -> int:
    return sum(member.name.startswith("files/") for member in manifest.members)


def _print_json(manifest: Manifest, further: dict[str, object]) -> None:
    row = asdict(manifest)
    row["members"] = len(manifest.members)
    row["wanting"] = len(manifest.wanting)
    print(json.dumps({**further, **row, "copies": _copies(manifest)}, ensure_ascii=False, indent=2))


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    lock = FileLock(home / "attenda.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Conflict("backup.in_use", home=home) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Report]:
    """A bar on standard error, gone at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True) as progress:
        task = progress.add_task(title, total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield report
