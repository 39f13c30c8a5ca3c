"""`attenda doctor` names what joins strangers' words, private data and deeds without a yes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from attenda.cli.commands import app
from attenda.store import schema
from attenda.store.database import open_database
from attenda.store.upgrade import upgrade_database
from attenda.tools.mcp_file import Approved, keep, read_servers

PACK = """
from dataclasses import replace
from pathlib import Path

from tests.runtime.loop_shop import loop_shop

FOLDER = Path(__file__).parent
PACK = replace(loop_shop(), name=FOLDER.name, folder=FOLDER)
"""
FLOWS = """
pay:
  title: {en: Pay it back}
  examples: {en: [pay it back]}
  slots:
    order: {type: text, ask: {en: Which one}}
  steps:
    - collect: order
    - call: get_order
      with: {order: order}
      into: found
    - confirm: {en: "Pay back {order}?"}
    - call: refund
      with: {order: order, amount: "1"}
    - call: tell
      with: {words: order}
      unless_confirmed: the shop's partner is told of each order
"""


def rules(**by_tool: str) -> str:
    return "".join(
        f'[[rule]]\nid = "{name}"\ntool = "{name}"\n{rest}\n' for name, rest in by_tool.items()
    )


def pack_in(home: Path, policy: str, flows: str = "", name: str = "loopshop") -> None:
    folder = home / "packs" / name
    (folder / "flows").mkdir(parents=True, exist_ok=True)
    (folder / "pack.py").write_text(PACK)
    (folder / "flows" / "pay.yaml").write_text(flows)
    (folder / "policy.toml").write_text(policy)


def examined(what: str = "agent") -> list[dict[str, Any]]:
    """What the doctor says of agents, or others; its exit code is that of all its findings."""
    result = CliRunner().invoke(app, ["doctor", "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == (0 if all(one["ok"] for one in found) else 1)
    assert [one for one in found if one["check"] in ("pack", "mcp")] == []
    return [one for one in found if one["check"] == what]


ALLOW = 'do = "allow"'
CONFIRM = 'do = "confirm"'
SMALL = 'do = "allow"\nwhen = {amount = "<= 20"}'


CASES: list[tuple[str, list[str], list[str]]] = [
    (rules(refund=ALLOW, send_mail=CONFIRM), ["refund"], []),
    (rules(refund=CONFIRM, send_mail='do = "ask"'), [], []),
    (rules(refund=SMALL) + rules(refund='do = "ask"'), ["refund"], []),
    (rules(refund='do = "ask"') + rules(refund=ALLOW), [], []),
    (rules(refund=ALLOW + '\nreason = "it is a penny"'), [], ["refund"]),
    ('[[rule]]\nid = "ALL"\ntool = "*"\ndo = "allow"\n', ["refund", "send_mail", "tell"], []),
    ("", [], []),
]
"""A pack's rules; the deeds that its model may do alone, and those so for a reason."""


def test_a_model_that_chooses_needs_a_person_before_deeds(home: Path) -> None:
    for number, (policy, _, _) in enumerate(CASES):
        pack_in(home, policy + rules(tell='do = "deny"'), name=f"shop{number}")
    found = examined()
    assert [one["about"]["pack"] for one in found] == [f"shop{n}" for n in range(len(CASES))]
    for one, (policy, alone, reasoned) in zip(found, CASES, strict=True):
        about = one["about"]
        assert about["strangers"] == about["private"] == ["documents", "get_order", "read_inbox"]
        assert (about["alone"], list(about["reasoned"])) == (alone, reasoned), policy
        assert one["ok"] == (not alone)
        assert all(name in one["fix"] and name in one["detail"] for name in alone)
        assert (f"“{about['pack']}”" in one["fix"]) == bool(alone)


def test_agents_that_people_made_are_looked_at_as_they_are_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_in(home, rules(refund=ALLOW, tell=ALLOW), FLOWS)

    async def enter() -> None:
        database = open_database(f"sqlite:///{home / 'attenda.db'}")
        await upgrade_database(database)
        for name, pack, mode, tools in (
            ("Chooser", "loopshop", "loop", None),
            ("Few", "loopshop", "loop", ["get_order"]),
            ("No steps", "loopshop", "flows", ["get_order"]),
            ("Plain", "", "flows", None),
            ("Steps", "loopshop", "flows", ["get_order", "refund", "tell"]),
        ):
            row = {"id": name, "name": name, "pack": pack, "mode": mode, "tools": tools}
            made = schema.agents.insert().values(**row, owner_id="usr_owner", created_at=1)
            await database.write(lambda c, made=made: c.execute(made))
        await database.close()

    asyncio.run(enter())
    by_name = {one["about"]["agent"]: one for one in examined()}
    assert len(by_name) == 5 and [name for name, one in by_name.items() if not one["ok"]] == [
        "Chooser"
    ]
    assert by_name["No steps"]["about"]["strangers"] == ["documents"]
    steps = by_name["Steps"]["about"]
    assert (steps["strangers"], steps["alone"]) == (["documents", "get_order"], [])
    assert steps["reasoned"] == {"tell": "the shop's partner is told of each order"}
    monkeypatch.setenv("ATTENDA_LANGUAGE", "zh")
    chooser = next(one for one in examined() if not one["ok"])
    assert (
        "无需任何人同意即执行：refund, tell" in chooser["detail"] and "让人决定" in chooser["fix"]
    )


