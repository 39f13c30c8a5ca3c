"""Visitors come in by a channel: one session, one agent, opened documents, and nothing else."""

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from attenda.cli import channels as cli
from attenda.core.errors import AttendaError, NotFound, Unauthenticated, UserError
from attenda.core.principal import ALLOWED
from attenda.serve.identity import channel_secret
from attenda.store import channels, documents, passages, people, sessions, visitors
from tests.serve.widget_people import OWNER, SITE, Visitor, Widget, widget_house

CITED = "To open one, hold a checking account for 14 days [1]."
ASKED = "How long must a customer have held a checking account to open a savings account?"


def run(body: Any) -> None:
    asyncio.run(body)


def test_a_visitor_asks_and_sees_words_and_citations_alone(home: Path, database_url: str) -> None:
    async def body() -> None:
        async with widget_house(home, lambda _: CITED, database_url) as w:
            ana = await w.visit()
            started = await ana.say(ASKED)
            assert started.status_code == 202, started.text
            stream = await ana("GET", "/events")
            kinds = {json.loads(line[6:])["type"] for line in _data(stream.text)}
            assert kinds == {"run.started", "text", "cited", "run.finished"}
            assert "document_id" not in stream.text
            said = (await ana.view())["messages"][-1]
            assert "14 days" in said["text"]
            assert said["citations"][0]["document"].startswith("Savings")
            assert set(said["citations"][0]) == {"n", "document", "page", "quote"}

    run(body())


def _data(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("data: ")]


def test_documents_that_were_not_opened_are_never_found(home: Path) -> None:
    """Not those of a person, of a team, nor those of everyone in a collection that is shut."""

    async def body() -> None:
        async with widget_house(home, lambda _: "Secret: zebra [1].") as w:

            def shut(c: Any) -> None:
                documents.ensure_collection(c, w.house.stamps, OWNER, "Inside")
                for name in ("Private",):
                    documents.ensure_collection(c, w.house.stamps, OWNER, name, shared=False)

            await w.write(shut)
            hidden = "The zebra password of the vault is umbrella-41."
            await add_to(w, "Inside", hidden)
            await add_to(w, "Private", hidden)
            ana = await w.visit()
            await ana.say("What is the zebra password of the vault?")
            await w.rest(ana)
            shown = json.dumps(await ana.view())
            assert "umbrella-41" not in shown
            who = await w.house.database.read(
                lambda c: visitors.principal_of_session(c, ana.session_id)
            )
            seen = await w.house.database.read(lambda c: documents.list_documents(c, who))
            assert [one.name for one in seen] == ["savings.md"]
            rarity, total = await w.house.database.read(
                lambda c: passages.term_rarity(c, ["zebra"], who)
            )
            everything, of_all = await w.house.database.read(
                lambda c: passages.term_rarity(c, ["zebra"], OWNER)
            )
            assert total < of_all and rarity != everything
            # The collection is opened, and found; shut again, and gone at once.
            inside = await w.house.database.read(lambda c: _collection(c, "Inside"))
            await _change(w, collection_ids=[inside])
            found = await w.house.searcher.search(await _now(w, ana), "zebra password", 8)
            assert any("umbrella-41" in one.passage.text for one in found)
            held = await _now(w, ana)
            await _change(w, collection_ids=[])
            assert await w.house.searcher.search(held, "zebra password", 8) == []
            with pytest.raises(UserError):
                await _change(w, collection_ids=[await w.house.database.read(
                    lambda c: _collection(c, "Private")
                )])  # fmt: skip

    run(body())


async def _now(w: Widget, visitor: Visitor) -> Any:
    return await w.house.database.read(
        lambda c: visitors.principal_of_session(c, visitor.session_id)
    )


async def _change(w: Widget, **values: Any) -> None:
    await w.write(
        lambda c: channels.change_channel(c, w.house.stamps, OWNER, w.channel.id, **values)
    )


def _collection(c: Any, name: str) -> str:
    return next(one.id for one in documents.list_collections(c, OWNER) if one.name == name)


