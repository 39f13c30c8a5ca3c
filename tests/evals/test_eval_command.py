"""`attenda eval` as it is typed: two runs compared, logs for Inspect, exams, tools of servers."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from attenda.cli.eval_files import find_scenarios
from attenda.evals.results import CallMade, Fault, Result, Trial, TurnMade, json_of
from attenda.tools.mcp_file import Approved, keep, read_servers
from tests.cli.typing_at_home import Typed


def result(name: str, *rights: bool) -> Result:
    called = (CallMade(tool="pay", state="done", arguments={"to": "<b>ana</b>"}),)
    turn = TurnMade(done="pay & go", by="ana", answer="Paid.", calls=called, seconds=0.25)
    wait = TurnMade(done="advance: 60s")
    fault = Fault(grade="words", turn=1, text="“Paid” was not said")
    trials = [Trial(turns=(turn, wait), faults=() if right else (fault,)) for right in rights]
    return Result(name=name, pack="bank", about="Pays.", names_calls=True, trials=tuple(trials))


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs kept: one scenario mended and broken in turn, one gone, one new."""
    before, after = tmp_path / "before", tmp_path / "after"
    kept = {
        before: [result("pays", True, False), result("old", True)],
        after: [result("pays", False, True), result("fresh", True)],
    }
    for folder, results in kept.items():
        folder.mkdir()
        (folder / "results.json").write_text(json.dumps(json_of(results)), "utf-8")
    return before, after


def test_two_runs_are_compared_sample_by_sample(typed: Typed, runs: tuple[Path, Path]) -> None:
    before, after = runs
    out = after / "page"
    code, said, _ = typed("eval", "compare", str(before), str(after), "--out", str(out))
    assert code == 1
    for line in ("pays, Trial 1: broken", "pays, Trial 2: mended", "old, Trial 1: gone", "pass^1"):
        assert line in said
    page = (out / "comparison.html").read_text("utf-8")
    assert "<script" not in page and "<b>ana" not in page and "&lt;b&gt;ana" in page
    marks = re.findall(r'scope="row">(\w+) <span class="faint">(\d)</span></th>(.*?)</tr>', page)
    signs = {(name, number): re.findall("[✓✗—]", rest) for name, number, rest in marks}
    assert signs["pays", "1"] == ["✓", "✗"] and signs["pays", "2"] == ["✗", "✓"]
    assert signs["old", "1"] == ["✓", "—"] and signs["fresh", "1"] == ["—", "✓"]
    code, said, _ = typed("eval", "compare", str(after), str(after / "results.json"), "--json")
    rows = json.loads(said)
    assert code == 0 and {one["kind"] for one in rows} == {"same"} and len(rows) == 3


