"""The desk: one person has a conversation, nobody is talked over, and what is said is seen live.

The shop's flows, real runs and the real HTTP routes; what people say is understood by script.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from attenda.api import Conflict
from attenda.core.words import sentence
from attenda.runtime.house import House
from attenda.store import desk, people, schema, sessions
from attenda.store.database import Connection, open_database
from tests.runtime.test_flows import rows
from tests.serve.desk_people import DESK, shop


def test_nobody_is_talked_over_and_the_bot_answers_once_after(
    home: Path, database_url: str
) -> None:
    """A handoff while an answer is produced, a person's stretch, the return, one answer."""

    async def story() -> None:
        slow = lambda _: "It is a long story about a lighthouse. " * 20  # noqa: E731
        async with shop(home, database_url, slow, pause_s=0.01) as s:
            ana, sam = s.who["ana"], s.who["sam"]
            id_ = await s.begin()
            await s.say(id_, "refund order=O-1001")
            plain = await s.house.database.write(lambda c: _without_pack(c, id_))
            await ana("POST", f"/api/sessions/{id_}/messages", {"text": "tell me a story"})
            while "lighthouse" not in json.dumps(await rows(s.house, "events")):
                await asyncio.sleep(0.01)
            await s.person(id_)
            assert not s.house.runs.running(id_)
            await s.house.database.write(lambda c: _with_pack(c, id_, plain))

            await sam("POST", f"{DESK}/{id_}/claim")
            seen = await sam("GET", f"{DESK}/{id_}")
            flow = seen["summary"]["flows"][0]
            assert flow["title"] == "get your money back"
            assert [(one["name"], one["value"]) for one in flow["slots"]] == [("order", "O-1001")]
            assert "asked for a person" in seen["summary"]["reason"]
            for words in ("hello?", "are you there?"):
                noted = await ana("POST", f"/api/sessions/{id_}/messages", {"text": words})
                assert "run_id" not in noted
            await sam("POST", f"{DESK}/{id_}/messages", {"text": "Hello, Sam here."})
            said = await ana.texts(id_)
            assert said[-1] == ("Sam", "Hello, Sam here.")
            assert not any("lighthouse" in text for _, text in said)
            before = len(await rows(s.house, "runs"))
            await sam("POST", f"{DESK}/{id_}/return")
            assert len(await rows(s.house, "runs")) == before  # the return itself says nothing

            await s.say(id_, "order=O-1001 email=ana@example.test")
            assert (await ana.texts(id_))[-1][1].endswith("Shall I?")
            assert await s.owner(id_) == "bot"
            started = [r for r in await rows(s.house, "runs") if r["state"] == "done"]
            assert len(started) == 2  # before, and after; the one in between was withdrawn
            bots = [text for who, text in await ana.texts(id_) if who == "assistant" and text]
            assert sum(text.endswith("Shall I?") for text in bots) == 1

    asyncio.run(story())


def _without_pack(c: Connection, session_id: str) -> Any:
    """Let the plain agent answer for a while: it streams words one by one."""
    agent = sessions.get_session(c, people.principal_of(c, "usr_ana"), session_id).agent_id
    c.execute(schema.sessions.update().values(agent_id=None))
    return agent


def _with_pack(c: Connection, session_id: str, agent_id: str) -> None:
    c.execute(schema.sessions.update().values(agent_id=agent_id))


def test_of_a_hundred_who_claim_one_gets_it(home: Path, database_url: str) -> None:
    async def story() -> None:
        async with shop(home, database_url) as s:
            id_ = await s.begin()
            await s.person(id_)
            staff = [await s.house.database.write(lambda c, n=n: _agent(c, s.house, n))
                     for n in range(100)]  # fmt: skip
            doors = [s.house.database]  # SQLite has one; PostgreSQL's may be another process's
            doors += [open_database(database_url)] if "postgres" in database_url else []
            results = await asyncio.gather(
                *(door.write(lambda c, w=w: _try(c, s.house, w, id_))
                  for door, w in zip(itertools.cycle(doors), staff, strict=False))
            )  # fmt: skip
            await asyncio.gather(*(door.close() for door in doors[1:]))
            winners = [who.id for who, won in zip(staff, results, strict=True) if won]
            (row,) = [one for one in await rows(s.house, "sessions") if one["id"] == id_]
            assert winners == [row["claimed_by"]]
            refused = await s.who["kim"]("POST", f"{DESK}/{id_}/claim", expect=409)
            assert "has taken" in refused["error"]["message"]
            claims = [
                one for one in await rows(s.house, "audit") if one["action"] == "session.claimed"
            ]
            assert len(claims) == 1

    asyncio.run(story())


def _agent(c: Connection, house: House, number: int) -> Any:
    row = {"id": f"usr_{number:03}", "name": f"N{number}", "role": "agent", "created_at": 1}
    c.execute(schema.users.insert().values(**row))
    return people.principal_of(c, row["id"])  # type: ignore[arg-type]


