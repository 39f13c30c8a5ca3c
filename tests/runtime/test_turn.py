"""A turn through its public door: what is streamed, stored and cited is one and the same."""

import asyncio
from pathlib import Path

import pytest

from attenda.api import Conflict, Principal
from attenda.core.event import Cited, Event, Nearest, RunFinished, TextAdded
from attenda.runtime.house import House
from attenda.store import documents, sessions
from tests.scripted_house import SAVINGS, add_text, scripted_house

QUESTION = "How long must a customer have held a checking account?"


def spelled(events: list[Event]) -> str:
    """The answer that a list of events spells, each piece put at its place."""
    text = ""
    for event in events:
        if isinstance(event, TextAdded):
            text = text[: event.at] + event.text + text[event.at + len(event.text) :]
    return text


async def new_session(house: House, who: Principal) -> str:
    made = await house.database.write(lambda c: sessions.create_session(c, house.stamps, who))
    return made.id


async def whole(house: House, who: Principal, session_id: str, text: str) -> list[Event]:
    started = await house.runs.start(who, session_id, text)
    return [heard.event async for heard in house.runs.follow(session_id, started.after)]


async def stored_answer(house: House, session_id: str) -> sessions.StoredMessage:
    tree = await house.database.read(lambda c: sessions.message_tree(c, session_id))
    return [one for one in tree if one.message.role == "assistant"][-1]


def test_a_supported_sentence_is_shown_with_a_citation_that_holds(
    tmp_path: Path, owner: Principal
) -> None:
    async def body() -> None:
        said = "The customer must have held a checking account for 14 days. Pigs can fly at night."
        async with scripted_house(tmp_path, [said]) as (house, _):
            await add_text(house, owner, "savings.md", SAVINGS)
            session_id = await new_session(house, owner)
            events = await whole(house, owner, session_id, QUESTION)
            answer = await stored_answer(house, session_id)
            text = "The customer must have held a checking account for 14 days. [1]"
            assert spelled(events) == answer.message.text == text
            (cited,) = [event.citation for event in events if isinstance(event, Cited)]
            assert answer.message.citations == (cited,)
            source = await house.database.read(
                lambda c: documents.document_text(c, owner, cited.document_id)
            )
            assert source[cited.start : cited.end] == cited.quote
            assert "14 days" in cited.quote

    asyncio.run(body())


@pytest.mark.parametrize(
    "lie",
    [
        "The customer must have held a checking account for 15 days.",
        "The customer must not have held a checking account for 14 days.",
        "A savings account costs a monthly fee of 14 dollars.",
        "See [1] and [2].",
    ],
)
def test_a_sentence_that_no_passage_supports_is_never_shown(
    tmp_path: Path, owner: Principal, lie: str
) -> None:
    async def body() -> None:
        async with scripted_house(tmp_path, [lie]) as (house, _):
            await add_text(house, owner, "savings.md", SAVINGS)
            session_id = await new_session(house, owner)
            events = await whole(house, owner, session_id, QUESTION)
            text = spelled(events)
            assert lie not in text
            # The documents answer in their own words instead.
            assert "14 days. [1]" in text

    asyncio.run(body())


def test_a_question_beside_the_documents_is_answered_with_the_nearest_passages(
    tmp_path: Path, owner: Principal
) -> None:
    async def body() -> None:
        async with scripted_house(tmp_path) as (house, model):
            await add_text(house, owner, "savings.md", SAVINGS)
            session_id = await new_session(house, owner)
            events = await whole(house, owner, session_id, "Which tungsten alloy melts last?")
            assert "don't answer this" in spelled(events)
            assert not model.asked
            assert not [event for event in events if isinstance(event, Cited)]

    asyncio.run(body())


def test_stop_keeps_what_was_written_and_stops_the_model(tmp_path: Path, owner: Principal) -> None:
    async def body() -> None:
        async with scripted_house(tmp_path, ["word " * 500], pause_s=0.01) as (house, model):
            session_id = await new_session(house, owner)
            started = await house.runs.start(owner, session_id, "Go on for ever")
            heard = house.runs.follow(session_id, started.after)
            events: list[Event] = []
            async for one in heard:
                events.append(one.event)
                if len(spelled(events)) > 20:
                    break
            assert await house.runs.stop(owner, session_id)
            events += [one.event async for one in heard]
            answer = await stored_answer(house, session_id)
            assert answer.status == "stopped"
            assert 20 < len(answer.message.text) < 2000
            assert spelled(events) == answer.message.text
            assert model.stopped == 1
            assert not await house.runs.stop(owner, session_id)

    asyncio.run(body())