async def add_to(w: Widget, collection: str, text: str) -> None:
    async def content() -> Any:
        yield text.encode()

    await w.house.ingester.add(OWNER, collection, f"{collection}.txt", content())
    await w.house.ingester.wait_idle()


def test_two_visitors_and_a_closed_channel(home: Path) -> None:
    async def body() -> None:
        async with widget_house(home) as w:
            ana, ben = await w.visit(), await w.visit()
            await ana.say("my secret is zebra")
            await w.rest(ana)
            assert "zebra" not in json.dumps(await ben.view())
            who = await _now(w, ben)
            with pytest.raises(NotFound):
                await w.house.database.read(lambda c: sessions.get_session(c, who, ana.session_id))
            assert not any(who.may(action) for action in ALLOWED["owner"])
            for headers in ({"Cookie": f"attenda={ana.token}"}, {"X-Api-Key": ana.token}):
                assert (await w.client.get("/api/visit", headers=headers)).status_code == 401
            assert (await w.client.get("/api/visit", headers=w.staff)).status_code == 401
            for path in ("/api/sessions", "/api/agents", "/v1/models", "/api/documents"):
                assert (await w.client.get(path, headers=ana.headers)).status_code == 401
            await w.write(lambda c: channels.revoke_channel(c, w.house.stamps, OWNER, w.channel.id))
            assert (await ana("GET")).status_code == 401
            assert (await ana.say("still there?")).status_code == 401
            answer = await w.client.post(f"/api/channels/{w.channel.id}/visits", json={})
            assert answer.status_code == 404
            with pytest.raises(Unauthenticated):
                await _now(w, ana)

    run(body())


def test_a_channel_shut_while_a_stream_is_open_ends_it(home: Path) -> None:
    async def body() -> None:
        async with widget_house(home) as w:
            ana = await w.visit()
            open_ = asyncio.create_task(ana("GET", "/watch"))
            await asyncio.sleep(0.1)
            assert not open_.done()
            await w.write(lambda c: channels.revoke_channel(c, w.house.stamps, OWNER, w.channel.id))
            assert (await asyncio.wait_for(open_, 20)).status_code == 200

    run(body())


def test_a_message_sent_twice_comes_in_once(home: Path, database_url: str) -> None:
    async def body() -> None:
        async with widget_house(home, url=database_url) as w:
            ana = await w.visit()
            answers = await asyncio.gather(
                *(ana.say("hello there", "same-name-1") for _ in range(4))
            )
            assert sorted({one.status_code for one in answers})[0] == 202
            await w.rest(ana)
            assert (await ana.say("hello there", "same-name-1")).status_code == 202
            assert [role for role, _ in await ana.texts()] == ["user", "assistant"]
            ids = {one.json()["user_message_id"] for one in answers if one.status_code == 202}
            assert len(ids) == 1

    run(body())


def test_pace_size_and_quota_are_limited(home: Path) -> None:
    async def body() -> None:
        async with widget_house(home) as w:
            ana = await w.visit()
            assert (await ana.say("x" * 4001)).status_code == 413
            assert (await ana.say("  ")).status_code == 400
            codes = []
            for number in range(14):
                codes.append((await ana.say(f"message {number}")).status_code)
                await w.rest(ana)
            assert codes[:12] == [202] * 12 and codes[12:] == [429] * 2
            many = [
                (await w.client.post(f"/api/channels/{w.channel.id}/visits", json={})).status_code
                for _ in range(12)
            ]
            assert 429 in many
            ben = Visitor(w.client, "vst_nobody")
            assert (await ben.view_status()) == 401
            await _change(w, tokens_a_day=0)
            w.house.stamps.now = _later(w.house.stamps.now, 61)  # type: ignore[method-assign]
            answer = await ana.say("one more")
            assert (answer.status_code, answer.json()["error"]["key"]) == (403, "channel.used_up")

    run(body())


def _later(clock: Any, seconds: int) -> Any:
    return lambda: clock() + seconds * 1_000_000


