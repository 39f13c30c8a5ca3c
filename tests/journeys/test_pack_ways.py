"""The main ways of the clinic and the tutor in a browser: a clinician, a learner, a teacher."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from attenda.api import Command, Labelled, Pack, Principal, Said, SetSlot, StartFlow
from attenda.packs.clinic.pack import PACK as CLINIC
from attenda.packs.tutor.pack import PACK as TUTOR
from attenda.serve.gate import COOKIE
from attenda.store import agents, keys, people, schema, sessions
from attenda.store.database import Connection
from tests.journeys.test_pages import _faults
from tests.scripted_house import add_text
from tests.security.live import Served, served

SIZES = [("en-US", 1280), ("zh-CN", 390), ("zh-CN", 1280), ("en-US", 360)]


def sizes(always: tuple[str, int] | None = None) -> list[Any]:
    """One size always, or none; the others in the long suite."""
    return [pytest.param(*one, marks=() if one == always else pytest.mark.long) for one in SIZES]


ROLES = {"doc": "supervisor", "pat": "member", "lea": "member", "ms_kern": "supervisor"}
FLOWS = {"interview": "intake", "问诊": "intake", "weigh": "weigh", "权衡": "weigh",
         "practise": "practice", "做练习": "practice",
         "a hint": "hint", "要提示": "hint"}  # fmt: skip


async def understand(said: Said) -> Sequence[Command]:
    """A flow by its name; else what was asked for, as it was said."""
    if said.text in FLOWS:
        return [StartFlow(flow=FLOWS[said.text])]
    value = Labelled(value=said.text, label=said.label)
    return [SetSlot(slot="answer", value=value, words=said.text)]


@dataclass
class Place:
    """A pack at work, and its people's browsers."""

    running: Served
    browser: Browser
    pack: Pack
    complaints: list[str]

    def open(self, who: str, locale: str, width: int, path: str = "") -> Page:
        """A page of somebody's; without a path their chat with the pack's agent."""

        def enter(c: Connection) -> tuple[str, str]:
            person = people.principal_of(c, who)
            found = next(a for a in agents.list_agents(c, person) if a["pack"] == self.pack.name)
            made = sessions.create_session(c, self.running.house.stamps, person, found["id"])
            return keys.sign_in(c, self.running.house.stamps, who), made.id

        token, session_id = self.running.write(enter)
        context = self.browser.new_context(viewport={"width": width, "height": 800}, locale=locale)
        cookie: Any = {"name": COOKIE, "value": token, "url": self.running.address}
        context.add_cookies([cookie])
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.running.address}{path or f'/chat/{session_id}'}")
        return page


@pytest.fixture
def at(home: Path, browser: Browser) -> Iterator[Callable[[Pack, str], Place]]:
    complaints: list[str] = []
    open_: list[Any] = []

    def begin(pack: Pack, language: str) -> Place:
        opened = served(home, script=lambda _: "", packs=[pack], understand=understand)
        running = opened.__enter__()
        open_.append(opened)

        def enrol(c: Connection) -> None:
            for id_, role in ROLES.items():
                row = {"id": id_, "name": id_, "role": role, "language": language}
                c.execute(schema.users.insert().values(**row, created_at=1))

        running.write(enrol)
        return Place(running, browser, pack, complaints)

    yield begin
    for context in browser.contexts:
        context.close()
    for one in open_:
        one.__exit__(None, None, None)
    assert complaints == []


def said(page: Page, text: str) -> None:
    """Say something, and wait until it was answered."""
    answers = page.locator(".message.assistant:not(.running)")
    before = answers.count()
    page.fill("#text", text)
    page.keyboard.press("Enter")
    expect(answers).to_have_count(before + 1)
    expect(page.locator(".message.running")).to_have_count(0)


def picture(page: Page, name: str, locale: str, width: int) -> None:
    """For the docs and for eyes: where `ATTENDA_DATA` names a folder of `pictures`."""
    folder = Path(os.environ.get("ATTENDA_DATA", "")) / "pictures"
    if os.environ.get("ATTENDA_DATA") and folder.is_dir():
        page.screenshot(path=folder / f"{name}-{width}-{locale}.png")


def knows(running: Served, pack: Pack, name: str) -> None:
    owner = Principal(id=people.OWNER_ID, role="owner")
    text = (pack.folder / "knowledge" / name).read_text("utf-8")
    running.call(add_text(running.house, owner, name, text))


