"""Revocation is immediate (R19): the next request is refused, and the open stream ends within 1 s.

Six ways to lose rights, each with an open stream on a running answer, and each by a sign-in and by
a key. What ends is decided right by right: a stream needs only the right to read, which a viewer
keeps in their own sessions. So a demotion closes what the role allowed (asking, adding, managing)
with the next request, and leaves the stream of one's own session open. R19 names the bound, so
this is the one test that reads a clock.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from attenda.runtime.house import House
from attenda.serve import access
from attenda.serve.access import OpenStreams
from attenda.store import keys, people, privacy, schema, sessions
from attenda.store.database import Connection, Database, open_database
from tests.scripted_house import scripted_house
from tests.security.live import PASSWORD, Person, add_person, serve

BOUND_S = 1.0
MARGIN_S = 0.5
"""For this machine's scheduling, not for the product."""


@dataclass
class World:
    """A served house; `ann` is in the team that her session belongs to."""

    house: House
    client: httpx.AsyncClient
    admin: Person
    ann: Person
    team_session: str
    own_session: str


@contextlib.asynccontextmanager
async def world(home: Path, url: str = "") -> AsyncIterator[World]:
    def endless(_: object) -> str:
        return "word " * 5000

    async with scripted_house(home, endless, pause_s=0.02, database=url) as (house, _):
        async with serve(house) as address, httpx.AsyncClient(base_url=address) as client:
            yield await house.database.write(lambda c: _people(c, house, client))


def _people(c: Connection, house: House, client: httpx.AsyncClient) -> World:
    owner = people.principal_of(c, people.OWNER_ID)
    team = people.create_team(c, house.stamps, owner, "ours")
    admin = add_person(c, house, "admin", "owner", frozenset({team.id}))
    ann = add_person(c, house, "ann", "agent", frozenset({team.id}))
    shared = sessions.create_session(c, house.stamps, admin.who)
    c.execute(
        update(schema.sessions).where(schema.sessions.c.id == shared.id).values(team_id=team.id)
    )
    own = sessions.create_session(c, house.stamps, ann.who)
    return World(house, client, admin, ann, shared.id, own.id)


async def _ask(w: World, session_id: str, who: Person) -> None:
    path = f"/api/sessions/{session_id}/messages"
    answer = await w.client.post(path, json={"text": "Tell me."}, headers=who.bearer)
    assert answer.status_code == 202, answer.text


@contextlib.asynccontextmanager
async def _following(w: World, session_id: str, headers: dict[str, str]) -> AsyncIterator[Any]:
    """An open stream that has brought words of a running answer."""
    path = f"/api/sessions/{session_id}/events"
    async with w.client.stream("GET", path, headers=headers, timeout=30) as stream:
        assert stream.status_code == 200
        frames = stream.aiter_text()
        heard = ""
        while "text" not in heard:
            heard += await anext(frames)
        yield frames


async def _ends_in_time(frames: AsyncIterator[str]) -> str:
    """Read to the end of a stream; what still came."""
    rest = ""
    async with asyncio.timeout(BOUND_S + MARGIN_S):
        async for piece in frames:
            rest += piece
    assert '"reason":"done"' not in rest, "the answer ended by itself, which proves nothing"
    return rest


async def _stays_open(frames: AsyncIterator[str]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BOUND_S + MARGIN_S):
            async for _ in frames:
                pass
            pytest.fail("the stream ended")


Deed = Callable[[World], Awaitable[httpx.Response]]


def _by_admin(method: str, path: str, body: Any = None) -> Deed:
    async def deed(w: World) -> httpx.Response:
        filled = path.format(user=w.ann.id, key=w.ann.key_id)
        return await w.client.request(method, filled, json=body, headers=w.admin.bearer)

    return deed


async def _sign_out(w: World) -> httpx.Response:
    return await w.client.post("/api/sign-out", headers=w.ann.cookie)


async def _reset_password(w: World) -> httpx.Response:
    """A new password, by an administrator's link, ends the sign-ins that were stolen before."""
    offered = await w.client.post(
        "/api/invitations", json={"user_id": w.ann.id}, headers=w.admin.bearer
    )
    body = {"token": offered.json()["token"], "password": PASSWORD}
    async with httpx.AsyncClient(base_url=w.client.base_url) as fresh:
        return await fresh.post("/api/join", json=body)


