"""What is said beside an answer: a greeting, a stop, a score where a medicine is asked for."""

import pytest

from attenda.evals.scenario_file import known_pack, read_scenarios
from attenda.packs.clinic.pack import PACK
from tests.pack_scenarios import faults, tried

STAFF = "  people: {doc: {role: supervisor}}\n"
PATIENT = "  people: {pat: {role: viewer}}\n"
CHECKED = "{start_flow: check_order}, {set: {patient: P-101, drug: %s}}"
ASKS_DRUG = "    - commands: [{start_flow: check_order}, {set: {patient: P-101}}]\n"
INTERVIEW = "    - commands: [{start_flow: intake}]\n"
STORIES = {
    "a_second_check_shows_every_card": STAFF
    + f"""  turns:
    - commands: [{CHECKED % "ibuprofen"}]
      must_say: DDI-ANTICOAG-NSAID
    - say: 能用布洛芬吗
      commands: [{CHECKED % "布洛芬"}]
      must_say: [DDI-ANTICOAG-NSAID, DUP-SAME]
""",
    "vital_signs_are_no_medicine": STAFF
    + "  turns:\n"
    + ASKS_DRUG
    + """    - say: "NEWS2: resp rate 22, SpO2 95% on air, BP 110/70, pulse 90, alert, 37.2 °C"
      must_say: ["NEWS2: 4", "Which medicine"]
      must_not_say: Draft
    - say: "呼吸22次/分，血压110/70"
      must_say: 请写出药物
      must_not_say: 草稿
    - say: 评一下CURB-65
      must_say: 请给出数值
    - say: please stop
      must_say: [stopped, Which medicine]
    - say: no idea
      must_say: Which medicine
    - say: Zorvamax 20 mg
      must_say: [UNKNOWN-DRUG, "Zorvamax 20 mg"]
""",
    "the_unit_that_is_missing_is_named": STAFF
    + """  turns:
    - commands: [{start_flow: score}, {set: {score: curb65}}]
    - say: "confused, urea 9, resp rate 30, BP 85/50, age 70"
      must_say: ["urea 9", mmol/L or mg/dL]
      must_not_say: "missing: urea."
    - commands: [{start_flow: score}, {set: {score: curb65}}]
    - say: "意识模糊，尿素 9，呼吸30次/分，血压85/50，70岁"
      must_say: ["尿素 9", mmol/L 还是 mg/dL]
    - commands: [{start_flow: score}, {set: {score: curb65}}]
    - say: "confused, urea 9 mmol/L, resp rate 30, BP 85/50, age 70"
      must_say: "CURB-65: 5"
""",
    "a_greeting_is_answered_and_no_answer": PATIENT
    + "  turns:\n"
    + "    - say: Hi\n      must_say: take your history\n"
    + "    - say: 你能做什么？\n      must_say: 记录病史\n"
    + INTERVIEW
    + """    - say: What can you do?
      must_say: [take your history, What brings you here]
    - say: 你好
      must_say: 记录病史
""",
    "staff_hear_what_it_can_do": STAFF
    + "  turns:\n"
    + "    - say: Hi!\n      must_say: [check and draft orders, scores]\n"
    + "    - say: 你好，你能做什么？\n      must_say: [核对并起草医嘱, 评分]\n"
    + ASKS_DRUG
    + "    - say: hello\n      must_say: [scores, Which medicine]\n",
    "stop_ends_the_interview": PATIENT
    + "  turns:\n"
    + INTERVIEW
    + "    - say: stop\n      must_say: stopped\n      must_not_say: How long\n"
    + INTERVIEW
    + "    - say: 停\n      must_say: 停\n",
}


ORDERED = ('check_results: {added: "*"}', 'alerts: {added: "*"}')
DRAFT = '{id: "*", patient_id: P-101, text: %s, status: draft, ordered_by: "*", ordered_at: "*"}'
TABLES = {
    "a_second_check_shows_every_card": ('orders: {added: "*"}', *ORDERED),
    "vital_signs_are_no_medicine": (
        f"orders: {{added: [{DRAFT % 'Zorvamax 20 mg'}]}}",
        'scores: {added: "*"}',
        *ORDERED,
    ),
    "the_unit_that_is_missing_is_named": ('scores: {added: "*"}',),
    "a_greeting_is_answered_and_no_answer": ('intakes: {added: "*"}',),
    "staff_hear_what_it_can_do": (),
    "stop_ends_the_interview": ('intakes: {added: "*"}',),
}


@pytest.mark.parametrize("name", STORIES)
def test_what_is_said_beside_an_answer(name: str) -> None:
    text = f"{name}:\n  pack: clinic\n  clock: 2026-11-10T10:00:00Z\n{STORIES[name]}"
    text += f"  expect: {{tables: {{{', '.join(TABLES[name])}}}}}\n"
    found, problems = read_scenarios(text, "talk.yaml", {PACK.name: known_pack(PACK)})
    assert not problems, [one.text("en") for one in problems]
    assert faults(tried(PACK, found)) == {}
