"""The tutor's pages before the HTTP routes: what a learner, a teacher and another teacher see."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from attenda.api import Principal, Said, StartFlow
from attenda.core.label import said_by
from attenda.dialogue.state import DialogueState
from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.pack import PACK, heard_first
from attenda.packs.tutor.rules import updated
from attenda.packs.tutor.samples import samples_on
from attenda.runtime.flow_turn import given_for
from attenda.serve.app import create_app
from attenda.store import keys, people, schema
from tests.runtime.test_flows import understand
from tests.scripted_house import scripted_house
from tests.serve.desk_people import Person

Stories = tuple[Callable[[dict[str, Person]], Awaitable[None]], ...]
PEOPLE = {"lea": "member", "tom": "member", "ms_kern": "supervisor", "mr_wolf": "supervisor"}
PEOPLE |= {"new": "member"}  # in no class


@contextlib.asynccontextmanager
async def school(home: Path) -> AsyncIterator[dict[str, Person]]:
    async with scripted_house(home, lambda _: "", packs=[PACK], understand=understand) as (
        house,
        _,
    ):

        def enrol(c: Any) -> dict[str, str]:
            secrets = {}
            for id_, role in (*PEOPLE.items(), ("root", "owner")):
                row = {"id": id_, "name": id_, "role": role, "created_at": house.stamps.now()}
                c.execute(schema.users.insert().values(**row))
                who = people.principal_of(c, id_)
                secrets[id_] = keys.create_key(c, house.stamps, who, "test")[1]
            return secrets

        secrets = await house.database.write(enrol)
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield {name: Person(client, secret) for name, secret in secrets.items()}


async def page(who: Person, path: str) -> str:
    answer = await who.raw("GET", f"/packs/tutor/{path}".rstrip("/"))
    assert answer.status_code == 200, answer.text
    return answer.text


async def press(who: Person, at: str, tool: str, again: str = "", **more: object) -> dict[str, Any]:
    """Send a form of a page as its buttons do; `again` names another time that it stood there."""
    form = re.search(rf'<form[^>]*data-tool="{tool}" data-once="(\w+)".*?</form>', at, re.DOTALL)
    assert form is not None, at
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    body = {"arguments": {**hidden, **more}, "once": form[1] + again}
    found: dict[str, Any] = await who("POST", f"/api/packs/tutor/tools/{tool}", body)
    return found


def test_a_learner_plans_and_practises_on_the_pages(home: Path) -> None:
    async def story() -> None:
        async with school(home) as who:
            lea = who["lea"]
            first = await page(lea, "")
            assert "Nothing is planned" in first and "<svg" in first
            await press(lea, first, "make_plan", goal="subtract_fractions", minutes=20)
            assert "practise equivalent fractions, 15 min" in await page(lea, "")
            await press(lea, await page(lea, "practice"), "give_task")
            asked = await page(lea, "practice")
            assert "2/3 = ?/12" in asked
            await press(lea, asked, "give_hint")
            asked = await page(lea, "practice")
            assert "Hint 1: A fraction stays the same" in asked
            await press(lea, asked, "answer", answer="9")
            asked = await page(lea, "practice")
            assert "Not yet:" in asked and "2/3 = ?/12" in asked
            assert (await press(lea, asked, "answer", answer="<b>8</b>"))["state"] == "done"
            await press(lea, await page(lea, "practice"), "answer", answer="8")
            assert "Right:" in await page(lea, "practice")
            assert "adding fractions" in await page(lea, "progress")

    asyncio.run(story())


def planned(at: str) -> dict[str, list[str]]:
    """The entries of the week's days on the home page, by the day's place from today on."""
    days = re.split(r"<h2>To do today|<h3[ >]", at.split("Add to the plan")[0])[1:]
    return {
        str(n): re.findall(r'class="name">([^<]*)</span>', day)
        for n, day in enumerate(days)
        if "plan-entry" in day
    }


async def week_by_hand(who: dict[str, Person]) -> None:
    """The week is planned by hand on the home page."""
    lea, tom = who["lea"], who["tom"]
    first = await page(lea, "")
    assert planned(first) == {} and "This week" not in first
    await press(lea, first, "make_plan", goal="add_fractions", minutes=15)
    equal = "practise equivalent fractions, 15 min"
    add, share = "practise adding fractions, 15 min", "review sharing in a ratio, 5 min"
    week = await page(lea, "")
    assert planned(week) == {"0": [equal], "1": [add]}
    assert week.count("nothing planned") == 5
    days = re.findall(r'<option value="(20\d\d-\d\d-\d\d)"', week)[:7]
    await press(lea, week, "move_entry", day=days[4])
    await press(lea, await page(lea, ""), "add_entry", skill="ratio", what="review",
                day=days[6])  # fmt: skip
    week = await page(lea, "")
    assert planned(week) == {"1": [add], "4": [equal], "6": [share]}
    name = {"skill": "ratio", "what": "review", "day": days[6]}
    twice = {"arguments": name, "once": "t"}
    found = await lea("POST", "/api/packs/tutor/tools/add_entry", twice, expect=400)
    assert f"Your plan has sharing in a ratio on {days[6]} already" in found["error"]["message"]
    late = {"arguments": {**name, "day": "2020-01-01"}, "once": "l"}
    found = await lea("POST", "/api/packs/tutor/tools/add_entry", late, expect=400)
    assert "That day is over" in found["error"]["message"]
    entry = dict(re.findall(r'name="(skill|entry)" value="([^"]*)"', week)[:2])
    for tool in ("remove_entry", "finish_entry"):
        body = {"arguments": entry, "once": tool}
        await tom("POST", f"/api/packs/tutor/tools/{tool}", body, expect=400)
    await press(lea, week, "remove_entry")
    await press(lea, await page(lea, ""), "make_plan", goal="add_fractions", minutes=15)
    assert planned(await page(lea, "")) == {"4": [equal], "6": [share]}
    await press(lea, await page(lea, ""), "finish_entry")
    assert planned(await page(lea, ""))["4"] == [f"✓ {equal} (done)"]


def test_a_teacher_sees_their_class_and_nobody_elses(home: Path) -> None:
    async def story() -> None:
        async with school(home) as who:
            kern, wolf = who["ms_kern"], who["mr_wolf"]
            mine = await page(kern, "class")
            names = set(re.findall(r"\b7[ab]\b", mine))  # ids drawn by chance may hold such letters
            assert names == {"7a"} and mine.count("<rect") == 3 * 25
            assert "Lea Duarte" in await page(kern, "learners/lea")
            assert "review what a fraction is" in await page(kern, "learners/mei"), "her plan"
            got = await kern("GET", "/packs/tutor/api/classes/K-1/statements")
            assert len(got) == 30
            csv = await kern.raw("GET", "/packs/tutor/api/classes/K-1/attempts.csv")
            assert csv.headers["content-type"].startswith("text/csv")
            report = await kern("GET", "/packs/tutor/api/learners/lea/report")
            assert {one["id"]: one["value"] for one in report["figures"]}["attempts"] == 11
            for path in ("learners/lea", "api/classes/K-1/statements",
                         "api/classes/K-1/attempts.csv", "api/learners/lea/report"):  # fmt: skip
                for other in (wolf, who["tom"]):
                    assert (await other.raw("GET", f"/packs/tutor/{path}")).status_code == 403
            assert (await who["lea"].raw("GET", "/packs/tutor/class")).status_code == 403
            concern = {"arguments": {"words": "I want to die"}, "once": "a"}
            await who["lea"]("POST", "/api/packs/tutor/tools/raise_concern", concern)
            told = await page(kern, "class")
            assert "may want to hurt themselves" in told and "Lea Duarte" in told
            found = re.search(r'name="concern" value="(\w+)"', told)
            assert found is not None
            one = {"arguments": {"concern": found[1]}, "once": "b"}
            path = "/api/packs/tutor/tools/look_into"
            await who["lea"]("POST", path, one, expect=403)
            assert (await wolf.raw("POST", path, one)).status_code == 400, "it is not his class"
            await press(kern, told, "look_into")
            assert "may want to hurt themselves" not in await page(kern, "class")
            for closed in ("/api/desk", "/api/desk/replies"):
                await who["lea"]("GET", closed, expect=403)
            await press(kern, mine, "set_exam", on=True)
            assert "End the exam" in await page(kern, "class")
            assert "You are in an exam" in await page(who["tom"], "practice")
            assert "7b" in await page(who["root"], "class")

    asyncio.run(story())


def test_danger_on_a_page_is_answered_kept_and_a_person_told(home: Path) -> None:
    async def story() -> None:
        async with school(home) as who:
            root, new, kern = who["root"], who["new"], who["ms_kern"]
            await press(new, await page(new, "practice"), "give_task")
            asked = await page(new, "practice")
            done = await press(new, asked, "answer", answer="I don't want to live any more")
            told = done["told"]
            assert told["words"].startswith("I'm glad you told me") and told["session"]
            again = await press(new, asked, "answer", answer="I don't want to live any more")
            assert again["told"]["session"] == told["session"], "the same form twice is once"
            left = await page(new, "practice")
            assert 'role="alert"' in left and "I&#39;m glad you told me" in left
            assert 'data-tool="answer"' not in left, "the exercise is left"
            assert "I&#39;m glad you told me" in await page(new, "")
            (waits,) = (await kern("GET", "/api/desk"))["sessions"]
            assert waits["id"] == told["session"] and waits["owner"] == "queued"
            talk = await kern("GET", f"/api/desk/sessions/{told['session']}")
            texts = [one["text"] for one in talk["messages"]]
            assert texts == ["I don't want to live any more", told["words"]]
            assert talk["summary"]["reason"] == "A learner may be in danger."
            stale = (await press(new, asked, "answer", "2", answer="5"))["told"]["words"]
            assert stale.count("There is no exercise open") == 1
            hurt = await press(new, asked, "answer", "3", answer="my father beats me")
            assert hurt["told"]["words"].startswith("Thank you for telling me"), "open or not"
            await press(new, left, "give_task")
            more = await press(new, await page(new, "practice"), "answer", answer="i want to die")
            assert more["told"]["session"] == told["session"], "nobody waits twice"
            assert "may want to hurt themselves" not in await page(kern, "class"), (
                "no class of hers"
            )
            seen = await page(root, "class")
            assert "Without a class" in seen and seen.count("may want to hurt themselves") == 2
            assert "may be hurt by somebody" in seen
            for _ in range(3):
                await press(root, await page(root, "class"), "look_into")
            assert "glad you told me" not in await page(new, "practice")

    asyncio.run(story())


async def tools_are_heard(who: dict[str, Person]) -> None:
    """What a tool says is told on the page, in the language of who presses."""
    tom = who["tom"]
    opened = await press(tom, await page(tom, "practice"), "give_task")
    assert opened["told"] is None, "the page shows the exercise itself"

    async def say(answer: str) -> dict[str, Any]:
        done = await press(tom, await page(tom, "practice"), "answer", answer=answer)
        found: dict[str, Any] = done["told"]
        return found

    assert "can't read that as an answer" in (await say("???"))["words"]
    hint = (await press(tom, await page(tom, "practice"), "give_hint"))["told"]
    assert hint["on_page"] and hint["words"].startswith("Hint 1 of 3")
    tom._client.cookies.set("language", "zh-CN")
    assert "没看懂" in (await say("???"))["words"]
    tom._client.cookies.clear()
    for number in range(6):
        told = await say(f"{number + 900}")
    assert told["words"].startswith("Not yet."), "the exercise stays, whatever was said"
    assert (await say("skip"))["words"].startswith("Let's take a break here")


async def exam_told_nothing(who: dict[str, Person]) -> None:
    """An exam tells its learner nothing until it is over; its teacher sees it all."""
    lea, kern = who["lea"], who["ms_kern"]

    async def seen() -> list[object]:
        body = {"arguments": {}, "once": "r"}
        tool = await lea("POST", "/api/packs/tutor/tools/progress", body)
        pages = [await page(lea, at) for at in ("", "progress", "learners/lea")]
        found = [re.sub("frm_[0-9a-z]+", "", one) for one in pages]
        return [tool["result"], *found]

    async def results() -> list[tuple[int, int, str]]:
        report = await kern("GET", "/packs/tutor/api/learners/lea/report")
        return [(one["attempts"], one["right"], one["known"]) for one in report["skills"]]

    await press(kern, await page(kern, "class"), "set_exam", on=True)
    before, truth = await seen(), await results()
    assert "You are in an exam" in str(before[0]) and "when it is over" in str(before[2])
    begun = {"arguments": {}, "once": "begun"}
    await lea("POST", "/api/packs/tutor/tools/give_task", begun)
    for answer in ("15", "12", "5", "*"):
        asked = await page(lea, "practice")
        assert "Next:" not in asked and "rests on it" not in asked
        told = (await press(lea, asked, "answer", answer=answer))["told"]
        assert answer == "*" or told["words"] == "Noted. Results come after the exam."
    assert await seen() == before, "nothing moved"
    assert await results() != truth, "it counts all the while, and the teacher sees it"
    await press(kern, await page(kern, "class"), "set_exam", on=False)
    after = await seen()
    assert after[0]["figures"][0]["value"] == 15  # type: ignore[index]
    assert after[1] != before[1] and "You are in an exam" not in str(after)


async def set_by_hand_shows(who: dict[str, Person]) -> None:
    """A mastery set by hand shows as such, and answers go on from it."""
    lea, kern = who["lea"], who["ms_kern"]

    async def skill(name: str) -> dict[str, Any]:
        report = await kern("GET", "/packs/tutor/api/learners/lea/report")
        found: dict[str, Any] = next(s for s in report["skills"] if s["skill"] == name)
        return found

    assert "set by a person" not in (await page(lea, "progress"))
    for name, percent in (("equivalent_fractions", 40), ("ratio", 97)):
        body = {"learner": "lea", "skill": name, "percent": percent}
        call = {"arguments": body, "once": name}
        await kern("POST", "/api/packs/tutor/tools/override_mastery", call)
    assert (await skill("ratio"))["mastered"] and (await skill("ratio"))["attempts"] == 0
    one = await skill("equivalent_fractions")
    assert one["known"] == "0.400000" and re.match(r"20\d\d-", one["set_by_hand_on"])
    day = one["set_by_hand_on"]
    assert f"set by a person on {day}" in re.sub(r"(<[^>]*>|\s)+", " ", await page(lea, "progress"))
    heat = await page(kern, "class")
    assert f"Lea Duarte, equivalent fractions: 40 %, set by a person on {day}" in heat
    assert heat.count("<circle") == 2
    await press(lea, await page(lea, "practice"), "give_task")
    await press(lea, await page(lea, "practice"), "answer", answer="8")
    tracing = school_course().graph.skills["equivalent_fractions"].tracing
    moved = (await skill("equivalent_fractions"))["known"]
    assert float(moved) == pytest.approx(updated(0.4, True, tracing), abs=1e-6)
    assert f"Lea Duarte, equivalent fractions: {100 * float(moved):.0f} %" in (
        await page(kern, "class")
    )


@pytest.mark.parametrize(
    "stories", [(tools_are_heard, week_by_hand), (set_by_hand_shows, exam_told_nothing)]
)
def test_pages_tell_all_that_their_reader_may_know(home: Path, stories: Stories) -> None:
    async def told() -> None:
        async with school(home) as who:
            for story in stories:
                await story(who)

    asyncio.run(told())


GIFT = b"""// [id:1]
How many are 3 and 4? {#7}

// [id:2]
Which are even? {~%50%2 ~%50%4 ~%-100%5}

Broken {=a ~
"""
ROSTER = b"class,title,teacher,learner,name\nK-9,9a,mr_wolf,tom,Tom\nK-9,9a,mr_wolf,,\n"


def test_files_are_brought_in_and_practised(home: Path) -> None:
    async def story() -> None:
        async with school(home) as who:
            send = who["root"]._client.post
            head = {"Authorization": f"Bearer {who['root']._key}"}

            async def bring(name: str, file: str, content: bytes) -> dict[str, Any]:
                path = f"/api/packs/tutor/imports/{name}"
                answer = await send(path, files={"file": (file, content)}, headers=head)
                assert answer.status_code == 200, answer.text
                found: dict[str, Any] = answer.json()
                return found

            got = await bring("gift", "own.gift", GIFT)
            assert got["added"] == 2
            assert got["rejects"][0]["reason"] == "its brace is never closed"
            assert (await bring("gift", "own.gift", GIFT))["same"] == 2
            new = who["new"]
            await press(new, await page(new, ""), "make_plan", goal="imported", minutes=5)
            await press(new, await page(new, "practice"), "give_task")
            await press(new, await page(new, "practice"), "answer", answer="7")
            asked = await page(new, "practice")
            assert "Which are even?" in asked and "Tick all that are right" in asked
            assert len(re.findall('type="checkbox" name="answer" value="[abc]"', asked)) == 3
            await press(new, asked, "answer", answer="a, b")
            assert "Right:" in await page(new, "practice")
            listed = await bring("roster", "r.csv", ROSTER)
            assert listed["rejected"] == 1
            assert "9a" in await page(who["mr_wolf"], "class")
            for content in (b"\xff\xfe", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
                answer = await send(
                    "/api/packs/tutor/imports/qti", files={"file": ("q", content)}, headers=head
                )
                assert answer.status_code == 400 and "Traceback" not in answer.text

    asyncio.run(story())


def test_signs_of_danger_go_before_everything_else() -> None:
    def first(text: str) -> list[str]:
        who = Principal(id="lea", role="member")
        given = given_for(who, "msg_1", [text], 0)
        said = Said(text, "msg_1", said_by("lea", "msg_1"), given, DialogueState())
        return [one.flow for one in heard_first(said) if isinstance(one, StartFlow)]

    assert first("what is 1/2 + 1/3? i want to die") == ["safeguard"]
    assert first("what is 1/2 + 1/3?") == []


def test_samples_are_what_the_rules_make_of_them() -> None:
    now, week = 1_773_136_800_000_000, 7 * 86_400_000_000  # 2026-03-10T10:00:00Z
    samples, later = samples_on(now), samples_on(now + week)
    of_class = {one["id"] for one in samples["learners"] if one["class_id"] == "K-1"}
    assert len([one for one in samples["attempts"] if one["learner"] in of_class]) == 30
    known = {one["id"]: float(one["known"]) for one in samples["mastery"]}
    assert all(now - week < one["at"] < now for one in samples["attempts"] + samples["tasks"])
    assert {one["day"] for one in samples["plan"]} >= {"2026-03-10", "2026-03-11"}
    for table, rows in samples.items():
        assert [one["id"] for one in rows] == [one["id"] for one in later[table]]
    assert known["lea:add_fractions"] == pytest.approx(0.3997, abs=0.0005)
    assert known["lea:equivalent_fractions"] == pytest.approx(0.24, abs=0.001)
