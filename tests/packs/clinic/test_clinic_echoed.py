"""A question's own words, given back and then denied, are a no; in doubt a finding is said."""

import pytest

from attenda.packs.clinic.answering import answer_to
from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.note import draft
from attenda.packs.clinic.plain_answer import yes_no_or_unknown
from attenda.packs.clinic.questionnaire_files import sheet
from attenda.packs.clinic.summary import Message

DENIED = """
short of breath, hmm... no, I'm not
blood when I cough? hmm, let me think... no, never
a cough? let me think... no
fever, hmm... let me feel... no
chest pain? no
Chest pain, um, no, none
coughing up blood... no
have I coughed up blood? let me think... no, never have
am I short of breath? well, no
do I have a fever, hmm, no, I don't
short of breath? not at all
breathless, er, no, not at all
any chest pain... no, thank God
a fever... let me check... no, no fever
a cough, hm, no, no cough
chest pain you mean? no, nothing like that
blood in the sputum? never
let me feel... hmm, my chest... no, no pain there
Fever? Nope.
Fever - no.
haemoptysis? nah
nope, chest doesnt hurt
a fever? No, sir.
fever or cough? no, neither
咳血啊，嗯我想想……没有，没咯血
气短嘛，嗯……我感觉一下……没有，不气短
咳嗽……嗯我想想，没有，不咳
发烧嘛，嗯我摸摸……没有
胸痛？没有
胸口疼，呃，没有，不疼
咳血？没有，从来没有过
发烧吗，我想想，没有
气短啊……倒是没有
咯血，嗯，没有过
胸痛的话，我感觉一下，没有
咳嗽嘛，没有
咳血？真没有，您放心
胸痛呢，我按按……没有，一点都不疼
发烧？无
气短？不会
胸口？嗯，没事
"""
SAID = """
fever, cough, no chest pain
fever, no cough
chest pain, no cough
chest pain, no, no cough
chest pain? not now
chest pain, not any more
short of breath? no, I am
chest pain? no, I do
coughing up blood? not yet today
chest pain, nothing
chest pain, no fever
胸痛，没有了
胸痛，现在没有
发烧，不咳
胸痛，没有发烧
咳血，没有发烧
胸口疼，没有，不咳
我咳血，没有
胸痛，不疼了
咳血，好像没有
发烧、咳嗽，没有胸痛
chest pain, no, wait, yes
a cough? no, but there is blood
coughing up blood, no end
blood when I cough, no idea why
chest pain... no better
chest pain, hmm, no relief
I have chest pain... no, it is worse
short of breath? no... well, when I walk, yes
fever? not sure
coughing up blood, never stopped
cough, no blood yet
chest pain, no kidding
a fever? no, a high one
chest pain, not going away
chest pain, I can't breathe, no
short of breath, never this bad
chest pain? not only that
breathless... no longer able to walk
short of breath and no, it does not stop
coughing up blood, not much
coughed up blood, not a lot
I coughed up blood, no
chest pain like never before
chest pain never had it like this
chest pain, nothing helps
chest pain, not so bad now
my chest doesnt stop hurting
my chest hurts, no, really
chest pain. I don't know
blood when I cough, there is no doubt
咳血，没停过
咳血……没断过
胸痛，没有缓解
胸痛，没有好转
咳血，没办法
气短，没力气
咳血？没有……不过有血丝
胸口疼，没有，是刺痛
气短，不能躺
咳血，不少
胸痛，不止一次
咳血，没人管
胸痛没有停
咳血，没注意几次
咳嗽，没有痰，有血
胸口疼，没法走路
胸痛，从没这么疼过
胸痛，从来没有这么痛
气短，没有气了
咳血，没想到这么多
胸痛，不是一般的疼
"""
SMOKES = """
唉，说来惭愧，烟我是抽的。
烟嘛，抽一点
烟倒是抽
偶尔抽
now and then
socially
well, hmm... yes, I smoke
smoking... yes, I do
"""
NO_SMOKER = """
烟我不抽
烟是不抽的
抽烟？嗯，没有，不抽
do I smoke? hmm, no, never
cigarettes? no, not me
not a smoker
"""


@pytest.mark.parametrize("text", DENIED.strip().splitlines())
def test_the_questions_words_given_back_and_denied_are_a_no(text: str) -> None:
    assert [one for one in mentions(text) if one.is_own_and_present] == []
    plain = yes_no_or_unknown(text)
    assert plain is not None and plain[0] is False


@pytest.mark.parametrize("text", SAID.strip().splitlines())
def test_a_no_of_something_else_leaves_a_finding_said(text: str) -> None:
    assert any(one.is_own_and_present for one in mentions(text))


@pytest.mark.parametrize(("said", "smokes"), [(SMOKES, True), (NO_SMOKER, False)])
def test_whether_they_smoke_is_heard_in_any_order(said: str, smokes: bool) -> None:
    for text in said.strip().splitlines():
        given = answer_to(sheet().item("smoking"), Message("m", text))
        assert given is not None and given.value is smokes, text


@pytest.mark.parametrize(
    ("fever", "smoking"),
    [("No.", "Well, yes."), ("A fever? Er, no.", "I'm afraid I do."), ("嗯，没有", "嗯，抽的")],
)
def test_a_note_keeps_an_answer_that_begins_with_a_hesitation(fever: str, smoking: str) -> None:
    made = draft(
        "Doctor: What made you come in?\nPatient: This cough.\n"
        f"Doctor: Right, and have you got a fever?\nPatient: {fever}\n"
        f"Doctor: Okay, and do you smoke at all?\nPatient: {smoking}"
    )
    assert [one.text for one in made] == [
        "Comes with cough.", "Denies fever.", "Social: smoking.",
    ]  # fmt: skip
