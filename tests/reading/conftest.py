"""Records with scores that a test knows, of all that a scale compares."""

from __future__ import annotations

import pytest

from a2d.reading.results import Results
from a2d.study.study import Run, Study, load_study
from tests.checkout import ROOT
from tests.synthetic import DIVERGED, results_of, shrunk


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("laptop", ROOT)


def score(run: Run) -> float | None:
    """Seeds 0, 10 and 100 score 4, the others 6; A2D 10 more; bi-level has not run."""
    if "bilevel" in run.method:
        return None
    return (4.0 if run.spec.seed in (0, 10, 100) else 6.0) + (
        10.0 if run.method == "derived-joint-joint" else 0.0
    )


@pytest.fixture(scope="module")
def results(study: Study) -> Results:
    return results_of(study, score, diverged=lambda run: run.method == DIVERGED)


@pytest.fixture(scope="module", params=["laptop", "smoke", "study"])
def every_kind(
    request: pytest.FixtureRequest, results: Results, tmp_path_factory: pytest.TempPathFactory
) -> Results:
    """All that a scale compares, of the scale study on a task of each kind."""
    if request.param == "laptop":
        return results
    if request.param == "smoke":
        return results_of(load_study("smoke", ROOT), score)
    tasks = ("minatar-breakout", "mujoco-half_cheetah")
    return results_of(shrunk("study", tmp_path_factory.mktemp("study"), tasks, 2), score)
