"""What the store exports of a person's chats is read as conversations, and goes with the person."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from attenda.cli.commands import app as commands
from attenda.core.principal import Principal
from attenda.core.provenance import ERASED, chat_mark, person_mark
from attenda.runtime.house import House
from attenda.serve.app import close_app, create_app
from attenda.store import consent, erased, keys, people, privacy, schema, sessions
from attenda.store.database import Connection
from tests.learn.rows import made, said, sorted_out
from tests.learn.school import school, talks
from tests.scripted_house import scripted_house


def test_an_export_of_the_store_is_read(home: Path, owner: Principal, tmp_path: Path) -> None:
    """The shown branch alone of what was allowed, and nothing of a chat in the trash."""

    async def talk() -> str:
        script = ["Hello!", "Bye!", "Farewell!", "Never mind.", "I see."]
        async with scripted_house(home, script) as (house, _):

            async def ask(session_id: str, text: str) -> str:
                started = await house.runs.start(owner, session_id, text)
                async for _ in house.runs.follow(session_id, started.after):
                    pass
                return started.user_message_id

            write = house.database.write
            kept = await write(lambda c: sessions.create_session(c, house.stamps, owner))
            await ask(kept.id, "Hi")
            asked = await ask(kept.id, "I must go.")
            again = await house.runs.regenerate(owner, kept.id, asked)
            async for _ in house.runs.follow(kept.id, again.after):
                pass
            gone = await write(lambda c: sessions.create_session(c, house.stamps, owner))
            await ask(gone.id, "Forget this.")
            await write(lambda c: sessions.update_session(c, owner, gone.id, deleted_at=1))
            silent = await write(lambda c: sessions.create_session(c, house.stamps, owner))
            await ask(silent.id, "Nobody may learn from this.")
            await write(lambda c: consent.allow_session(c, house.stamps, owner, kept.id, True))
            found = await house.database.read(lambda c: privacy.export_person(c, owner.id))
            return json.dumps(found, default=str, indent=1)

    found, problems = sorted_out(made(tmp_path, "export.json", asyncio.run(talk())))
    assert [(one.key, one.values) for one in problems] == [
        ("learn.data.no_consent", {"count": "1"})
    ]
    assert [said(row) for row in found] == [
        [
            ("user", "Hi"),
            ("assistant", "Hello!"),
            ("user", "I must go."),
            ("assistant", "Farewell!"),
        ]
    ]


async def settled(house: House, name: str) -> str:
    """A person's key, who has had a chat."""

    def make(c: Connection) -> tuple[Principal, str]:
        row = {"id": f"usr_{name}", "role": "agent", "name": name, "created_at": 1}
        c.execute(schema.users.insert().values(**row, email=f"{name}@b.example"))
        who = people.principal_of(c, f"usr_{name}")
        return who, keys.create_key(c, house.stamps, who, "laptop")[1]

    who, key = await house.database.write(make)
    await house.database.write(lambda c: consent.allow_person(c, house.stamps, who, True))
    chat = await house.database.write(lambda c: sessions.create_session(c, house.stamps, who))
    for talk in talks(12):
        started = await house.runs.start(who, chat.id, f"{name} {talk.messages[0].text}")
        async for _ in house.runs.follow(chat.id, started.after):
            pass
    return key


def attenda(home: Path, *words: str) -> Any:
    """What a command prints as JSON."""
    told = CliRunner().invoke(
        commands, [*words, "--json"], env={"ATTENDA_HOME": str(home)}, catch_exceptions=False
    )
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def marked(home: Path) -> dict[str, int]:
    """Runs and installed models, each with how many erased people it learned from."""
    rows = attenda(home, "learn", "runs") + attenda(home, "models", "list")
    return {row["name"]: row["erased_people"] for row in rows if row.get("here", True)}


def erase_through_the_door(home: Path, data: Path) -> dict[str, Any]:
    """Two people chat and take their chats out; a run learns from both; one is erased."""

    async def all_of_it() -> dict[str, Any]:
        async with scripted_house(home, lambda _: "Fine.") as (house, _):
            app = create_app(house)
            made_keys = {name: await settled(house, name) for name in ("ada", "bob")}
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:

                async def ask(method: str, path: str, key: str) -> httpx.Response:
                    headers = {"Authorization": f"Bearer {key}"}
                    return await client.request(method, path, headers=headers)

                for name, key in made_keys.items():
                    answer = await ask("GET", "/api/me/export", key)
                    (data / f"{name}.json").write_text(answer.text)
                learned = learn_from_both(home, data)  # in the main thread, for its signals
                answer = await ask("DELETE", "/api/users/usr_ada", house.owner_key)
                assert answer.status_code == 204, answer.text
                models = (await ask("GET", "/api/models", house.owner_key)).json()
                runs = (await ask("GET", "/api/school", house.owner_key)).json()["runs"]
            await close_app(app)
        warned = {one["name"]: one["warning"] for one in (*models, *runs)}
        return {"before": learned, "warned": warned}

    return asyncio.run(all_of_it())


