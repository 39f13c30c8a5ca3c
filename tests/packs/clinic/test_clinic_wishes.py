"""A chatty sentence begins the flow that it asks for, and an order is taken without the chat."""

import pytest

from attenda.api import Principal, Said, SetSlot, StartFlow
from attenda.core.label import Labelled, said_by
from attenda.core.principal import Role
from attenda.dialogue.state import DialogueState, Frame
from attenda.packs.clinic.alarm import look_first
from attenda.packs.clinic.opening import order_told
from attenda.packs.clinic.wishes import wish_in
from attenda.runtime.flow_turn import given_for

WISHES = {
    "open_sealed": """
        I feel bad asking, the kettle is on too, but I have to look into a restricted record
        could somebody let me into the locked file of P-112
        唉，值班真累，麻烦把那份锁着的病历给我看看
        这病历是保密的，可我得调阅一下
        受限的档案帮忙解封""",
    "draft_note": """
        my hands are full, could you turn this conversation into a note
        please type up what we said as a note
        忙疯了，这段对话你替我写成病历吧; 刚才聊的内容整理一份病程记录; 帮我把问诊的话弄成病历""",
    "check_order": """
        lunch is getting cold, but would you vet a prescription for me
        the chemist is on the phone, is my order checked
        P-104 needs enoxaparin 40 mg, sorry for the noise; 电话一直响，帮我审一下这张处方
        先喝口水。医嘱麻烦给我把把关; P-103 那边，给加个布洛芬400毫克""",
    "weigh": """
        nothing fits here, give me a differential; what else could it be, I keep asking myself
        我想破头了，这到底是什么病啊; 帮我列列要考虑哪些疾病; 说来话长，鉴别一下吧""",
    "sign_order": """
        OR-1A2B3C is lying here since noon, I'd sign it now; 桌上那份 OR-1A2B3C 我来签了""",
    "": """
        hello
        thanks a lot
        P-102 takes ibuprofen, how are her kidneys
        don't open the sealed chart
        先不核对医嘱了
        what is OR-1A2B3C
        别打开受限病历
        I have a cough
        我头疼想吐
        today P-101 is on warfarin""",
}  # fmt: skip
ORDERS = [
    ("The rep's biscuits were good, so let me try Zorvamax, 20 mg.", "Zorvamax, 20 mg"),
    ("Let's give Qvarnex 1.5 g, twice daily", "Qvarnex 1.5 g, twice daily"),
    ("My knees hurt today, never mind. It should be amoxicillin, 500 mg.", "amoxicillin, 500 mg"),
    ("我年轻时就这么开，听说也管用，就用阿伐莫司汀片吧。", "阿伐莫司汀片"),
    ("外头雨真大，阿莫西林500毫克。", "阿莫西林500毫克"),
    ("amoxicillin 500 mg. Three times daily", "amoxicillin 500 mg. Three times daily"),
    ("aspirin 100 mg and ibuprofen 400 mg", "aspirin 100 mg and ibuprofen 400 mg"),
    ("Zorvamax", "Zorvamax"),
    ("the blue one, not ibuprofen 400 mg", "the blue one, not ibuprofen 400 mg"),
]  # fmt: skip
DIALOGUE = (
    "The room is full.\nDoctor: why did you come?\nPatient: A cough.\nDoctor: Fever?\nPatient: No."
)


def _commands(text: str, role: Role, frames: tuple[Frame, ...] = ()) -> list[object]:
    given = given_for(Principal(id="them", role=role), "m", [text], 0)
    return list(
        look_first(Said(text, "m", said_by("them", "m"), given, DialogueState(frames=frames)))
    )


@pytest.mark.parametrize("flow", WISHES)
def test_a_wish_is_read_by_its_thing_and_its_deed(flow: str) -> None:
    for text in WISHES[flow].strip().replace("\n", ";").split(";"):
        assert wish_in(text.strip()) == flow, text


@pytest.mark.parametrize(("text", "order"), ORDERS)
def test_an_order_is_told_without_the_chat(text: str, order: str) -> None:
    start, end = order_told(text)
    assert text[start:end] == order


def test_what_a_wish_names_is_taken_with_it() -> None:
    begun, patient, drug = _commands("sorry, the phone: P-104 needs enoxaparin 40 mg", "agent")
    assert begun == StartFlow(flow="check_order")
    assert isinstance(patient, SetSlot)
    assert isinstance(drug, SetSlot)
    assert (patient.value.value, drug.value.value) == ("P-104", "enoxaparin 40 mg")
    begun, dialogue = _commands(DIALOGUE, "supervisor")
    assert begun == StartFlow(flow="draft_note")
    assert isinstance(dialogue, SetSlot)


@pytest.mark.parametrize("text", ["what illness is it, give me a differential", "我这是什么病啊"])
def test_a_patients_words_begin_nothing_of_the_clinicians(text: str) -> None:
    assert _commands(text, "viewer") == []


def test_another_wish_is_no_answer_to_what_is_asked() -> None:
    asked = (Frame(flow="weigh", fingerprint="", instance="i"),)
    assert _commands("first a prescription has to be checked", "agent", asked) == []
    (answer,) = _commands("a cough, no fever", "agent", asked)
    assert isinstance(answer, SetSlot)


@pytest.mark.parametrize(
    ("text", "drug"),
    [
        ("it works for my own cat, never mind me: cetirizine 10 mg", "cetirizine 10 mg"),
        ("Oh, never mind.", ""),
        ("算了", ""),
        ("家属算了一下费用，说可以，氯雷他定10毫克", "氯雷他定10毫克"),
    ],
)
def test_chat_that_sounds_like_leaving_is_none(text: str, drug: str) -> None:
    label = said_by("them", "m")
    chart = {
        "patient": Labelled(value="P-101", label=label), "chart": Labelled(value={}, label=label),
    }  # fmt: skip
    asked = (Frame(flow="check_order", fingerprint="", instance="i", values=chart),)
    taken = [one.value.value for one in _commands(text, "agent", asked) if isinstance(one, SetSlot)]
    assert taken == ([drug] if drug else [])
