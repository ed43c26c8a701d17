"""Two tasks of a user's own package, from nothing to an answer that is checked by other means."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from a2d.runs.records import read_record
from tests.commands import a2d

PACKAGE = Path(__file__).parent / "own_package"
LEAD = (
    r"A2D keeps (-?\d+) % \((-?\d+) to (-?\d+)\) of its teacher's lead over a random policy at "
    r"([\d.]+) % of the teacher's FLOPs and \d+ % of its latency; "
    r"random architectures of the same cost(?: \(\d of 3 are the one found\))? keep (-?\d+) %"
)


def percent(returns: list[list[float]], teacher: list[float], chance: list[float]) -> Any:
    """Return what is kept with its interval, in per cent, by first-order errors of all three."""
    seeds = [np.mean(each) for each in returns]
    means = np.array([np.mean(seeds), np.mean(teacher), np.mean(chance)])

    def share(student: float, taught: float, random: float) -> float:
        return (student - random) / (taught - random)

    errors = np.array([stats.sem(seeds), stats.sem(teacher), stats.sem(chance)])
    freedom = np.array([len(seeds) - 1, len(teacher) - 1, len(chance) - 1])
    steps = np.eye(3) * 1e-6
    slopes = np.array([(share(*(means + step)) - share(*means)) / 1e-6 for step in steps])
    parts = (slopes * errors) ** 2
    margin = stats.t.ppf(0.975, parts.sum() ** 2 / (parts**2 / freedom).sum())
    middle, reach = share(*means), margin * np.sqrt(parts.sum())
    return np.array([middle, middle - reach, middle + reach]) * 100


@pytest.mark.slow
@pytest.mark.parametrize("task", ["dock", "pick"])
def test_ten_minutes_give_a_small_agent_and_a_true_sentence(task: str, tmp_path: Path) -> None:
    home = tmp_path / "a user's"
    shutil.copytree(PACKAGE, home)
    words = ("--task", f"{task}.yaml", "--out", "small", "--budget", "10min")
    done = a2d("distill", *words, cwd=home)
    assert done.returncode == 0, done.stderr
    small = home / "small"
    (sentence,) = json.loads((small / "result.json").read_text(encoding="utf-8"))["sentences"]
    assert sentence in done.stdout
    said = re.match(LEAD, sentence)
    assert said is not None, sentence

    def returns(row: str) -> list[list[float]]:
        records = [read_record(path) for path in small.glob(f"runs/{row}/record.json")]
        return [record.evaluation.returns for record in records if record.evaluation]

    (teacher,) = returns("teacher")
    chance = json.loads((small / "random.json").read_text(encoding="utf-8"))["returns"]
    kept = percent(returns("a2d-seed*"), teacher, chance)
    assert np.array(said.groups()[:3], float) == pytest.approx(kept, abs=0.51)
    others = percent(returns("random-seed*"), teacher, chance)
    assert float(said[5]) == pytest.approx(others[0], abs=0.51)
    whole = read_record(small / "runs" / "teacher" / "record.json").network.flops
    found = read_record(small / "runs" / "search" / "record.json").network.flops
    assert found <= whole / 4
    assert float(said[4]) == pytest.approx(100 * found / whole, abs=0.51)
