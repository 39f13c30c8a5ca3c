"""The check of the pack's own files: nothing is wrong with them, and each kind of fault is seen."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from attenda.api import check_pack
from attenda.packs.clinic import pack_faults
from attenda.packs.clinic.pack import PACK

AMISS = (
    # file, what stands there, what is put in its place, what is told
    ("medication/class_pairs.yaml", "[anticoagulant, nsaid]", "[anticoagulant, nsaids]",
     "DDI-ANTICOAG-NSAID: nsaids is no ingredient"),
    ("medication/class_pairs.yaml", "severity: warning", "severity: grave", "grave is no severity"),
    ("medication/ingredients.yaml", "source: general knowledge, unreviewed", "source: ''",
     "about needs a source"),
    ("differential.yaml", "against: [sputum]", "against: [sputum], share: 20 %",
     "“20 %” is a likelihood"),
    ("differential.yaml", "Influenza begins suddenly", "Influenza begins slowly",
     "influenza: its sentence does not stand in knowledge/cough.md"),
    ("red_flags.yaml", "I want to kill myself", "I want to kill time",
     "RF-SELF-HARM: “I want to kill time” (en) does not raise it"),
    ("red_flags.yaml", ", zh-CN: [我老公打我]", "",
     "RF-ABUSE: a sentence that raises it is missing in zh-CN"),
    ("findings.yaml", "  cough: {", "  fever: {in: symptom}\n  cough: {", "fever stands twice"),
    ("questionnaires/intake.json", '"linkId": "duration"', '"linkId": "age"', "(age): twice"),
)  # fmt: skip


def test_each_fault_of_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "clinic"
    skipped = shutil.ignore_patterns("scenarios", "*.py", "__pycache__", "flows", "screens")
    shutil.copytree(pack_faults.FOLDER, folder, ignore=skipped)
    for file, before, after, _ in AMISS:
        text = (folder / file).read_text("utf-8")
        assert before in text, before
        (folder / file).write_text(text.replace(before, after, 1), "utf-8")
    monkeypatch.setattr(pack_faults, "FOLDER", folder)
    found = pack_faults.faults("en")
    for file, _, _, told in AMISS:
        assert any(one.startswith(file.split("/")[0]) and told in one for one in found), told


def test_a_pack_may_say_what_is_wrong_with_itself() -> None:
    odd = replace(PACK, faults=lambda language: [f"rules.yaml: {language}"])
    assert check_pack(odd, "zh-CN") == ["rules.yaml: zh-CN"]
