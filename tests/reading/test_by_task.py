"""How far a verdict hangs on a single task."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2d.study.study import Run
from tests.scripts import script
from tests.synthetic import make_study, results_of

TASKS = ("minatar-breakout", "minatar-space_invaders", "minatar-freeway")
UNIT = 10  # from the random policy to the teacher
PART = "the best size between the ends over the smallest"


def score(run: Run) -> float:
    """The middle size leads by half the unit on two tasks, and trails as far on the third."""
    random = run.spec.task.random_score
    assert random is not None
    share = 1.0
    if run.stage != "teacher":
        middle = run.factors.get("network") == "resnet14"
        share = 0.8 if middle == (run.spec.task.name != TASKS[2]) else 0.3
    return random.value + UNIT * share


def test_the_task_on_which_a_verdict_hangs_is_named(tmp_path: Path) -> None:
    study = make_study(tmp_path, TASKS, 3, ("size_sweep",))
    table = script("tables/by_task").make(results_of(study, score))
    row = table.shown[table.shown["Part"] == f"· {PART}"].iloc[0]
    first, second, third = (study.tasks[task].title for task in TASKS)
    assert row["Verdict, uncorrected"] == "inconclusive"
    # Half and half cancel out, to the last bit on every seed.
    without = f"{first} (equivalent), {second} (equivalent), {third} (supported)"
    assert row["Otherwise without"] == without
    assert row[first] == "+0.50" and row[third] == "−0.50"
    assert row["Range"] == "+0.00 to +0.50"
    lines = table.data[(table.data["claim"] == "C1") & (table.data["part"] == PART)]
    assert lines["estimate"].round(9).tolist() == [0.0, 0.0, 0.5]
    assert lines["alone"].round(9).tolist() == [0.5, 0.5, -0.5]


def test_the_figure_has_a_line_for_every_part_in_units_of_what_is_of_interest(
    tmp_path: Path,
) -> None:
    study = make_study(tmp_path, TASKS, 3, ("size_sweep",))
    (ax,) = script("figures/claims").draw(results_of(study, score)).figure.axes
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:2] == ["C1 inconclusive", PART]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    places = {line.get_ydata()[0]: line.get_xdata()[0] for line in dots}
    # A mean lead of (½ + ½ − ½) / 3; the smallest of interest is a tenth.
    assert places[1] == pytest.approx(10 / 6)
    assert "+0.17" in " ".join(text.get_text() for text in ax.texts)


def test_the_figure_draws_no_interval_of_two_seeds(tmp_path: Path) -> None:
    study = make_study(tmp_path, TASKS, 2, ("size_sweep",))
    (ax,) = script("figures/claims").draw(results_of(study, score)).figure.axes
    assert not {line.get_marker() for line in ax.lines} & {"<", ">"}


def test_a_claim_of_which_runs_are_missing_has_no_rows(tmp_path: Path) -> None:
    study = make_study(tmp_path, TASKS, 3, ("size_sweep",))
    results = results_of(study, lambda run: None if run.method == "manual-vanilla" else score(run))
    assert "C1" not in set(script("tables/by_task").make(results).data.get("claim", ()))
