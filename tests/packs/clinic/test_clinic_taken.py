"""Single facts of an interview in a chart's own lists: by whom, from where, once, and back."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.provenance import SPAN_URL
from tests.packs.clinic.test_clinic_filing import SAID, interviewed
from tests.packs.clinic.test_clinic_pages import API, Clinic, clinic
from tests.runtime.test_flows import rows

TOLD = [*SAID]
TOLD[10] = "high blood pressure, no diabetes"


def test_a_told_fact_becomes_an_entry_and_none_again(home: Path) -> None:
    async def story() -> None:
        async with clinic(home) as c:
            number = await interviewed(c, TOLD)
            put = {"intake": number, "patient": "P-109"}
            filing = (await c.call("nurse", "file_intake", "f", **put)).json()["result"]["filing"]
            (row,) = await rows(c.house, "clinic_filings")
            places = {one["words"]: n for n, one in enumerate(json.loads(row["facts"]))}
            await each_is_taken_once_by_the_clinic_alone(c, number, filing, places)
            await checks_hear_it_once_and_know_that_nobody_asked_for_the_rest(c)
            await it_goes_out_with_who_told_it_and_who_took_it(c, number)
            await it_leaves_the_list_by_a_click_or_with_its_interview(c, filing, places)

    asyncio.run(story())


async def each_is_taken_once_by_the_clinic_alone(
    c: Clinic, number: str, filing: str, places: dict[str, int]
) -> None:
    async def take(who: str, words: str, once: str) -> Any:
        return await c.call(who, "take_fact", once, filing=filing, place=places[words])

    assert (await take("pat", "warfarin", "a")).status_code in (400, 403)
    assert await rows(c.house, "clinic_taken_facts") == []
    page = (await c.ask("nurse", "GET", f"/packs/clinic/intakes/{number}")).text
    for denied in ("diabetes", "haemoptysis"):
        (bad,) = [place for words, place in places.items() if words == denied] or [-1]
        refused = await c.call("nurse", "take_fact", f"no {denied}", filing=filing, place=bad)
        assert refused.status_code == 400 and "can be taken over" in refused.text
    both = await asyncio.gather(take("nurse", "warfarin", "n"), take("doc", "warfarin", "d"))
    assert sorted(one.status_code for one in both) == [200, 400]
    assert "has “warfarin 5 mg” already" in max(both, key=lambda one: one.status_code).text
    for words in ("penicillin", "high blood pressure"):
        assert (await take("nurse", words, words)).status_code == 200
    assert page.count('data-tool="take_fact"') == 3


async def checks_hear_it_once_and_know_that_nobody_asked_for_the_rest(c: Clinic) -> None:
    drafted = await c.call("doc", "draft_order", "o", patient="P-109", order="ibuprofen 400 mg")
    id = drafted.json()["result"]["order"]
    (row,) = [one for one in await rows(c.house, "clinic_check_results") if one["order_id"] == id]
    cards = {one["rule"]: one["summary"] + one["detail"] for one in json.loads(row["cards"])}
    assert "unconfirmed" not in cards["DDI-ANTICOAG-NSAID"]
    assert "LISTS-PART" in cards and not [one for one in cards if one.startswith("DUP")]
    chart = (await c.ask("doc", "GET", "/packs/clinic/patients/P-109")).text
    assert re.search(r"told by the patient [-0-9: ]+, <a href=[^>]+#said-9", chart)
    assert "taken over by nurse" in chart or "taken over by doc" in chart


async def it_goes_out_with_who_told_it_and_who_took_it(c: Clinic, number: str) -> None:
    out = (await c.ask("doc", "GET", f"{API}/fhir/P-109")).json()
    all_ = [one["resource"] for one in out["entry"]]
    entry = {f"{one['resourceType']}/{one['id']}": one for one in all_}
    assert len(entry) == len(all_)
    taken = [one for one in all_ if one["id"].startswith("TF-")]
    assert len(taken) == 3 and "occurredDateTime" in taken[0]
    for one in taken:
        (target,) = one["target"]
        told = entry[target["reference"]]
        assert told["extension"][0]["url"] == SPAN_URL
        assert one["entity"][0]["what"] == {"reference": f"QuestionnaireResponse/{number}"}
        assert one["agent"][0]["who"] == {"reference": "Patient/P-109"}
        assert one["agent"][1]["who"]["identifier"]["value"] in ("usr_nurse", "usr_doc")
    names = [one["medicationCodeableConcept"]["text"] for one in all_
             if one["resourceType"] == "MedicationStatement"]  # fmt: skip
    assert names == ["warfarin 5 mg"]  # and not beside itself, as told
    model = pytest.importorskip("fhir.resources.R4B.bundle")
    model.Bundle.model_validate(out)


async def it_leaves_the_list_by_a_click_or_with_its_interview(
    c: Clinic, filing: str, places: dict[str, int]
) -> None:
    before = {one["part"]: one for one in await rows(c.house, "clinic_taken_facts")}
    back = {"taken": before["medicines"]["id"]}
    assert (await c.call("doc", "give_fact_back", "1", **back)).status_code == 200
    assert (await c.call("doc", "give_fact_back", "2", **back)).status_code == 400
    assert not [one for one in await rows(c.house, "clinic_medicines")
                if one["patient_id"] == "P-109"]  # fmt: skip
    chart = (await c.ask("doc", "GET", "/packs/clinic/patients/P-109")).text
    assert "Nobody asked: unknown." in chart and "warfarin 5 mg" in chart  # told, as before
    once = {"filing": filing, "place": places["warfarin"]}
    assert (await c.call("nurse", "take_fact", "again", **once)).status_code == 200
    out = {"filing": filing, "reason": "another person's"}
    assert (await c.call("nurse", "withdraw_filing", "w", **out)).status_code == 200
    for table in ("medicines", "allergies", "conditions"):
        left = await rows(c.house, f"clinic_{table}")
        assert not [one for one in left if one["patient_id"] == "P-109"]
    kept = await rows(c.house, "clinic_taken_facts")
    assert {one["state"] for one in kept} == {"given-back"} and len(kept) == 4
    assert all(one["ended_by"] and one["ended_at"] for one in kept)
