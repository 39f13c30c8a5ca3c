"""The clinic before its routes: screens, orders from a screen, hooks of a record, files read in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from attenda.core.event import Noticed
from attenda.packs.clinic.pack import PACK
from attenda.runtime.house import House
from attenda.serve.app import create_app
from attenda.store import audit, keys, people, schema
from attenda.store.database import Connection
from attenda.store.runs import events_after
from attenda.store.stamps import Stamps
from tests.runtime.test_flows import rows, understand
from tests.scripted_house import scripted_house

ROLES = {"doc": "supervisor", "nurse": "agent", "pat": "viewer", "boss": "owner"}
TOOLS = "/api/packs/clinic/tools"
API = "/packs/clinic/api"


class Clinic:
    """The house, and each person's requests."""

    def __init__(self, house: House, client: httpx.AsyncClient, secrets: dict[str, str]) -> None:
        self.house, self._client, self._secrets = house, client, secrets

    async def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._secrets[who]}"}
        return await self._client.request(method, path, headers=headers, **more)

    async def call(self, who: str, tool: str, once: str, **arguments: Any) -> httpx.Response:
        body = {"arguments": arguments, "once": once}
        return await self.ask(who, "POST", f"{TOOLS}/{tool}", json=body)


@contextlib.asynccontextmanager
async def clinic(home: Path, stamps: Stamps | None = None) -> AsyncIterator[Clinic]:
    async with scripted_house(
        home, lambda _: "", packs=[PACK], understand=understand, stamps=stamps
    ) as (house, _):

        def add(c: Connection) -> dict[str, str]:
            secrets = {}
            for name, role in ROLES.items():
                row = {"id": f"usr_{name}", "name": name, "role": role, "created_at": 0}
                c.execute(schema.users.insert().values(**row))
                who = people.principal_of(c, f"usr_{name}")
                _, secrets[name] = keys.create_key(c, house.stamps, who, "test")
            return secrets

        secrets = await house.database.write(add)
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Clinic(house, client, secrets)


def test_orders_and_charts_are_for_those_who_may(home: Path) -> None:
    async def story() -> None:
        async with clinic(home) as c:
            await a_nurse_drafts_and_a_doctor_signs_with_a_reason(c)
            await screens_show_charts_to_the_desk_and_a_sealed_one_to_nobody(c)
            await a_score_shows_its_inputs_or_what_it_lacks(c)
            await what_was_measured_is_a_plot_and_a_table(c)
            await what_it_is_meant_for_stands_above_each_chat_and_in_its_log(c)

    asyncio.run(story())


async def a_nurse_drafts_and_a_doctor_signs_with_a_reason(c: Clinic) -> None:
    drafted = await c.call("nurse", "draft_order", "a", patient="P-102", order="Amoxicillin")
    order = drafted.json()["result"]["order"]
    assert drafted.json()["result"]["needs_reason"]
    assert (await c.call("nurse", "sign_order", "b", order=order)).status_code == 403
    assert (await c.call("pat", "open_chart", "b", patient="P-101")).status_code == 403
    noted = await c.house.database.read(audit.audit_rows)
    assert [(one.actor_id, one.object_id, one.detail["rule"]) for one in noted
            if one.action == "tool.denied"] == [
        ("usr_pat", "open_chart", "CHART-OTHERS"), ("usr_nurse", "sign_order", "SIGN-OTHERS"),
    ]  # fmt: skip
    chart = "/packs/clinic/patients/P-102"
    shown = (await c.ask("doc", "GET", chart)).text
    assert "ALG-BETALACTAM" in shown and 'data-tool="sign_order"' in shown
    assert 'data-tool="sign_order"' not in (await c.ask("nurse", "GET", chart)).text
    refused = await c.call("doc", "sign_order", "c", order=order)
    assert refused.status_code == 400 and "ALG-BETALACTAM" in refused.text
    odd = await c.call("doc", "sign_order", "d", order=order, reason="because")
    assert odd.status_code == 400
    (row,) = await rows(c.house, "clinic_orders")
    assert row["status"] == "draft"
    done = await c.call("doc", "sign_order", "e", order=order, reason="tolerated")
    assert done.status_code == 200, done.text
    (row,) = await rows(c.house, "clinic_orders")
    assert (row["status"], row["signed_by"], row["reason"]) == (
        "signed", "usr_doc", "tolerated",
    )  # fmt: skip
    (told,) = await rows(c.house, "clinic_feedback")
    assert (told["rule"], told["outcome"]) == ("ALG-BETALACTAM", "overridden")


