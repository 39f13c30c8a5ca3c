"""The check of the tutor's own files: each kind of fault is told, in both languages."""

import shutil
from pathlib import Path

import pytest

from attenda.packs.tutor import pack_faults

AMISS = (
    # file, what stands there, what is put in its place, what is told
    ("flows/explain.yaml", "ratio: [sharing", "ration: [sharing", "ration is no skill"),
    ("flows/explain.yaml", "decimals: [fractions as", "decimals: [fractions in", "by its title"),
    ("words.toml", "zh-CN = \"{reason}{prompt}\"", "zh-CN = \"{prompt}\"", "alone: reason"),
    ("words.toml", "[stopped]\nen", "[stopped]\nfr", "stopped does not stand in both"),
    ("safeguard.toml", "I'm scared to go home", "I'm fond of home", "SG-FEAR is not raised by"),
    ("safeguard.toml", 'such_as = ["I just want to die"]\n', "", "SG-DIE has no sentence"),
)  # fmt: skip


def test_each_fault_of_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tutor"
    skipped = shutil.ignore_patterns("scenarios", "*.py", "__pycache__", "screens")
    shutil.copytree(pack_faults.FOLDER, folder, ignore=skipped)
    for file, before, after, _ in AMISS:
        text = (folder / file).read_text("utf-8")
        assert before in text, before
        (folder / file).write_text(text.replace(before, after, 1), "utf-8")
    monkeypatch.setattr(pack_faults, "FOLDER", folder)
    monkeypatch.setattr(pack_faults, "lint", lambda course, language: [])  # has tests of its own
    found = pack_faults.faults("en")
    for file, _, _, told in AMISS:
        assert any(one.startswith(file.split("/")[0]) and told in one for one in found), told
    assert len(pack_faults.faults("zh-CN")) == len(found) == len(AMISS) + 1
