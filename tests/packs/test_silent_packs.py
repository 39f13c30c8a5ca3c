"""Nobody answers the packs that come along: a reminder, an end, nothing done, and a way back."""

import pytest

from attenda.api import Pack
from attenda.evals.scenario_file import known_pack, read_scenarios
from attenda.packs.clinic.pack import PACK as CLINIC
from attenda.packs.support.pack import PACK as SUPPORT
from attenda.packs.tutor.pack import PACK as TUTOR
from tests.pack_scenarios import faults, tried

SUPPORT_TALK = """
a_return:
  pack: support
  language: zh-CN
  clock: 2026-03-10T10:00:00Z
  people: {ana: {role: viewer}}
  turns:
    - commands: [{start_flow: cancel}, {set: {order: O-1002}}]
      say: 取消订单 O-1002
    - say: ana@example.test 4000
    - silence: 9m
      must_not_say: 提醒
    - silence: 1m
      must_say: [提醒, O-1002]
    - silence: 12h
      must_say: [取消订单, 未经您同意的事没有执行]
    - commands: [affirm]
      say: 是
      must_not_say: CH-
    - commands: [{start_flow: cancel}, {set: {order: O-1002}}]
      say: 取消订单 O-1002
      must_say: O-1002
    - commands: [affirm]
      say: 是
      must_say: CH-
  expect:
    tables:
      conversations: {added: "*"}
      orders: {changed: {O-1002: {status: cancelled}}}
      order_items: {changed: {O-1002-1: {state: cancelled}}}
      cases: {added: "*"}
"""
CLINIC_TALK = """
an_intake:
  pack: clinic
  clock: 2026-03-10T10:00:00Z
  people: {pat: {role: viewer}}
  turns:
    - say: please take my history before I see the doctor
    - say: I have been coughing for 5 days with a fever. I am 54 years old, male.
      must_say: How long
    - silence: 20m
      must_say: [reminder, How long]
    - say: About 5 days.
      must_say: coughed up blood
    - silence: 1d
      must_say: [reminder, coughed up blood]
      must_not_say: aside
    - say: No haemoptysis.
      must_say: short of breath
    - silence: 8d
      must_say: [short of breath, aside]
    - say: please take my history before I see the doctor
      must_say: What brings you here
  expect: {tables: {intakes: {added: "*"}, words: {added: "*"}}}
"""
TUTOR_TALK = """
practice:
  pack: tutor
  clock: 2026-03-10T10:00:00Z
  people: {nia: {}}
  turns:
    - say: I'd like to do some exercises
      must_say: "4 + 2 × 3"
    - silence: 30m
      must_say: [reminder, "4 + 2 × 3"]
    - say: "10"
      must_say: [Right, "7 + 6 × 3"]
    - silence: 2d
      must_say: ["7 + 6 × 3", aside]
      must_not_say: "25"
      expect:
        sql: [{query: "SELECT count(*) FROM tutor_attempts WHERE learner = 'nia'", value: "1"}]
    - say: I'd like to do some exercises
      must_say: "7 + 6 × 3"
    - say: "25"
      must_say: Right
  expect:
    tables:
      learners: {added: "*"}
      tasks: {added: "*"}
      attempts: {added: "*"}
      mastery: {added: "*"}
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("pack", "talk"),
    [
        (SUPPORT, SUPPORT_TALK),
        (CLINIC, CLINIC_TALK),
        (TUTOR, TUTOR_TALK),
    ],
    ids=["support", "clinic", "tutor"],
)
def test_who_keeps_silent_is_reminded_let_go_and_taken_up_again(pack: Pack, talk: str) -> None:
    scenarios, problems = read_scenarios(talk, "x", {pack.name: known_pack(pack)})
    assert not problems, [one.text("en") for one in problems]
    assert faults(tried(pack, scenarios)) == {}
