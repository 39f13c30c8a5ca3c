"""`attenda doctor`: looks at everything an installation rests on; each fault with its mend."""

import asyncio
import importlib.util
import json
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict

from attenda.cli.doctor_agents import examine_agents
from attenda.cli.finding import Finding
from attenda.cli.invocation import language
from attenda.cli.terminal import out
from attenda.core.config import Settings
from attenda.core.errors import AttendaError
from attenda.llm import catalogue
from attenda.llm.process import available_cpus
from attenda.store.health import look_at

__all__ = ["doctor"]

_LEAST_FREE = 1 << 30


def doctor(settings: Settings, *, as_json: bool) -> int:
    """Print every finding; the exit code is 1 when one failed."""
    findings = [finding for check in _CHECKS for finding in _guarded(check, settings)]
    if as_json:
        print(json.dumps([asdict(one) for one in findings], ensure_ascii=False, indent=2))
    else:
        for one in findings:
            out.print(f"{'✓' if one.ok else '✗'} {one.check}: {one.detail}", markup=False)
            if one.fix:
                out.print(f"    {one.fix}", style="yellow", markup=False)
    return 0 if all(one.ok for one in findings) else 1


def _guarded(
    check: Callable[[Settings], Iterator[Finding]], settings: Settings
) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except (AttendaError, OSError) as error:
        yield Finding(check.__name__.strip("_"), False, str(error), "See the sentence above.")


def _python(_settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", True, f"{version}, {available_cpus()} CPUs to use")


def _engine(_settings: Settings) -> Iterator[Finding]:
    here = [one for one in ("openvino_genai", "xllamacpp") if importlib.util.find_spec(one)]
    fix = "" if here else "Install openvino-genai (x86-64) or xllamacpp."
    yield Finding("engine", bool(here), ", ".join(here) or "no engine is installed", fix)


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    free = shutil.disk_usage(home if home.exists() else home.parent).free
    enough = free > _LEAST_FREE
    fix = "" if enough else "Free some space, or move the home with ATTENDA_HOME."
    yield Finding("disk", enough, f"{free / 1e9:.1f} GB free at {home}", fix)
    if home.exists():
        private = home.stat().st_mode & 0o077 == 0
        fix = "" if private else f"Others can read the home: chmod 700 {home}"
        yield Finding("home", private, f"rights {home.stat().st_mode & 0o777:o}", fix)


def _models(settings: Settings) -> Iterator[Finding]:
    for name in (settings.model, catalogue.DEFAULT_EMBEDDER):
        try:
            model = catalogue.find(settings.home, name)
            catalogue.verify(model)
            yield Finding("model", True, f"{name} is here and whole")
        except AttendaError as error:
            yield Finding("model", False, str(error), f"attenda models pull {name}")


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database:
        yield Finding("database", True, "PostgreSQL, by the setting `database`")
        return
    file = settings.home / "attenda.db"
    if not file.exists():
        yield Finding("database", True, "none yet; the first command makes it")
        return
    health = look_at(file)
    size = f"{file.stat().st_size / 1e6:.1f} MB"
    fix = "" if health.whole else "Restore a backup: attenda restore FILE"
    yield Finding("database", health.whole, f"{size}, {health.verdict}", fix)
    count = health.failed_documents
    fix = "" if not count else "`attenda documents` shows why; mend the files and add them again."
    yield Finding("documents", not count, f"{count} failed", fix)


def _port(settings: Settings) -> Iterator[Finding]:
    running = asyncio.run(_owner_runs(settings))
    with socket.socket() as probe:
        free = probe.connect_ex((settings.host, settings.port)) != 0
    detail = "attenda is running" if running else "free" if free else "used by another program"
    fix = "" if free or running else "Choose another with --port or the setting `port`."
    yield Finding("port", free or running, f"{settings.port}: {detail}", fix)


async def _owner_runs(settings: Settings) -> bool:
    from attenda.cli.owner import find_owner
    from attenda.cli.wiring import prepare_home

    return await find_owner(settings, prepare_home(settings.home)) is not None


def _agents(settings: Settings) -> Iterator[Finding]:
    yield from examine_agents(settings, language())


_CHECKS = (_python, _engine, _home, _models, _database, _port, _agents)