async def screens_show_charts_to_the_desk_and_a_sealed_one_to_nobody(c: Clinic) -> None:
    for path in ("waiting", "patients", "patients/P-103", "alerts"):
        page = await c.ask("nurse", "GET", f"/packs/clinic/{path}")
        assert page.status_code == 200, path
        assert (await c.ask("pat", "GET", f"/packs/clinic/{path}")).status_code == 403
    page = await c.ask("nurse", "GET", "/packs/clinic/patients/P-103")
    assert "23.8 mL/min" in page.text or "COCKCROFT-GAULT" in page.text
    asked = await c.ask("nurse", "GET", "/packs/clinic/patients/P-109")
    assert "Nobody asked: unknown." in asked.text and "missing:" in asked.text
    for path in ("patients/P-999", "intakes/IN-0"):
        assert (await c.ask("doc", "GET", f"/packs/clinic/{path}")).status_code == 404
    sealed = "/packs/clinic/patients/P-112"
    assert "Lithium" not in (await c.ask("doc", "GET", sealed)).text
    assert "Tomas" not in (await c.ask("doc", "GET", "/packs/clinic/patients")).text
    assert (await c.ask("doc", "GET", f"{API}/fhir/P-112")).status_code == 404
    reason = {"patient": "P-112", "reason": "collapsed in the hall"}
    assert (await c.call("nurse", "break_glass", "a", **reason)).status_code == 403
    assert (await c.call("doc", "break_glass", "a", **reason)).status_code == 200
    assert "Lithium" in (await c.ask("doc", "GET", sealed)).text
    assert "Lithium" not in (await c.ask("boss", "GET", sealed)).text


async def what_was_measured_is_a_plot_and_a_table(c: Clinic) -> None:
    at = "/packs/clinic/patients/P-104/trends"
    page = (await c.ask("nurse", "GET", at)).text
    assert page.count("<svg") >= 5 and "creatinine, 9 values; the newest 2.1 mg/dL" in page
    assert "<td>152</td><td>89</td>" in page and "the newest 152/89 mmHg" in page
    assert (await c.ask("pat", "GET", at)).status_code == 403
    assert (await c.ask("nurse", "GET", at.replace("104", "999"))).status_code == 404
    assert "This chart is sealed" in (await c.ask("nurse", "GET", at.replace("104", "112"))).text
    out = (await c.ask("doc", "GET", f"{API}/fhir/P-104")).json()
    dated = [one["resource"] for one in out["entry"] if "effectiveDateTime" in one["resource"]]
    assert ("2160-0", 2.1, "2026-11-09") in [
        (one["code"]["coding"][0]["code"], one["valueQuantity"]["value"], one["effectiveDateTime"])
        for one in dated
    ]


async def a_score_shows_its_inputs_or_what_it_lacks(c: Clinic) -> None:
    async def reckoned(score: str, values: str) -> str:
        called = await c.call("nurse", "reckon", score + values, score=score, values=values)
        assert called.status_code == 200, called.text
        return (await c.ask("nurse", "GET", "/packs/clinic/scores")).text

    vitals = "RR 18, SpO2 90% on 2 L oxygen, BP 128/76, pulse 96, alert, 37.0 °C"
    first = await reckoned("news2", vitals)
    assert "NEWS2: 6" in first and "SpO2: 90 % · 3" in first and "SpO2 on scale 2" not in first
    second = await reckoned("news2_scale2", vitals)
    assert "NEWS2-SCALE-2: 3" in second and "SpO2: 90 % · 0" in second
    assert "choice for this patient, not the default" in second
    third = await reckoned("qtc_bazett", "QT 360 ms, pulse 100, female")
    assert "QTC-BAZETT: 465 ms" in third and "pulse: 100 1/min" in third
    fourth = await reckoned("qtc_bazett", "QT 360 ms, female")
    assert "QTC-BAZETT is incomplete; missing: pulse" in fourth
    assert (await c.call("nurse", "reckon", "x", score="x", values="")).status_code == 400
    assert "QTC-BAZETT: 465" not in (await c.ask("doc", "GET", "/packs/clinic/scores")).text


def _request(order: str) -> dict[str, Any]:
    resource = {"resourceType": "MedicationRequest", "id": "o1", "status": "draft",
                "medicationCodeableConcept": {"text": order}}  # fmt: skip
    return {
        "hook": "order-sign", "hookInstance": "d1577c69",
        "context": {"userId": "Practitioner/1", "patientId": "P-101", "encounterId": "E-1",
                    "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": resource}]}},
    }  # fmt: skip


def test_programs_and_files_come_in(home: Path) -> None:
    async def story() -> None:
        async with clinic(home) as c:
            await a_record_gets_cards_once_and_its_feedback_is_kept_once(c)
            await a_bundle_is_read_in_and_goes_out_again(c)

    asyncio.run(story())


