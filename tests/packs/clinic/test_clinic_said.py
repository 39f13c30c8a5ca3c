"""How people of a clinic and its patients say things: answers, values, orders, whose it is."""

import pytest

from attenda.api import Principal, SetSlot, StartFlow
from attenda.core.label import said_by
from attenda.dialogue.state import DialogueState, Frame
from attenda.packs.clinic.alarm import look_first
from attenda.packs.clinic.answering import answer_to
from attenda.packs.clinic.differential import candidates
from attenda.packs.clinic.formulary import starter
from attenda.packs.clinic.measured import readings, vitals_of
from attenda.packs.clinic.opening import CATALOGUES, order_in
from attenda.packs.clinic.plain_answer import yes_no_or_unknown
from attenda.packs.clinic.questionnaire_files import sheet
from attenda.packs.clinic.summary import Message, facts_of
from attenda.runtime.flow_turn import given_for
from attenda.runtime.pack import Said

ANSWERS = {
    True: """
        yes; there are indeed; it is; she does;
        he was, after a hip op; I'm afraid so; +ve; present; yes to both;
        I think so; sadly it's true; that would be a yes; 有; 有的;
        对，有过; 确实有; 做过手术; 没错; 阳性;
        no doubt about it; without a doubt; well, she has cancer; can't deny it; 不是没有; 不否认;
        疼，不能碰; 肿得厉害，没法走路
    """,
    False: """
        no; nope, none; negative; none reported;
        denies any; absent; not to my knowledge; no, not known; it isn't;
        she hasn't; he has never had one; again no; I don't think so;
        ruled out; my breathing is fine; -ve; nil;
        没有; 没有这回事; 对，没有; 从没得过; 否认; 头一回; 确实不是; 胸口不痛;
        呼吸挺好的; 没注意到; 无
    """,
    None: """
        I don't know; no idea; not sure; unknown;
        not known; not documented; hasn't been checked; can't say; dunno;
        no clue, sorry; 不清楚; 不知道; 不详; 没查过; 说不上来; 记不清了
    """,
}  # fmt: skip


@pytest.mark.parametrize("meant", ANSWERS)
def test_a_plain_answer_is_read_however_it_is_said(meant: bool | None) -> None:
    for words in ANSWERS[meant].split(";"):
        found = yes_no_or_unknown(words.strip())
        assert found is not None and found[0] is meant, words
        assert words.strip()[slice(*found[1])], words


@pytest.mark.parametrize(
    "words",
    [
        "perhaps so",
        "it might",
        "hard to tell",
        "borderline",
        "有可能",
        "也许吧",
        "不好说",
        "看情况",
        "yes and no",
        "a clot has not been ruled out",
        "不能排除",
        "不仅有，而且严重",
    ],
)
def test_a_perhaps_is_neither_yes_nor_no(words: str) -> None:
    assert yes_no_or_unknown(words) is None


VITALS = {
    "respiratory_rate": 24, "spo2": 93, "systolic": 98, "pulse": 118, "consciousness": "alert",
    "oxygen": False,
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "breathing at a rate of 24, sats 93% on air, BP 98/60, heart rate of 118, alert, 38.6 °C",
        "心率118 血压98/60 呼吸24 血氧93 没吸氧 清醒 体温38.6",
        "RR 24, O2 sats 93% RA, BP 98/60, HR 118 bpm, AVPU A, T 38.6",
        "24 breaths per minute, 93% on room air, 98/60 mmHg, 118 bpm, GCS 15, temp of 38.6",
        "obs: resp 24, SpO₂ 93% on RA, SBP 98, HR 118, A&O x3, T38.6",
        "breathing a bit fast at 24, satting 93 without supplemental oxygen, 98 over 60, heart "
        "rate is 118, awake and alert, 38.6",
        "呼吸频率24次/分，SpO₂ 93%（空气），BP 98/60mmHg，HR 118，神清，T 38.6℃",
        "体温38度6，脉率每分钟118次，呼吸每分钟24次，血压98／60，氧饱和度为93%，没给氧，神清",
    ],
)
def test_vital_signs_are_read_from_one_line(text: str) -> None:
    found = vitals_of(text)
    assert abs(float(str(found.pop("temperature_c"))) - 38.6) < 0.05
    assert {name: found.get(name) for name in VITALS} == VITALS
    for one in readings(text, pronouns=True):
        assert text[one.start : one.end] == one.words


@pytest.mark.parametrize(
    "text",
    [
        "78F, 52kg, creat 1.6mg/dl",
        "78 y/o woman, wt 52 kg, serum creatinine of 1.6 mg per dL",
        "F/78, 52 kilos, Cr 1.6 mg/dL",
        "She is seventy-eight, 52 kg, creatinine 141 micromoles per litre",
        "1.6 mg/dL creatinine in a lady of 78 weighing 52 kilograms",
        "sex: F, age: 78, weight: 52kg, Cr: 141 μmol/L",
        "老奶奶78岁，52公斤，血肌酐：141微摩尔/升",
        "女 七十八岁 52kg 肌酐1.6毫克/分升",
    ],
)
def test_age_sex_weight_and_creatinine_are_read(text: str) -> None:
    found = vitals_of(text)
    assert (found["age"], found["sex"], found["weight_kg"]) == (78, "female", 52)
    assert float(str(found["creatinine_mg_dl"])) == pytest.approx(1.6, abs=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "weight 52, woman",
        "pulse 118, M",
        "T 101 F",
        "cough for 5 days",
        "I smoke 20 a day",
        "BP 98/60, male",
        "took it for 30 years, female",
        "creatinine 141, she",
    ],
)
def test_another_number_is_no_age(text: str) -> None:
    assert "age" not in vitals_of(text)