BOTH = ("cookie", "bearer")
PATHS: dict[str, tuple[Deed, tuple[str, ...], str, int]] = {
    "disable": (_by_admin("PATCH", "/api/users/{user}", {"disabled": True}), BOTH, "own", 401),
    "erase": (_by_admin("DELETE", "/api/users/{user}"), BOTH, "own", 401),
    "log out": (_sign_out, ("cookie",), "own", 401),
    "reset password": (_reset_password, ("cookie",), "own", 401),
    "revoke key": (_by_admin("DELETE", "/api/keys/{key}"), ("bearer",), "own", 401),
    "leave team": (_by_admin("PATCH", "/api/users/{user}", {"teams": []}), BOTH, "team", 404),
}
"""Deed → by what, whose session the stream follows, and how the next request is refused."""


@pytest.mark.parametrize("path", PATHS)
def test_an_open_stream_ends_and_the_next_request_is_refused(
    home: Path, database_url: str, path: str
) -> None:
    deed, modes, whose, refused = PATHS[path]

    async def body() -> None:
        async with world(home, database_url) as w:
            session = w.own_session if whose == "own" else w.team_session
            await _ask(w, session, w.ann if whose == "own" else w.admin)
            async with contextlib.AsyncExitStack() as stack:
                streams = [
                    await stack.enter_async_context(_following(w, session, getattr(w.ann, mode)))
                    for mode in modes
                ]
                done = await deed(w)
                assert done.status_code in (200, 204), done.text
                for mode in modes:
                    again = await w.client.get(
                        f"/api/sessions/{session}", headers=getattr(w.ann, mode)
                    )
                    assert again.status_code == refused, again.text
                await asyncio.gather(*map(_ends_in_time, streams))
                if path not in ("erase", "disable"):  # those two end the run itself as well
                    assert w.house.runs.running(session), "the run ended, not the stream"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("path", "still"), [("log out", "bearer"), ("revoke key", "cookie"), ("leave team", "")]
)
def test_other_streams_stay_open(home: Path, path: str, still: str) -> None:
    """Closing everything would pass the test above: what is still allowed must go on."""

    async def body() -> None:
        async with world(home) as w:
            await _ask(w, w.team_session, w.admin)
            headers = getattr(w.ann, still) if still else w.admin.bearer
            async with _following(w, w.team_session, headers) as frames:
                await PATHS[path][0](w)
                await _stays_open(frames)

    asyncio.run(body())


def test_a_demoted_person_does_no_more_but_may_read_on(home: Path, database_url: str) -> None:
    async def body() -> None:
        async with world(home, database_url) as w:
            await _ask(w, w.own_session, w.ann)
            async with _following(w, w.own_session, w.ann.cookie) as frames:
                change = {"role": "viewer"}
                path = f"/api/users/{w.ann.id}"
                done = await w.client.patch(path, json=change, headers=w.admin.bearer)
                assert done.status_code == 204
                for headers in (w.ann.cookie, w.ann.bearer):
                    session = f"/api/sessions/{w.own_session}"
                    for method, path, sent in (
                        ("POST", "/api/sessions", None),
                        ("POST", f"{session}/messages", {"text": "more"}),
                        ("POST", f"{session}/stop", None),
                        ("PATCH", session, {"title": "mine"}),
                        ("DELETE", session, None),
                    ):
                        answer = await w.client.request(method, path, json=sent, headers=headers)
                        assert answer.status_code == 403, (method, path)
                    assert (await w.client.get(session, headers=headers)).status_code == 200
                await _stays_open(frames)

    asyncio.run(body())