async def a_record_gets_cards_once_and_its_feedback_is_kept_once(c: Clinic) -> None:
    services = (await c.ask("nurse", "GET", f"{API}/cds-services")).json()["services"]
    assert len(services) == 3
    path = f"{API}/cds-services/clinic-order-sign"
    assert (await c.ask("pat", "POST", path, json=_request("ibuprofen"))).status_code == 403
    first = await c.ask("doc", "POST", path, json=_request("ibuprofen 400 mg"))
    card, kept = first.json()["cards"]
    assert card["source"]["topic"]["code"] == "DDI-ANTICOAG-NSAID"
    assert kept["source"]["topic"]["code"] == "LISTS-KEPT"
    assert card["indicator"] == "warning" and len(card["summary"]) < 140
    assert "Starter medication rules" in card["source"]["label"]
    assert "2026-11-01" in card["source"]["label"] and card["suggestions"]
    again = await c.ask("doc", "POST", path, json=_request("ibuprofen 400 mg"))
    assert again.json() == {"cards": []}
    body = {"feedback": [{
        "card": card["uuid"], "outcome": "overridden",
        "outcomeTimestamp": "2026-03-10T10:00:00Z",
        "overrideReason": {"reason": {"code": "monitored"}, "userComment": "INR"},
    }]}  # fmt: skip
    for _ in range(2):
        assert (await c.ask("doc", "POST", f"{path}/feedback", json=body)).json() == {}
    (row,) = await rows(c.house, "clinic_feedback")
    assert (row["rule"], row["reason"], row["user_id"], row["given_at"]) == (
        "DDI-ANTICOAG-NSAID", "monitored", "usr_doc", "2026-03-10T10:00:00Z",
    )  # fmt: skip
    body["feedback"][0]["card"] = "another"
    wrong = await c.ask("doc", "POST", f"{path}/feedback", json=body)
    assert wrong.status_code == 400 and "feedback[0].card" in wrong.text
    for bad in ({}, [], {"hook": "order-sign"}):
        assert (await c.ask("doc", "POST", path, json=bad)).status_code == 400
    page = await c.ask("doc", "GET", "/packs/clinic/alerts")
    assert "DDI-ANTICOAG-NSAID" in page.text and "will be monitored 1" in page.text


async def a_bundle_is_read_in_and_goes_out_again(c: Clinic) -> None:
    subject = {"reference": "Patient/X-1"}
    bundle = {"resourceType": "Bundle", "entry": [
        {"resource": {"resourceType": "Patient", "id": "X-1", "gender": "female",
                      "birthDate": "1980-02-03", "name": [{"text": "Ada Made"}]}},
        {"resource": {"resourceType": "MedicationRequest", "id": "m", "status": "active",
                      "subject": subject,
                      "medicationCodeableConcept": {"text": "Warfarin 5 MG"}}},
        {"resource": {"resourceType": "Condition", "id": "c"}},
    ]}  # fmt: skip
    file = {"file": ("ada.json", json.dumps(bundle).encode(), "application/json")}
    path = "/api/packs/clinic/imports/fhir"
    read = await c.ask("boss", "POST", path, files=file)
    assert read.status_code == 200, read.text
    (reject,) = read.json()["rejects"]
    assert "belongs to no patient" in reject["reason"]
    out = (await c.ask("doc", "GET", f"{API}/fhir/X-1")).json()
    kinds = [one["resource"]["resourceType"] for one in out["entry"]]
    assert kinds == ["Patient", "MedicationStatement"]
    bad = {"file": ("x.json", b"[1]", "application/json")}
    assert (await c.ask("boss", "POST", path, files=bad)).status_code == 400


async def what_it_is_meant_for_stands_above_each_chat_and_in_its_log(c: Clinic) -> None:
    agents = (await c.ask("boss", "GET", "/api/agents")).json()
    (agent,) = [one["id"] for one in agents if one["pack"] == "clinic"]
    chat = (await c.ask("nurse", "POST", "/api/sessions", json={"agent_id": agent})).json()
    at = f"/api/sessions/{chat['id']}"
    assert "not a medical device" in (await c.ask("nurse", "GET", at)).json()["notice"]
    plain = (await c.ask("nurse", "POST", "/api/sessions", json={})).json()
    found = (await c.ask("nurse", "GET", f"/api/sessions/{plain['id']}")).json()
    assert found["notice"] == ""
    for text in ("hello", "hello again"):
        await c.ask("nurse", "POST", f"{at}/messages", json={"text": text})
        while c.house.runs.running(chat["id"]):
            await asyncio.sleep(0.005)
    log = await c.house.database.read(lambda d: events_after(d, chat["id"], 0))
    noted = [one.event for one in log if isinstance(one.event, Noticed)]
    assert [(one.pack, "In an emergency" in one.text) for one in noted] == [("clinic", True)]
    made = await c.ask("boss", "POST", "/api/channels", json={
        "name": "Clinic", "agent_id": agent, "origins": ["https://clinic.example"],
    })  # fmt: skip
    frame = await c.ask("boss", "GET", f"/widget/{made.json()['id']}?language=zh-CN")
    assert "不是医疗器械" in frame.text
    page = await c.ask("nurse", "GET", "/packs/clinic/patients")
    assert "not a medical device" in page.text
