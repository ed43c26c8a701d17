"""The README's speed table is the one that the kept numbers make."""

from __future__ import annotations

import json

import pytest

from benchmarks.speed_table import BEGIN, END, KEPT, README, insert, keep, render


def test_the_readme_shows_the_kept_numbers() -> None:
    readme = README.read_text(encoding="utf-8")
    assert insert(readme, render(json.loads(KEPT.read_text(encoding="utf-8")))) == readme


def test_a_report_becomes_rows_between_the_marks() -> None:
    numbers = {"task": "atari-pong", "network": "vanilla", "steps_per_update": 80}
    numbers |= {"seconds": 0.04, "reference_seconds": 0.1, "ratio": 2.5}
    item = {
        "name": "test_training_against_stable_baselines3[atari-pong-vanilla-16]",
        "extra_info": numbers,
    }
    kept = keep({"datetime": "2001-02-03T04:05:06", "benchmarks": [item]})
    assert kept["date"] == "2001-02-03" and "torch" in kept["provenance"]["versions"]
    readme = insert(f"before\n{BEGIN}old\n{END}after\n", render(kept))
    assert (
        "| training, atari-pong, vanilla | 2,000 steps/s | stable-baselines3, 800 steps/s | 2.50× | ≥ 1.8× |"
        in readme
    )
    assert readme.startswith("before\n") and readme.endswith("after\n") and "old" not in readme


@pytest.mark.parametrize("mark", [BEGIN, END])
def test_the_marks_stand_in_the_readme_once(mark: str) -> None:
    assert README.read_text(encoding="utf-8").count(mark) == 1