def _try(c: Connection, house: House, who: Any, session_id: str) -> bool:
    try:
        desk.claim(c, house.stamps, who, session_id)
    except Conflict:
        return False
    return True


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.05])
def test_an_answer_that_runs_never_lands_in_a_persons_stretch(
    home: Path, database_url: str, seconds: float
) -> None:
    """Whenever the handoff comes, the answer stands before it or it does not stand at all."""

    async def story() -> None:
        async with shop(home, database_url, lambda _: "one two three four", pause_s=0.01) as s:
            made = await s.who["ana"]("POST", "/api/sessions")
            id_ = made["id"]
            await s.who["ana"]("POST", f"/api/sessions/{id_}/messages", {"text": "story"})
            await asyncio.sleep(seconds)
            await asyncio.gather(s.person(id_), s.person(id_))
            await s.who["sam"]("POST", f"{DESK}/{id_}/claim")
            found = (await s.who["ana"].session(id_))["messages"]
            answer = next(one for one in found if one["run_id"])
            stands = answer["status"], bool(answer["text"])
            assert stands in (("withdrawn", False), ("done", True))
            told = [one["text"] for one in found if not one["run_id"] and one["role"] != "user"]
            assert told == [sentence("en", "dialogue.handed_off_asked")]
            (ended,) = [r for r in await rows(s.house, "events") if r["kind"] == "run.finished"]
            assert json.loads(ended["body"])["reason"] == answer["status"]

    asyncio.run(story())


def test_a_note_is_for_the_desk_alone(home: Path) -> None:
    async def story() -> None:
        prompts: list[str] = []

        def script(messages: Any) -> str:
            prompts.append(" ".join(one.text for one in messages))
            return "Fine."

        async with shop(home, script=script) as s:
            ana, sam = s.who["ana"], s.who["sam"]
            id_ = (await ana("POST", "/api/sessions"))["id"]
            await s.say(id_, "hello there")
            await s.person(id_)
            await sam("POST", f"{DESK}/{id_}/claim")
            await sam("POST", f"{DESK}/{id_}/notes", {"text": "zebra: a difficult one"})
            await sam("PUT", f"{DESK}/{id_}/labels", {"labels": [" vip ", "zebra", "vip"]})
            seen = await sam("GET", f"{DESK}/{id_}")
            assert seen["labels"] == ["vip", "zebra"] and seen["notes"][0]["author"] == "Sam"
            await sam("POST", f"{DESK}/{id_}/messages", {"text": "I am a person."})
            await sam("POST", f"{DESK}/{id_}/return")
            await s.say(id_, "and now?")
            assert "zebra" not in json.dumps(await ana.session(id_))
            assert "zebra" not in json.dumps(await ana("GET", "/api/me/export"))
            assert "I am a person." in prompts[-1] and "zebra" not in "".join(prompts)
            await sam("GET", f"{DESK}/{id_}", expect=404)  # what is the bot's is its owner's alone

    asyncio.run(story())


