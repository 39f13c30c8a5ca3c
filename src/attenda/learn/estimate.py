"""What a run would take: a few of its steps and its end are really done, and forgotten.

Time and memory are measured, not guessed from sizes; nothing is left on disk.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from attenda.learn.devices import hand_back
from attenda.learn.learning import conclude, measure_before, prepare
from attenda.learn.plan import Plan
from attenda.learn.run_folder import RunFolder
from attenda.learn.spread import ALONE
from attenda.learn.trainer import Report, TrainState, train
from attenda.learn.watch import Watch

__all__ = ["estimate", "peak_memory_mb"]

_STEPS = 12
"""Steps that are done; the first two warm up."""
_ASKED = 8
"""Questions of each kind before the first step: what they leave in memory stays under the steps."""
_MEASURED = 32
"""Rows and questions that are measured at the end: as many as are in memory at once."""


def estimate(plan: Plan, home: Path, watch: Watch) -> dict[str, Any]:
    """Facts of the run that `plan` would be, and its time and memory.

    Args:
        plan: of the run.
        home: where names of models are looked up.
        watch: who looks on.

    Raises:
        AttendaError: what would stand in the run's way.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch) / "estimate")
        folder.begin(plan)
        run = prepare(folder, home, watch, ALONE)
        measure_before(run, _ASKED)  # measuring may take more memory than a step
        hand_back()
        seconds: list[float] = []

        def enough(state: TrainState, report: Report) -> bool:
            seconds.append(report.seconds)
            return state.step == _STEPS

        train(run.learner, run.lesson.source, TrainState(), enough)
        conclude(run, rows=_MEASURED)  # and so may a whole model in 32 bits
        facts = folder.facts()
    steps = facts["steps"]
    each = statistics.mean(seconds[2:] or seconds)  # long rows count as often as they come
    kept = ("parameters", "moving", "conversations", "validation", "tokens", "learned_tokens")
    return {
        **{name: facts[name] for name in kept},
        "steps": steps,
        "seconds_a_step": round(each, 3),
        "minutes": round(each * steps / 60, 1),
        "peak_memory_mb": peak_memory_mb(),
    }


def peak_memory_mb() -> int:
    """Most memory that this process has had, or that the accelerator has given it, in MB."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated() >> 20)
    try:
        status = Path("/proc/self/status").read_text("utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) >> 10
    except (OSError, IndexError):
        pass
    if sys.platform == "win32":
        return 0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) >> (20 if sys.platform == "darwin" else 10)