def test_a_visit_ends_a_day_after_it_was_last_used(home: Path) -> None:
    async def body() -> None:
        async with widget_house(home) as w:
            clock = w.house.stamps.now
            ana = await w.visit()
            w.house.stamps.now = _later(clock, 80_000)  # type: ignore[method-assign]
            assert (await ana.say("still here")).status_code == 202
            await w.rest(ana)
            w.house.stamps.now = _later(clock, 160_000)  # type: ignore[method-assign]
            assert (await ana("GET")).status_code == 200
            w.house.stamps.now = _later(clock, 170_000)  # type: ignore[method-assign]
            assert (await ana("GET")).status_code == 401

    run(body())


def test_a_person_answers_and_both_see_who_writes(home: Path) -> None:
    async def body() -> None:
        async with widget_house(home) as w:
            ana = await w.visit()
            assert (await ana("POST", "/person")).status_code == 204
            desk = f"/api/desk/sessions/{ana.session_id}"

            async def staff(method: str, path: str, body: Any = None) -> Any:
                answer = await w.client.request(method, path, json=body, headers=w.staff)
                assert answer.is_success, answer.text
                return answer.json() if answer.text else None

            listed = (await staff("GET", "/api/desk"))["sessions"]
            assert [one["customer"] for one in listed] == ["A visitor"]
            await staff("POST", f"{desk}/claim")
            await ana("POST", "/typing", {})
            talk = await staff("GET", desk)
            assert talk["typing"] and talk["channel"] == {
                "kind": "widget", "address": "", "name": "Shop", "known": False
            }  # fmt: skip
            await staff("POST", f"{desk}/typing")
            assert (await ana.view())["typing"]
            await staff("POST", f"{desk}/messages", {"text": "Hello, I am Sam."})
            view = await ana.view()
            assert not view["typing"] and view["person"] == "Sam"
            assert ("Sam", "Hello, I am Sam.") in await ana.texts()
            await ana.say("thanks")
            assert not (await staff("GET", desk))["typing"]
            await staff("POST", f"{desk}/resolve")
            assert (await ana("PUT", "/rating", {"score": 6})).status_code == 422
            assert (await ana("PUT", "/rating", {"score": 4, "comment": "ok"})).status_code == 204
            assert (await staff("GET", desk))["rating"] == {"score": 4, "comment": "ok"}
            assert (await ana("DELETE")).status_code == 204
            assert (await ana("GET")).status_code == 401
            rest = await w.house.database.read(lambda c: visitors.sweep(c))
            assert rest == []

    run(body())


def _token(secret: str, head: dict[str, Any], **claims: Any) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    signed = f"{part(head)}.{part(claims)}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_a_site_says_who_its_customer_is_and_nobody_else_can(home: Path) -> None:
    async def body() -> None:
        async with widget_house(home) as w:
            secret = channel_secret(w.house.channel_key, w.channel.id)
            shown = await w.client.post(
                f"/api/channels/{w.channel.id}/secret",
                headers={"Authorization": f"Bearer {w.house.owner_key}"},
            )
            assert shown.json() == {"secret": secret}
            now = w.house.stamps.now() // 1_000_000
            hs256 = {"alg": "HS256", "typ": "JWT"}
            good = {"sub": "cust-7", "name": "Ana Duarte", "exp": now + 600}
            ana = await w.visit(identity=_token(secret, hs256, **good))
            again = await w.visit(identity=_token(secret, hs256, **good))
            one, two = await _now(w, ana), await _now(w, again)
            assert one.id == two.id and one.kind == "customer" and one.name == "Ana Duarte"
            assert ana.session_id != again.session_id  # the token holds one session alone
            assert (await _now(w, await w.visit())).kind == "visitor"
            other = channel_secret(w.house.channel_key, "chn_other")
            wrong = [
                _token(other, hs256, **good),
                _token(secret, {"alg": "none"}, **good),
                _token(secret, {"alg": "HS512"}, **good),
                _token(secret, hs256, **{**good, "exp": now - 1}),
                _token(secret, hs256, **{**good, "exp": now + 200_000}),
                _token(secret, hs256, **{**good, "exp": None}),
                _token(secret, hs256, **{**good, "sub": ""}),
                _token(secret, hs256, **{**good, "sub": None}),
                _token(secret, hs256, **good)[:-4] + "AAAA",
                "a.b.c", "..", "é.é.é",
            ]  # fmt: skip
            for token in wrong:
                w.client._transport.app.state.pace._times.clear()  # type: ignore[attr-defined]
                answer = await w.client.post(
                    f"/api/channels/{w.channel.id}/visits", json={"identity": token}
                )
                assert answer.status_code == 403, token

    run(body())


