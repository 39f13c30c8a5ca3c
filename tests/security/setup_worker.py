"""One worker process of `test_first_admin.py`: opens the shared database, waits, asks all at once.

It reads one JSON line with what to ask, says it is ready, waits for a line, and prints how often
each status came back.
"""

import asyncio
import collections
import json
import sys
from pathlib import Path
from typing import Any

import httpx

from attenda.serve.app import create_app
from tests.scripted_house import scripted_house


async def main(plan: dict[str, Any]) -> None:
    async with scripted_house(Path(plan["home"]), database=plan["url"]) as (house, _):
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:80") as client:
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            asked = [
                client.request(plan["method"], plan["path"], headers=plan["headers"], json=body)
                for body in plan["bodies"]
            ]
            answers = await asyncio.gather(*asked)
    print(json.dumps(collections.Counter(answer.status_code for answer in answers)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
