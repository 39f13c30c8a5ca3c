"""Medication knowledge read in: rules as CSV, RxNorm names, openFDA label texts.

The files are made here in the documented shapes: none of the real ones is at hand.
"""

import asyncio
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from attenda.api import UserError
from attenda.packs.clinic.medication_files import read_labels, read_rules, read_rxnorm
from tests.packs.clinic.test_clinic_pages import Clinic, clinic
from tests.runtime.test_flows import rows

HEAD = """# id: ward-rules
# title: Rules of the ward
# version: 3
# date: 2026-01-05
# expires: {expires}
# author: Pharmacy
# licence: internal
# source: Ward handbook 2026, chapter 4
"""
COLUMNS = "id,one,two,severity,effect,why,management\n"
RULES = [
    "W-1,Warfarin,Zorvamax,critical,bleeding rises,both thin the blood,do not combine",
    "W-2,NSAIDs,quelafine,warning,the stomach suffers,both harm its lining,protect the stomach",
    "W-3,warfarin,,critical,a,b,c",
    "W-4,warfarin,zinc,deadly,a,b,c",
    "DDI-ANTICOAG-NSAID,warfarin,zinc,info,a,b,c",
    "W-1,warfarin,zinc,info,a,b,c",
    "W-5,zinc,Zinc,info,a,b,c",
    "W-6,warfarin,zinc",
]


def rules(expires: str = "2030-01-01", rows_: list[str] = RULES) -> bytes:
    return (HEAD.format(expires=expires) + COLUMNS + "\n".join(rows_) + "\n").encode()


def concept(code: str, kind: str, said: str, **more: str) -> str:
    language, source = more.get("lat", "ENG"), more.get("sab", "RXNORM")
    fields = [code, language, "P", "", "", "", "Y", "1", "", code, "", source, kind, code, said,
              "0", more.get("suppress", "N"), "4096"]  # fmt: skip
    return "|".join(fields) + "|\n"


def relation(one: str, other: str, name: str) -> str:
    fields = [one, "", "CUI", "RO", other, "", "CUI", name, "1", "", "RXNORM", "", "", "", "N", ""]
    return "|".join(fields) + "|\n"


