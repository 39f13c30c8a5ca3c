"""From the command to the first page, and the memory of the app before a model is loaded.

    python benchmarks/start.py --weights HOME [--repeat 7]

Starts `attenda up` in a new home and again in the same one, and reads the page of the link it
prints; beside it, in turns, a bare FastAPI app of one route under uvicorn. HOME holds the default
weights. Prints one JSON object: seconds, and resident megabytes when the page was there.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

__all__ = ["main"]

BARE = """
import socket, uvicorn, fastapi
app = fastapi.FastAPI()
app.get("/")(lambda: "hello")
here = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{here.getsockname()[1]}/", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run([here])
"""


def first_page(command: Sequence[str], home: str) -> tuple[float, float]:
    """Seconds to the first page, and resident megabytes then."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "ATTENDA_HOME": home}
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"http://[^\s/]+/\S*", line):
                with httpx.Client(follow_redirects=True) as client:
                    client.get(found.group()).raise_for_status()
                taken = time.perf_counter() - begun
                status = Path(f"/proc/{process.pid}/status").read_text()
                return taken, int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024
        raise SystemExit("The app ended before it said where it is.")
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Take turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--weights", type=Path, required=True, help="home that holds the models")
    parser.add_argument("--repeat", type=int, default=7)
    chosen = parser.parse_args()
    app = [sys.executable, "-m", "attenda", "up", "--port", "0", "--no-open"]
    taken: dict[str, list[tuple[float, float]]] = {"new_home": [], "again": [], "bare": []}
    for _ in range(chosen.repeat):
        with tempfile.TemporaryDirectory() as home:
            (Path(home) / "models").symlink_to((chosen.weights / "models").resolve())
            taken["new_home"].append(first_page(app, home))
            taken["again"].append(first_page(app, home))
        taken["bare"].append(first_page([sys.executable, "-c", BARE], ""))
    report = {
        name: {
            "seconds": round(statistics.median(one for one, _ in values), 2),
            "memory_mb": round(statistics.median(one for _, one in values)),
        }
        for name, values in taken.items()
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
