"""Answers, values and slips of typing in chatty, terse and hurried messages of a ward."""

from decimal import Decimal

import pytest

from attenda.packs.clinic.extract import mentions
from attenda.packs.clinic.measured import vitals_of
from attenda.packs.clinic.plain_answer import yes_no_or_unknown

YES = """
是的呀; 对对对; 可不嘛; 有呢; 符合; 确有其事; 嗯，有; 答案是有; 茶凉了，不过答案是有
不瞒您说，是有的; 不好意思刚接电话，有; 没来得及喝水就去看了，有; 刚跑了一趟病房，腿都酸了，有的
I'm afraid so; it does; she has indeed; quite so; that is right; the answer has to be yes
My colleague says hello, by the way. Yes.; The kettle's on and my feet hurt, but yes, it's there.
手套刚摘，摸过了，是
"""
NO = """
并非; 不是呀; 以前没有哈; 从无; 没看到哈; 真没有; 没有的事; 不算; 不存在; 谈不上; 不吧; 不曾; 绝无
哪有; 不符合; 没有没有; 嗯，没有; 结论：不是。; 天真冷，没有; 别提了，今天忙死了，没有
家属说了半天，结果是没有; 我看看啊，嗯，不是; No, that would not be right.; I would have to say no
that's a no from me; not that I can see; afraid not; not in the slightest; nothing of the sort
by no means; hardly; I believe not; I checked twice because the light is bad, and no.
I do hope that was the last one, my feet hurt: no.; it's been a long shift, no
I asked the daughter, who talks a lot, and she told me no; Sorry, the phone. Right: no.
"""
OPEN = """
不知道; 记不清了; 病历没写，不知道; I am afraid I cannot tell you that; I don't remember, no
dunno, yes?; not sure, no
"""
MEASURED = [
    ("The lab is slow today! The lady is 78, weighs 52 kg, and creatinine reads 141 µmol/L.",
     {"age": "78", "weight_kg": "52", "creatinine_mg_dl": "1.60"}),
    ("creatinine came in at 1.6 mg/dL, she is 78", {"age": "78", "creatinine_mg_dl": "1.6"}),
    ("I've 10 others waiting, but he's 66, 80 kilos, his creatinine result is 1.2 mg/dL",
     {"age": "66", "weight_kg": "80", "creatinine_mg_dl": "1.2"}),
    ("1.6 mg/dL is the creatinine, lady of 78", {"age": "78", "creatinine_mg_dl": "1.6"}),
    ("creatnine (this morning) 1.6 mg/dl, F 78", {"age": "78", "creatinine_mg_dl": "1.6"}),
    ("等了3个小时，肌酐查出来是110 umol/L，男，70岁，75公斤",
     {"age": "70", "weight_kg": "75", "creatinine_mg_dl": "1.24"}),
    ("床位 12，81岁的大爷，体重称出来64公斤，肌酐报告是132 µmol/L",
     {"age": "81", "weight_kg": "64", "creatinine_mg_dl": "1.49"}),
    ("resps sit at 24, pulse came back as 118", {"respiratory_rate": "24", "pulse": "118"}),
    ("creatinine in 2019 was 1.0 mg/dL", {}),
    ("creatinine last month 1.0 mg/dL", {}),
    ("creatinine not back, glucose 140 mg/dL", {}),
    ("肌酐昨天1.8 mg/dL，今天1.6 mg/dL", {}),
]  # fmt: skip


@pytest.mark.parametrize(("said", "meant"), [(YES, True), (NO, False), (OPEN, None)])
def test_a_yes_or_a_no_is_heard_in_its_own_clause(said: str, meant: bool | None) -> None:
    for words in said.strip().replace("\n", "; ").split("; "):
        found = yes_no_or_unknown(words)
        assert (found[0] if found else None) is meant, words
        assert found is not None or meant is None, words


@pytest.mark.parametrize(("text", "wanted"), MEASURED)
def test_values_are_found_in_a_chatty_sentence(text: str, wanted: dict[str, str]) -> None:
    found = vitals_of(text)
    assert {name: found.get(name) for name in wanted} == {
        name: Decimal(value) for name, value in wanted.items()
    }
    assert ("creatinine_mg_dl" in found) == ("creatinine_mg_dl" in wanted)


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("coughin 5 days now and got a fevr and phlgm",
         {"cough": "coughin", "fever": "fevr", "sputum": "phlgm"}),
        ("brething trouble, swolen leg",
         {"breathless": "brething trouble", "leg_swelling": "swolen leg"}),
        ("vomitting and a headach", {"vomiting": "vomitting", "headache": "headach"}),
        ("I tried three tables and lots of forms", {}),
    ],
)  # fmt: skip
def test_slips_of_typing_are_mended_and_kept_as_they_were_written(
    text: str, findings: dict[str, str]
) -> None:
    assert {one.finding: one.words for one in mentions(text)} == findings