def rxnorm(names: str, relations: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("rrf/RXNCONSO.RRF", names)
        file.writestr("rrf/RXNREL.RRF", relations)
    return packed.getvalue()


NAMES = "".join([
    concept("11289", "IN", "warfarin"),
    concept("202421", "BN", "Jantoven"),
    concept("9001", "IN", "zorvamine"),
    concept("9002", "BN", "Zorvanex"),
    concept("9003", "PIN", "zorvamine maleate"),
    concept("9004", "BN", "Orphanex"),
    concept("9005", "IN", "oldamine", suppress="O"),
    concept("9006", "SCD", "zorvamine 5 MG Oral Tablet"),
    concept("9001", "IN", "Zorvamina", lat="SPA"),
    concept("9007", "BN", "Elsewhere", sab="MMSL"),
    "broken|line\n",
])  # fmt: skip
RELATIONS = "".join([
    relation("11289", "202421", "tradename_of"),
    relation("9002", "9001", "has_tradename"),
    relation("9003", "9001", "form_of"),
    relation("9004", "9006", "tradename_of"),
])  # fmt: skip
LABEL = {
    "set_id": "0cbce382", "version": "12", "effective_time": "20250131",
    "openfda": {"generic_name": ["LORATADINE"], "substance_name": ["LORATADINE"]},
    "drug_interactions": [
        "7 DRUG INTERACTIONS. Give it with care. Warfarin levels were not studied with it. "
        "Ketoconazole raises its level. Nothing else is known."
    ],
}  # fmt: skip
LABELS = {"meta": {"last_updated": "2025-11-20"}, "results": [
    LABEL, {"set_id": "x"}, {"drug_interactions": ["a"]}, 7,
    {"set_id": "y", "drug_interactions": ["a"], "openfda": {}},
]}  # fmt: skip


async def read_in(c: Clinic, importer: str, name: str, content: bytes) -> dict[str, Any]:
    file = {"file": (name, content)}
    answer = await c.ask("boss", "POST", f"/api/packs/clinic/imports/{importer}", files=file)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def told(c: Clinic, order: str, once: str, patient: str = "P-101") -> dict[str, Any]:
    answer = await c.call("nurse", "draft_order", once, patient=patient, order=order)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["result"]
    return found


def test_rules_names_and_labels_are_read_in_and_speak_with_their_source(home: Path) -> None:
    async def story() -> None:
        async with clinic(home) as c:
            before = await told(c, "Zorvamax 20 mg", "a")
            assert before["status"] == "unknown_drug"
            read = await read_in(c, "rules", "ward.csv", rules())
            assert (read["added"], read["rejected"]) == (3, 6), "the pack's row, and two rules"
            reasons = [one["reason"] for one in read["rejects"]]
            assert reasons[0] == "two is empty" and "ward.csv:12" in read["rejects"][0]["place"]
            assert "severity is one of" in reasons[1] and "there is a rule" in reasons[2]
            after = await told(c, "Zorvamax 20 mg", "b")
            assert after["status"] == "found" and after["needs_reason"]
            assert "W-1" in after["en"] and "bleeding rises" in after["en"]
            assert "Rules of the ward 3 (2026-01-05, holds until 2030-01-01)" in after["en"]
            assert "Ward handbook 2026" in after["zh"], "in the language that it has"
            quiet = await told(c, "quelafine 5 mg", "c", "P-109")
            assert quiet["status"] == "no_rule", "of the class, nothing is taken"
            assert "Starter medication rules, Rules of the ward" in quiet["en"]

            named = await read_in(c, "rxnorm", "RxNorm_full_11032025.zip", rxnorm(NAMES, RELATIONS))
            assert (named["added"], named["rejected"]) == (6, 3)
            assert {one["reason"] for one in named["rejects"]} == {
                "1 columns and not 18", "“oldamine” is suppressed (O)",
                "no ingredient of “Orphanex” is named",
            }  # fmt: skip
            brand = await told(c, "Zorvanex 5 mg", "d")
            assert brand["status"] == "no_rule", "known by its brand, and no rule speaks of it"
            assert (await told(c, "Orphanex", "e"))["status"] == "unknown_drug"
            page = (await c.ask("doc", "GET", "/packs/clinic/alerts")).text
            for said in ("ward-rules", "RxNorm", "2025-11-03", "starter-medication"):
                assert said in page, said

            labelled = await read_in(c, "labels", "labels.json", json.dumps(LABELS).encode())
            assert labelled["rejected"] == 4
            loratadine = await told(c, "loratadine 10 mg", "f")
            assert loratadine["status"] == "no_rule", "text of a label is no rule"
            assert "“Warfarin levels were not studied with it.”" in loratadine["en"]
            assert "Ketoconazole" not in loratadine["en"]
            chart = (await c.ask("doc", "GET", "/packs/clinic/patients/P-101")).text
            assert "Text of the label" in chart and "no rule, and not judged" in chart
            hook = {
                "hook": "order-sign", "hookInstance": "1", "context": {
                    "userId": "Practitioner/1", "patientId": "P-101", "draftOrders": {
                        "resourceType": "Bundle", "entry": [{"resource": {
                            "resourceType": "MedicationRequest", "id": "o", "status": "draft",
                            "medicationCodeableConcept": {"text": "Zorvamax"}}}]}},
            }  # fmt: skip
            answer = await c.ask("doc", "POST", "/packs/clinic/api/cds-services/clinic-order-sign",
                                 json=hook)  # fmt: skip
            card, *_ = answer.json()["cards"]
            assert card["indicator"] == "critical" and "Rules of the ward" in json.dumps(card)

    asyncio.run(story())


@pytest.mark.long
def test_a_newer_file_takes_an_older_ones_place_and_an_old_pack_says_so(home: Path) -> None:
    async def story() -> None:
        async with clinic(home) as c:
            await read_in(c, "rules", "ward.csv", rules())
            newer = rules("2026-02-01", [RULES[0].replace("critical", "info")])
            await read_in(c, "rules", "ward.csv", newer)
            assert len(await rows(c.house, "clinic_drug_pairs")) == 2
            found = await told(c, "Zorvamax 20 mg", "a")
            assert "INFO" in found["en"] and "CRITICAL" not in found["en"]
            assert "Rules of the ward expired on 2026-02-01" in found["en"]
            gone = await told(c, "quelafine 5 mg", "b")
            assert gone["status"] == "unknown_drug", "the newer file has no such rule"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("read", "name", "content", "problem"),
    [
        (read_rules, "r.csv", b"id,one\n", "no line “# id: …”"),
        (read_rules, "r.csv", HEAD.format(expires="soon").encode() + b"id\n", "expires is no day"),
        (read_rules, "r.csv", HEAD.format(expires="2030-01-01").encode() + b"id\n", "no column"),
        (read_rules, "r.csv", b"\xff\xfe", "no UTF-8"),
        (read_rxnorm, "RXNREL.RRF", RELATIONS.encode(), "put both into one zip"),
        (read_rxnorm, "x.rrf", b"", "no names of RxNorm"),
        (read_rxnorm, "x.zip", rxnorm("")[:40] + rxnorm("")[40:], "no names of RxNorm"),
        (read_labels, "l.json", b"{", "no JSON"),
        (read_labels, "l.json", b"[1]", "no “results”"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_sentence(
    read: Any, name: str, content: bytes, problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        read(name, content)


def test_names_alone_give_ingredients() -> None:
    found = read_rxnorm("RXNCONSO.RRF", NAMES.encode())
    assert {one["said"] for one in found.rows["drug_names"]} == {"warfarin", "zorvamine"}
