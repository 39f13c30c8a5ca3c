"""A shop's task, killed at any named point, ends in the same database, each deed done once."""

from pathlib import Path

import pytest

from tests.crash.test_deeds import Teller
from tests.evals.little_shop import little_shop


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("task", ["every tool", "return alone"])
def test_a_task_goes_on_wherever_the_process_died(tmp_path: Path, task: str) -> None:
    story = f"{little_shop(tmp_path / 'shop')}|{task}"
    teller = Teller(tmp_path, "", "tests.crash.shop_tasks")
    try:
        whole = teller.tell(story, 0)
        assert whole is not None and (whole["differs"], whole["faults"]) == ([], [])
        points = whole["passed"]
        for at, point in enumerate(points, start=1):
            assert teller.tell(story, at, at) is None, f"{point} was not passed"
            after = teller.tell(story, at)
            assert after is not None, f"it did not come to an end after {point} ({at})"
            came = [after[name] for name in ("differs", "faults", "done")]
            assert came == [[], [], whole["done"]], f"killed at {point} ({at})"
    finally:
        teller.close()
    print(f"{task}: killed at {len(points)} points")