def test_who_may_do_what_at_the_desk(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            ana, sam, kim, sue, li = (s.who[one] for one in ("ana", "sam", "kim", "sue", "li"))
            id_ = await s.begin()
            await sam("GET", f"{DESK}/{id_}", expect=404)
            await sam("POST", f"{DESK}/{id_}/claim", expect=404)
            await s.person(id_)
            for person in (ana, li):
                await person("GET", "/api/desk", expect=403)
                await person("POST", f"{DESK}/{id_}/claim", expect=403)
            await kim("POST", f"{DESK}/{id_}/messages", {"text": "hi"}, expect=403)
            await sam("POST", f"{DESK}/{id_}/claim")
            await sam("POST", f"{DESK}/{id_}/claim")  # clicked twice
            for path, body in (("messages", {"text": "hi"}), ("return", None), ("resolve", None)):
                await kim("POST", f"{DESK}/{id_}/{path}", body, expect=403)
            await kim("POST", f"{DESK}/{id_}/claim", {"take_over": True}, expect=409)
            await sue("POST", f"{DESK}/{id_}/claim", {"take_over": True})
            await sam("POST", f"{DESK}/{id_}/messages", {"text": "hi"}, expect=403)
            await sue("POST", f"{DESK}/{id_}/messages", {"text": " "}, expect=400)
            admin = people.principal_of
            await s.house.database.write(
                lambda c: people.change_user(
                    c, s.house.stamps, admin(c, people.OWNER_ID), "usr_sue", disabled=True
                )
            )
            await kim("POST", f"{DESK}/{id_}/claim")  # from one who is gone

    asyncio.run(story())


def test_a_team_keeps_its_agents_conversations(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            id_ = await s.begin()

            def to_team(c: Connection) -> None:
                team = people.create_team(
                    c, s.house.stamps, people.principal_of(c, people.OWNER_ID), "ours"
                )
                boss = people.principal_of(c, people.OWNER_ID)
                people.set_teams(c, s.house.stamps, boss, "usr_sam", {team.id})
                people.set_teams(c, s.house.stamps, boss, "usr_ana", {team.id})
                c.execute(schema.agents.update().values(team_id=team.id))

            await s.house.database.write(to_team)
            await s.person(id_)
            seen = (await s.who["sam"]("GET", "/api/desk"))["sessions"]
            assert [one["id"] for one in seen] == [id_]
            assert (await s.who["kim"]("GET", "/api/desk"))["sessions"] == []
            await s.who["kim"]("POST", f"{DESK}/{id_}/claim", expect=404)

    asyncio.run(story())


def test_closed_opens_again_when_the_customer_writes(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            sam = s.who["sam"]
            id_ = await s.begin()
            await s.person(id_)
            await sam("POST", f"{DESK}/{id_}/claim")
            assert await s.owner(id_) == "human"
            await sam("POST", f"{DESK}/{id_}/messages", {"text": "Which order?"})
            assert await s.owner(id_) == "waiting"
            await s.say(id_, "O-1001")
            assert await s.owner(id_) == "human"
            await sam("POST", f"{DESK}/{id_}/resolve")
            assert await s.owner(id_) == "resolved"
            await s.say(id_, "one more thing")
            assert await s.owner(id_) == "queued"
            assert (await sam("GET", "/api/desk"))["waiting"] == 1
            assert await rows(s.house, "runs") == []

    asyncio.run(story())


def test_a_handoff_by_the_flow_says_what_was_wanted_and_from_where(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            id_ = await s.begin()
            asked = await s.say(id_, "refund order=O-1005 email=ana@example.test")
            await s.say(id_, "yes")
            await s.say(id_, "person")
            assert await s.owner(id_) == "queued"
            seen = (await s.who["sam"]("GET", f"{DESK}/{id_}"))["summary"]
            (flow,) = seen["flows"]
            assert flow["slots"] == [
                {"name": "order", "value": "O-1005", "message_id": asked["user_message_id"]}
            ]
            assert [(one["tool"], one["state"]) for one in seen["tried"]] == [
                ("find_customer", "done"), ("get_order", "done"), ("issue_refund", "waiting"),
            ]  # fmt: skip
            assert "issue_refund" in seen["next"]

    asyncio.run(story())


async def _parts(frames: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    async for frame in frames:
        if frame.startswith(b"data: "):
            yield json.loads(frame[6:])


def test_the_desk_and_the_chat_hear_of_each_other_live(home: Path) -> None:
    """Both streams, read at their source: what changed comes, and only that."""
    from attenda.core.principal import Principal
    from attenda.runtime.live import DESK as BELL
    from attenda.serve.desk import _lists
    from attenda.serve.session_view import session_view
    from attenda.serve.watch import _frames

    async def story() -> None:
        async with shop(home) as s:
            id_ = await s.begin()
            sam = Principal(id="usr_sam", role="agent")
            ana = Principal(id="usr_ana", role="agent")
            closed = asyncio.Event()
            staff = _parts(_frames(s.house, [BELL], lambda c: _lists(c, sam), closed))
            chat = _parts(
                _frames(s.house, [id_], lambda c: session_view(c, s.house, ana, id_), closed)
            )
            assert (await anext(staff))["waiting"] == 0
            assert (await anext(chat))["owner"] == "bot"
            await s.person(id_)
            heard = await anext(staff)
            assert heard["waiting"] == 1 and heard["sessions"][0]["owner"] == "queued"
            assert (await anext(chat))["owner"] == "queued"
            await s.who["sam"]("POST", f"{DESK}/{id_}/claim")
            assert (await anext(staff))["sessions"][0]["owner"] == "human"
            told = await anext(chat)
            assert told["person"] == "Sam" and "messages" not in told  # none was added
            await s.who["sam"]("POST", f"{DESK}/{id_}/messages", {"text": "Hello."})
            assert (await anext(chat))["messages"][-1]["text"] == "Hello."
            await s.who["ana"]("POST", f"/api/sessions/{id_}/messages", {"text": "Hi!"})
            heard = await anext(staff)
            while heard.get("sessions", [{}])[0].get("last_text") != "Hi!":
                heard = await anext(staff)
            closed.set()

    asyncio.run(story())


def test_saved_replies_are_everyones_and_their_authors_to_remove(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            sam, kim = s.who["sam"], s.who["kim"]
            kept = await sam("POST", "/api/desk/replies", {"title": "Hello", "text": "Good day!"})
            assert [one["text"] for one in await kim("GET", "/api/desk/replies")] == ["Good day!"]
            await kim("DELETE", f"/api/desk/replies/{kept['id']}", expect=403)
            await sam("DELETE", f"/api/desk/replies/{kept['id']}")
            assert await kim("GET", "/api/desk/replies") == []

    asyncio.run(story())
