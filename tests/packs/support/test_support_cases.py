"""Cases from the talk to their end: whose they are, a return paid back once, what is told."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from attenda.api import Principal
from attenda.packs.support.pack import PACK
from attenda.packs.support.payments import Books
from attenda.packs.support.shop_policy import sample_policy
from attenda.packs.support.shop_tools import own_tables, support_tools
from attenda.runtime.house import House
from attenda.serve.app import create_app
from attenda.store import keys, people
from tests.packs.support.test_support_talk import WHO, YES, begin, put, say, understand
from tests.runtime.test_flows import _person, rows
from tests.scripted_house import scripted_house
from tests.serve.desk_people import Person

STAFF = {"sam": "agent", "kim": "agent", "sue": "supervisor", "li": "viewer"}
ANA = {"email": "ana@example.test", "postcode": "4000"}
ONE = datetime.timedelta(days=1)
DAY = 86_400_000_000
TOOLS = "/api/packs/support/tools"


class Till(Books):
    """The shop's books, which decline what they are told to, and count what they paid."""

    def __init__(self) -> None:
        self.declines, self.loses, self.paid = 0, 0, dict[str, Any]()

    async def pay_back(self, key: str, refund: str, *money: Any) -> dict[str, Any]:
        if self.declines:
            self.declines -= 1
            return {"state": "declined", "reference": "402"}
        self.paid[key] = (refund, *money)
        if self.loses:
            self.loses -= 1
            raise OSError
        return {"state": "paid", "reference": f"P-{len(self.paid)}"}


@contextlib.asynccontextmanager
async def service(home: Path) -> AsyncIterator[tuple[House, dict[str, Person], Till]]:
    till = Till()
    ours = {one.name: one for one in support_tools(own_tables, sample_policy(), till)}
    pack = replace(PACK, tools=[ours.get(one.name, one) for one in PACK.tools])
    async with scripted_house(home, lambda _: "", packs=[pack], understand=understand) as (
        house, _,
    ):  # fmt: skip
        await _person(house, WHO)
        for name, role in STAFF.items():
            await _person(house, Principal(id=name, role=role, name=name.title()))

        def enrol(c: Any) -> dict[str, str]:
            return {name: keys.create_key(c, house.stamps, people.principal_of(c, name), "t")[1]
                    for name in STAFF}  # fmt: skip

        secrets = await house.database.write(enrol)
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield house, {name: Person(client, one) for name, one in secrets.items()}, till