def test_one_running_answer_a_session(tmp_path: Path, owner: Principal) -> None:
    async def body() -> None:
        async with scripted_house(tmp_path, ["word " * 50] * 2, pause_s=0.01) as (house, _):
            session_id = await new_session(house, owner)
            await house.runs.start(owner, session_id, "First")
            with pytest.raises(Conflict):
                await house.runs.start(owner, session_id, "Second")
            tree = await house.database.read(lambda c: sessions.message_tree(c, session_id))
            assert [one.message.role for one in tree] == ["user", "assistant"]

    asyncio.run(body())


def test_of_messages_sent_at_once_one_is_answered(tmp_path: Path, owner: Principal) -> None:
    async def body() -> None:
        async with scripted_house(tmp_path, ["word " * 20] * 20, pause_s=0.01) as (house, _):
            for _ in range(20):
                session_id = await new_session(house, owner)
                asked = [house.runs.start(owner, session_id, words) for words in "abc"]
                ends = await asyncio.gather(*asked, return_exceptions=True)
                assert [type(one) for one in ends].count(Conflict) == 2
                tree = await house.database.read(
                    lambda c, of=session_id: sessions.message_tree(c, of)
                )
                assert [one.message.role for one in tree] == ["user", "assistant"]
                assert await house.runs.stop(owner, session_id)

    asyncio.run(body())


def test_a_stream_cut_at_every_event_loses_and_doubles_nothing(
    tmp_path: Path, owner: Principal
) -> None:
    async def body() -> None:
        script = [" ".join(f"word{number}" for number in range(60))]
        async with scripted_house(tmp_path, script, pause_s=0.01) as (house, _):
            session_id = await new_session(house, owner)
            started = await house.runs.start(owner, session_id, "Count")
            heard = [one async for one in house.runs.follow(session_id, started.after)]
            text = spelled([one.event for one in heard])
            numbers = [one.number for one in heard if one.number is not None]
            assert numbers == sorted(set(numbers))
            for cut in range(len(heard) + 1):
                before = heard[:cut]
                last = max((one.number or 0 for one in before), default=started.after)
                resumed = [one async for one in house.runs.follow(session_id, last)]
                assert spelled([one.event for one in before + resumed]) == text
                ends = [one for one in before + resumed if isinstance(one.event, RunFinished)]
                assert len(ends) == 1
            assert text == (await stored_answer(house, session_id)).message.text == script[0]

    asyncio.run(body())


def test_who_comes_late_hears_everything(tmp_path: Path, owner: Principal) -> None:
    async def body() -> None:
        script = [" ".join(f"word{number}" for number in range(60))]
        async with scripted_house(tmp_path, script, pause_s=0.01) as (house, _):
            session_id = await new_session(house, owner)
            started = await house.runs.start(owner, session_id, "Count")

            async def come(after_s: float) -> str:
                await asyncio.sleep(after_s)
                follower = house.runs.follow(session_id, started.after)
                return spelled([one.event async for one in follower])

            heard = await asyncio.gather(*(come(number * 0.037) for number in range(20)))
            assert set(heard) == {script[0]}

    asyncio.run(body())


def test_a_run_that_the_process_did_not_survive_ends_failed_with_its_text(
    tmp_path: Path, owner: Principal
) -> None:
    async def first() -> str:
        async with scripted_house(tmp_path, ["word " * 400], pause_s=0.01) as (house, _):
            session_id = await new_session(house, owner)
            await house.runs.start(owner, session_id, "Go on")
            await asyncio.sleep(0.6)
            for task in asyncio.all_tasks():  # the process dies: no clean end is written
                if task.get_name().startswith("run of "):
                    house.runs._commit = _dead  # type: ignore[method-assign]
            return session_id

    async def _dead(*_: object) -> None:
        raise SystemError("killed")

    async def second(session_id: str) -> None:
        async with scripted_house(tmp_path, ["Fine."]) as (house, _):
            answer = await stored_answer(house, session_id)
            assert answer.status == "failed"
            assert answer.message.text.startswith("word word")
            events = await whole(house, owner, session_id, "Again")
            assert isinstance(events[-1], RunFinished)
            assert events[-1].reason == "done"

    session_id = asyncio.run(first())
    asyncio.run(second(session_id))


def test_the_model_gone_is_a_failed_run_with_a_reason(tmp_path: Path, owner: Principal) -> None:
    async def body() -> None:
        async with scripted_house(tmp_path, []) as (house, _):
            session_id = await new_session(house, owner)
            events = await whole(house, owner, session_id, "Hello there")
            finished = events[-1]
            assert isinstance(finished, RunFinished)
            assert finished.reason == "failed"
            assert finished.error_key == "model.script_ended"
            assert not [event for event in events if isinstance(event, Nearest)]

    asyncio.run(body())