@pytest.mark.parametrize(("locale", "width"), sizes(("en-US", 1280)))
def test_a_clinician_weighs_orders_and_signs(
    at: Callable[[Pack, str], Place], locale: str, width: int
) -> None:
    chinese = locale == "zh-CN"
    place = at(CLINIC, "zh-CN" if chinese else "en")
    knows(place.running, CLINIC, "cough.md")
    page = place.open("doc", locale, width)
    intended = "不是医疗器械" if chinese else "not a medical device"
    expect(page.locator("#intended")).to_contain_text(intended)
    said(page, "权衡" if chinese else "weigh")
    said(page, "P-104：咳嗽，有痰" if chinese else "P-104: cough with sputum")
    expect(page.locator(".message.assistant").last).to_contain_text(
        "肺炎" if chinese else "pneumonia"
    )
    faults = _faults(page, "options to weigh", locale, width)
    picture(page, "clinic-weigh", locale, width)
    page.locator(".cite").first.click()
    expect(page.locator("#panel mark")).to_contain_text("Acute bronchitis shows cough")

    page.goto(f"{place.running.address}/packs/clinic/patients/P-102")
    page.fill("input[name=order]", "amoxicillin 500 mg")
    page.locator("form[data-tool=draft_order] button").click()
    expect(page.locator(".card").first).to_contain_text("ALG-BETALACTAM")
    faults += _faults(page, "a chart", locale, width)
    picture(page, "clinic-chart", locale, width)
    page.once("dialog", lambda asked: asked.accept())
    page.select_option("select[name=reason]", "tolerated")
    page.locator("form[data-tool=sign_order] button").click()
    expect(page.locator("article")).to_contain_text("已签署" if chinese else "signed")
    assert not faults, "\n".join(faults)


ANSWERS = {
    "en": ["a cough", "54", "About 5 days", "no", "No", "No", "no", "No", "penicillin, a rash",
           "warfarin 5 mg", "5 mg", "high blood pressure", "none"],
    "zh-CN": ["咳嗽", "54岁", "五天了", "没有", "没有", "没有", "没有", "没有", "青霉素过敏",
              "华法林 5 mg", "5 mg", "高血压", "没有"],
}  # fmt: skip


@pytest.mark.parametrize(("locale", "width"), sizes())
def test_what_a_patient_tells_stands_in_their_chart(
    at: Callable[[Pack, str], Place], locale: str, width: int
) -> None:
    chinese = locale == "zh-CN"
    place = at(CLINIC, "zh-CN" if chinese else "en")
    page = place.open("pat", locale, width)
    said(page, "问诊" if chinese else "interview")
    for answer in ANSWERS[locale if chinese else "en"]:
        said(page, answer)
    told = page.locator(".message.assistant").last
    expect(told).to_contain_text("谢谢" if chinese else "Thank you")
    faults = _faults(page, "an interview", locale, width)
    picture(page, "clinic-intake", locale, width)

    doctor = place.open("doc", locale, width, "/packs/clinic/waiting")
    faults += _faults(doctor, "who waits", locale, width)
    picture(doctor, "clinic-waiting", locale, width)
    doctor.get_by_role("link", name="pat", exact=True).click()
    screen = doctor.locator("#screen")
    expect(screen).to_contain_text("华法林" if chinese else "warfarin")
    expect(screen.locator("mark").first).to_be_visible()
    doctor.once("dialog", lambda asked: asked.accept())
    doctor.fill("input[name=patient]", "P-109")
    doctor.locator("form[data-tool=file_intake] button").click()
    expect(screen).to_contain_text("已归入病历" if chinese else "In the chart of")
    faults += _faults(doctor, "a summary", locale, width)
    picture(doctor, "clinic-summary", locale, width)
    screen.get_by_role("link", name="P-109").click()
    expect(screen).to_contain_text("未经核实" if chinese else "unconfirmed")

    doctor.goto(f"{place.running.address}/packs/clinic/patients/P-104/trends")
    expect(doctor.locator("svg").first).to_be_visible()
    doctor.locator("summary").first.focus()
    doctor.keyboard.press("Enter")
    expect(doctor.locator("table").first).to_contain_text("152")
    faults += _faults(doctor, "trends", locale, width)
    picture(doctor, "clinic-trends", locale, width)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("locale", "width"), sizes())
