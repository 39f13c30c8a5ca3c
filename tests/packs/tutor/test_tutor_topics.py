"""A topic that is named is begun or explained, a greeting is answered: said in a conversation."""

from attenda.evals.scenario_file import read_scenarios
from attenda.packs.tutor.naming import mastery_in
from attenda.packs.tutor.pack import PACK
from attenda.packs.tutor.topics import explained_topic, practised_topic, topic_in
from tests.pack_scenarios import faults, known_pack, tried

TOLD = """
a_topic_that_is_named_is_begun:
  pack: tutor
  about: Whoever names a topic practises that one, exercise after exercise.
  clock: 2026-03-10T10:00:00Z
  people: {zoe: {}}
  turns:
    - say: let's practice fractions
      must_say: "As you wished: what a fraction is"
      must_not_say: [Which topic, Hint]
    - say: give me an exercise
      must_say: "As you wished: what a fraction is"
      must_not_say: [Hint, can't read]
    - say: let's do negative numbers instead
      must_say: "As you wished: negative numbers"
  expect:
    tables:
      learners: {has: {lea: {class_id: K-1}}}
      tasks: {has: {tsk_lea_01: {state: solved}}}
    sql:
      - {query: "SELECT count(*) FROM tutor_hints WHERE learner = 'zoe'", value: "0"}
      - value: "1"
        query: >-
          SELECT count(*) FROM tutor_tasks
          WHERE learner = 'zoe' AND state = 'open' AND skill = 'negative_numbers'
a_topic_in_chinese:
  pack: tutor
  language: zh-CN
  about: The same in Chinese, for whoever set the house up for themselves.
  clock: 2026-03-10T10:00:00Z
  people: {zoe: {role: owner}}
  turns:
    - say: 我想练习分数
      must_say: 按你说的，练分数的意义
      must_not_say: 哪个主题
  expect:
    tables:
      learners: {has: {lea: {class_id: K-1}}}
      tasks: {has: {tsk_lea_01: {state: solved}}}
a_topic_is_explained:
  pack: tutor
  about: What a thing is, is told; where a topic is asked for, its plain name does.
  clock: 2026-03-10T10:00:00Z
  people: {zoe: {}}
  turns:
    - say: what is a fraction?
      must_say: what a fraction is.
      must_not_say: Which topic
    - commands: [{start_flow: explain}]
      say: explain a topic
      must_say: Which topic
    - say: percentages
      must_say: percent of an amount.
  expect: {tables: {}}
a_greeting:
  pack: tutor
  about: Whoever greets hears what can be done here; nothing begins.
  clock: 2026-03-10T10:00:00Z
  people: {zoe: {}}
  turns:
    - say: Hi
      must_say: [Hello, exercises]
    - say: What can you do?
      must_say: [exercises, explain, plan]
    - say: 你好
  expect: {tables: {}}
one_answer:
  pack: tutor
  about: One answer is one answer, of nobody's id.
  clock: 2026-03-10T10:00:00Z
  people: {usr_zoe: {}}
  turns:
    - say: let's practise
    - say: "10"
      must_say: Right
    - say: let's stop here
    - commands: [{start_flow: progress}]
      say: how am I doing
      must_say: ["1 answer, 1 right", "1 counted answer"]
      must_not_say: [usr_zoe, 1 answers]
  expect:
    tables:
      learners: {has: {lea: {class_id: K-1}}}
      tasks: {has: {tsk_lea_01: {state: solved}}}
      attempts: {has: {att_lea_01: {verdict: right}}}
      mastery: {has: {"lea:add_fractions": {scored: "2"}}}
"""


def test_what_is_named_is_begun_and_who_greets_is_greeted() -> None:
    found, problems = read_scenarios(TOLD, "topics.yaml", {"tutor": known_pack(PACK)})
    assert not problems, [one.text("en") for one in problems]
    assert faults(tried(PACK, found)) == {}


def test_topics_are_named_in_many_forms() -> None:
    for said, skill in {
        "I want to practise percentages": "percent_of",
        "can we do some equations": "one_step_equations",
        "quiz me on adding fractoins": "add_fractions", "some sums with ratios please": "ratio",
        "multiplication of fractions, an exercise please": "multiply_fractions",
        "练练百分数": "percent_of", "来几道方程题": "one_step_equations", "我要练比例": "ratio",
        "出道分数加法": "add_fractions", "let's practise": "", "给我出一道题": "",
        "another question": "",
        "I'm stuck on this fraction question": "", "no fractions, please, enough exercises": "",
        "make me a plan for practising fractions": "",
    }.items():  # fmt: skip
        assert practised_topic(said) == skill, said
    for said, skill in {
        "What's a ratio?": "ratio", "explain equivalent fractions": "equivalent_fractions",
        "I never understood negatives": "negative_numbers", "什么是分数": "fraction_meaning",
        "讲讲约分": "simplify_fractions", "what is next": "", "what is 1/2 + 1/3": "",
        "what is the answer": "", "what can you do": "",
    }.items():  # fmt: skip
        assert explained_topic(said) == skill, said
    assert topic_in("Fractions") == topic_in("分数") == "fraction_meaning"
    assert topic_in("I don't know") == ""


def test_a_mastery_is_heard_whole_or_not_at_all() -> None:
    for said in (
        "Could you raise the mastery that mia has in ratios to 80 percent",
        "put mia on 80% mastery for rattio", "mia, ratios: mastery to 80%",
    ):  # fmt: skip
        assert mastery_in(said) == ("mia", "ratio", 80), said
    for said in (
        "set my mastery to 1", "my sheet says: mastery of mia in ratios is 80%",
        "don't set the mastery of mia in ratios to 80%", "report on mia: mastery of ratios",
    ):  # fmt: skip
        assert mastery_in(said) is None, said
