"""The table of docs/speed.md is the one that the kept numbers make."""

from __future__ import annotations

import json

import pytest

from benchmarks.speed_table import BEGIN, END, KEPT, PAGE, insert, keep, render


def test_the_page_shows_the_kept_numbers() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert insert(page, render(json.loads(KEPT.read_text(encoding="utf-8")))) == page


def test_a_report_becomes_rows_between_the_marks() -> None:
    numbers = {"task": "atari-pong", "network": "vanilla", "steps_per_update": 80}
    numbers |= {"seconds": 0.04, "reference_seconds": 0.1, "ratio": 2.5}
    item = {
        "name": "test_training_against_stable_baselines3[atari-pong-vanilla-16]",
        "extra_info": numbers,
    }
    kept = keep({"datetime": "2001-02-03T04:05:06", "benchmarks": [item]})
    assert kept["date"] == "2001-02-03" and "torch" in kept["provenance"]["versions"]
    page = insert(f"before\n{BEGIN}old\n{END}after\n", render(kept))
    assert (
        "| training, atari-pong, vanilla | 2,000 steps/s "
        "| stable-baselines3, 800 steps/s | 2.50× | ≥ 1.8× |" in page
    )
    assert page.startswith("before\n") and page.endswith("after\n") and "old" not in page


@pytest.mark.parametrize("mark", [BEGIN, END])
def test_the_marks_stand_in_the_page_once(mark: str) -> None:
    assert PAGE.read_text(encoding="utf-8").count(mark) == 1
