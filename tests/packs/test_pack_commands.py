"""`attenda pack` and `attenda eval` as they are typed: begun, checked, drawn, tried."""

import asyncio
import json
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from attenda.cli.packs import load_pack
from attenda.core.event import Event, FlowBegan, RunFinished
from attenda.dialogue.flow_file import read_flows
from attenda.runtime.flow_picture import flow_svg, flows_page
from attenda.runtime.pack import read_pack
from attenda.store import agents, documents, people, sessions
from tests.cli.typing_at_home import Typed
from tests.scripted_house import scripted_house

SVG = "{http://www.w3.org/2000/svg}"


def test_a_new_pack_works_as_it_is(typed: Typed, home: Path) -> None:
    assert "pack new" in typed("pack", "list")[1]
    assert typed("pack", "new", "bookings")[0] == 0
    folder = home / "packs" / "bookings"
    assert {path.name for path in folder.iterdir()} == {
        *("pack.py", "policy.toml", "README.md", "flows", "knowledge", "scenarios")
    }
    code, said, _ = typed("pack", "check", "bookings")
    assert code == 0 and "5 scenarios" in said
    (row,) = json.loads(typed("pack", "list", "--json")[1])
    assert row["name"] == "bookings" and row["flows"] == ["book", "give_back"]
    code, said, progress = typed("eval", "bookings", "-k", "2", "--json", "--out", str(home / "r"))
    found = json.loads(said)
    assert code == 0, said
    figures = {"pass^1", "pass^4", "restraint", "wrong_tool", "unsafe"}
    assert found.keys() == {*figures, "packs", "scenarios"}
    assert found["pass^1"] == found["restraint"] == 1 and found["wrong_tool"] == 0
    assert progress.count("trial 2 of 2: right") == 5
    assert "books_in_chinese" in (home / "r" / "report.html").read_text("utf-8")
    worse = (folder / "flows" / "booking.yaml").read_text("utf-8").replace("Booked:", "Done:")
    (folder / "flows" / "booking.yaml").write_text(worse, "utf-8")
    code, said, _ = typed("eval", "bookings", "-k", "1", "--compare", str(home / "r/results.json"))
    assert code == 1
    assert "“Booked” was not said" in said and "books_an_appointment, Trial 1: broken" in said


@pytest.mark.long
def test_a_model_that_was_not_tuned_chooses_for_no_pack(
    typed: Typed, home: Path, weights_home: Path
) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(weights_home / "models")
    assert typed("pack", "new", "bookings")[0] == 0
    lessons = home / "lessons.jsonl"
    assert typed("pack", "choices", "bookings", "--out", str(lessons))[0] == 0
    rows = [json.loads(line)["messages"] for line in lessons.read_text("utf-8").splitlines()]
    assert len(rows) > 40
    for _, asked, answer in rows:
        options = asked["content"].partition("\n")[0].removeprefix("Options: ").split(", ")
        assert answer["content"] in options
    code, _, said = typed("pack", "chooser", "bookings", "-m", "smollm2-135m-instruct")
    assert code == 1 and "isn’t used" in said
    assert "alone decide" in typed("pack", "chooser", "bookings")[1]
    assert typed("pack", "chooser", "nosuch")[0] == 2


def test_a_pack_that_is_wrong_stays_shut_alone(typed: Typed, home: Path) -> None:
    for name in ("right", "wrong"):
        assert typed("pack", "new", name)[0] == 0

    async def asked(name: str) -> list[Event]:
        async with scripted_house(home, lambda _: "Hello.", packs=None) as (house, _):
            who = await house.database.read(lambda c: people.principal_of(c, people.OWNER_ID))
            rows = await house.database.read(lambda c: agents.list_agents(c, who))
            (agent,) = (row["id"] for row in rows if row["pack"] == name)
            session = await house.database.write(
                lambda c: sessions.create_session(c, house.stamps, who, agent)
            )
            started = await house.runs.start(who, session.id, "please call off my appointment")
            return [one.event async for one in house.runs.follow(session.id, started.after)]

    assert any(isinstance(one, FlowBegan) for one in asyncio.run(asked("wrong")))
    (home / "packs" / "wrong" / "policy.toml").write_text("[[rule]", "utf-8")
    end = asyncio.run(asked("wrong"))[-1]
    assert isinstance(end, RunFinished) and end.error_key == "pack.shut"
    assert any(isinstance(one, FlowBegan) for one in asyncio.run(asked("right")))