def test_a_demoted_administrator_manages_no_more(home: Path) -> None:
    async def body() -> None:
        async with world(home) as w:
            offered = await w.client.post(
                "/api/invitations", json={"role": "owner"}, headers=w.admin.bearer
            )
            owner = {"Authorization": f"Bearer {w.house.owner_key}"}
            path = f"/api/users/{w.admin.id}"
            await w.client.patch(path, json={"role": "agent"}, headers=owner)
            for path in ("/api/audit", "/api/users"):
                assert (await w.client.get(path, headers=w.admin.cookie)).status_code == 403
            back = {"token": offered.json()["token"], "email": "b@c.example", "password": PASSWORD}
            answer = await w.client.post("/api/join", json=back)
            assert answer.status_code == 404, "their invitation still made an administrator"

    asyncio.run(body())


def test_a_new_password_ends_the_other_links_to_one(home: Path) -> None:
    async def body() -> None:
        async with world(home) as w:
            links = [
                await w.client.post(
                    "/api/invitations", json={"user_id": w.ann.id}, headers=w.admin.bearer
                )
                for _ in range(2)
            ]
            codes = [
                (
                    await w.client.post(
                        "/api/join", json={"token": link.json()["token"], "password": PASSWORD}
                    )
                ).status_code
                for link in links
            ]
            assert codes == [200, 404]

    asyncio.run(body())


@pytest.mark.parametrize("how", ["disable", "erase"])
def test_a_change_by_another_process_ends_streams_too(
    home: Path, database_url: str, how: str
) -> None:
    """The watch reads the database, so it need not be this process that took the rights."""

    async def body() -> None:
        async with world(home, database_url) as w:
            other = open_database(database_url)
            await _ask(w, w.own_session, w.ann)
            async with _following(w, w.own_session, w.ann.cookie) as frames:
                stamps, admin = w.house.stamps, w.admin.who
                await other.write(
                    lambda c: (
                        people.change_user(c, stamps, admin, w.ann.id, disabled=True)
                        if how == "disable"
                        else privacy.erase_person(c, stamps, admin, w.ann.id)
                    )
                )
                await _ends_in_time(frames)
            await other.close()

    asyncio.run(body())


def test_without_the_watch_the_stream_stays_open(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_WATCH_S", 3600.0)

    async def body() -> None:
        async with world(home) as w:
            await _ask(w, w.own_session, w.ann)
            async with _following(w, w.own_session, w.ann.cookie) as frames:
                await PATHS["log out"][0](w)
                with pytest.raises(TimeoutError):
                    await _ends_in_time(frames)

    asyncio.run(body())


def test_rights_lost_while_the_stream_opens_are_seen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the request's check and the stream's first word there is time to lose a right.

    Another open stream keeps the watch busy: it has looked at the change before this stream was
    there to be asked.
    """
    opening = OpenStreams.while_allowed

    async def body() -> None:
        async with world(home) as w:
            await _ask(w, w.own_session, w.ann)
            await _ask(w, w.team_session, w.admin)

            async def late(self: OpenStreams, *values: Any) -> AsyncIterator[bytes]:
                await PATHS["disable"][0](w)
                await asyncio.sleep(2 * access._WATCH_S)
                async for frame in opening(self, *values):
                    yield frame

            async with _following(w, w.team_session, w.admin.cookie):
                monkeypatch.setattr(OpenStreams, "while_allowed", late)
                path = f"/api/sessions/{w.own_session}/events"
                async with w.client.stream("GET", path, headers=w.ann.cookie) as stream:
                    assert stream.status_code == 200
                    async with asyncio.timeout(2 * access._WATCH_S + BOUND_S + MARGIN_S):
                        assert [piece async for piece in stream.aiter_text()] == []

    asyncio.run(body())


def test_streams_end_when_the_watch_cannot_look(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Connection) -> int:
        raise ValueError("the database is gone")

    async def body() -> None:
        async with world(home) as w:
            await _ask(w, w.own_session, w.ann)
            async with _following(w, w.own_session, w.ann.cookie) as frames:
                monkeypatch.setattr(people, "access_version", broken)
                await _ends_in_time(frames)

    asyncio.run(body())


def test_a_sign_out_by_nobody_disturbs_no_stream(database: Database) -> None:
    """Else anybody could make every open stream prove itself again, as often as they like."""

    async def body() -> None:
        before = await database.read(people.access_version)
        await database.write(lambda c: keys.end_login(c, "no such token"))
        assert await database.read(people.access_version) == before

    asyncio.run(body())
