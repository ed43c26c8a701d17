"""A million steps: memory stays flat, and nothing is left running."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.processes import environment

pytestmark = pytest.mark.faults

MILLION = """
import sys
from pathlib import Path

from a2d.runs.execute import run_training
from a2d.runs.progress_bar import Reporter
from a2d.specs.run import TrainSpec
from a2d.specs.task import load_card

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

steps, seen = 0, []
advance = Reporter.advance
def watch(self, more):
    global steps
    steps += more
    if steps % 50_000 == 0:
        seen.append((steps, resident()))
    advance(self, more)
Reporter.advance = watch

spec = TrainSpec(task=load_card(Path(sys.argv[1])), steps=1_000_000, seed=0,
                 a2c={"environments": 50}, agent={"kind": "manual", "network": "mlp8"})
run_training(spec, Path(sys.argv[2]))
print(seen)
"""


def test_memory_stays_flat_over_a_million_steps_and_nothing_is_left_running(tmp_path: Path) -> None:
    shared = set(Path("/dev/shm").iterdir())
    command = [
        sys.executable,
        "-c",
        MILLION,
        str(ROOT / "envs" / "gymnasium-cartpole.yaml"),
        str(tmp_path),
    ]
    variables = environment(A2D_CHECKPOINT_SECONDS="1")
    done = subprocess.run(
        command, env=variables, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    seen: list[list[int]] = json.loads(done.stdout.replace("(", "[").replace(")", "]"))
    assert seen[-1][0] == 1_000_000
    # What grows is the log of actions that a checkpoint replays: a byte a step here, and copies
    # while it is saved.
    growth = seen[-1][1] - min(size for steps, size in seen if steps >= 200_000)
    assert growth < 8 * 2**20, seen
    assert set(Path("/dev/shm").iterdir()) <= shared