def test_a_pronoun_tells_the_sex_of_one_patient_and_not_of_two() -> None:
    assert vitals_of("she is 78")["sex"] == "female"
    assert "sex" not in vitals_of("she is 78, he is 80")
    assert all(one.name != "sex" for one in readings("my wife is ill, she has a cough"))


def told(text: str, name: str) -> object:
    found = vitals_of(text).get(name)
    return found if found is None or isinstance(found, bool | str) else float(found)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        # of two, the one that holds now
        ("normal BP is 130/80 but now 90/50", "systolic", 90),
        ("BP 90/50, usually 130/80", "systolic", 90),
        ("平时血压130/80，今天90/50", "systolic", 90),
        ("was on oxygen, now room air", "oxygen", False),
        ("停止吸氧，血氧94%", "oxygen", False),
        ("he was confused yesterday, now alert", "consciousness", "alert"),
        ("was alert this morning, now confused", "consciousness", "confused"),
        ("昨天意识模糊，今天清醒", "consciousness", "alert"),
        # neither a target nor a range nor what is replaced
        ("target SpO2 88%, measured 91%", "spo2", None),
        ("target sats 88%, sats 85% on air", "spo2", 85),
        ("HR 90-110", "pulse", None),
        ("呼吸18～20次", "respiratory_rate", None),
        ("HR was 120 now 85", "pulse", None),
        ("体温从38.5降到37.0", "temperature_c", None),
        ("sats 94% now on 2L oxygen", "spo2", 94),
        # what is denied
        ("denies confusion", "consciousness", None),
        ("no fever or confusion", "consciousness", None),
        ("not fully conscious", "consciousness", None),
        ("No fever but confused", "consciousness", "confused"),
        ("no chest pain, alert", "consciousness", "alert"),
        ("没有意识模糊，神志清", "consciousness", "alert"),
        ("意识不清楚", "consciousness", None),
        # somebody else's, and other things that look the same
        ("her mother is 80, she is 54", "age", 54),
        ("儿子10岁，我45岁", "age", 45),
        ("my mum is 80", "age", 80),
        ("she walks 20 m", "sex", "female"),
        ("30 kg/m2", "age", None),
        ("QT 480 ms", "sex", None),
        ("HR 110 F 54", "temperature_c", None),
        ("99F HR 70", "sex", None),
        ("P2G3, 28F", "pulse", None),
    ],
)
def test_a_value_is_taken_only_where_it_holds(text: str, name: str, value: object) -> None:
    assert told(text, name) == value


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("Could you check 10 mg of loratadine for P-102?", "10 mg of loratadine"),
        ("P-102: start loratadine 10 mg once daily please", "loratadine 10 mg once daily"),
        (
            "put the patient P-102 on amoxicillin 500 mg and zorvamax",
            "amoxicillin 500 mg and zorvamax",
        ),
        ("我要给P-102开氯雷他定10毫克，每天一次，病人是P-102", "氯雷他定10毫克，每天一次"),
        ("P-102能用氯雷他定10毫克吗", "氯雷他定10毫克"),
        ("check an order for P-102", None),
        ("don't give loratadine 10 mg, give amoxicillin 500 mg", None),
        ("stop warfarin, start apixaban 5 mg", None),
        ("P-102 is on warfarin; can she have ibuprofen 400 mg?", None),
        ("P-102正在吃华法林，开布洛芬400毫克", None),
    ],
)
def test_an_order_is_read_from_the_sentence_that_asks_for_it(text: str, order: str | None) -> None:
    place = order_in(text)
    assert (text[slice(*place)] if place else None) == order


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("ibuprofen 400 mg, three times daily with food and a glass of water", ()),
        ("布洛芬片0.4克，饭后吃", ()),
        ("let's go with ibuprofen, 400 mg", ()),
        ("I would begin with zorvamax and ibuprofen", ("zorvamax",)),
        ("ibuprofen and zorvamax", ("zorvamax",)),
        ("布洛芬和佐瓦麦克斯", ("佐瓦麦克斯",)),
        ("Zorvamax 20 mg with food", ("Zorvamax 20 mg",)),
        ("ibuprofen 400 mg, zorvamax 20 mg at night", ("zorvamax 20 mg at night",)),
        ("布洛芬400毫克，佐瓦麦克斯20毫克", ("佐瓦麦克斯20毫克",)),
        ("warfarin, 5 mg daily, ibuprofen 400 mg", ()),
    ],
)
def test_directions_are_no_drugs_and_unknown_drugs_are_named(
    text: str, unknown: tuple[str, ...]
) -> None:
    assert starter().find(text).unknown == unknown