def learn_from_both(home: Path, data: Path) -> dict[str, int]:
    """A clean file of both, a run on it, one on it in turn, one on the other person's alone."""
    both = data / "both.jsonl"
    exports = [str(data / f"{name}.json") for name in ("ada", "bob")]
    attenda(home, "learn", "doctor", *exports, "--fix", str(both))
    small = ["--steps", "1", "--length", "60", "--set", "data.validation_share=0"]
    start = str(data / "start")
    for name, file, model in (
        ("both", both, start),
        ("later", data / "talks.jsonl", "both"),
        ("bobs", data / "bob.json", start),
    ):
        words = ["learn", "tune", "--data", str(file), "--model", model, "--name", name]
        attenda(home, *words, *small)
    for name in ("later", "bobs"):
        told = CliRunner().invoke(
            commands, ["models", "use", name], env={"ATTENDA_HOME": str(home)}
        )
        assert told.exit_code == 0, told.output
    return marked(home)


def test_an_erased_person_leaves_the_data_and_marks_the_models(home: Path) -> None:
    """Also what was tuned further, exported and installed; the other person's rows stay."""
    data = home / "school" / "data"
    data.mkdir(parents=True)
    school(data)
    (home / "runs").mkdir()
    found = erase_through_the_door(home, data)
    assert set(found["before"].values()) == {0}
    after = marked(home)
    assert {name: count for name, count in after.items() if count} == {"both": 1, "later": 1}
    assert found["warned"]["both"] and found["warned"]["later"] and not found["warned"]["bobs"]
    assert not (data / "ada.json").exists()
    rows, problems = sorted_out(data / "both.jsonl")
    assert [row.person for row in rows] == [person_mark("usr_bob")] and problems == []
    assert [row.person for row in sorted_out(data / "bob.json")[0]] == [person_mark("usr_bob")]
    assert not any("ada" in file.read_text("utf-8") for file in data.glob("*.json*"))
    assert not (home / "runs/both/report.html").exists()
    assert (home / "runs/bobs/report.html").exists()

    (home / ERASED).unlink()  # as in a new home, into which a backup was brought back

    async def open_again() -> None:
        async with scripted_house(home), asyncio.timeout(30):
            while not (home / ERASED).exists():
                await asyncio.sleep(0.01)

    asyncio.run(open_again())
    assert marked(home) == after


def test_rows_of_an_erased_person_are_learned_no_more(home: Path, tmp_path: Path) -> None:
    values = school(tmp_path)
    lines = (tmp_path / "talks.jsonl").read_text().splitlines()
    mark = person_mark("usr_ada")
    signed = [json.dumps({**json.loads(line), "person": mark}) for line in lines[:20]]
    (tmp_path / "talks.jsonl").write_text("\n".join([*signed, *lines[20:]]))
    home.mkdir()
    erased.forget(home, ["usr_ada"])
    words = ["learn", "tune", "--data", str(tmp_path / "talks.jsonl"), "--steps", "1"]
    words += ["--model", values["model"]["start"], "--length", "60", "--name", "first"]
    facts = attenda(home, *words, "--set", "data.most_overlap=1")
    assert facts["conversations"] + facts["validation"] == 20 and facts["people"] == []