def test_other_sites_may_ask_for_the_widget_alone_and_by_name(home: Path) -> None:
    async def body() -> None:
        async with widget_house(home) as w:
            looks = f"/api/channels/{w.channel.id}/looks"
            shop = {"Origin": SITE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
            answer = await w.client.get(looks, headers=shop)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == SITE
            assert "access-control-allow-credentials" not in answer.headers
            for origin in ("http://evil.example", "null", f"{SITE}.evil.example", f"{SITE}:81"):
                answer = await w.client.get(looks, headers={**shop, "Origin": origin})
                assert answer.status_code == 403
                assert "access-control-allow-origin" not in answer.headers
            frame = await w.client.get(f"/widget/{w.channel.id}")
            assert f"frame-ancestors {SITE}" in frame.headers["content-security-policy"]
            # The frame's own routes are for our own pages: a site's script is turned away.
            for method, path in (
                ("POST", f"/api/channels/{w.channel.id}/visits"),
                ("OPTIONS", f"/api/channels/{w.channel.id}/visits"),
                ("GET", "/api/visit"),
                ("POST", looks),
            ):
                answer = await w.client.request(method, path, headers=shop)
                assert answer.json()["error"]["key"] == "gate.origin"
                assert "access-control-allow-origin" not in answer.headers
            assert (await w.client.get("/widget/chn_none")).status_code == 404

    run(body())


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://", "https://a b", "https://shop.example/path", "ftp://x", "https://x'",
     "https://x; script-src *", "shop.example", "https://u:p@x", "https://*.example"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(home: Path, origin: str) -> None:
    with pytest.raises(UserError):
        channels._origins([origin])


def test_people_is_unknown_to_visitors(home: Path) -> None:
    """A visitor's id is no user's: nothing that asks for a user finds one."""

    async def body() -> None:
        async with widget_house(home) as w:
            who = await _now(w, await w.visit())
            with pytest.raises(Unauthenticated):
                await w.house.database.read(lambda c: people.principal_of(c, who.id))

    run(body())


def test_channels_from_the_terminal(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def body() -> None:
        async with widget_house(home) as w:
            w.client.headers["Authorization"] = f"Bearer {w.house.owner_key}"
            address = "http://localhost:8017"
            made = {"name": "Second", "origins": ["https://two.example"]}
            await cli.add_channel(w.client, made, "Bank", ["Library"], address, as_json=False)
            assert capsys.readouterr().out.startswith(f'<script src="{address}/widget.js" data-')
            await cli.list_channels(w.client, as_json=True)
            rows = json.loads(capsys.readouterr().out)
            assert [one["name"] for one in rows] == ["Second", "Shop"]
            assert rows[0]["origins"] == ["https://two.example"]
            await cli.print_secret(w.client, "Second")
            assert len(capsys.readouterr().out.strip()) == 64
            await cli.revoke_channel(w.client, "Second")
            with pytest.raises(NotFound):
                await cli.revoke_channel(w.client, "Second")
            mail = {"name": "Mail", "kind": "mail", "mailbox": "none"}
            with pytest.raises(AttendaError, match="no mailbox"):
                await cli.add_channel(w.client, mail, "Bank", [], address, as_json=False)

    run(body())