def test_what_is_no_run_is_refused_in_a_sentence(
    typed: Typed, runs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = runs
    monkeypatch.setenv("ATTENDA_DATA", "/nowhere")
    for words, said in (
        (["compare", str(before)], "Name two runs"),
        (["compare", str(before), "/nowhere.json"], "/nowhere.json holds no results"),
        (["bfcl", "banking77"], "one exam at a time"),
        (["bfcl"], "name it with -m"),
        (["nope"], "no pack “nope”"),
    ):
        code, _, told = typed("eval", *words)
        assert code == 2 and said in told, told


def test_the_log_is_one_that_inspect_reads(typed: Typed, home: Path, tmp_path: Path) -> None:
    assert typed("pack", "new", "demo")[0] == 0
    file = home / "packs" / "demo" / "scenarios" / "booking.yaml"
    file.write_text(file.read_text("utf-8").split("\nbooks_in_chinese")[0], "utf-8")
    path = tmp_path / "log.json"
    code, said, _ = typed("eval", "demo", "-k", "2", "--json", "--inspect", str(path))
    assert code == 0
    log: dict[str, Any] = json.loads(path.read_text("utf-8"))
    ours = json.loads(said)
    assert log["version"] == 2 and log["status"] == "success"
    assert len(log["samples"]) == 2 * len(ours["scenarios"])
    places = {(one["id"], one["epoch"]) for one in log["samples"]}
    assert len(places) == len(log["samples"])
    python = os.environ.get("ATTENDA_TEST_INSPECT")
    if not python:
        pytest.skip("inspect_ai is not here (ATTENDA_TEST_INSPECT: a python that has it)")
    answer = subprocess.run(
        [python, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    found = json.loads(answer.stdout)
    assert found["accuracy"] == ours["pass^1"] == 1.0
    assert found["scores"] == ["C"] * len(log["samples"])
    assert found["roles"][:2] == ["user", "assistant"] and "book" in found["tools"]


READ = """
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries
log = read_eval_log(sys.argv[1])
assert read_eval_log_sample_summaries(sys.argv[1])
first = log.samples[0]
print(json.dumps({
    "accuracy": log.results.scores[0].metrics["accuracy"].value,
    "scores": [one.scores["scenario"].value for one in log.samples],
    "roles": [one.role for one in first.messages],
    "tools": [one.function for one in first.messages if one.role == "tool"],
}))
"""

SERVER = '[server.files]\ncommand = "never-started"\nreads = ["read"]\n'
TALK = """
asks:
  pack: demo
  clock: 2026-03-10T10:00:00Z
  people: {ana: {}}
  outside: {files.read: {text: hello}}
  turns:
    - commands: [{start_flow: look}]
      must_say: [It says, hello]
  expect: {calls: {required: [files.read]}}
"""
LOOK = """
look:
  title: {en: look}
  examples: {en: [look at the file]}
  steps:
    - call: files.read
      with: {path: "'a.txt'"}
      into: found
    - say: {en: "It says {found.text}."}
"""


def test_tools_of_the_homes_servers_are_answered_by_the_scenario(typed: Typed, home: Path) -> None:
    """A trial has a home without servers; what the operator approved is known all the same."""
    assert typed("pack", "new", "demo")[0] == 0
    folder = home / "packs" / "demo"
    (home / "mcp.toml").write_text(SERVER, "utf-8")
    schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    listed = ({"name": "read", "description": "Reads.", "inputSchema": schema},)
    identity = read_servers(home)["files"].identity
    approved = Approved(identity=identity, server="files 1", fingerprint="x", tools=listed)
    keep(home, "files", approved)
    (folder / "flows" / "look.yaml").write_text(LOOK, "utf-8")
    with (folder / "policy.toml").open("a") as rules:
        rules.write('[[rule]]\nid = "R"\ntool = "files.read"\ndo = "allow"\n')
    for path in (folder / "scenarios").glob("*.yaml"):
        path.unlink()
    (folder / "scenarios" / "look.yaml").write_text(TALK, "utf-8")
    code, said, _ = typed("pack", "check", "demo")
    assert code == 0 and "1 scenarios" in said, said
    code, said, told = typed("eval", "demo", "-k", "1")
    assert code == 0, said + told


def test_several_names_and_all_packs(typed: Typed, home: Path) -> None:
    for name in ("first", "second"):
        typed("pack", "new", name)
        (home / "packs" / name / "scenarios" / "booking.yaml").write_text(
            f"waits:\n  pack: {name}\n  clock: 2026-03-10T10:00:00Z\n  people: {{ana: {{}}}}\n"
            "  turns: [{advance: 1m}]\n",
            "utf-8",
        )
    code, said, _ = typed("eval", "second", "first", "first", "-k", "1", "--json")
    assert code == 0
    assert [one["pack"] for one in json.loads(said)["scenarios"]] == ["second", "first"]
    home_only = find_scenarios(home, "packs")
    assert {"first", "second"} <= {path.parent.parent.name for path in home_only}
    assert "demo" not in {path.parent.parent.name for path in home_only}  # it is there to copy
