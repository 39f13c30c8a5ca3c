"""A finished interview in a chart: who put it there, what checks make of it, how it goes out."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from attenda.packs.clinic.provenance import SPAN_URL
from tests.packs.clinic.test_clinic_intake import MAN_OF_54
from tests.packs.clinic.test_clinic_pages import API, Clinic, clinic
from tests.runtime.test_flows import rows

SAID = [*MAN_OF_54["en"]]
SAID[7:10] = ["penicillin, it gave me a rash", "I take warfarin 5 mg", "5 mg"]


async def interviewed(c: Clinic, said: list[str], who: str = "pat") -> str:
    """An interview of somebody, with these answers; its number."""
    begun = (await c.call(who, "begin_intake", said[0])).json()["result"]
    for number, text in enumerate(said):
        heard = await c.call(who, "hear", f"{begun['id']} {number}", intake=begun["id"],
                             number=number, answer=text)  # fmt: skip
        assert heard.status_code == 200, heard.text
    assert heard.json()["result"]["done"], heard.json()["result"]["ask_en"]
    return str(begun["id"])


def test_an_interview_goes_into_a_chart_and_out_again(home: Path) -> None:
    async def story() -> None:
        async with clinic(home) as c:
            number = await interviewed(c, SAID)
            await only_the_clinic_puts_it_into_a_chart(c, number)
            await checks_hear_what_was_told_and_say_that_nobody_confirmed_it(c, number)
            await it_goes_out_with_where_each_fact_is_from(c, number)
            await it_leaves_a_wrong_chart_and_may_go_into_a_sealed_one(c, number)

    asyncio.run(story())


async def only_the_clinic_puts_it_into_a_chart(c: Clinic, number: str) -> None:
    page = (await c.ask("nurse", "GET", "/packs/clinic/waiting")).text
    assert ">pat</a>" in page and "in no chart yet" in page
    put = {"intake": number, "patient": "P-109"}
    assert (await c.call("pat", "file_intake", "a", **put)).status_code in (400, 403)
    assert await rows(c.house, "clinic_filings") == []
    missing = await c.call("nurse", "file_intake", "a", **put | {"patient": "P-999"})
    assert missing.status_code == 400 and "no such patient" in missing.text
    assert (await c.call("nurse", "file_intake", "b", **put)).status_code == 200
    again = await c.call("doc", "file_intake", "c", **put | {"patient": "P-101"})
    assert again.status_code == 400 and "chart of P-109 already" in again.text
    other = await c.call("doc", "hear", "d", intake=number, number=12, answer="more")
    assert other.status_code == 400 and "no interview of yours" in other.text
    chart = (await c.ask("nurse", "GET", "/packs/clinic/patients/P-109")).text
    assert f"intakes/{number}" in chart and "warfarin 5 mg" in chart
    assert "Nobody asked: unknown." in chart  # what was told makes no list known
    assert "P-109" in (await c.ask("nurse", "GET", "/packs/clinic/waiting")).text


async def checks_hear_what_was_told_and_say_that_nobody_confirmed_it(
    c: Clinic, number: str
) -> None:
    async def rules(order: str) -> dict[str, str]:
        drafted = await c.call("doc", "draft_order", order, patient="P-109", order=order)
        id = drafted.json()["result"]["order"]
        checked = await rows(c.house, "clinic_check_results")
        (row,) = [one for one in checked if one["order_id"] == id]
        await c.call("doc", "withdraw_order", id, order=id)
        return {one["rule"]: one["summary"] + one["detail"] for one in json.loads(row["cards"])}

    found = await rules("ibuprofen 400 mg")
    assert f"told in {number}, unconfirmed" in found["DDI-ANTICOAG-NSAID"]
    assert {"MEDICINES-UNKNOWN", "ALLERGIES-UNKNOWN"} <= set(found)
    assert f"interview {number}" in (await rules("amoxicillin"))["ALG-BETALACTAM"]
    view = {"hook": "patient-view", "hookInstance": "v",
            "context": {"userId": "Practitioner/1", "patientId": "P-109"}}  # fmt: skip
    hook = await c.ask("doc", "POST", f"{API}/cds-services/clinic-patient-view", json=view)
    shown = [one["source"]["topic"]["code"] for one in hook.json()["cards"]]
    assert not [one for one in shown if one.startswith("DUP")]  # it is not beside itself


async def it_goes_out_with_where_each_fact_is_from(c: Clinic, number: str) -> None:
    out = (await c.ask("doc", "GET", f"{API}/fhir/P-109")).json()
    of: dict[str, list[dict[str, Any]]] = {}
    for entry in out["entry"]:
        of.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    (response,) = of["QuestionnaireResponse"]
    assert response["status"] == "completed"
    assert response["subject"] == response["source"] == {"reference": "Patient/P-109"}
    (provenance,) = of["Provenance"]
    targets = {one["reference"] for one in provenance["target"]}
    assert provenance["entity"][0]["what"] == {"reference": f"QuestionnaireResponse/{number}"}
    assert provenance["agent"][1]["who"]["identifier"]["value"] == "usr_nurse"
    told = [one for kind in of.values() for one in kind if "extension" in one]
    assert targets == {f"{one['resourceType']}/{one['id']}" for one in told}
    said = {f"{number}-{n + 1:03}": text for n, text in enumerate(SAID)}
    for one in told:
        (span,) = [each["extension"] for each in one["extension"] if each["url"] == SPAN_URL]
        part = {each["url"]: each.get("valueInteger", each.get("valueString")) for each in span}
        assert said[part["message"]][part["start"] : part["end"]] == part["words"]
    verified = {one["code"]["text"]: one["verificationStatus"]["coding"][0]["code"]
                for one in of["Condition"]}  # fmt: skip
    assert (verified["cough"], verified["haemoptysis"]) == ("unconfirmed", "refuted")
    assert of["FamilyMemberHistory"] and of["AllergyIntolerance"] and of["Observation"]
    model = pytest.importorskip("fhir.resources.R4B.bundle")
    model.Bundle.model_validate(out)


async def it_leaves_a_wrong_chart_and_may_go_into_a_sealed_one(c: Clinic, number: str) -> None:
    (filing,) = await rows(c.house, "clinic_filings")
    short = await c.call("nurse", "withdraw_filing", "a", filing=filing["id"], reason="no")
    assert short.status_code == 400 and "why it does not belong" in short.text
    out = {"filing": filing["id"], "reason": "another person's"}
    assert (await c.call("nurse", "withdraw_filing", "b", **out)).status_code == 200
    kinds = [one["resource"]["resourceType"] for one in
             (await c.ask("doc", "GET", f"{API}/fhir/P-109")).json()["entry"]]  # fmt: skip
    assert "QuestionnaireResponse" not in kinds
    sealed = {"intake": number, "patient": "P-112"}
    assert (await c.call("doc", "file_intake", "e", **sealed)).status_code == 400
    why = {"patient": "P-112", "reason": "it is his interview"}
    assert (await c.call("doc", "break_glass", "f", **why)).status_code == 200
    assert (await c.call("doc", "file_intake", "g", **sealed)).status_code == 200
    waiting = (await c.ask("nurse", "GET", "/packs/clinic/waiting")).text
    assert ">pat</a>" not in waiting and "P-112" not in waiting
    page = (await c.ask("nurse", "GET", f"/packs/clinic/intakes/{number}")).text
    assert "sealed chart" in page and "penicillin" not in page
    assert "penicillin" in (await c.ask("doc", "GET", f"/packs/clinic/intakes/{number}")).text
    before = await rows(c.house, "clinic_filings")
    assert [one["state"] for one in before if one["patient_id"] == "P-109"] == ["entered-in-error"]