def test_a_name_that_will_not_do_makes_nothing(typed: Typed, home: Path) -> None:
    for name in ("Demo", "../up", "a b", "", "9", "x" * 31):
        assert typed("pack", "new", "--", name)[0] == 2
    assert not (home / "packs").exists()
    assert typed("pack", "new", "demo")[0] == 0
    assert typed("pack", "new", "demo")[0] == 1
    assert typed("pack", "check", "nope")[0] == typed("eval", "nope")[0] == 2


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("flows/booking.yaml", "- collect: service", "- colect: service", "exactly one of"),
        ("flows/booking.yaml", "- collect: service", "- collect: servise", "no slot “servise”"),
        ("flows/booking.yaml", "opening: found.id", "opening: fond.id", "Nothing gives “fond”"),
        ("flows/booking.yaml", "- call: give_back", "- call: givebak", "no tool “givebak”"),
        ("flows/booking.yaml", "      pattern: A", "      check: x > 1\n      pattern: A",
         "Nothing gives “x”"),
        ("flows/booking.yaml", "ask_again: [opening]", "ask_again: [none]", "no slot “none”"),
        ("policy.toml", 'tool = "give_back"', 'tool = "giveback"', "which is no tool"),
        ("policy.toml", 'do = "ask"', 'do = "maybe"', "no rules that can be followed"),
        ("scenarios/booking.yaml", "must_say: A-101", "must_sya: A-101", "has no place here"),
        ("scenarios/booking.yaml", "forbidden: [book]", "forbidden: [bok]", "no tool “bok”"),
        ("pack.py", '"openings": [', '"opennings": [', "which is no table"),
    ],
)  # fmt: skip
def test_check_tells_file_and_line(
    typed: Typed, home: Path, file: str, old: str, new: str, said: str
) -> None:
    typed("pack", "new", "demo")
    path = home / "packs" / "demo" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    code, told, _ = typed("pack", "check")
    line = text[: text.index(old)].count("\n") + 1
    near = (
        [f"{path}:{n}: " for n in range(line - 3, line + 3)] if file != "pack.py" else [f"{path}: "]
    )
    assert code == 1
    assert any(said in one and one.startswith(tuple(near)) for one in told.splitlines()), told


def test_a_write_that_no_rule_names_is_told_where_the_flow_calls_it(
    typed: Typed, home: Path
) -> None:
    """It would be denied whenever it is asked for; a rule for every tool names it too."""
    typed("pack", "new", "demo")
    folder = home / "packs" / "demo"
    rules = (folder / "policy.toml").read_text("utf-8")
    without = rules[: rules.index('[[rule]]\nid = "GIVE-BACK"')]
    (folder / "policy.toml").write_text(without, "utf-8")
    code, said, _ = typed("pack", "check", "demo")
    flow = folder / "flows" / "booking.yaml"
    line = flow.read_text("utf-8").split("- call: give_back")[0].count("\n") + 1
    (told,) = (one for one in said.splitlines() if str(flow) in one)
    assert code == 1 and told.startswith(f"{flow}:{line}: give_back, 4.else.2: ")
    assert "no rule in policy.toml speaks of it" in told
    (folder / "policy.toml").write_text(without + '[[rule]]\nid = "A"\ntool = "*"\ndo = "ask"\n')
    assert typed("pack", "check", "demo")[0] == 0


def test_code_that_does_not_run_is_told_by_its_line(typed: Typed, home: Path) -> None:
    typed("pack", "new", "demo")
    path = home / "packs" / "demo" / "pack.py"
    good = path.read_text("utf-8")
    for bad in ("1 / 0", "def"):
        path.write_text(f"{good}\n{bad}\n", "utf-8")
        code, said, _ = typed("pack", "check", "demo")
        assert code == 1 and f"{path}:{good.count(chr(10)) + 2}" in said and "Traceback" not in said
    path.write_text(good, "utf-8")
    (home / "packs/demo/flows/booking.yaml").write_bytes(b"book:\n  title: {en: \xff}\n")
    code, said, _ = typed("pack", "check", "demo")
    assert code == 1 and "booking.yaml:2: " in said


