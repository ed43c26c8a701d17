"""Claims recounted on complete studies that are made up, and that a wrong formula is noticed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from a2d.reading.decisions import agents, contrasts, rates, searches, sizes
from a2d.reading.results import Results, load_results
from a2d.study.study import Run, Study, load_study
from tests.checkout import ROOT
from tests.recount import arms, intervals, ledger
from tests.recount.compare import TABLES, compare_ledger, compare_table, written
from tests.recount.made_up import Level, smaller_study, write_made_up
from tests.recount.records import Recorded, read_recorded

TEACHER = "teacher"
SPREAD = 0.1
LEARNT = ("mujoco-half_cheetah", "mujoco-walker2d", "mujoco-swimmer")
PEAKS = (("-mlp16", "-resnet8_w8"), ("-mlp32", "-resnet14_w8"))
BOTH_PEAKS = "mujoco-swimmer"


def nothing_differs(run: Run, noise: float) -> float:
    return 1.0 if run.stage == TEACHER else 0.75 + SPREAD * noise


def all_hold(run: Run, noise: float) -> float:
    """Optima that differ, searches that fail alone on some tasks, and A2D ahead at less cost."""
    method, task = run.method, run.spec.task.name
    if run.stage == TEACHER:
        return 1.0
    if method.startswith("search-"):
        taught = method.startswith(("search-joint", "search-imitation"))
        return 0.5 + 0.05 * noise if taught or task in LEARNT else 0.1 * noise
    if method.startswith("manual-"):
        peak: tuple[str, ...] = PEAKS[task in LEARNT]
        if task == BOTH_PEAKS:  # so that seeds choose differently
            peak = PEAKS[0] + PEAKS[1]
        return (0.95 if method.endswith(peak) else 0.4) + SPREAD * noise
    ahead = method.startswith("derived-imitation") or method.endswith("-joint")
    return (0.95 if ahead else 0.6) + 0.5 * SPREAD * noise


def contrary(run: Run, noise: float) -> float:
    """Scores only rise, teachers make searches fail, and A2D lags behind."""
    method = run.method
    if run.stage == TEACHER:
        return 1.0
    if method.startswith("search-"):
        return 0.5 if "vanilla" in method or noise > 0.5 else 0.0
    if method.startswith("manual-"):
        return 0.2 + 0.004 * run.spec.seed + SPREAD * noise
    lags = method.startswith("derived-") or method.endswith("-joint")
    return (0.4 if lags else 0.8) + SPREAD * noise


@dataclass(frozen=True)
class Both:
    """A made-up study as both sides read it."""

    shipped: Results
    recorded: Recorded
    folder: Path

    def ledger(self) -> pd.DataFrame:
        return written("claims", self.shipped, self.folder)


def both(study: Study, root: Path, level: Level, folder: Path) -> Both:
    write_made_up(study, level, folder / "results")
    shipped = load_results(study, folder / "results")
    return Both(shipped, read_recorded(study.name, root, folder / "results"), folder)


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("holding")
    return both(smaller_study(folder), folder, all_hold, folder)


def compare_all(study: Both, tables: Collection[str] = TABLES) -> list[str]:
    """Compare the ledger and tables; return the verdicts on the claims in their order."""
    shown = study.ledger()
    compare_ledger(study.recorded, shown)
    for name in tables:
        compare_table(name, study.recorded, written(name, study.shipped, study.folder))
    own = shown[shown["part"].isna()].set_index("claim")["verdict"]
    assert own.pop("C6") == "inconclusive"  # its searches are another scale's
    return list(own)


def test_a_complete_study_in_which_the_claims_hold(holding: Both) -> None:
    quick = TABLES.keys() - {"by_task"}  # which permutes for every task that is left out
    assert compare_all(holding, quick) == ["supported"] * 5


@pytest.mark.slow
def test_a_complete_study_in_which_nothing_differs(tmp_path: Path) -> None:
    said = compare_all(both(smaller_study(tmp_path), tmp_path, nothing_differs, tmp_path))
    assert set(said) == {"equivalent", "inconclusive"}


@pytest.mark.slow
def test_a_complete_study_that_says_the_contrary(tmp_path: Path) -> None:
    said = compare_all(both(smaller_study(tmp_path), tmp_path, contrary, tmp_path))
    assert said[1:] == ["contradicted"] * 4


@pytest.mark.slow
def test_the_scale_study_as_large_as_it_is(tmp_path: Path) -> None:
    said = compare_all(both(load_study("study", ROOT), ROOT, all_hold, tmp_path))
    assert said == ["supported"] * 5


def with_its_own_seed(sweep: Any) -> Any:
    """Choose a size on all seeds, also on the one that it is scored on."""
    scores = np.asarray(sweep)
    return np.broadcast_to(scores.mean(axis=0).argmax(axis=-1), scores.shape[:2])


def without_correction(x: int, n: int, y: int, m: int, difference: float) -> float:
    """Leave out what Miettinen and Nurminen add to the variance."""
    return SHIPPED_SCORE(x, n, y, m, difference) * ((n + m) / (n + m - 1)) ** 0.5


SHIPPED_SCORE = rates.score_statistic
MUTATIONS: dict[str, tuple[Any, str, Any]] = {
    "level of intervals": (contrasts, "LEVEL", 0.1),
    "chosen on the scored seed": (agents, "choose_held_out", with_its_own_seed),
    "chosen on the scored seed, C1": (sizes, "choose_held_out", with_its_own_seed),
    "smallest cost": (agents, "COST_MARGIN", 0.1),
    "smallest spread": (searches, "SPREAD_MARGIN", 0.5),
    "smallest rate": (rates, "RATE_MARGIN", 0.1),
    "threshold of failure": (rates, "ABOVE_RANDOM", 2.0),
    "variance of rates": (rates, "score_statistic", without_correction),
    "recounted level": (intervals, "SURE", 0.95),
    "recounted threshold": (ledger, "FAILED", 2),
    "recounted smallest effect": (intervals, "RATE_DELTA", 0.1),
    "recounted teacher": (arms, "CLEAR", 1e6),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_formula_on_either_side_is_noticed(
    name: str, holding: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates._score_test.cache_clear()
    monkeypatch.setattr(*MUTATIONS[name])
    with pytest.raises(AssertionError):
        compare_ledger(holding.recorded, holding.ledger())
    rates._score_test.cache_clear()
