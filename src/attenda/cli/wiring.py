"""Builds an installation: the only place where rooms meet."""

import contextlib
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attenda.core.config import Settings
from attenda.core.errors import OperatorError
from attenda.runtime.house import House

if TYPE_CHECKING:
    import asyncio

    from attenda.core.ports import Embedder
    from attenda.dialogue.book import FlowBook
    from attenda.knowledge.ingest import Ingester
    from attenda.knowledge.search import Searcher
    from attenda.llm.loaded import LoadedModels
    from attenda.runtime.automations import Automations
    from attenda.runtime.pack import OpenPack, Pack, Understand
    from attenda.runtime.turn import Runs
    from attenda.store.database import Database
    from attenda.store.stamps import Stamps
    from attenda.tools.mcp import Servers

__all__ = ["by_examples", "open_house", "prepare_home"]

_log = logging.getLogger("attenda.cli")


def prepare_home(home: Path) -> str:
    """Make the home folder, and the local owner's key in it; returns the key.

    Raises:
        OperatorError: the folder cannot be made or written.
    """
    return _key(home, "owner.key")


def _key(home: Path, name: str) -> str:
    """A key of the home, made when it is asked for first."""
    key_file = home / name
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = key_file.read_text().strip() if key_file.exists() else ""
        return key or _make_key(key_file)
    except OSError as error:
        raise OperatorError("store.unwritable", path=home, problem=error.strerror) from error


