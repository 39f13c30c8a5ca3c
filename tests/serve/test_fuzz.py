"""The API never breaks on input: every operation of our own OpenAPI document, fuzzed.

The fuzzer makes valid and invalid requests from the document; an answer of 5xx fails, except the
503 and 502 that say who must mend what. A short run in every suite, a long one in the long.
"""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from attenda.api import Principal
from attenda.cli.owner import listen_tcp, serve_house
from tests.scripted_house import SAVINGS, add_text, scripted_house

LONG = os.environ.get("ATTENDA_LONG") == "1"
EXAMPLES = 200 if LONG else 2


async def fuzz(port: int, key: str, folder: Path) -> tuple[int, str]:
    command = [Path(sys.executable).parent / "schemathesis", "run"]
    command += [f"http://127.0.0.1:{port}/openapi.json", "--checks", "not_a_server_error"]
    command += ["-H", f"Authorization: Bearer {key}", "--max-examples", str(EXAMPLES)]
    command += ["--phases", "examples,coverage,fuzzing", "--seed", "7", "--no-shrink"]
    command += ["--request-timeout", "60", "--warnings", "off", "--no-color", "-w", "1"]
    command += ["--exclude-path-regex", "/stop$|/sign-out$|/events$|/watch$"]
    command += ["--continue-on-failure", "--generation-deterministic"]
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")


@pytest.mark.timeout(3600 if LONG else 280)
def test_no_request_breaks_the_server(home: Path, tmp_path: Path, owner: Principal) -> None:
    async def body() -> None:
        async with scripted_house(home, lambda _: "Fine.") as (house, _):
            await add_text(house, owner, "savings.md", SAVINGS)
            listener = listen_tcp("127.0.0.1", 0)
            async with serve_house(house, [listener]):
                port = listener.getsockname()[1]
                code, output = await fuzz(port, house.owner_key, tmp_path)
                tested = re.search(r"(\d+) generated", output)
                assert code == 0, output[-6000:]
                assert tested, output[-3000:]
                assert int(tested.group(1)) > 300
                (tmp_path / "fuzz.json").write_text(json.dumps({"requests": tested.group(1)}))

    asyncio.run(body())
