"""Exercises that were brought in, changed on the teacher's pages: given, kept and taken back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.packs.tutor.test_tutor_pages import page, press, school

GIFT = b"""::Sum:: How much is 3 + 4? {#7}

::Odd:: Which is odd? {=3 ~4 ~6}

No end {=a ~
"""


async def refused(who: Any, at: str, tool: str, **more: object) -> str:
    with pytest.raises(AssertionError, match="400") as told:
        await press(who, at, tool, **more)
    return str(told.value)


def test_a_teacher_files_edits_retires_and_undoes(home: Path) -> None:
    async def story() -> None:
        async with school(home) as who:
            root, kern, new = who["root"], who["ms_kern"], who["new"]
            send, head = root._client.post, {"Authorization": f"Bearer {root._key}"}

            async def bring() -> dict[str, Any]:
                path = "/api/packs/tutor/imports/gift"
                answer = await send(path, files={"file": ("own.gift", GIFT)}, headers=head)
                found: dict[str, Any] = answer.json()
                return found

            got = await bring()
            assert got["rejects"] == [
                {"place": "own.gift:5", "reason": "its brace is never closed"}
            ]
            listed = await page(kern, "exercises")
            assert "2 exercises" in listed and "exercises brought in (2)" in listed
            links = [one.split('"')[0] for one in listed.split("/packs/tutor/exercises/")[1:]]
            sum_, odd = (f"exercises/{one}" for one in links)
            await press(new, await page(new, ""), "make_plan", goal="imported", minutes=5)
            await press(new, await page(new, "practice"), "give_task")
            first = "How much is" in await page(new, "practice")
            at, other = (sum_, odd) if first else (odd, sum_)
            await press(new, await page(new, "practice"), "answer", answer="9" if first else "a")

            await press(kern, await page(kern, other), "refile_item", skill="ratio")
            assert "sharing in a ratio (1)" in await page(kern, "exercises")
            assert (await bring())["same"] == 2  # reading it again takes no change away
            assert "sharing in a ratio (1)" in await page(kern, "exercises")
            assert await page(kern, "exercises?skill=ratio") != await page(kern, "exercises")

            form = await page(kern, sum_)
            edit = {"prompt_en": "How much is 3 + 5?", "prompt_zh": "3 + 5 等于几？"}
            told = await refused(kern, form, "edit_item", answers="soon", **edit)
            assert "“soon” would not be taken as right" in told
            await press(kern, form, "edit_item", again="2", answers="8", **edit)
            assert "How much is 3 + 5?" in await page(kern, sum_)
            told = await refused(kern, await page(kern, odd), "edit_item", answers="a b",
                                 prompt_en="Which is odd?", prompt_zh="")  # fmt: skip
            assert "one right option" in told

            before = (await page(kern, at)).split("Answered")[1].split("</p>")[0]
            assert "1 ×" in before
            await press(kern, await page(kern, at), "retire_item")
            open_now = (await page(new, "practice")).partition('class="box"')[2]
            assert "How much is" not in open_now and "Which is odd" not in open_now
            gone = await page(kern, at)
            assert "retired" in gone and before in gone  # what he did is kept
            assert "retire_item" not in gone
            assert "1 exercises" in await page(kern, "exercises?retired=yes")
            while 'data-tool="undo_change"' in (form := await page(kern, sum_)):
                await press(kern, form, "undo_change")
            assert "How much is 3 + 4?" in form and "0 exercises" in await page(
                kern, "exercises?retired=yes" if first else "exercises?skill=none"
            )
            assert form.count("· undone") == (2 if first else 1)

            for low in (new, who["lea"]):
                assert (await low.raw("GET", "/packs/tutor/exercises")).status_code == 403
                body = {"arguments": {"item": sum_.split("/")[1]}, "once": "x"}
                path = "/api/packs/tutor/tools/retire_item"
                assert (await low.raw("POST", path, body)).status_code == 403
            assert (await kern.raw("GET", "/packs/tutor/exercises/none")).status_code == 404

    asyncio.run(story())