def _make_key(key_file: Path) -> str:
    """Write a key under another name first: no process ever reads half a key, or none.

    An empty file is what a full disk once left; nobody holds its key, so it is replaced.
    """
    scratch = key_file.with_name(f".{key_file.stem}-{secrets.token_hex(8)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        if key_file.exists():
            os.replace(scratch, key_file)
        else:
            with contextlib.suppress(FileExistsError):  # another process was quicker
                os.link(scratch, key_file)
    finally:
        scratch.unlink(missing_ok=True)
    return key_file.read_text().strip()


@contextlib.asynccontextmanager
async def open_house(
    settings: Settings,
    models: "LoadedModels | None" = None,
    stamps: "Stamps | None" = None,
    packs: "Sequence[Pack] | None" = None,
    understanding: "Callable[[FlowBook], Awaitable[Understand]] | None" = None,
    passing: "Callable[[str], None]" = lambda point: None,
    *,
    automatic: bool = True,
) -> AsyncIterator[House]:
    """The installation in `settings.home`, its worker running; closed in order at the end.

    The rest replaces what is the home's own: weights, the clock and the source of ids, packs, and
    how people are understood; `passing` is told of points that a crash test ends the process at.
    Without `automatic` no automation is carried out, and no silence is broken.

    Raises:
        OperatorError: the database cannot be opened, or is newer than the code.
    """
    import asyncio
    from functools import partial

    from attenda.knowledge.search import Searcher
    from attenda.runtime.answering import Answering
    from attenda.runtime.pack import open_pack
    from attenda.runtime.turn import Runs
    from attenda.store import automations, people
    from attenda.store.database import open_database
    from attenda.store.stamps import Stamps
    from attenda.store.upgrade import upgrade_database

    home = settings.home
    owner_key = prepare_home(home)
    database = open_database(
        settings.database or f"sqlite:///{home / 'attenda.db'}", mapped=automatic
    )
    await upgrade_database(database)
    stamps = stamps or Stamps()
    models = _with_endpoints(settings, models)
    queries, documents = models.embedder(), models.embedder(nice=10)
    ingester = _ingester(settings, database, stamps, documents)
    searcher = Searcher(database, queries)
    opened: dict[str, OpenPack] = {}
    answering = Answering(database, searcher, queries)
    runs = Runs(database, stamps, answering, models.chat, opened, passing, settings.answers_at_once)
    await runs.recover()
    await database.write(lambda c: people.ensure_owner(c, stamps))
    opening = partial(
        open_pack,
        database=database,
        stamps=stamps,
        understanding=understanding or by_examples(queries, home, models),
        passing=passing,
    )
    servers = await _open_packs(home, opened, packs, opening)
    await database.write(lambda c: automations.forget_packs(c, sorted(opened)))
    house = House(
        settings=settings,
        database=database,
        stamps=stamps,
        models=models,
        embedder=queries,
        searcher=searcher,
        ingester=ingester,
        runs=runs,
        automations=_automations(
            settings, (database, stamps, models, searcher), runs, opened, passing
        ),
        owner_key=owner_key,
        channel_key=_key(home, "channel.key"),
        packs=opened,
    )
    working = [
        asyncio.create_task(work)
        for work in (
            *_background(house, documents, passing, own_packs=packs is None),
            *(_by_itself(house) if automatic else ()),
        )
    ]
    try:
        yield house
    finally:
        await _close(house, working)
        await servers.close()
        await models.close()
        await database.close()


async def _close(house: House, working: "list[asyncio.Task[None]]") -> None:
    """End what the installation has under way."""
    import asyncio

    await house.runs.close()
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    await house.automations.close()


def _ingester(
    settings: Settings, database: "Database", stamps: "Stamps", embedder: "Embedder"
) -> "Ingester":
    from attenda.knowledge.ingest import Ingester

    return Ingester(
        database,
        stamps,
        embedder,
        settings.home / "files",
        deadline_s=settings.document_deadline_s,
        max_bytes=settings.max_upload_mb << 20,
    )


def _automations(
    settings: Settings,
    parts: "tuple[Database, Stamps, LoadedModels, Searcher]",
    runs: "Runs",
    packs: "dict[str, OpenPack]",
    passing: "Callable[[str], None]",
) -> "Automations":
    """What carries automations out, not yet at work."""
    from attenda.runtime.automating import AutomationRunner
    from attenda.runtime.automation_deeds import Deeds
    from attenda.runtime.automations import Automations, process_id
    from attenda.runtime.durable import Durable
    from attenda.store.database import prepare_beside
    from attenda.tools.mailbox import Mailbox

    database, stamps, models, searcher = parts
    deeds = Deeds(database, stamps, models, searcher, runs.allowance, passing)
    runner = AutomationRunner(
        database, stamps, packs, deeds, passing, lambda id_: runs.publish(id_, [])
    )
    process = process_id(settings.home)
    beside = settings.database or f"sqlite:///{settings.home / 'automations.db'}"
    durable = Durable(beside, process, runner.carry, prepare_beside)
    boxes = {spec.name: Mailbox(spec) for spec in settings.mailboxes}
    return Automations(
        database, stamps, settings.home, runner, durable, process, boxes, passing=passing
    )


async def _open_packs(
    home: Path,
    opened: "dict[str, OpenPack]",
    given: "Sequence[Pack] | None",
    opening: "Callable[..., Awaitable[OpenPack]]",
) -> "Servers":
    """The home's packs, or those given, put to work; the servers whose tools they may use.

    A pack of the home's that is wrong stays shut and stops nothing else: its agents say so.
    """
    from attenda.cli.packs import load_pack, pack_folders
    from attenda.core.errors import UserError
    from attenda.tools.mcp import Servers

    servers = Servers(home)
    tools = servers.tools()
    for pack in given or ():
        opened[pack.name] = await opening(pack, outside=tools)
    for folder in pack_folders(home) if given is None else ():
        try:
            pack = load_pack(folder)
            opened[pack.name] = await opening(pack, outside=tools)
        except UserError as problem:
            _log.warning("%s", problem)
    return servers


async def _read_new_packs(house: House) -> None:
    """Hand in the documents of packs that are opened for the first time, and their articles."""
    from attenda.runtime.pack_knowledge import read_articles, read_knowledge

    for one in house.packs.values():
        if one.is_new:
            await read_knowledge(house, one.pack)
        await read_articles(house, one)


def _with_endpoints(settings: Settings, given: "LoadedModels | None") -> "LoadedModels":
    """The home's own models, or those given, and the servers that the settings name."""
    from attenda.llm.endpoint import open_endpoint
    from attenda.llm.loaded import LoadedModels

    models = given or LoadedModels(settings.home, settings.model, hang_s=settings.model_silence_s)
    for spec in settings.endpoints:
        models.register(open_endpoint(spec))
    return models


def by_examples(
    embedder: "Embedder", home: Path, models: "LoadedModels"
) -> "Callable[[FlowBook], Awaitable[Understand]]":
    """How people are understood: by the examples of flows and by what is found in their words.

    A chooser of the home is asked where examples leave it open.
    """
    from functools import partial

    from attenda.runtime.choosing import open_choosers
    from attenda.runtime.understanding import learn_examples

    weights = home / "models" / embedder.name.partition("@")[0]  # what follows is their hash
    return partial(
        learn_examples,
        embedder,
        choosers=open_choosers(home, models.chat),
        judges=weights / "judges" if weights.is_dir() else None,
    )


def _by_itself(house: House) -> Iterator[Coroutine[Any, Any, None]]:
    """What the house does of its own accord, and trials of scenarios don't."""
    from attenda.runtime.silence_watch import SilenceWatch

    yield house.automations.work()
    yield SilenceWatch(house).run()


def _background(
    house: House, documents: "Embedder", passing: "Callable[[str], None]", *, own_packs: bool
) -> Iterator[Coroutine[Any, Any, None]]:
    """What goes on for as long as the installation is open."""
    from attenda.knowledge.folders import FolderWatch
    from attenda.knowledge.reindex import Reindexer
    from attenda.runtime.mail_channel import MailChannels
    from attenda.runtime.noticing import Noticer
    from attenda.runtime.notifiers import notifiers_for
    from attenda.runtime.upkeep import keep_tidy
    from attenda.tools.mailbox import Mailbox

    database, stamps, settings = house.database, house.stamps, house.settings
    yield house.runs.go_on_decided()
    yield house.ingester.work()
    if own_packs:
        yield _read_new_packs(house)
    house.notifiers.update(notifiers_for(settings))
    yield Noticer(house).run()
    yield keep_tidy(database, stamps, settings, settings.home / "files")
    yield Reindexer(database, stamps, documents).run()
    if settings.mailboxes:
        boxes = {spec.name: Mailbox(spec) for spec in settings.mailboxes}
        yield MailChannels(house, boxes, passing).run()
    if settings.watch:
        yield FolderWatch(database, stamps, house.ingester, settings.watch).run()
