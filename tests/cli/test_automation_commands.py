"""`attenda automations list` as it is typed: what sets each off."""

import shutil
from pathlib import Path

from attenda.cli.packs import load_pack
from tests.cli.typing_at_home import Typed, at_home
from tests.runtime.depot import FOLDER

MAILED = """
ordered:
  title: {en: An order by mail}
  on:
    - mail: orders
      subject: "*order*"
  steps:
    - set: {what: input.subject}
"""


def test_each_way_to_be_set_off_is_told(typed: Typed, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "depot"
    shutil.copytree(FOLDER, folder)
    (folder / "automations" / "mailed.yaml").write_text(MAILED)

    def story() -> None:
        code, said, _ = typed("automations", "list")
        assert code == 0
        for told in (
            "When a mail comes to orders (from *, subject *order*)",
            "When another program asks at /hooks/stock",
            "30 2 * * * (Europe/Berlin)",
            "When a file comes in inbox (*.csv)",
            "closed",
        ):
            assert told in said

    at_home(home, load_pack(folder), story)