async def page(who: Person, path: str) -> str:
    answer = await who.raw("GET", f"/packs/support/{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def do(who: Person, tool: str, once: str, expect: int | None = None, **given: Any) -> Any:
    return await who("POST", f"{TOOLS}/{tool}", {"arguments": given, "once": once}, expect)


async def case_of(house: House, **equal: str) -> dict[str, Any]:
    found = [one for one in await rows(house, "support_cases") if equal.items() <= one.items()]
    assert len(found) == 1
    return dict(found[0])


async def refunds_of(house: House, order: str) -> list[tuple[Any, ...]]:
    found = await rows(house, "support_refunds")
    return [(one["state"], one["amount"], one["approver"])
            for one in found if one["order_id"] == order]  # fmt: skip


async def _pays_back_once_whoever_asks(house: House, who: dict[str, Person], till: Till) -> None:
    session, sam, kim = await begin(house), who["sam"], who["kim"]
    kettle = {"set": {**ANA, "order": "O-1001"}}
    await say(house, session, {"start_flow": "return_item"}, kettle)
    await say(house, session, {"set": {"what": "the kettle"}})
    told = await say(house, session, YES)
    case = (await case_of(house, session_id=session))["id"]
    assert case in told and "A person sends the label to a…@example.test" in told
    assert case in await page(sam, "cases?view=label&kind=return")
    assert case not in await page(sam, "cases?view=arrived")
    refund = f"/packs/support/api/cases/{case}/refund"
    assert "Only a return whose parcel has come" in str(await sam("POST", refund, {}, 400))
    # what only a flow or a page's own rules may pay, no form pays with numbers of its own
    await do(kim, "pay_refund", "x", 403, refund="RF-1", amount="5000", currency="EUR")
    settled = {"order": "O-1001", "refund": "RF-1", "items": [], "state": "paid", "payment": "p"}
    await do(kim, "settle_refund", "x", 403, **settled)
    await do(sam, "move_case", "a", case=case, step="awaited")
    ask = {"start_flow": "case_state"}, {"set": {"number": case}}
    assert "the parcel has not come yet" in await say(house, session, *ask)
    await do(sam, "move_case", "b", case=case, step="arrived")
    shown = await page(kim, f"cases/{case}")
    assert "39.90 EUR" in shown and "REF-30D" in shown and "sam: the parcel has" in shown
    till.loses = 3
    lost = await sam("POST", refund, {})
    assert lost == {"state": "unknown"}, "whether it was paid is not known"
    assert "reserved and not paid yet" in await page(kim, f"cases/{case}")
    await do(sam, "close_case", "c", 400, case=case, outcome="settled", answer="no")
    done = await kim("POST", refund, {})  # another goes on with the very same deed
    assert done["state"] == "done" and len(till.paid) == 1
    await sam("POST", refund, {}, 400)
    assert await refunds_of(house, "O-1001") == [("issued", "39.90", "policy")]
    answer = await say(house, session, *ask)
    assert "39.90 EUR was refunded" in answer
    again = await say(house, session, {"start_flow": "refund"}, kettle,
                      {"set": {"what": "the kettle"}})  # fmt: skip
    assert "REF-ONCE" in again or "already" in again, "nothing is paid back twice"


async def _waits_for_an_approval_and_tries_a_declined_one_anew(
    house: House, who: dict[str, Person], till: Till
) -> None:
    now = house.stamps.now()
    made = {"customer_id": "C-100", "order_id": "O-1005", "item_id": "O-1005-1",
            "opened_at": now, "holds": "return:O-1005-1", "session_id": "gone"}  # fmt: skip
    await put(house, "cases", id="RT-1", kind="return", state="open", **made)
    sam, kim, sue, refund = (
        who["sam"], who["kim"], who["sue"], "/packs/support/api/cases/RT-1/refund",
    )  # fmt: skip
    await do(sam, "move_case", "a", case="RT-1", step="arrived")
    assert (await sam("POST", refund, {}))["state"] == "waiting"
    assert await refunds_of(house, "O-1005") == []
    (asked,) = [one for one in await sue("GET", "/api/approvals")
                if one["state"] == "pending"]  # fmt: skip
    assert {one["name"]: one["value"] for one in asked["arguments"]} == {
        "case": "RT-1", "amount": "899.00", "currency": "EUR", "of_order": "899.00",
    }  # fmt: skip
    path, yes = f"/api/approvals/{asked['id']}", {"yes": True, "shown": asked["shown"]}
    await sam("POST", path, yes, 403)
    await sue("POST", path, yes)
    assert (await kim("POST", refund, {}))["state"] == "waiting", "it was Sam who asked"
    assert await refunds_of(house, "O-1005") == []
    till.declines = 1
    assert await sam("POST", refund, {}) == {"state": "done", "paid": False}
    assert (await case_of(house, id="RT-1"))["state"] == "open"
    part = {"part": "100.00"}
    await sam("POST", refund, {"part": "900"}, 400)
    await sam("POST", refund, {"part": "many"}, 400)
    assert await sam("POST", refund, part) == {"state": "done", "paid": True}
    assert await refunds_of(house, "O-1005") == [
        ("failed", "899.00", "sue"), ("issued", "100.00", "policy"),
    ]  # fmt: skip
    (item,) = [one for one in await rows(house, "support_order_items")
               if one["id"] == "O-1005-1"]  # fmt: skip
    assert item["state"] == "refunded", "what came back is done with"


async def _goes_by_the_rules_of_the_day_it_was_registered(
    house: House, who: dict[str, Person], _till: Till
) -> None:
    """30 days from delivery: registered on the 24th it is in time, whenever it comes."""
    for number, order, item, ago in (
        ("RT-IN", "O-1003", "O-1003-1", 30), ("RT-LATE", "O-1003", "O-1003-1", 0),
        ("RT-SALE", "O-1001", "O-1001-3", 0),
    ):  # fmt: skip
        await put(house, "cases", id=number, kind="return", state="open", step="arrived",
                  customer_id="C-100", order_id=order, item_id=item,
                  opened_at=house.stamps.now() - ago * DAY)  # fmt: skip
    found = {
        one: (await do(who["sam"], "quote_return", "q", case=one))["result"]
        for one in ("RT-IN", "RT-LATE", "RT-SALE")
    }
    assert (found["RT-IN"]["ok"], found["RT-IN"]["amount"]) == (True, "54.00")
    assert "REF-30D" in found["RT-LATE"]["why"] and "REF-FINAL" in found["RT-SALE"]["why"]
    await who["sam"]("POST", "/packs/support/api/cases/RT-SALE/refund", {"part": "1"}, 400)
    await do(who["li"], "quote_return", "q", 400, case="RT-IN")


async def _finds_takes_and_answers_by_role(
    house: House, who: dict[str, Person], _till: Till
) -> None:
    session, sam, kim, sue = await begin(house), who["sam"], who["kim"], who["sue"]
    await say(house, session, {"start_flow": "complaint"}, {"set": ANA})
    await say(house, session, {"set": {"trouble": "<b>thrown</b> over the fence"}})
    await say(house, session, YES)
    row = await case_of(house, session_id=session)
    case, assign = row["id"], f"/packs/support/api/cases/{row['id']}/assign"
    ask = {"start_flow": "case_state"}, {"set": {"number": case}}
    assert f"answers by {row['due_on']}" in await say(house, session, *ask)
    await put(house, "cases", id="CO-LATE", kind="complaint", state="open",
              due_on="2020-01-01", opened_at=1, customer_id="C-100")  # fmt: skip
    listed = await page(sam, "cases?kind=complaint")
    assert listed.index("CO-LATE") < listed.index(case), "what is late comes first"
    assert "&lt;b&gt;thrown" in listed
    assert "You have no open case" in await page(sam, "cases?view=mine")
    await do(sam, "take_case", "a", case=case)
    assert case in await page(sam, "cases?view=mine")
    answer = {"case": case, "outcome": "answered", "answer": "We spoke with the driver."}
    for once, tool, given in (
        ("b", "take_case", {"case": case}), ("c", "close_case", answer),
    ):  # fmt: skip
        assert "colleague" in str(await do(kim, tool, once, 400, **given))
        await do(who["li"], tool, once, 400, **given)
    await kim("POST", assign, {"to": "kim", "once": "d"}, 400)
    await sue("POST", assign, {"to": "li", "once": "e"}, 400)
    await sue("POST", assign, {"to": "kim", "once": "f"})
    assert "gave it to kim" in await page(sue, f"cases/{case}")
    await do(kim, "close_case", "g", 400, **{**answer, "answer": " "})
    await do(kim, "close_case", "h", 400, **{**answer, "outcome": "refunded"})
    closed = await do(kim, "close_case", "i", **answer)
    assert await do(kim, "close_case", "i", **answer) == closed
    assert "done already" in str(await do(kim, "close_case", "j", 400, **answer))
    assert "“We spoke with the driver.”" in await say(house, session, *ask)
    assert case in await page(sue, "cases?view=done")
    other = await begin(house)
    li = {"email": "li@example.test", "postcode": "200000"}
    told = await say(house, other, ask[0], {"set": {**li, "number": case}})
    assert told == f"I find no case {case} of yours.", "it is another customer's"
    for tool, given in (
        ("settle_return", {"refund": "RF-1", "state": "paid", "payment": "P-1"}),
        ("assign_case", {"to": "kim"}),
    ):
        refused = await do(sue, tool, f"k{tool}", 400, case="CO-LATE", **given)
        assert "who may decide it" in str(refused), "that only follows from the deed itself"
    for path in ("cases", f"cases/{case}"):
        assert (await who["li"].raw("GET", f"/packs/support/{path}")).status_code == 403
    assert (await sam.raw("GET", "/packs/support/cases/none")).status_code == 404


async def _promises_by_the_hours_of_the_desk(
    house: House, who: dict[str, Person], _till: Till
) -> None:
    """Set at the desk for the pack, else the shop's own: told and reckoned with alike."""
    session, path, sue = await begin(house), "/api/desk/hours", who["sue"]
    shown = {one["pack"]: one for one in await who["sam"]("GET", path)}["support"]
    assert shown["own"] and shown["week"][0] == "09:00-18:00" and shown["week"][6] == ""
    told = await say(house, session, {"start_flow": "hours"})
    assert "Monday to Friday, 9:00 to 18:00 (Europe/Lisbon)" in told
    zone = ZoneInfo("Asia/Shanghai")
    today = datetime.datetime.fromtimestamp(house.stamps.now() / 1e6, zone).date()
    days = [today + datetime.timedelta(days=n) for n in range(1, 5)]
    week = ["10:00-16:00"] * 7
    week[days[1].weekday()] = ""
    body = {"pack": "support", "zone": zone.key, "week": week, "holidays": [str(days[0])]}
    await sue("PUT", path, body)
    told = await say(house, session, {"start_flow": "hours"})
    assert "10:00 to 16:00" in told and f"closed on {days[0]} (Asia/Shanghai)" in told
    start = {"start_flow": "account"}, {"set": ANA}
    assert "Shall I?" in await say(house, session, *start)
    due = (await say(house, session, YES)).partition("by ")[2][:10]
    lisbon = datetime.datetime.fromtimestamp(house.stamps.now() / 1e6, ZoneInfo("Europe/Lisbon"))
    begun = lisbon.date() + datetime.timedelta(days=1)
    open_ = (begun + datetime.timedelta(days=n) for n in range(9))
    open_ = [day for day in open_ if week[day.weekday()] and day != days[0]]
    assert due == str(open_[1]), "the second day on which somebody is there"
    await sue("DELETE", f"{path}?pack=support")
    assert "9:00 to 18:00" in await say(house, session, {"start_flow": "hours"})


async def _is_late_by_the_day_of_the_shop(
    house: House, who: dict[str, Person], _till: Till
) -> None:
    """Wherever the desk is: of two places, 25 hours apart, one at least has another day."""
    now = datetime.datetime.fromtimestamp(house.stamps.now() / 1e6, ZoneInfo("Europe/Lisbon"))
    executor, days = house.packs["support"].executor, (now.date(), now.date() - ONE)

    def add(c: Any) -> None:
        for due in days:
            row = {"id": f"CP-{due}", "kind": "complaint", "state": "open", "due_on": due}
            executor.rows(c, "cases").add(**row, opened_at=house.stamps.now())

    await house.database.write(add)
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        body = {"pack": "support", "zone": zone, "week": ["10:00-16:00"] * 7}
        await who["sue"]("PUT", "/api/desk/hours", body)
        late = [">late<" in await page(who["sam"], f"cases/CP-{due}") for due in days]
        assert late == [False, True]
    await who["sue"]("DELETE", "/api/desk/hours?pack=support")


def test_cases_go_from_the_talk_to_their_end(home: Path) -> None:
    async def story() -> None:
        async with service(home) as (house, who, till):
            await _pays_back_once_whoever_asks(house, who, till)
            await _waits_for_an_approval_and_tries_a_declined_one_anew(house, who, till)
            await _goes_by_the_rules_of_the_day_it_was_registered(house, who, till)
            await _finds_takes_and_answers_by_role(house, who, till)
            await _promises_by_the_hours_of_the_desk(house, who, till)
            await _is_late_by_the_day_of_the_shop(house, who, till)

    asyncio.run(story())
