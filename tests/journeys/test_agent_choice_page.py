"""What an agent has of its pack in a real browser, in the long suite: ticked, taken along, refused,
published, looked at; in both languages, wide and narrow."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from attenda.api import Pack
from attenda.core.words import sentence
from tests.journeys.test_desk_page import _picture
from tests.journeys.test_pages import _faults
from tests.journeys.test_trial_page import SIZES, _enter
from tests.runtime.test_flows import understand
from tests.security.live import Served, served
from tests.serve.test_agent_choice import FLOWS, library

LONG = os.environ.get("ATTENDA_LONG") == "1"
pytestmark = pytest.mark.skipif(not LONG, reason="of the long suite (ATTENDA_LONG=1)")
ROOMS = "".join(
    f"""
room_{n}:
  title: {{en: book room {n}, zh-CN: 预订 {n} 号房}}
  examples: {{en: [book room {n} for me], zh-CN: [帮我订 {n} 号房]}}
  steps:
    - say: {{en: Done., zh-CN: 好了。}}
"""
    for n in range(1, 31)
)


@pytest.fixture
def house(home: Path, tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "bare").mkdir()
    bare = Pack("bare", {"en": "Bare", "zh-CN": "空包"}, tmp_path / "bare")
    packs = [library(tmp_path / "pack", FLOWS + ROOMS), bare]
    with served(home, script=lambda _: "Fine.", packs=packs, understand=understand) as running:
        yield running


@pytest.mark.parametrize(("locale", "width"), SIZES)
def test_flows_and_tools_are_chosen_singly(
    browser: Browser, house: Served, locale: str, width: int
) -> None:
    complaints: list[str] = []
    faults: list[str] = []
    page = _enter(browser, house, complaints, locale, width)

    def word(key: str, **values: object) -> str:
        return sentence(locale if locale == "zh-CN" else "en", key, **values)

    def look(name: str) -> None:
        _picture(page, f"choice-{name}-{width}-{locale}")
        faults.extend(_faults(page, name, locale, width))

    flows, tools = page.locator("#flows-choice"), page.locator("#tools-choice")
    page.click("#new-agent")
    page.fill("#editor [name=name]", "Front")
    page.select_option("#editor [name=pack]", "bare")
    expect(flows).to_contain_text(word("page.choose_no_flows"))
    expect(tools).to_contain_text(word("page.choose_no_tools"))
    look("bare")
    page.select_option("#editor [name=pack]", "library")
    for box in (flows, tools):
        box.locator("[value=some]").check()
        box.get_by_role("button", name=word("page.choose_none")).click()
    danger = flows.locator("li[data-name=danger]")
    expect(danger.locator("input")).to_be_disabled()
    expect(danger).to_contain_text(word("page.choose_always"))
    flows.locator("[type=search]").fill("room_17")
    expect(flows.locator("li:visible")).to_have_count(1)
    flows.locator("[type=search]").fill("nothing like it")
    expect(flows).to_contain_text(word("page.choose_nothing_found", text="nothing like it"))
    flows.locator("[type=search]").fill("")
    flows.locator("li[data-name=visit] input").focus()
    page.keyboard.press("Space")
    expect(flows.locator("li[data-name=opening] input")).to_be_checked()
    expect(tools.locator("input:checked")).to_have_count(3)  # "only these", and what is needed
    expect(tools).to_contain_text(word("page.choose_taken_along", names="hours, smile"))
    tools.locator("li[data-name=smile] input").uncheck()
    lacks = word("page.choose_lacks", needs="smile")
    expect(flows.locator("li[data-name=visit]")).to_contain_text(lacks)
    look("lacks")
    page.locator("#editor button:not([type])").click()
    expect(page.locator(".toast.bad").last).to_contain_text(word("choice.the_tool", name="smile"))
    tools.locator("li[data-name=smile] input").check()
    page.click("#publish")
    expect(page.locator(".toast").last).to_contain_text(word("page.published_n", n=1))
    tools.locator("li[data-name=lend] input").check()
    flows.locator("li[data-name=lend] input").check()
    page.click("#publish")
    expect(page.locator(".toast").last).to_contain_text(word("page.published_n", n=2))
    page.click("#versions-box summary")
    expect(page.locator("#versions")).to_contain_text(word("page.version_added", names="lend"))
    look("versions")

    page.reload()
    row = page.locator("#agents .item", has_text="Front")
    expect(row).to_contain_text(word("page.choose_some_of", n=3))
    row.locator("button").nth(1).click()
    expect(flows.locator("li input:checked:enabled")).to_have_count(3)
    with page.context.expect_page() as opened:
        flows.locator("li[data-name=lend] a").click()
    flow = opened.value
    expect(flow.locator(".flow-picture svg")).to_be_visible()
    expect(flow.locator("#tools-title + ul")).to_contain_text("LEND")
    faults.extend(_faults(flow, "flow", locale, width))
    assert faults == []
    assert complaints == []
