"""The guide to packs: its commands and its code, as written; only trials are cut short."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from attenda.api import Tool

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "packs.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_guide_works_as_written(tmp_path: Path, home: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    program = programs / "attenda"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attenda "$@"\n', "utf-8")
    program.chmod(0o700)
    script = re.sub(
        r"^(.*)  # fails$",
        r"if \1; then exit 9; fi",
        re.sub(r"^attenda eval demo$", r"\g<0> -k 1", "\n".join(blocks("sh")), flags=re.MULTILINE),
        flags=re.M,
    )
    assert script.count("exit 9") == 1
    answer = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "ATTENDA_HOME": str(home),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert answer.returncode == 0, f"{answer.stdout}\n{answer.stderr}"
    assert "✗ second_one_waits" in answer.stdout  # before the rule
    assert answer.stdout.count("6 of 6 scenarios right in all of 2 trials.") == 2
    assert "Every trial came out as before." in answer.stdout
    assert (home / "packs/demo/results/report.html").exists()


def test_the_guides_code_makes_a_tool() -> None:
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/packs.md", "exec"), names)
    made = names["send_letter"]
    assert isinstance(made, Tool)
    assert made.outside and made.query is names["what_became_of"]
    assert [one.path for one in (*names["SCREENS"], *names["ENDPOINTS"])] == ["orders/{order}"] * 2
    (importer,) = names["IMPORTERS"]
    assert importer.read("o.csv", b"O-1,5.00").rows == {"orders": [{"id": "O-1", "total": "5.00"}]}
