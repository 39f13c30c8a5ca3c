"""`attenda link`, `user invite`, `mcp list` and what is written into a home first."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from attenda.cli.commands import run
from attenda.cli.owner import listen_local, note_address, serve_house
from attenda.cli.pack_home import add_pack
from attenda.cli.up import serve
from attenda.core.config import Settings
from attenda.core.errors import OperatorError
from tests.scripted_house import scripted_house


def test_links_lead_to_where_the_pages_are_served(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["attenda", *words])
        code = run()
        said = capsys.readouterr()
        return code, said.out, said.err

    async def body() -> None:
        async with scripted_house(home) as (house, _):
            async with serve_house(house, [listen_local(home / "attenda.sock")]):
                note = {"pid": 0, "socket": str(home / "attenda.sock")}
                (home / "owner.json").write_text(json.dumps(note))
                code, out, err = await asyncio.to_thread(typed, "link")
                assert code != 0 and not out and "attenda up" in err
                note_address(home, "http://127.0.0.1:8961")
                code, out, _err = await asyncio.to_thread(typed, "link")
                assert code == 0 and out.startswith("http://127.0.0.1:8961/enter?key=")
                code, out, _err = await asyncio.to_thread(typed, "user", "invite")
                assert code == 0 and out.startswith("http://127.0.0.1:8961/")
        code, out, _err = await asyncio.to_thread(typed, "mcp", "list")
        assert code == 0 and "mcp.toml" in out

    asyncio.run(body())


def test_a_home_that_begins_with_a_pack_is_its_owners_alone(tmp_path: Path) -> None:
    add_pack(tmp_path / "new", "support", "en")
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_a_slow_start_says_that_it_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Slow:
        async def __aenter__(self) -> None:
            await asyncio.sleep(0.05)
            raise OperatorError("owner.busy", home=home)

        async def __aexit__(self, *_error: object) -> None: ...

    monkeypatch.setattr("attenda.cli.up.own", lambda _settings: Slow())
    monkeypatch.setattr("attenda.cli.up._SILENT_S", 0.01)
    with pytest.raises(OperatorError):
        asyncio.run(
            serve(Settings(home=home, port=0), lambda *_: None, lambda: said.append("slow"))
        )
    assert said == ["slow"]
