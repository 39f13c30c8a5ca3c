"""From a bare home to a cited answer, by the installed command, with the real weights, offline."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HANDBOOK = """# Returns

Items can be returned within 30 days of delivery. The parcel must carry the return code.

# Warranty

The warranty covers faults of material for 24 months. It does not cover damage by water.
"""
FAQ = [
    {"id": "q1", "title": "Opening hours", "text": "The shop opens at 9:30 on weekdays."},
    {"id": "q2", "title": "Parking", "text": "Parking is free for two hours behind the shop."},
]


def no_network() -> list[str]:
    """A command prefix that leaves a process without any network, where the system allows it."""
    prefix = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None:
        return []
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else []


@pytest.fixture
def attenda(home: Path, weights_home: Path, tmp_path: Path):
    home.mkdir()
    (home / "models").symlink_to(weights_home / "models")

    def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*no_network(), sys.executable, "-m", "attenda", *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "ATTENDA_HOME": str(home), "LANG": "C.UTF-8"},
            timeout=240,
            check=False,
        )

    return run


def test_from_a_file_to_a_cited_answer(attenda, tmp_path: Path) -> None:
    (tmp_path / "handbook.md").write_text(HANDBOOK)
    (tmp_path / "faq.jsonl").write_text("\n".join(json.dumps(row) for row in FAQ))
    added = attenda("add", "handbook.md", "faq.jsonl", "--json")
    assert added.returncode == 0, added.stderr
    assert [one["state"] for one in json.loads(added.stdout)] == ["ready", "ready"]
    assert [one["records"] for one in json.loads(added.stdout)] == [0, 2]

    asked = attenda("ask", "How long does the warranty last?", "--json")
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert "24 months" in answer["answer"]
    assert answer["model"] == "smollm2-135m-instruct"
    for cited in answer["citations"]:
        assert set(cited) == {"n", "document", "page", "start", "end", "quote"}
        assert f"[{cited['n']}]" in answer["answer"]
        assert HANDBOOK[cited["start"] : cited["end"]] == cited["quote"]

    found = attenda("search", "where can I park", "-k", "1", "--json")
    (hit,) = json.loads(found.stdout)
    assert set(hit) == {"passage", "document", "page", "score", "text"}
    assert hit["document"] == "Parking"

    unchanged = attenda("add", "handbook.md", "--json")
    assert json.loads(unchanged.stdout)[0]["outcome"] == "unchanged"

    assert attenda("forget", "handbook.md").returncode == 0
    refused = json.loads(attenda("ask", "How long does the warranty last?", "--json").stdout)
    assert refused["citations"] == []
    assert "24 months" not in refused["answer"]

    piped = attenda("ask", stdin="When does the shop open on weekdays?")
    assert piped.returncode == 0
    assert "9:30" in piped.stdout
    assert "Opening hours" in piped.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "nowhere.pdf"], 2, "no readable file at nowhere.pdf"),
        (["ask", " "], 2, "The message is empty"),
        (["ask", "Hi", "-m", "gpt-9"], 1, "No model is called “gpt-9”"),
        (["models", "show", "../secret"], 1, "No model is called"),
        (["forget", "ghost.pdf"], 1, "no document “ghost.pdf”"),
        (["up", "--host", "0.0.0.0"], 1, "opens the pages to the network"),
        (["--nonsense"], 2, "No such option"),
    ],
)
def test_wrong_input_gets_one_clear_sentence(attenda, words, code, said) -> None:
    result = attenda(*words)
    assert result.returncode == code, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_files_that_cannot_be_read_are_named_and_the_rest_goes_on(attenda, tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("The gate opens at noon every Sunday in summer.")
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 torn")
    (tmp_path / "what.bin").write_bytes(bytes(range(256)))
    (tmp_path / "empty.txt").write_bytes(b"")
    result = attenda("add", "good.txt", "bad.pdf", "what.bin", "empty.txt", "--json")
    assert result.returncode == 1
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["good.txt"]["state"] == "ready"
    for name in ("bad.pdf", "what.bin", "empty.txt"):
        assert rows[name]["state"] == "failed"
        assert name in rows[name]["reason"]
    assert "Sunday" in attenda("search", "when does the gate open").stdout


def test_a_home_without_weights_says_how_to_get_them(attenda, home: Path) -> None:
    (home / "models").unlink()
    result = attenda("ask", "Hello?")
    assert result.returncode == 1
    assert "attenda models pull" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_new_pack_goes_through_its_scenarios(attenda) -> None:
    for words in (("pack", "new", "demo"), ("pack", "check", "demo"), ("eval", "demo")):
        done = attenda(*words)
        assert done.returncode == 0, done.stdout + done.stderr
