"""Attenda's first command: `python3 start.py` installs it beside this file, then opens its page.

It makes `.venv`, installs the package there, pulls the default weights and hands over to
`attenda up`, with every argument that is not its own. It needs the standard library alone and
knows nothing about what it installs beyond the names of two commands; a second run is quick.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

__all__ = [
    "ROOT",
    "VENV",
    "Stop",
    "at_the_door",
    "install",
    "make_venv",
    "program",
    "pull_weights",
    "run_quietly",
    "run_shown",
]

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)

_STAMP = VENV / "attenda-installed.json"
_NO_VENV = (
    "This Python lacks its venv module; install it (on Debian and Ubuntu: "
    "`apt install python3-venv`) and run this again."
)
_NO_NETWORK = (
    "The packages could not be downloaded; check the network, or pip's index settings, "
    "and run this again."
)
_NETWORK_WORDS = re.compile(
    r"Retrying \(Retry|NewConnectionError|ConnectTimeout|ProxyError|name resolution"
    r"|Network is unreachable|Read timed out"
)
_PIP_STEPS = ("Collecting ", "Downloading ", "Using cached ", "Building ", "Installing ")


class Stop(Exception):
    """It can't go on; the text is one sentence for the person at the terminal."""


def at_the_door(body: Callable[[Sequence[str]], int]) -> int:
    """Run a command's `body` with the command line; every way out ends in an exit code."""
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        print(
            f"Attenda needs Python 3.11 or newer, and this is {found}; run it with a newer one, "
            "for example `python3.12 start.py`.",
            file=sys.stderr,
        )
        return 1
    try:
        return body(sys.argv[1:])
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def main(arguments: Sequence[str]) -> int:
    """Install, pull the weights, serve."""
    parser = argparse.ArgumentParser(
        prog="start.py",
        description="Install Attenda beside this file and open its page.",
        epilog="Every other argument goes to `attenda up`, such as --port 8020 or --no-open.",
        allow_abbrev=False,
    )
    parser.add_argument("--only-install", action="store_true", help="stop before serving")
    parser.add_argument("--home", help="folder of the data (default: ~/.attenda)")
    options, further = parser.parse_known_args(arguments)
    make_venv()
    install()
    home = ["--home", options.home] if options.home else []
    code = pull_weights(home)
    if code or options.only_install:
        return code
    return _become([program("attenda"), *home, "up", *further])


def program(name: str) -> str:
    """The path of a program in `.venv`."""
    folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    return str(VENV / folder / f"{name}{suffix}")


def make_venv() -> None:
    """Make `.venv`, unless it is there and whole.

    Raises:
        Stop: this Python can't make one, or something else lies in its place.
    """
    if _venv_python():
        return
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir()):
        raise Stop(f"{VENV} is not a virtual environment; move it away and run this again.")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Stop(_NO_VENV)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    code, lines = run_quietly(command, "Making .venv")
    if code:
        if any("ensurepip" in line for line in lines):
            raise Stop(_NO_VENV)
        raise Stop(_with_last_lines(f"{VENV} could not be made.", lines))


def install(extras: Iterable[str] = ()) -> None:
    """Install the package and its `extras` into `.venv`, unless that is done already.

    Raises:
        Stop: pip failed; its last lines are shown where they say more than "no network".
    """
    state, (state_before, extras_before) = _state(), _installed()
    wanted = sorted({*extras, *extras_before})
    if (state, wanted) == (state_before, extras_before):
        return
    what = str(ROOT) + (f"[{','.join(wanted)}]" if wanted else "")
    # What is imported is compiled then: a third of the modules, instead of all before the first.
    command = [program("python"), "-m", "pip", "install", "--progress-bar", "off", "--no-compile"]
    command += ["-c", str(ROOT / "constraints.txt"), "-e", what]
    code, lines = run_quietly(command, "Installing Attenda into .venv")
    if code:
        if any(_NETWORK_WORDS.search(line) for line in lines):
            raise Stop(_NO_NETWORK)
        raise Stop(_with_last_lines("pip could not install Attenda; its last lines:", lines))
    _STAMP.write_text(json.dumps({"state": state, "extras": wanted}), "utf-8")


def pull_weights(home: Sequence[str] = ()) -> int:
    """Bring the default weights, with their own progress; returns the exit code."""
    return run_shown([program("attenda"), *home, "models", "pull"])


def run_shown(command: Sequence[str], **environment: str) -> int:
    """Run `command` on this terminal; returns its exit code."""
    process = subprocess.Popen(command, env={**os.environ, **environment})
    with _ended_with_us(process):
        return process.wait()


def run_quietly(
    command: Sequence[str], label: str, keep: int = 40, **environment: str
) -> tuple[int, Sequence[str]]:
    """Run `command` behind one line of progress; returns its exit code and last `keep` lines."""
    settings = {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **settings, **environment},
    )
    lines: collections.deque[str] = collections.deque(maxlen=keep)
    reading = threading.Thread(target=lines.extend, args=(process.stdout or (),), daemon=True)
    reading.start()
    progress = _Progress(label)
    with _ended_with_us(process), contextlib.closing(progress):
        while process.poll() is None:
            progress.show(lines.copy())
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
    reading.join(timeout=5)
    return process.returncode, [line.rstrip() for line in lines]


class _Progress:
    """One line that is written over on a terminal; elsewhere a line now and then."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._began = time.monotonic()
        self._live = sys.stderr.isatty()
        self._said_s = 0.0
        self._step = ""
        self._write(f"{label} ...")

    def show(self, lines: Iterable[str]) -> None:
        """Show the time so far and the last step among `lines`."""
        steps = [line.strip() for line in lines if line.strip().startswith(_PIP_STEPS)]
        self._step = steps[-1].split(" (from")[0][:70] if steps else self._step
        passed = time.monotonic() - self._began
        if self._live:
            self._write(f"{self._label}: {passed:.0f} s  {self._step}")
        elif passed - self._said_s >= 15:
            self._said_s = passed
            self._write(f"  {passed:.0f} s  {self._step}")

    def close(self) -> None:
        """Leave one line that says how long it took."""
        self._write(f"{self._label}: {time.monotonic() - self._began:.0f} s")
        if self._live:
            print(file=sys.stderr)

    def _write(self, text: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + text[:width].ljust(width), end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """However the block ends, `process` does not outlive it; first it may tidy up by itself."""
    try:
        yield
    finally:
        for end in (process.terminate, process.kill):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
                break
            end()
        process.wait()


def _become(command: Sequence[str]) -> int:
    """Run `command` in this process's place, so that signals reach it alone."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        return run_shown(command)
    os.execv(command[0], list(command))  # noqa: S606 - no shell is wanted


def _venv_python() -> str:
    """The version of `.venv`'s Python; empty when it is absent, broken or too old."""
    code = "import pip, sys; print(sys.version if sys.version_info >= (3, 11) else '')"
    try:
        answer = subprocess.run(
            [program("python"), "-c", code], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _state() -> str:
    """A hash of everything that an installation depends on."""
    digest = hashlib.sha256(f"{_venv_python()}\n{ROOT}\n".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _installed() -> tuple[str, list[str]]:
    """State and extras of the last installation that came to its end."""
    try:
        found = json.loads(_STAMP.read_text("utf-8"))
        return str(found["state"]), [str(extra) for extra in found["extras"]]
    except (OSError, ValueError, KeyError, TypeError):
        return "", []


def _with_last_lines(sentence: str, lines: Sequence[str]) -> str:
    return "\n".join([sentence, *(f"  {line}" for line in lines[-12:])])


if __name__ == "__main__":
    sys.exit(at_the_door(main))