SPITE = """
spite:
  title: {en: "<script>alert(1)</script>"}
  examples: {en: ["</svg><b>"]}
  slots: {a: {type: text, ask: {en: "</text>"}}, b: {type: text, ask: {en: b}}}
  steps:
    - collect: a
    - if: a == "</polygon>"
      then:
        - if: a == "1"
          then: [{say: {en: one}}]
          else: [{say: {en: a_word_that_is_much_too_long_for_one_line_of_a_box}}]
      else:
        - confirm: {en: "Sure?", zh-CN: 确定要这样做吗？这句话很长，一行放不下，要换行。}
          otherwise: [{say: {en: "no"}}, {hand_off: {en: gone}}]
        - set: {c: a}
        - search: a
        - ask_again: [b]
    - call_flow: spite
"""


def boxes(node: ElementTree.Element, x: float = 0, y: float = 0) -> list[tuple[float, ...]]:
    """Each box as (left, top, right, bottom)."""
    if moved := node.get("transform"):
        dx, dy = map(float, moved.removeprefix("translate(").removesuffix(")").split())
        x, y = x + dx, y + dy
    found = [box for child in node for box in boxes(child, x, y)]
    if node.tag == f"{SVG}rect":
        left, top = x + float(node.get("x", 0)), y + float(node.get("y", 0))
        found.append(
            (left, top, left + float(node.get("width", 0)), top + float(node.get("height", 0)))
        )
    if node.tag == f"{SVG}polygon":
        points = [tuple(map(float, one.split(","))) for one in node.get("points", "").split()]
        xs, ys = [x + one[0] for one in points], [y + one[1] for one in points]
        found.append((min(xs), min(ys), max(xs), max(ys)))
    return found


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_picture_has_every_step_and_no_box_on_another(language: str) -> None:
    demo = read_pack(load_pack(Path(__file__).parents[2] / "src/attenda/packs/demo"))[0]
    spite, problems = read_flows(SPITE, "spite.yaml")
    assert not problems
    for flow in (*demo.values(), *spite.values()):
        root = ElementTree.fromstring(flow_svg(flow, {"book", "give_back"}, language))
        left, top, width, height = map(float, root.get("viewBox", "").split())
        found = boxes(root)
        for one in found:
            assert left <= one[0] and top <= one[1]
            assert one[2] <= left + width and one[3] <= top + height
        for one, other in combinations(found, 2):
            apart = (
                one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            )
            assert apart, (flow.name, one, other)
    page = flows_page("x", [*demo.values(), *spite.values()], {"book", "give_back"}, language)
    assert page.count('class="writes"') == 2 and page.count('class="confirms"') == 3
    assert page.count('class="asks"') == 6 and "<script>alert" not in page


def test_a_pack_that_came_along_is_put_in_with_its_documents(typed: Typed, home: Path) -> None:
    assert "there are:" in typed("pack", "add", "nothing")[2]
    assert typed("pack", "add", "demo")[0] == 0
    assert typed("pack", "add", "demo")[0] == 0, "it stays"
    (row,) = json.loads(typed("pack", "list", "--json")[1])
    assert row["name"] == "demo" and row["scenarios"] == 5
    assert "5 scenarios" in typed("pack", "check", "demo")[1]

    async def documents_there() -> list[str]:
        async with scripted_house(home, packs=None) as (house, _):
            who = await house.database.read(lambda c: people.principal_of(c, people.OWNER_ID))
            while not (
                rows := await house.database.read(lambda c: documents.list_documents(c, who))
            ):
                await asyncio.sleep(0.01)
            await house.ingester.wait_idle()
            return [row.name for row in rows]

    for _ in range(2):
        assert asyncio.run(documents_there()) == ["visit.md"]
