"""What A2D reaches against the best manual network and random ones."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from a2d.reading.rendering.text import ABSENT
from a2d.study.study import Run, Study
from tests.scripts import script
from tests.synthetic import deployed, make_study, results_of

TASK = "minatar-breakout"
BEST = 6.0  # of resnet20, of three million FLOPs; searched networks have one, and a bit per skip
SIZES = {"vanilla": 2.0, "resnet14": 4.0, "resnet20": BEST}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"), (TASK,), 3, ("equal_steps",))


def scores(a2d: float, random: float = 1.0) -> Callable[[Run], float]:
    def score(run: Run) -> float:
        if run.stage == "manual":
            return SIZES[run.factors["network"]]
        return random * (1 + int(run.factors["draw"])) if run.factors.get("random") else a2d

    return score


def goal(study: Study, score: Callable[[Run], float | None], latency: bool = True) -> pd.Series:
    results = results_of(study, score)
    table = script("tables/goal").make(deployed(results) if latency else results)
    return pd.concat([table.shown.iloc[0], pd.Series({"Said": table.notes[0]})])


def test_it_is_reached_by_as_much_at_half_the_cost(study: Study) -> None:
    row = goal(study, scores(BEST))
    assert row["Reached"] == "yes"
    assert row["Best manual"] == "ResNet-20"
    assert row["Said"] == "Reached on 1 of the 1 task where all is known."


def test_what_is_missed_is_named(study: Study) -> None:
    assert goal(study, scores(BEST - 0.1))["Reached"] == "no: score"
    # The vanilla network has a third of the FLOPs of what was searched.
    good = {**SIZES, "vanilla": BEST + 1}
    row = goal(study, lambda run: good.get(run.factors.get("network", ""), BEST))
    assert row["Reached"] == "no: score, FLOPs, latency"


def test_where_every_call_takes_as_long_the_goal_is_said_to_be_out_of_reach(study: Study) -> None:
    results = deployed(results_of(study, scores(BEST)))
    notes = script("tables/goal").make(results).notes
    assert not any("hardly be reached" in note for note in notes)
    results.labelled["deployed_ms"] = 1.0
    note = script("tables/goal").make(results).notes[1]
    assert note.startswith("On MinAtar Breakout the smallest manual network, too, takes more than")


def test_one_latency_that_was_not_measured_leaves_it_open(study: Study) -> None:
    results = deployed(results_of(study, scores(BEST)))
    ours = results.labelled.query("search == 'joint' and stage == 'derive'").index
    results.labelled.loc[ours[:1], "deployed_ms"] = float("nan")
    assert script("tables/goal").make(results).shown.iloc[0]["Reached"] == ABSENT


def test_without_latencies_it_is_not_known(study: Study) -> None:
    row = goal(study, scores(BEST), latency=False)
    assert row["Reached"] == ABSENT
    assert row["Said"] == "Reached on 0 of the 0 tasks where all is known."


def test_before_anything_is_recorded_nothing_is_said_of_it(study: Study) -> None:
    row = goal(study, lambda run: None)
    assert row["As good for no more"] == row["Reached"] == row["Best manual"] == ABSENT


def test_a_seeds_random_draws_count_as_one(study: Study) -> None:
    # Two draws of 2 and 4, whatever the seed.
    row = goal(study, scores(5.0, random=2.0))
    assert row["A2D − random"].startswith("2.00 ")


def test_cheaper_manual_networks_that_score_as_much_are_named(study: Study) -> None:
    assert goal(study, scores(2.5))["As good for no more"] == "none"
    assert goal(study, scores(2.0))["As good for no more"] == "Vanilla CNN"
    assert goal(study, scores(2.0), latency=False)["As good for no more"] == "Vanilla CNN"