def test_findings_and_values_of_somebody_else_open_their_flows() -> None:
    findings, values = CATALOGUES["findings"], CATALOGUES["values"]
    assert findings("ddx for cough, fever and sputum") == (0, 31)
    assert findings("I have a cough and a fever and want to see the doctor") is None
    assert findings("a cough") is None
    assert values("NEWS2: RR 24, sats 93% on air, BP 98/60") is not None
    assert values("NEWS2 for a woman of 78") is None


@pytest.mark.parametrize(
    "text", ["heart attack at 60", "a heart attack, that was my dad", "心梗，60岁"]
)
def test_an_answer_about_the_family_is_of_the_family(text: str) -> None:
    (own,) = [one for one in facts_of([Message("m", text)], starter()) if one.name == "infarction"]
    answer = Message("m", text, about="family")
    (of_them,) = [one for one in facts_of([answer], starter()) if one.name == "infarction"]
    assert (own.subject, of_them.subject, of_them.section) == ("patient", "family", "family")
    mine = facts_of([Message("m", "I had a heart attack myself", about="family")], starter())
    assert {one.subject for one in mine if one.name == "infarction"} == {"patient"}


@pytest.mark.parametrize(
    ("item", "text", "value"),
    [
        ("dose", "the usual small one", None),
        ("dose", "it's on the box", None),
        ("dose", "5 mg", "5 mg"),
        ("dose", "half a tablet", "half a tablet"),
        ("dose", "得看一下药盒", None),
        ("dose", "两片", "两片"),
        (
            "medicines",
            "no idea what it's called, a heart tablet",
            "no idea what it's called, a heart tablet",
        ),
        ("medicines", "no idea, my wife has my pills", None),
        ("smoking", "about 20 a day", True),
        ("smoking", "gave up", None),
    ],
)
def test_what_an_answer_leaves_open_stays_open(item: str, text: str, value: object) -> None:
    given = answer_to(sheet().item(item), Message("m", text))
    assert (given.value if given else None) == value


@pytest.mark.parametrize(
    "text",
    [
        "five-day history of fever and productive cough. Haemoptysis absent.",
        "pt with fevers, chesty cough and phlegm x 5d; haemoptysis (-)",
        "coughing up yellow mucus, temp 39, nil haemoptysis",
        "五天来又烧又咳，痰多，否认咯血",
    ],
)
def test_findings_are_read_as_a_ward_says_them(text: str) -> None:
    (pneumonia,) = [one for one in candidates(text) if one.name["en"] == "pneumonia"]
    assert pneumonia.speaks_for == ("cough", "fever", "sputum")
    assert all("haemoptysis" not in one.speaks_for for one in candidates(text))


@pytest.mark.parametrize(
    ("role", "flow", "text", "raised"),
    [
        ("supervisor", "open_sealed", "suspected overdose, I must know what he takes", False),
        ("supervisor", "weigh", "P-104 has crushing chest pain and sweats", False),
        ("viewer", "weigh", "P-104 has crushing chest pain and sweats", True),
        ("supervisor", "weigh", "crushing chest pain into my left arm, and I am sweating", True),
        ("agent", "check_order", "I want to kill myself", True),
        ("agent", "check_order", "I want to die, they all hate me", True),
        ("agent", "score", "给他评分前先说，我不想活了", True),
        ("agent", "weigh", "P-104 says she wants to kill herself, cough", False),
        ("agent", "weigh", "the patient said I want to die, and has a cough", False),
        ("supervisor", "", "a man here has crushing chest pain and he sweats", True),
    ],
)
def test_a_clinicians_patient_in_danger_is_no_alarm_about_the_clinician(
    role: str, flow: str, text: str, raised: bool
) -> None:
    frames = (Frame(flow=flow, fingerprint="", instance="i"),) if flow else ()
    given = given_for(Principal(id="doc", role=role), "m", [text], 0)  # type: ignore[arg-type]
    found = look_first(Said(text, "m", said_by("doc", "m"), given, DialogueState(frames=frames)))
    assert (StartFlow(flow="alarm") in found) == raised


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("p 101 please", {"patient": "P-101"}),
        ("patient number 101", {"patient": "P-101"}),
        ("P-101, loratadine 10 mg", {"patient": "P-101", "drug": "loratadine 10 mg"}),
        ("编号P101，氯雷他定10毫克", {"patient": "P-101", "drug": "氯雷他定10毫克"}),
    ],
)
def test_a_patients_number_is_read_with_what_comes_with_it(
    text: str, wanted: dict[str, str]
) -> None:
    state = DialogueState(frames=(Frame(flow="check_order", fingerprint="", instance="i"),))
    given = given_for(Principal(id="doc", role="supervisor"), "m", [text], 0)
    found = look_first(Said(text, "m", said_by("doc", "m"), given, state))
    assert {one.slot: one.value.value for one in found if isinstance(one, SetSlot)} == wanted
