"""Automations at work: forms, waits, approvals, retries, restarts, upgrades; what sets them off."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from attenda.api import Principal, UserError
from attenda.cli.packs import load_pack
from attenda.core.errors import Conflict, Unauthenticated
from attenda.runtime.automation_mail import MailWatch
from attenda.runtime.automation_triggers import begin_due
from attenda.store import desk, inspection, journal, privacy, sessions
from attenda.tools import webhook
from attenda.tools.mailbox import Mailbox
from tests.conftest import FROZEN_AT
from tests.runtime.depot import ANA, FOLDER, Clock, Depot, Supplier, depot
from tests.runtime.mail_servers import ADDRESS, PASSWORD, MailServer, letter, mail_server

SECRET = b"sixteen letters or more"


BOSS = Principal(id="usr_boss", role="supervisor")


def test_a_run_that_waits_survives_a_restart_an_upgrade_and_a_lost_queue(home: Path) -> None:
    folder = home.parent / "pack"
    shutil.copytree(FOLDER, folder)
    clock = Clock(FROZEN_AT)

    async def first() -> str:
        async with depot(home, stamps=clock.stamps(), pack=load_pack(folder)) as d:
            run_id = await d.start("restock", item="tea")
            row = await d.until(run_id, "waiting")
            assert (row.waits_for, row.waits_id) == ("form", (await d.form()).id)
            assert (await d.form()).title["zh-CN"] == "要订购更多 tea 吗？还有 3 个。"
            return run_id

    async def second(run_id: str) -> None:
        async with depot(home, stamps=clock.stamps(), pack=load_pack(folder)) as d:
            assert (await d.run(run_id)).state == "waiting"
            form = await d.form()
            with pytest.raises(UserError) as wrong:
                await d.house.automations.answer(ANA, form.id, {"count": "many"})
            assert wrong.value.key == "automation.field_wrong"
            await d.house.automations.answer(ANA, form.id, {"count": 5})
            row = await d.until(run_id, "done")
            (made,) = await d.rows("orders")
            assert (made["item"], made["count"]) == ("tea", 5)
            assert row.result == f"Ordered as {made['id']}.", "by the text that it began on"
            with pytest.raises(Conflict):
                await d.house.automations.answer(ANA, form.id, {"count": 6})
            newer = await d.start("restock", item="tea")
            assert (await d.until(newer, "done")).result == "Another text."

    run_id = asyncio.run(first())
    clock.move(hours=30)
    changed = "restock:\n  title: {en: x}\n  input: {item: {type: text}}\n  steps:\n"
    (folder / "automations" / "stock.yaml").write_text(
        changed + "    - stop: {en: Another text.}\n"
    )
    for path in home.glob("automations.db*"):
        path.unlink()
    asyncio.run(second(run_id))


def test_a_house_that_is_closed_while_the_queue_opens_leaves_it_to_the_next(home: Path) -> None:
    async def at_once() -> str:
        async with depot(home) as d:
            run_id = await d.start("restock", item="rice")
            while not d.house.automations.durable._launching:
                await asyncio.sleep(0)
            return run_id

    async def next_one(run_id: str) -> None:
        async with depot(home) as d:
            assert (await d.until(run_id, "done")).result == "There is enough."

    asyncio.run(next_one(asyncio.run(at_once())))


def test_a_form_that_nobody_fills_in_takes_the_other_way(home: Path) -> None:
    clock = Clock(FROZEN_AT)

    async def body() -> None:
        async with depot(home, stamps=clock.stamps()) as d:
            run_id = await d.start("restock", item="tea")
            await d.until(run_id, "waiting")
            form = await d.form()
            viewer = Principal(id="usr_v", role="viewer")
            with pytest.raises(UserError):
                await d.house.automations.answer(viewer, form.id, {"count": 5})
            clock.move(hours=49)
            with pytest.raises(Conflict):
                await d.house.automations.answer(ANA, form.id, {"count": 5})
            d.house.automations.ring()
            row = await d.until(run_id, "done")
            assert row.result == "Nobody answered, so nothing was ordered."
            assert (await d.steps(run_id))["ask"].state == "late"
            assert await d.rows("orders") == []

    asyncio.run(body())


def test_an_approval_a_pause_a_wait_and_a_cancellation(home: Path) -> None:
    clock = Clock(FROZEN_AT)

    async def body() -> None:
        async with depot(home, stamps=clock.stamps()) as d:
            made = d.house.automations
            run_id = await d.start("large", count=500)
            row = await d.until(run_id, "waiting")
            assert row.waits_for == "approval"

            def approve(c: object, id_: str) -> None:
                (asked,) = journal.pending_in(c, id_, clock.now)  # type: ignore[arg-type]
                boss = Principal(id="usr_boss", role="supervisor")
                journal.decide(c, d.house.stamps, boss, asked.id, asked.hash, yes=True)  # type: ignore[arg-type]

            await made.pause(ANA, run_id)
            await d.house.database.write(lambda c: approve(c, run_id))
            made.ring()
            await asyncio.sleep(0.1)
            assert (await d.run(run_id)).state == "paused"
            await made.resume(ANA, run_id)
            row = await d.until(run_id, "waiting")
            assert (row.waits_for, row.wake_at) == ("timer", clock.now + 2 * 3_600_000_000)
            assert sorted(one["count"] for one in await d.rows("orders")) == [1, 500]
            clock.move(hours=-5)  # set back: it waits for its instant all the same
            made.ring()
            await asyncio.sleep(0.1)
            assert (await d.run(run_id)).state == "waiting"
            clock.move(hours=7.5)
            made.ring()
            assert (await d.until(run_id, "done")).result.startswith("Ordered as B-")

            other = await d.start("large", count=50)
            await d.until(other, "waiting")
            await made.cancel(ANA, other)
            with pytest.raises(Conflict):
                await made.resume(ANA, other)
            stranger = Principal(id="usr_s", role="supervisor")
            with pytest.raises(UserError):
                await made.cancel(stranger, other)

    asyncio.run(body())


def test_what_may_pass_is_tried_again_and_what_is_done_is_not_done_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPOT_SECRET", SECRET.decode())
    answers = iter(["no JSON", '{"worth": 0}', '{"worth": NaN}', '{"worth": 7}', '{"worth": 8}'])
    supplier = Supplier([503, 429, 500, 400])

    async def body() -> None:
        async with depot(home, lambda _: next(answers)) as d, supplier.listen() as port:
            send = d.house.automations.runner._deeds

            async def to_port(url: str, headers: object, body: bytes) -> tuple[int, bytes]:
                there = url.replace(":8000", f":{port}")
                return await webhook.send(there, headers, body)  # type: ignore[arg-type]

            send._posting = to_port
            mine = await d.house.database.write(
                lambda c: sessions.create_session(c, d.house.stamps, ANA)
            )
            run_id = await d.start("supply", item="tea", session=mine.id)
            row = await d.until(run_id, "failed")
            assert row.problem is not None and row.problem["key"] == "tool.refused"
            steps = await d.steps(run_id)
            assert (steps["think"].state, steps["think"].attempts) == ("done", 4)
            assert [one.state for one in steps.values()] == ["done", "done", "failed"]
            await d.house.automations.restart(ANA, run_id)
            await d.until(run_id, "done")
            tree = await d.house.database.read(lambda c: sessions.message_tree(c, mine.id))
            assert [one.message.text for one in tree] == ["The supplier knows of tea."]
            assert next(answers) == '{"worth": 8}', "the model was not asked again"
            house = d.house
            await house.database.write(lambda c: inspection.add_person(c, house.stamps, BOSS))
            run_id = await house.automations.start(BOSS, "loose", {"item": "a person's own"})
            row = await d.until(run_id, "waiting")
            assert row.waits_for == "approval", "what is hers goes out after a yes alone"
            (shown,) = await d.house.database.read(lambda c: journal.list_approvals(c, BOSS))
            assert shown.label["sink"] == ["web:127.0.0.1:8000"]
            words = {"session": mine.id, "words": "hers"}
            run_id = await house.automations.start(BOSS, "hail", words)
            row = await d.until(run_id, "failed")
            assert row.problem is not None and row.problem["key"] == "automation.not_for_them"
            tree = await house.database.read(lambda c: sessions.message_tree(c, mine.id))
            assert [one.message.text for one in tree][1:] == ["Told: hers"]

    asyncio.run(body())
    ids = {headers["webhook-id"] for headers, _ in supplier.got}
    assert len(supplier.got) == 5 and len(ids) == 1, "sent again under the same id"
    headers, sent = supplier.got[-1]
    assert json.loads(sent) == {"item": "tea", "worth": 7}
    assert webhook.verify(SECRET, headers, sent, int(headers["webhook-timestamp"])) in ids


def test_a_signed_request_begins_one_run_however_often_it_comes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPOT_SECRET", SECRET.decode())
    clock = Clock(FROZEN_AT)
    at_s = FROZEN_AT // 1_000_000
    body_ = b'{"item": "rice", "more": 1}'

    def headers(id_: str, at: int, secret: bytes = SECRET) -> dict[str, str]:
        signature = f"v1,AAAA {webhook.sign(secret, id_, at, body_)}"
        stamped = {"webhook-id": id_, "webhook-timestamp": str(at)}
        return {**stamped, "webhook-signature": signature}

    async def body() -> None:
        async with depot(home, stamps=clock.stamps()) as d:
            hook = d.house.automations.hook
            values = {"item": "rice", "more": 1}
            for wrong, key in (
                ({}, "webhook.unsigned"),
                (headers("a", at_s, b"another secret, long enough"), "webhook.wrong"),
                ({**headers("a", at_s), "webhook-id": "b"}, "webhook.wrong"),
                (headers("a", at_s - 301), "webhook.late"),
                (headers("a", at_s + 301), "webhook.late"),
            ):
                with pytest.raises(Unauthenticated) as refused:
                    await hook("stock", wrong, body_, values)
                assert refused.value.key == key
            found = await asyncio.gather(
                *(hook("stock", headers("a", at_s), body_, values) for _ in range(5))
            )
            assert len({run_id for run_id, _ in found}) == 1
            assert sorted(is_new for _, is_new in found) == [False] * 4 + [True]
            assert (await d.until(found[0][0], "done")).result == "There is enough."
            await d.house.automations.pause_all(ANA, "restock", paused=True)
            with pytest.raises(Conflict):
                await hook("stock", headers("c", at_s), body_, values)
            with pytest.raises(UserError):
                await hook("nothing", headers("a", at_s), body_, values)

    asyncio.run(body())


def test_files_and_events_set_it_off_once_each(home: Path) -> None:
    async def body() -> None:
        async with depot(home) as d:
            inbox = home / "inbox"
            inbox.mkdir()
            (inbox / "a.csv").write_text("tea,3\n")
            (inbox / "a.txt").write_text("no")
            await d.begun_by_files("closed", 1)
            (inbox / "a.csv").write_text("tea,44\n")
            await d.begun_by_files("closed", 2)

            def resolve(c: object) -> None:
                mine = sessions.create_session(c, d.house.stamps, ANA)  # type: ignore[arg-type]
                desk.enqueue(c, d.house.stamps, mine.id, "asked")  # type: ignore[arg-type]
                desk.release(c, d.house.stamps, ANA, mine.id, "resolved")  # type: ignore[arg-type]

            await d.house.database.write(resolve)  # type: ignore[arg-type]
            found = await d.runs_of("closed")
            assert [one.origin.split(":")[0] for one in found] == ["event", "folder", "folder"]
            told = [json.loads(one.input) for one in found]
            assert told[0]["value"]["session"].startswith("ses_")
            assert [one["value"]["text"] for one in told[1:]] == ["tea,44\n", "tea,3\n"]
            assert told[1]["label"]["integrity"] == "untrusted"
            for one in found:
                await d.until(one.id, "done")

    asyncio.run(body())


def test_what_began_once_does_not_begin_again_when_its_run_is_erased(home: Path) -> None:
    clock = Clock(FROZEN_AT)

    async def body() -> None:
        async with depot(home, stamps=clock.stamps()) as d:
            (home / "inbox").mkdir()
            (home / "inbox" / "a.csv").write_text("tea,3\n")
            (run,) = await d.begun_by_files("closed", 1)
            await d.until(run.id, "done")
            clock.move(hours=31 * 24)
            d.house.automations._files.clear()  # as after a start, which looks at each file anew
            stamps = d.house.stamps
            await d.house.database.write(
                lambda c: privacy.expire(c, stamps, trash_days=30, chat_days=30)
            )
            assert await d.runs_of("closed") == [] and await d.steps(run.id) == {}
            left = await d.house.database.read(
                lambda c: c.execute(text("SELECT id, input, result FROM automation_runs")).all()
            )
            for _ in range(3):
                await d.house.automations._look_at_folders()
            assert await d.runs_of("closed") == []
            assert [row.id for row in left] == [run.id] and "tea" not in str(left)

    asyncio.run(body())


def test_a_mail_sets_it_off_once_where_sender_and_subject_count(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.parent / "pack"
    shutil.copytree(FOLDER, folder)
    (folder / "automations" / "invoices.yaml").write_text(
        "invoices:\n  title: {en: Invoices}\n  on:\n    - mail: support\n"
        '      sender: "*@supplier.example"\n      subject: "*invoice*"\n'
        '  steps:\n    - stop: {en: "{input.subject}: {input.text}"}\n'
    )
    monkeypatch.setenv("ATTENDA_MAIL_PASSWORD", PASSWORD)

    async def body(server: MailServer) -> None:
        async with depot(home, pack=load_pack(folder)) as d:

            def watch() -> MailWatch:
                boxes = {"support": Mailbox(server.spec())}
                return MailWatch(d.house.database, d.house.stamps, boxes)

            old = {"sender": "a@supplier.example", "Subject": "Invoice 1"}
            server.put(letter("before", id_="old", **old))
            assert not await watch().look(), "what lay there before is not new"
            server.put(
                letter("12 euros", "bills@supplier.example", "1", Subject="Your INVOICE 7"),
                letter("12 euros", "bills@supplier.example", "1", Subject="Your INVOICE 7"),
                letter("hello", "bills@supplier.example", "2", Subject="Greetings"),
                letter("pay me", "bills@elsewhere.example", "3", Subject="Invoice"),
                letter("ours", ADDRESS, "4", Subject="Invoice"),
            )
            assert await watch().look()
            (run,) = await d.runs_of("invoices")
            server.validity += 1  # the server numbers its mails anew: all of the day come again
            await watch().look()
            runs = await d.runs_of("invoices")
            assert [one.id for one in runs if "12 euros" in one.input] == [run.id]
            d.house.automations.ring()
            assert json.loads(run.input)["label"]["integrity"] == "untrusted"
            assert (await d.until(run.id, "done")).result == "Your INVOICE 7: 12 euros"

    with mail_server() as server:
        asyncio.run(body(server))


@pytest.mark.parametrize(("missed", "expected"), [("skip", 0), ("once", 1), ("all", 3)])
def test_times_that_passed_are_dealt_with_as_the_file_says(
    home: Path, missed: str, expected: int
) -> None:
    folder = home.parent / "pack"
    shutil.copytree(FOLDER, folder)
    path = folder / "automations" / "stock.yaml"
    path.write_text(path.read_text().replace("missed: once", f"missed: {missed}"))
    clock = Clock(FROZEN_AT)

    async def opened(d: Depot) -> list[str]:
        await d.house.database.write(lambda c: begin_due(c, d.house.stamps))
        return [one.origin for one in await d.runs_of("nightly")]

    async def body() -> None:
        async with depot(home, stamps=clock.stamps(), pack=load_pack(folder)) as d:
            assert await opened(d) == []
        clock.move(hours=3 * 24)
        async with depot(home, stamps=clock.stamps(), pack=load_pack(folder)) as d:
            begun = await opened(d)
            assert len(begun) == expected
            assert await opened(d) == begun
            clock.move(hours=-30)  # set back over a time that is done: not done again
            assert await opened(d) == begun
            clock.move(hours=31)
            assert await opened(d) == begun
            clock.now = FROZEN_AT + 4 * 86_400_000_000 - (10 * 60 + 30) * 60_000_000
            assert len(await opened(d)) == expected + 1, "on time, to the second"

    asyncio.run(body())


def test_untrusted_words_move_no_write(home: Path) -> None:
    """What a stranger's file says neither becomes an order nor decides that there is one."""
    folder = home.parent / "pack"
    shutil.copytree(FOLDER, folder)
    for name, steps in (
        ("direct", "    - call: order\n      with: {item: input.text, count: '1'}\n"),
        (
            "branch",
            "    - if: input.text == 'tea'\n      then:\n"
            "        - call: order\n          with: {item: '\"tea\"', count: '1'}\n",
        ),
    ):
        body = f"{name}:\n  title: {{en: x}}\n  on: [{{folder: {name}}}]\n  steps:\n{steps}"
        (folder / "automations" / f"{name}.yaml").write_text(body)

    async def body_() -> None:
        async with depot(home, pack=load_pack(folder)) as d:
            for name in ("direct", "branch"):
                (home / name).mkdir()
                (home / name / "f").write_text("tea")
                (row,) = await d.begun_by_files(name, 1)
                failed = await d.until(row.id, "failed")
                assert failed.problem is not None and failed.problem["key"] == "tool.untrusted"
            assert await d.rows("orders") == []

    asyncio.run(body_())