def test_a_learner_practises_and_a_teacher_sees_it(
    at: Callable[[Pack, str], Place], locale: str, width: int
) -> None:
    chinese = locale == "zh-CN"
    place = at(TUTOR, "zh-CN" if chinese else "en")
    page = place.open("lea", locale, width)
    said(page, "做练习" if chinese else "practise")
    expect(page.locator(".message.assistant").last).to_contain_text("2/3 = ?/12")
    said(page, "要提示" if chinese else "a hint")
    said(page, "9")
    said(page, "8")
    picture(page, "tutor-chat", locale, width)
    faults = _faults(page, "practice in the chat", locale, width)
    page.goto(f"{place.running.address}/packs/tutor")
    expect(page.locator("svg").first).to_be_visible()
    faults += _faults(page, "today", locale, width)
    picture(page, "tutor-today", locale, width)
    page.goto(f"{place.running.address}/packs/tutor/progress")
    expect(page.locator("#screen")).to_contain_text("13")
    faults += _faults(page, "progress", locale, width)
    page.goto(f"{place.running.address}/desk")
    expect(page.locator("#talks")).to_have_count(0)

    teacher = place.open("ms_kern", locale, width, "/packs/tutor/class")
    expect(teacher.locator("#screen")).to_contain_text("Lea Duarte")
    faults += _faults(teacher, "a class", locale, width)
    picture(teacher, "tutor-class", locale, width)
    given = {"learner": "lea", "skill": "common_multiple", "percent": 60}
    teacher.evaluate(
        """(body) => fetch("/api/packs/tutor/tools/override_mastery",
        {method: "POST", headers: {"Content-Type": "application/json"}, body})""",
        json.dumps({"arguments": given, "once": "by hand"}),
    )
    teacher.reload()
    expect(teacher.locator("#screen circle")).to_have_count(1)
    picture(teacher, "tutor-class-by-hand", locale, width)
    teacher.goto(f"{place.running.address}/packs/tutor/learners/lea")
    expect(teacher.locator("#screen")).to_contain_text("由人设定" if chinese else "set by a person")
    faults += _faults(teacher, "a learner with a mastery set by hand", locale, width)
    picture(teacher, "tutor-by-hand", locale, width)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("locale", "width"), sizes())
def test_the_practice_page_tells_what_came_of_it(
    at: Callable[[Pack, str], Place], locale: str, width: int
) -> None:
    chinese = locale == "zh-CN"
    place = at(TUTOR, "zh-CN" if chinese else "en")
    page = place.open("lea", locale, width, "/packs/tutor/practice")
    page.locator("form[data-tool=give_task] button").click()
    page.fill("input[name=answer][required]", "???")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text("没看懂" if chinese else "can't read that")
    expect(page.locator("input[name=answer][required]")).to_be_focused()
    picture(page, "tutor-told", locale, width)
    faults = _faults(page, "practice with a remark", locale, width)
    page.fill(
        "input[name=answer][required]", "我不想活了" if chinese else "I don't want to live any more"
    )
    page.keyboard.press("Enter")
    words = page.locator("#screen [role=alert]")
    expect(words).to_contain_text("谢谢你告诉我" if chinese else "I'm glad you told me")
    expect(page.locator("input[name=answer][required]")).to_have_count(0)
    expect(page.locator("#told a")).to_be_visible()
    picture(page, "tutor-danger", locale, width)
    faults += _faults(page, "practice after a sign of danger", locale, width)
    page.reload()
    expect(words).to_be_visible()
    page.goto(f"{place.running.address}/packs/tutor")
    expect(words).to_be_visible()
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("locale", "width"), sizes())
def test_the_week_is_planned_with_keys_alone(
    at: Callable[[Pack, str], Place], locale: str, width: int
) -> None:
    place = at(TUTOR, "zh-CN" if locale == "zh-CN" else "en")
    page = place.open("lea", locale, width, "/packs/tutor")
    entries = page.locator("#screen .plan-entry")
    page.locator("form[data-tool=make_plan] button").focus()
    page.keyboard.press("Enter")
    expect(entries.first).to_be_visible()
    before = entries.count()
    picture(page, "tutor-week", locale, width)
    page.locator(".plan-entry summary").first.focus()
    page.keyboard.press("Enter")
    faults = _faults(page, "the week", locale, width)
    picture(page, "tutor-week-move", locale, width)
    day = page.locator("form[data-tool=move_entry] select").first
    day.focus()
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#screen .week .items").last).to_contain_text("15")
    page.locator("details.box > summary").focus()
    page.keyboard.press("Enter")
    page.locator("form[data-tool=add_entry] button").focus()
    page.keyboard.press("Enter")
    expect(entries).to_have_count(before + 1)
    page.locator(".plan-entry summary").first.click()
    page.locator("form[data-tool=remove_entry] button").first.click()
    expect(entries).to_have_count(before)
    assert not faults, "\n".join(faults)
