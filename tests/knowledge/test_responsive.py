"""While costly files come in, the loop that answers people goes on turning."""

import asyncio
import time
from pathlib import Path

import pytest

from attenda.api import Principal
from attenda.store.database import Database
from tests.knowledge.parse.test_parse_hostile import packed
from tests.knowledge.workshop import add, all_documents, working

ROWS = "\n".join(f'{{"id": {n}, "text": "Row {n} of a long table."}}' for n in range(3000)).encode()
COSTLY = {
    "words": ("a.txt", b"Hello there " + b"a" * 3_000_000, "ready"),
    "abbreviations": ("a.txt", b"A. " * 200_000, "ready"),
    "paragraphs": ("a.md", b"# T\n\npara of words\n\n- x\n" * 20_000, "ready"),
    "records": ("a.jsonl", ROWS, "ready"),
    "quotes": ("a.csv", b'a,b\n"' + b"x\n" * 300_000, "ready"),
    "bomb": ("a.docx", packed({"word/d.xml": bytes(100 << 20)}), "failed"),
    "brackets": ("a.json", b"[" * 5_000_000, "failed"),
}


class Ticker:
    """A task that only ever waits for its turn."""

    def __init__(self) -> None:
        self.ticks = 0
        self.longest_s = 0.0
        """For who runs this test to see how it feels; it is not asserted."""

    async def run(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            self.ticks += 1
            self.longest_s = max(self.longest_s, now - before - 0.005)
            before = now


@pytest.mark.parametrize(
    "kind",
    [pytest.param(one, marks=pytest.mark.long if one == "paragraphs" else ()) for one in COSTLY],
)
def test_the_loop_goes_on_turning(
    database: Database, owner: Principal, tmp_path: Path, kind: str
) -> None:
    name, content, state = COSTLY[kind]

    async def body() -> None:
        ticker = Ticker()
        async with working(database, tmp_path / "files") as ingester:
            await ingester.wait_idle()
            ticking = asyncio.create_task(ticker.run())
            try:
                await add(ingester, owner, name, content)
            finally:
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)
        print(f"{kind}: the longest wait was {ticker.longest_s * 1000:.0f} ms")
        assert ticker.ticks >= 10
        whole = next(one for one in await all_documents(database, owner) if not one.container_id)
        assert whole.state == state

    asyncio.run(body())
