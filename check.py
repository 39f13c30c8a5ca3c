"""Attenda's second command: `python3 check.py` installs what the tests need and runs them.

It shares `start.py`'s environment and adds the developers' packages, Chromium, a PostgreSQL
server (both by apt, as root) and the default weights. What can't be had is named together with
the tests that are skipped for it. The whole suite runs in three processes, then the few tests that
share the machine with nothing; a selection runs in one. It knows what tests need, not what they
test.
"""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import start

__all__ = ["chromium", "mcp_reference", "postgres_folder", "weights_home"]


@dataclass(frozen=True)
class _Need:
    """Something outside Python that tests with a marker need."""

    marker: str
    what: str
    package: str
    """Name of its Debian package."""
    find: Callable[[], Path | None]


def weights_home() -> Path:
    """The home whose weights tests use: ATTENDA_TEST_HOME, or a folder in `.venv`."""
    return Path(os.environ.get("ATTENDA_TEST_HOME") or start.VENV / "weights-home")


def chromium() -> Path | None:
    """The browser's program."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = [shutil.which(name) for name in names]
    return next((Path(path) for path in found if path), None)


def postgres_folder() -> Path | None:
    """The folder of PostgreSQL's own programs, the newest version's."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name.zfill(4)
    )
    found = shutil.which("pg_ctl")
    folders = [*([Path(found).resolve().parent] if found else []), *folders]
    whole = [folder for folder in folders if (folder / "initdb").exists()]
    return whole[-1] if whole else None


def mcp_reference() -> Path | None:
    """The program of MCP's public reference server, which npm brings."""
    here = Path(os.environ.get("ATTENDA_TEST_NPM") or start.VENV / "npm")
    found = here / "node_modules" / _REFERENCE / "dist" / "index.js"
    return found if found.exists() and shutil.which("node") else None


_REFERENCE = "@modelcontextprotocol/server-everything"
_ALONE = "alone"
"""The marker of tests that need the machine for themselves."""

_NEEDS = (
    _Need("browser", "Chromium", "chromium", chromium),
    _Need("postgres", "A PostgreSQL server", "postgresql", postgres_folder),
)


def main(arguments: Sequence[str]) -> int:
    """Prepare, then run pytest; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="check.py",
        description="Install what the tests need and run them.",
        epilog="Every other argument goes to pytest, such as -k NAME or a path; with any, "
        "the tests run in one process, unless -n says otherwise.",
        allow_abbrev=False,
    )
    parser.add_argument("--prepare", action="store_true", help="stop before the tests")
    options, further = parser.parse_known_args(arguments)
    start.make_venv()
    start.install(["dev"])
    _prepare()
    if options.prepare:
        return 0
    codes = [
        start.run_shown([*_pytest("-rs"), *options], ATTENDA_TEST_HOME=str(weights_home()))
        for options in _calls(further)
    ]
    return next((code for code in codes if code), 0)


def _calls(further: Sequence[str]) -> list[list[str]]:
    """The options of each call of pytest.

    A process that has nothing left takes half of what is left to the other, so that neither ends
    long before the other; each keeps the order of files, whose costly things are made once a file.
    """
    if further:  # most often a few tests, done before a second process would have started
        return [list(further)]
    return [["-n", "3", "--dist", "worksteal", "-m", f"not {_ALONE}"], ["-m", _ALONE]]


def _prepare() -> None:
    for need in _NEEDS:
        if need.find() is None:
            problem = _install_package(need.package)
            if need.find() is None:
                _say_skipped(need.marker, f"{need.what} is not here ({problem})")
    if mcp_reference() is None:
        problem = _install_reference()
        if mcp_reference() is None:
            _say_skipped("npm", f"MCP's reference server is not here ({problem})")
    if start.pull_weights(["--home", str(weights_home())]):
        _say_skipped("weights", "The default weights are not here")


def _install_package(name: str) -> str:
    """Install a Debian package; returns what stood in the way, if anything did."""
    apt = shutil.which("apt-get")
    if apt is None or not hasattr(os, "geteuid"):
        return f"install {name} with your system's package manager"
    if os.geteuid() != 0:
        return f"`sudo apt install {name}` brings it"
    install = [apt, "install", "-y", "-qq", "--no-install-recommends", name]
    code, lines = _apt(install, f"Installing {name}")
    if code:  # the package lists may be absent or old
        _apt([apt, "update", "-qq"], "Updating apt's lists")
        code, lines = _apt(install, f"Installing {name}")
    return f"apt-get: {lines[-1] if lines else f'exit code {code}'}" if code else ""


def _install_reference() -> str:
    """Bring MCP's reference server; returns what stood in the way, if anything did."""
    npm = shutil.which("npm")
    if npm is None:
        return "it needs Node.js with npm"
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
    install += [str(start.VENV / "npm"), f"{_REFERENCE}@2026.8.31"]
    code, lines = start.run_quietly(install, f"Installing {_REFERENCE}")
    return f"npm: {lines[-1] if lines else f'exit code {code}'}" if code else ""


def _apt(command: Sequence[str], label: str) -> tuple[int, Sequence[str]]:
    waiting = [command[0], "-o", "DPkg::Lock::Timeout=300", *command[1:]]
    return start.run_quietly(waiting, label, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")


def _say_skipped(marker: str, why: str) -> None:
    """Say which tests will be skipped, by file."""
    collect = [*_pytest("-o", "addopts=", "--collect-only", "-q"), "-m", marker]
    _, lines = start.run_quietly(collect, f"Looking for tests marked {marker}", keep=100_000)
    tests = collections.Counter(line.split("::")[0] for line in lines if "::" in line)
    named = ", ".join(f"{file} ({count})" for file, count in sorted(tests.items()))
    print(f"{why}; skipped for it: {named or f'every test marked {marker}'}.", file=sys.stderr)


def _pytest(*options: str) -> list[str]:
    return [start.program("python"), "-m", "pytest", "--rootdir", str(start.ROOT), *options]


if __name__ == "__main__":
    os.chdir(start.ROOT)
    sys.exit(start.at_the_door(main))
