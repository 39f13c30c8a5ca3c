"""The file that a backup is: a zip of members, the last of them the manifest with their hashes.

It writes members as they come and reads none whole, so a backup of any size needs little memory.
It knows names, sizes and hashes, not what the members mean.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from sqlalchemy.exc import DBAPIError

from attenda.core.errors import OperatorError, UserError

__all__ = [
    "FORMAT",
    "Manifest",
    "Member",
    "Progress",
    "Reader",
    "Writer",
    "open_backup",
    "scratch_folder",
    "sweep_scratch",
    "sync_folder",
    "told_plainly",
]

FORMAT = 1
"""Raised when an older program could not read what is written."""
_MANIFEST = "manifest.json"
_MANIFEST_LIMIT = 256 << 20
_BLOCK = 1 << 20
_HALF_DONE = ".partial"
_NAMES = re.compile(
    r"attenda\.(db|toml)|tables/[a-z][a-z0-9_]*\.jsonl|files/([0-9a-f]{2})/\2[0-9a-f]{62}"
)
_PACKINGS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What the zip library raises for a file that is damaged in one place or another."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Progress = Callable[[int, int], None]
"""Is told the bytes done and the bytes in all."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file inside a backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says about itself."""

    format: int
    database: Literal["sqlite", "postgresql"]
    revision: str
    created_at: str
    """Time in UTC, ISO 8601."""
    whole: bool
    """Whether the copies of documents are in it; a copy made before a migration has none."""
    members: tuple[Member, ...]
    wanting: tuple[str, ...] = ()
    """Hashes of copies that the home lacked, or had with another content."""

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.members)


class Writer:
    """Puts members into a new zip."""

    def __init__(self, archive: zipfile.ZipFile, advance: Callable[[int], None]) -> None:
        self._archive = archive
        self._advance = advance
        self.members: list[Member] = []

    def put(self, name: str, blocks: Iterator[bytes], *, packed: bool = False) -> Member:
        """Add a member; `packed` squeezes it a little."""
        self._archive.compression = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        digest, size = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as target:
            for block in blocks:
                digest.update(block)
                size += len(block)
                target.write(block)
                self._advance(len(block))
        self.members.append(Member(name, size, digest.hexdigest()))
        return self.members[-1]

    def put_file(self, name: str, path: Path, *, packed: bool = False) -> Member:
        """Add the file at `path`."""
        with path.open("rb") as file:
            return self.put(name, iter(lambda: file.read(_BLOCK), b""), packed=packed)

    def close(self, manifest: Manifest) -> None:
        """Write the manifest, without which the file is no backup."""
        body = json.dumps(asdict(manifest), indent=1).encode()
        self._archive.compression = zipfile.ZIP_DEFLATED
        self._archive.writestr(_MANIFEST, body)


class Reader:
    """Reads a backup, and holds each member against its hash."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._path = path
        self._archive = archive
        self.manifest = manifest

    def blocks(self, member: Member) -> Iterator[bytes]:
        """The content of a member; its last block comes before its hash is told.

        Raises:
            UserError: it is not what was written.
        """
        damaged = UserError("backup.damaged", path=self._path, member=member.name)
        digest, left = hashlib.sha256(), member.size
        try:
            with self._archive.open(member.name) as source:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    left -= len(block)
                    if left < 0:
                        raise damaged
                    yield block
        except _BROKEN as error:
            raise damaged from error
        if left or digest.hexdigest() != member.sha256:
            raise damaged

    def extract(self, member: Member, target: Path) -> None:
        """Write a member's content to `target`, and wait until it is on disk."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for block in self.blocks(member):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())


@contextlib.contextmanager
def open_backup(path: Path) -> Iterator[Reader]:
    """A backup for reading, its manifest checked but not yet its members.

    Raises:
        UserError: there is no file, it is no backup, or only a newer program can read it.
    """
    if not path.is_file():
        raise UserError("file.missing", path=path)
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise UserError("backup.not_one", path=path) from error
    with archive:
        yield Reader(path, archive, _manifest(path, archive))


@contextlib.contextmanager
def scratch_folder(beside: Path, name: str) -> Iterator[Path]:
    """A folder for what is half done, removed at the end; those of dead processes go as well."""
    sweep_scratch(beside, name)
    with tempfile.TemporaryDirectory(
        prefix=f".{name}.", suffix=_HALF_DONE, dir=beside, ignore_cleanup_errors=True
    ) as folder:
        with FileLock(Path(folder) / "lock"):
            yield Path(folder)


def sweep_scratch(beside: Path, names: str) -> None:
    """Remove what dead processes left half done, under `names` (a pattern)."""
    for left in beside.glob(f".{names}.*{_HALF_DONE}"):
        with contextlib.suppress(Timeout), FileLock(left / "lock", timeout=0):
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def told_plainly(place: Path) -> Iterator[None]:
    """Word what the disk and the database refuse, for who runs the machine.

    Raises:
        OperatorError: the disk is full, `place` cannot be written, or the database not read.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OperatorError("backup.disk_full", path=place) from error
        raise OperatorError(
            "backup.unwritable", path=place, problem=error.strerror or error
        ) from error
    except (sqlite3.DatabaseError, DBAPIError) as error:
        problem = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        if "disk is full" in problem or "disk I/O error" in problem:
            raise OperatorError("backup.disk_full", path=place) from error
        raise OperatorError("backup.source_broken", problem=problem) from error


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(_MANIFEST)
        with archive.open(info) as file:
            body = json.loads(file.read(_MANIFEST_LIMIT))
        if int(body["format"]) > FORMAT:
            raise UserError("backup.newer_format", path=path)
        manifest = _as_manifest(body)
    except (*_BROKEN, TypeError) as error:
        raise UserError("backup.not_one", path=path) from error
    names = [member.name for member in manifest.members]
    if sorted([*names, _MANIFEST]) != sorted(archive.namelist()):
        raise UserError("backup.damaged", path=path, member=_MANIFEST)
    if any(info.compress_type not in _PACKINGS for info in archive.infolist()):
        raise UserError("backup.damaged", path=path, member=_MANIFEST)
    if not all(_NAMES.fullmatch(name) for name in names):
        raise UserError("backup.not_one", path=path)
    return manifest


def _as_manifest(body: dict[str, Any]) -> Manifest:
    members = tuple(
        Member(str(one["name"]), int(one["size"]), str(one["sha256"])) for one in body["members"]
    )
    if body["database"] not in ("sqlite", "postgresql"):
        raise ValueError(body["database"])
    return Manifest(
        format=int(body["format"]),
        database=body["database"],
        revision=str(body["revision"]),
        created_at=str(body["created_at"]),
        whole=bool(body["whole"]),
        members=members,
        wanting=tuple(map(str, body["wanting"])),
    )