def test_what_goes_out_with_a_read_needs_its_reader_named(home: Path) -> None:
    pack_in(home, "")
    for learns, alone in (("asker", ["peer.look"]), ("public", [])):
        server = f'[server.peer]\ncommand = "x"\nreads = ["look"]\nlearns = "{learns}"\n'
        (home / "mcp.toml").write_text(server)
        look = {"name": "look", "inputSchema": {"type": "object", "properties": {}}}
        identity = read_servers(home)["peer"].identity
        kept = Approved(identity=identity, server="peer 1", fingerprint="f", tools=(look,))
        keep(home, "peer", kept)
        (one,) = examined()
        assert (one["about"]["alone"], one["ok"]) == (alone, not alone)
        assert "peer.look" in one["about"]["strangers"]
        assert ('learns = "public"' in one["fix"]) == bool(alone)


HOOK = "on: [{webhook: orders, secret_env: SECRET}]"
LOOK = "{call: get_order, with: {order: run.id}, into: order}"
PAY = "{call: refund, with: {order: run.id, amount: '1'}}"
TELL = "{call: tell, with: {words: run.id}}"
POST = "{webhook: 'https://peer.example/in', secret_env: SECRET%s}"
FORM = "{form: {en: x}, fields: {sure: {title: {en: x}}}%s}"
LATE = f", deadline: 1h, otherwise: [{PAY}]"
CHOOSE = "{if: 'True', then: [%s], else: [%s]}"

RUNS: dict[str, tuple[str, str, str]] = {
    # its trigger and steps; strangers' words; deeds alone, or why it is in order
    f"{HOOK}; {LOOK}, {PAY}": ("webhook: orders, get_order", "refund", ""),
    f"on: [{{mail: shop}}]; {LOOK}, {PAY}": ("mail: shop, get_order", "refund", ""),
    f"on: [{{folder: inbox}}]; {LOOK}, {PAY}": ("folder: inbox, get_order", "refund", ""),
    f"on: []; {LOOK}, {PAY}": ("get_order", "refund", ""),
    f"on: []; {PAY}, {LOOK}": ("get_order", "", "it is done before they are read"),
    f"on: []; {FORM % ''}, {LOOK}, {PAY}": ("get_order", "refund", ""),
    f"on: []; {LOOK}, {FORM % ''}, {PAY}": ("get_order", "", "a person stands between"),
    f"on: []; {LOOK}, {FORM % LATE}, {TELL}": ("get_order", "refund, tell", ""),
    f"on: []; {LOOK}, {CHOOSE % (FORM % '', TELL)}, {PAY}": ("get_order", "tell, refund", ""),
    f"on: []; {CHOOSE % (LOOK, PAY)}": ("get_order", "", "on the other way nothing is read"),
    f"on: []; {LOOK}, {{stop: {{en: x}}}}, {PAY}": ("get_order", "", "it ends before"),
    f"on: []; {LOOK}, {{call: send_mail, with: {{recipient: run.id, body: run.id}}}}": (
        "get_order", "", "a rule asks",
    ),
    "on: []; {search: run.id}, {message: {en: x}, session: run.id}": (
        "documents", "message", "",
    ),
    f"on: []; {LOOK}, {POST % ', into: back'}": (
        "get_order, web:peer.example", "web:peer.example", "",
    ),
    f"on: []; {LOOK}, {POST % ', unless_confirmed: no more than an id'}": (
        "get_order", "", "it says why",
    ),
    f"{HOOK}; {PAY}": ("webhook: orders", "refund", "it reads nothing of ours"),
    f"on: [{{webhook: known, secret_env: SECRET, trust: user}}]; {PAY}": (
        "", "refund", "who sends is known",
    ),
}  # fmt: skip


def test_an_automation_needs_a_person_between_strangers_words_and_deeds(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = rules(refund=ALLOW, tell=ALLOW, send_mail=CONFIRM)
    pack_in(home, policy)
    folder = home / "packs" / "loopshop" / "automations"
    folder.mkdir()
    for number, each in enumerate(RUNS):
        on, _, steps = each.replace("orders, secret", f"orders{number}, secret").partition("; ")
        text = f"run{number}:\n  title: {{en: x}}\n  {on}\n  steps: [{steps}]\n"
        (folder / f"{number:02}.yaml").write_text(text)
    found = examined("automation")
    assert [one["about"]["automation"] for one in found] == [f"run{n}" for n in range(len(RUNS))]
    for number, (each, (strangers, alone, why)) in enumerate(RUNS.items()):
        one, wanted = found[number], strangers.replace("hook: orders", f"hook: orders{number}")
        assert ", ".join(one["about"]["strangers"]) == wanted, each
        assert ", ".join(one["about"]["alone"]) == alone, each
        assert one["ok"] == bool(why), each
        assert (not alone or alone in one["detail"]) and ("`form`" in one["fix"]) != one["ok"]
    reasoned = [one["about"]["reasoned"] for one in found if one["about"]["reasoned"]]
    assert reasoned == [{"web:peer.example": "no more than an id"}]
    monkeypatch.setenv("ATTENDA_LANGUAGE", "zh")
    fault = next(one for one in examined("automation") if not one["ok"])
    assert "无需任何人同意即执行：refund" in fault["detail"] and "之前加一个 `form`" in fault["fix"]
