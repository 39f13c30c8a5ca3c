"""A server asks amid a call: a form in the chat, answered, declined, put away or late."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from attenda.api import NotFound, Pack, Principal, UserError, scripted_call
from attenda.core.event import FormAsked, FormEnded
from attenda.core.form import Form, checked, read_form
from attenda.runtime.house import House
from attenda.store import agents, sessions
from attenda.tools.mcp import look_at
from attenda.tools.mcp_file import keep, read_servers
from tests.runtime.test_flows import Talk, _person
from tests.scripted_house import scripted_house

pytest.importorskip("mcp", reason="the MCP SDK is not here (attenda[mcp])")

ANA = Principal(id="usr_ana", role="agent")
ASKING = Path(__file__).with_name("asking_mcp.py")
POLICY = '[[rule]]\nid = "ALL"\ntool = "*"\ndo = "allow"\n'


@asynccontextmanager
async def talk_with(
    home: Path, tool: str, command: list[str], **more: Any
) -> AsyncIterator[tuple[House, Talk]]:
    """A talk with an agent whose model calls one tool of a server, and says what came of it."""
    folder = home.parent / "pack"
    folder.mkdir(exist_ok=True)
    (folder / "policy.toml").write_text(POLICY)
    home.mkdir(exist_ok=True)
    spec = {"command": command[0], "args": command[1:], "learns": "asker", **more}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in spec.items())
    (home / "mcp.toml").write_text(f"[server.peer]\n{lines}")
    keep(home, "peer", await look_at("peer", read_servers(home)["peer"]))

    def script(messages: Any) -> Any:
        if messages[-1].role == "user" and not messages[-1].text.startswith("Question"):
            arguments = json.loads(messages[-1].text)
            return [scripted_call(f"peer_{tool}", **arguments)]
        return "It says: ${r1.result}${r1.text}"

    async def nothing(_said: object) -> list[Any]:
        return []

    pack = Pack(name="asks", title={"en": "Asks"}, folder=folder, mode="loop")
    async with scripted_house(home, script, packs=[pack], understand=nothing) as (house, _):

        def begin(connection: Any) -> str:
            row = next(a for a in agents.list_agents(connection, ANA) if a["pack"] == "asks")
            return sessions.create_session(connection, house.stamps, ANA, row["id"]).id

        await _person(house, ANA)
        yield house, Talk(house, await house.database.write(begin))


async def asked_in(house: House, talk: Talk, words: str) -> tuple[FormAsked, int]:
    started = await house.runs.start(ANA, talk.session_id, words)
    async for heard in house.runs.follow(talk.session_id, started.after):
        if isinstance(heard.event, FormAsked):
            return heard.event, started.after
    raise AssertionError(await talk.last())


def test_a_question_becomes_a_form_and_its_answer_goes_back(home: Path) -> None:
    async def story() -> None:
        command = [sys.executable, str(ASKING)]
        async with talk_with(home, "reserve", command) as (house, talk):
            forms, day = house.runs.forms, json.dumps({"day": "Monday"})
            for action, values, said in (
                ("accept", {"guests": 3, "room": "garden"}, "3 by the garden on Monday"),
                ("decline", {}, "nothing: decline"),
                ("cancel", {}, "nothing: cancel"),
            ):
                asked, after = await asked_in(house, talk, day)
                assert asked.form.asker == "peer" and "how many guests" in asked.form.message
                kinds = {one.name: (one.kind, one.required) for one in asked.form.fields}
                assert kinds["guests"] == ("integer", True) and kinds["room"][0] == "choice"
                where = (talk.session_id, asked.form_id)
                with pytest.raises(UserError, match="Guests"):
                    forms.answer(*where, "accept", {"guests": 99})
                with pytest.raises(NotFound):
                    forms.answer("ses_another", asked.form_id, "accept", {"guests": 3})
                forms.answer(*where, action, values)  # type: ignore[arg-type]
                with pytest.raises(NotFound):
                    forms.answer(*where, "decline", {})
                assert await talk.heard(after) == f"It says: {said}"
                # the same deed at another place of the conversation is another one

    asyncio.run(story())


def test_who_does_not_answer_in_time_has_declined_and_stop_ends_a_form(home: Path) -> None:
    async def story() -> None:
        command = [sys.executable, str(ASKING)]
        async with talk_with(home, "reserve", command, form_s=0.5) as (house, talk):
            asked, after = await asked_in(house, talk, json.dumps({"day": "Monday"}))
            ends = [
                one.event.action
                async for one in house.runs.follow(talk.session_id, after)
                if isinstance(one.event, FormEnded)
            ]
            assert ends == ["decline"] and "nothing: decline" in await talk.last()
        async with talk_with(home, "reserve", command) as (house, _):
            asked, _ = await asked_in(house, talk := Talk(house, talk.session_id), '{"day": "x"}')
            await house.runs.stop(ANA, talk.session_id)
            with pytest.raises(NotFound):
                house.runs.forms.answer(talk.session_id, asked.form_id, "decline", {})

    asyncio.run(story())


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://192.0.2.1/x"}}},
        {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(31)}},
    ],
)
def test_what_is_no_form_is_none(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        read_form("peer", "?", schema)


def test_an_answer_holds_what_the_fields_allow_and_nothing_else() -> None:
    fields = {
        "name": {"type": "string", "minLength": 2},
        "mail": {"type": "string", "format": "email"},
        "born": {"type": "string", "format": "date"},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "kind": {"type": "string", "oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]},
        "many": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}, "maxItems": 1},
        "sure": {"type": "boolean"},
    }
    form: Form = read_form("peer", "?", {"type": "object", "properties": fields})
    good = {"name": "Li", "mail": "a@b.c", "born": "2026-02-28", "share": 0.5, "kind": "b"}
    assert checked(form, {**good, "many": ["x"], "sure": False, "more": 1}) == {
        **good,
        "many": ["x"],
        "sure": False,
    }
    for wrong in (
        {"name": "L"},
        {"name": 3},
        {"mail": "a b"},
        {"born": "2026-02-30"},
        {"share": 2},
        {"share": True},
        {"kind": "c"},
        {"many": ["x", "y"]},
        {"many": "x"},
        {"sure": "yes"},
    ):
        with pytest.raises(UserError):
            checked(form, wrong)


def test_the_public_reference_server_asks(home: Path, everything: Path) -> None:
    """`@modelcontextprotocol/server-everything`, as npm brings it."""

    async def story() -> None:
        command = [shutil.which("node") or "", str(everything), "stdio"]
        tool = "trigger-elicitation-request"
        async with talk_with(home, tool, command, tools=[tool]) as (house, talk):
            asked, after = await asked_in(house, talk, "{}")
            kinds = {one.kind for one in asked.form.fields}
            assert kinds == {"text", "boolean", "integer", "number", "choice", "choices"}
            values = {"name": "Ana Li", "check": True, "integer": 7, "email": "ana@example.test"}
            house.runs.forms.answer(talk.session_id, asked.form_id, "accept", values)
            said = await talk.heard(after)
            assert "Ana Li" in said and "ana@example.test" in said
            asked, after = await asked_in(house, talk, "{}")
            house.runs.forms.answer(talk.session_id, asked.form_id, "decline", {})
            assert "declined" in await talk.heard(after)

    asyncio.run(story())