class Door:
    """The server as one person's programs see it."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}

    async def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._client.request(method, path, json=body, headers=self._headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def errand(self, path: str) -> Any:
        """What an errand that `path` begins came to."""
        begun = await self("POST", path)
        async with asyncio.timeout(120):
            while True:
                row = await self("GET", f"/api/school/errands/{begun['errand']}")
                if row["state"] in ("done", "failed"):
                    assert row["state"] == "done", row
                    return row["result"]
                await asyncio.sleep(0.05)


async def allowed_chats(house: House, ada: Door, who: Principal) -> list[str]:
    """Four chats of one person, of whom three are allowed in the end: one by its own answer."""
    ids = []
    for number in range(4):
        chat = await ada("POST", "/api/sessions")
        text = f"Number {number}: write to me at ada@lovelace.example"
        started = await house.runs.start(who, chat["id"], text)
        async for _ in house.runs.follow(chat["id"], started.after):
            pass
        ids.append(chat["id"])
    first = await ada("GET", f"/api/sessions/{ids[0]}")
    assert first["consent"] == {"allowed": False, "source": "installation", "at": None, "by": None}
    await ada("PUT", f"/api/sessions/{ids[0]}/consent", {"allowed": True})
    await ada("PUT", f"/api/sessions/{ids[3]}/consent", {"allowed": False})
    await ada("PUT", "/api/me/consent", {"allowed": True})
    shown = [(await ada("GET", f"/api/sessions/{one}"))["consent"] for one in ids]
    assert [(one["allowed"], one["source"]) for one in shown] == [
        (True, "session"), (True, "person"), (True, "person"), (False, "session"),
    ]  # fmt: skip
    assert all(one["by"] == who.id and one["at"] > 0 for one in shown)
    return ids


def test_chats_are_taken_in_with_consent_alone_and_leave_when_it_is_taken_back(home: Path) -> None:
    data = home / "school" / "data"
    data.mkdir(parents=True)
    school(data)
    (home / "runs").mkdir()

    async def body() -> None:
        async with scripted_house(home, lambda _: "Call 0711 123 45 67.") as (house, _):
            app = create_app(house)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                key = await settled(house, "bob")
                bob, operator = Door(client, key), Door(client, house.owner_key)
                await bob("PUT", "/api/me/consent", {"allowed": False})
                who = await house.database.read(lambda c: people.principal_of(c, people.OWNER_ID))
                ids = await allowed_chats(house, operator, who)
                whoever = await house.database.read(
                    lambda c: list(consent.offered_sessions(c, True))
                )
                may = [one["consent"]["allowed"] for one in whoever]
                assert may == [False, True, True, True, False], "a default yields to a no"
                await through_the_review(operator, ids, data)
                await taken_back(operator, ids, home, data)
            await close_app(app)

    asyncio.run(body())


async def through_the_review(operator: Door, ids: list[str], data: Path) -> None:
    """Three of five chats wait, one is dropped for good, two become data."""
    assert await operator.errand("/api/school/chats") == {"count": 3, "left_out": 2}
    assert not list(data.glob("chats-*")), "no run can learn from what nobody has read"
    rows = (await operator("GET", "/api/school/chats"))["rows"]
    assert [row["id"] for row in rows] == ids[:3]
    assert {row["chat"] for row in rows} == {chat_mark(one) for one in ids[:3]}
    assert {row["person"] for row in rows} == {person_mark(people.OWNER_ID)}
    said = [one["content"] for one in rows[0]["messages"]]
    assert said == ["Number 0: write to me at [email]", "Call [phone]."]
    done = await operator("POST", "/api/school/chats/review", {"keep": ids[:2], "drop": [ids[2]]})
    assert (done["kept"], done["dropped"]) == (2, 1)
    assert [row.id for row in sorted_out(data / done["name"])[0]] == ids[:2]
    assert (await operator.errand("/api/school/chats"))["count"] == 0, "neither comes again"


async def taken_back(operator: Door, ids: list[str], home: Path, data: Path) -> None:
    """A run learns from both chats; one is deleted, of the other its person says no."""
    file = next(data.glob("chats-*"))
    words = ["learn", "tune", "--data", str(file), "--model", str(data / "start"), "--name", "ours"]
    attenda(home, *words, "--steps", "1", "--length", "60", "--set", "data.validation_share=0")
    assert marked(home)["ours"] == 0
    await operator("DELETE", f"/api/sessions/{ids[1]}")
    assert [row.id for row in sorted_out(file)[0]] == [ids[0]] and marked(home)["ours"] == 1
    await operator("PUT", "/api/me/consent", {"allowed": False})
    assert file.exists() and marked(home)["ours"] == 1, "the chat has an answer of its own"
    await operator("PUT", f"/api/sessions/{ids[0]}/consent", {"allowed": False})
    assert not file.exists() and marked(home)["ours"] == 2
    assert not (home / "runs/ours/report.html").exists()
    runs = (await operator("GET", "/api/school"))["runs"]
    assert "taken back" in next(one["warning"] for one in runs if one["name"] == "ours")
    await operator("PUT", f"/api/sessions/{ids[0]}/consent", {"allowed": True})
    assert marked(home)["ours"] == 1
    mine = await operator("GET", "/api/me/export")
    assert [row["allowed"] for row in mine["consents"]] == [
        True,
        False,
        True,
        False,
        False,
        False,
        True,
    ]
