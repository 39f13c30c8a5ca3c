"""A message that only greets or only wants to stop; one that says more is neither."""

from attenda.api import asks_to_stop, greets

GREETINGS = """Hi;hello!;Hey there;good morning doctor;What can you do?;Hi, what can you do?
你好;您好！;在吗;你能做什么？;你好，你能做什么;您会做些什么;你可以帮我做什么;你是谁"""
STOPS = """stop;Stop!;please stop;stop it;stop the interview;I want to stop;no, stop please
cancel;never mind;quit this;stop asking me questions;end the interview;let's stop here
停;停止;停！;停下;结束问诊;取消;别问了;不想再答了;我要退出;算了;请停止问诊"""
OTHERS = """help me;hi, I have a cough;help me with a prescription;what can you do about a cough
stopped;quit;I want to stop smoking;stop the warfarin;the pain does not stop;no;end
你好，我头疼;停药了;停了;停经两个月;心跳停了;停用华法林;不用;什么;你能开药吗;取消预约的药"""


def _said(texts: str) -> list[str]:
    return [one.strip() for one in texts.replace("\n", ";").split(";")]


def test_what_only_greets_is_told_from_what_says_more() -> None:
    assert [one for one in _said(GREETINGS) if not greets(one)] == []
    assert [one for one in _said(OTHERS + ";" + STOPS) if greets(one)] == []


def test_what_only_stops_is_told_from_what_says_more() -> None:
    assert [one for one in _said(STOPS) if not asks_to_stop(one)] == []
    assert [one for one in _said(OTHERS + ";" + GREETINGS) if asks_to_stop(one)] == []
