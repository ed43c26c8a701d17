"""Tidy results: every planned run keeps its row, and statistics refuse what is not recorded."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from a2d.files import checksum
from a2d.reading.deployed import Deployed
from a2d.reading.rendering.command import arguments, load
from a2d.reading.results import (
    COLUMNS,
    MissingRuns,
    Results,
    load_results,
    matrix,
    summarize,
    where,
)
from a2d.runs import sealed
from a2d.runs.records import CurvePoint, Evaluation, write_record
from a2d.study.study import Run, Study, load_study
from tests.checkout import ROOT
from tests.synthetic import make_study, record_of, results_of, write_results

BREAKOUT, INVADERS = "minatar-breakout", "minatar-space_invaders"
TASKS = (BREAKOUT, INVADERS)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("checkout"), TASKS, 3, ("size_sweep", "distillation"))


def seed_score(run: Run) -> float:
    """Return 0, 10 and 20 for the three seeds, 1 more on Space Invaders."""
    return 10.0 * (run.spec.seed % 10) + (run.spec.task.name == INVADERS)


def chosen(results: Results, method: str, task: str = BREAKOUT) -> pd.DataFrame:
    return where(results.runs, task=task, method=method)


def test_an_empty_folder_leaves_a_row_per_planned_run(study: Study, tmp_path: Path) -> None:
    results = load_results(study, tmp_path)
    rows = results.runs
    assert list(rows.columns) == list(COLUMNS)
    assert list(rows["key"]) == list(study.runs) and list(rows["path"]) == [
        run.path for run in study.runs.values()
    ]
    assert (
        set(rows["state"]) == {"missing"}
        and rows["score"].isna().all()
        and rows["score"].dtype == np.float64
    )
    assert results.curves.empty and list(results.curves.columns) == ["key", "step", "mean_return"]
    assert results.stale == () and results.damaged == {}


def test_states_and_measures_of_runs(study: Study, tmp_path: Path) -> None:
    every = results_of(study, seed_score, lambda run: run.method == "manual-vanilla")
    write_results(every, tmp_path)
    gone, broken = [run for run in study.runs.values() if run.method == "distilled-resnet14-actor"][
        :2
    ]
    (tmp_path / gone.path).unlink()
    text = (tmp_path / broken.path).read_text(encoding="utf-8")
    (tmp_path / broken.path).write_text(
        text.replace('"wall_s": 36.0', '"wall_s": 35.0'), encoding="utf-8"
    )
    results = load_results(study, tmp_path)
    rows = results.runs.set_index("key")
    assert rows.loc[gone.key, "state"] == "missing" and rows.loc[gone.key, "reason"] == ""
    assert rows.loc[broken.key, "state"] == "damaged" and "checksum" in str(
        rows.loc[broken.key, "reason"]
    )
    assert rows.loc[[gone.key, broken.key], ["score", "flops", "core_hours"]].isna().all(axis=None)
    diverged = where(rows, method="manual-vanilla")
    assert set(diverged["state"]) == {"diverged"} and set(diverged["reason"]) == {"the loss is nan"}
    assert sorted(diverged["score"]) == [0, 1, 10, 11, 20, 21], "a diverged run's last score counts"
    assert (diverged["steps_done"] == diverged["steps"] / 2).all()
    finished = where(rows, state="finished")
    assert len(finished) == len(rows) - 2 - 6 and (finished["core_hours"] == 36 / 3600).all()
    assert finished["skips"].isna().all(), "no search is planned"


def test_factors_tell_the_runs_apart(study: Study) -> None:
    results = results_of(study, seed_score)
    assert {len(results.manual(task)) for task in TASKS} == {3 * 3}
    assert set(results.manual(BREAKOUT)["distillation"]) == {"none"}
    for mode in ("none", "actor", "critic", "joint"):
        rows = results.fixed(INVADERS, mode)
        assert set(rows["network"]) == {"resnet14"} and sorted(rows["score"]) == [1, 11, 21]
    assert list(results.teacher(BREAKOUT)["method"]) == ["teacher-resnet20"]
    assert set(chosen(results, "manual-vanilla")["search"]) == {""}, (
        "what does not apply is empty, not NaN"
    )


def test_searches_keep_their_skips_and_curves(tmp_path: Path) -> None:
    study = make_study(tmp_path, (BREAKOUT,), 1, ("search_methods",))
    results = results_of(study, lambda run: 5.0 if run.stage == "search" else None)
    searches = where(results.runs, stage="search")
    outcomes = [results.records[key].search for key in searches["key"]]
    assert list(searches["skips"]) == [outcome.skips for outcome in outcomes if outcome is not None]
    curves = results.curves
    assert set(curves["key"]) == set(searches["key"]) and set(
        curves.groupby("key")["mean_return"].max()
    ) == {5.0}


def test_a_curve_without_finished_episodes_is_nan(study: Study) -> None:
    run = next(iter(study.runs.values()))
    record = record_of(run, 1.0)
    first = CurvePoint(step=record.curve[0].step, mean_return=None)
    results = Results(
        study, {run.key: record.model_copy(update={"curve": [first, *record.curve[1:]]})}
    )
    assert list(results.curves["mean_return"].isna()) == [True, False, False, False, False]


def test_stale_records_are_named_and_never_counted(study: Study, tmp_path: Path) -> None:
    run = next(iter(study.runs.values()))
    write_results(Results(study, {run.key: record_of(run, 1.0)}), tmp_path)
    old = (tmp_path / run.path).with_name("seed100-00000000.json")
    old.write_bytes((tmp_path / run.path).read_bytes())
    old.with_name("seed100-00000000.arch.json").write_text("{}", encoding="utf-8")
    elsewhere = tmp_path / "laptop" / "seed1-00000000.json"
    elsewhere.parent.mkdir()
    elsewhere.write_text("{}", encoding="utf-8")
    results = load_results(study, tmp_path)
    assert results.stale == (old.relative_to(tmp_path).as_posix(),), (
        "of this study alone; no architecture"
    )
    assert list(results.records) == [run.key] and results.runs["score"].notna().sum() == 1


def test_summaries_by_hand(study: Study) -> None:
    results = results_of(
        study, lambda run: None if run.method == "manual-resnet20" else seed_score(run)
    )
    summary = summarize(chosen(results, "manual-vanilla"))
    assert summary.score is not None and summary.score.estimate == 10, "the mean of 0, 10 and 20"
    # The standard error is 10 / √3, and Student's t for two degrees of freedom 4.3027.
    assert summary.score.high - 10 == pytest.approx(4.3027 * 10 / math.sqrt(3), abs=1e-3)
    assert summary.score.low + summary.score.high == pytest.approx(20)
    assert (summary.planned, summary.recorded, summary.diverged) == (3, 3, 0)
    none = summarize(chosen(results, "manual-resnet20"))
    assert (none.planned, none.recorded, none.score) == (3, 0, None)
    assert summarize(results.runs.iloc[:0]).planned == 0


def test_a_summary_of_some_seeds_says_so(study: Study) -> None:
    def first(run: Run) -> float | None:
        return 4.0 if run.spec.seed == 10 else None

    results = results_of(study, first, lambda run: run.method == "manual-vanilla")
    summary = summarize(chosen(results, "manual-vanilla"))
    assert summary.score is not None and summary.score.estimate == 4
    assert not summary.score.known, "one seed has no interval"
    assert (summary.planned, summary.recorded, summary.diverged) == (3, 1, 1)


def test_a_matrix_has_seeds_as_rows_and_tasks_as_asked(study: Study) -> None:
    rows = where(results_of(study, seed_score).runs, method="manual-resnet14")
    shuffled = rows.sample(frac=1, random_state=1)
    assert matrix(shuffled, [INVADERS, BREAKOUT]).tolist() == [[1, 0], [11, 10], [21, 20]]
    assert matrix(shuffled, [BREAKOUT], "flops").tolist() == [[2e6], [2e6], [2e6]]


def test_a_matrix_refuses_missing_runs(study: Study) -> None:
    absent = next(
        run for run in study.runs.values() if run.method == "manual-vanilla" and run.spec.seed == 12
    )
    results = results_of(study, lambda run: None if run == absent else seed_score(run))
    rows = where(results.runs, method="manual-vanilla")
    with pytest.raises(MissingRuns, match=absent.path) as raised:
        matrix(rows, list(TASKS))
    assert raised.value.paths == (absent.path,)
    other = INVADERS if absent.spec.task.name == BREAKOUT else BREAKOUT
    assert matrix(rows, [other]).shape == (3, 1), "of another task nothing is missing"
    with pytest.raises(MissingRuns, match="none planned"):
        matrix(rows, ["minatar-freeway"])


def test_the_best_size_has_the_highest_mean(study: Study) -> None:
    means = {
        "manual-vanilla": (9, 9, 9),
        "manual-resnet14": (0, 0, 20),
        "manual-resnet20": (10, 10, 10),
    }
    results = results_of(
        study, lambda run: float(means.get(run.method, (0, 0, 0))[run.spec.seed % 10])
    )
    assert (
        set(results.best_manual(BREAKOUT)["network"]) == {"resnet20"}
        and len(results.best_manual(BREAKOUT)) == 3
    )
    assert results_of(study, lambda run: None).best_manual(BREAKOUT).empty


def test_the_error_of_a_score_is_that_of_its_test_episodes(study: Study) -> None:
    run = next(iter(study.runs.values()))
    record = record_of(run, 4.0)
    episodes = Evaluation(seed=1, returns=[1.0, 3.0, 5.0, 7.0], lengths=[9] * 4)
    for evaluation, expected in (
        (episodes, stats.sem([1.0, 3.0, 5.0, 7.0])),
        (Evaluation(seed=1, returns=[4.0], lengths=[9]), math.nan),
    ):
        changed = record.model_copy(update={"evaluation": evaluation})
        row = Results(study, {run.key: changed}).runs.iloc[0]
        assert row["error"] == pytest.approx(expected, nan_ok=True)


def test_a_deployed_latency_belongs_to_a_task_and_a_network(study: Study, tmp_path: Path) -> None:
    write_results(results_of(study, seed_score), tmp_path)
    assert load_results(study, tmp_path).runs["deployed_ms"].isna().all()
    known = Deployed("one", {}, {(BREAKOUT, "resnet14"): 0.25})
    measured = replace(load_results(study, tmp_path), deployed=known).runs
    rows = measured[measured["deployed_ms"].notna()]
    assert set(rows["network"]) == {"resnet14"} and set(rows["task"]) == {BREAKOUT}
    assert set(rows["deployed_ms"]) == {0.25} and len(rows) == 3 * 4


def test_latencies_of_one_machine_are_not_mixed_with_those_of_records(
    study: Study, tmp_path: Path
) -> None:
    write_results(results_of(study, seed_score), tmp_path)
    known = Deployed("one", {(BREAKOUT, "resnet14"): 0.5}, {(BREAKOUT, "resnet14"): 0.25})
    rows = replace(load_results(study, tmp_path), deployed=known).runs
    measured = rows["deployed_ms"].notna()
    assert set(rows.loc[measured, "latency_ms"]) == {0.5}
    assert measured.any() and rows.loc[~measured, "latency_ms"].isna().all()


def test_only_trainings_of_a_searchs_length_are_the_sweep(tmp_path: Path) -> None:
    study = make_study(tmp_path, TASKS, 2, ("size_sweep", "distillation", "equal_steps"))
    results = results_of(study, seed_score)
    longer = where(results.runs, stage="manual", budget="total", task=BREAKOUT)
    assert len(longer) == 3 * 2 and set(longer["distillation"]) == {"joint"}
    assert set(results.manual(BREAKOUT)["budget"]) == {"train"}
    assert set(results.fixed(BREAKOUT, "joint")["budget"]) == {"train"}
    draws = where(results.runs, task=BREAKOUT, stage="derive", random="joint")
    assert sorted(draws["draw"]) == ["0", "0", "1", "1"]
    assert matrix(draws, [BREAKOUT]).ravel().tolist() == [0, 10], "a seed's draws count as one"


def test_the_draws_of_a_seed_are_one_unit(tmp_path: Path) -> None:
    study = make_study(tmp_path, TASKS, 3, ("equal_steps",))
    results = results_of(study, lambda run: seed_score(run) + 4.0 * ("draw1" in run.method))
    summary = summarize(where(results.runs, task=BREAKOUT, random="joint"))
    assert list(summary.scores) == [2, 12, 22] and summary.score is not None
    assert (summary.recorded, summary.planned) == (6, 6)
    assert summary.score.high - 12 == pytest.approx(4.3027 * 10 / math.sqrt(3), abs=1e-3)


def test_a_run_that_two_recipes_come_to_belongs_to_both(tmp_path: Path) -> None:
    """Without a teacher, recipes that differ in its weight ask for one and the same search."""
    study = make_study(tmp_path, TASKS, 2, ("search_methods",))
    run = next(run for run in study.runs.values() if run.method == "search-vanilla")
    twin = replace(run, also=({**run.factors, "recipe": "plus"},))
    results = results_of(replace(study, runs={**study.runs, run.key: twin}), seed_score)
    assert len(results.runs) == len(study.runs) == len(results.labelled) - 1
    found = where(results.labelled, stage="search", search="vanilla", task=run.spec.task.name)
    assert sorted(found["recipe"]) == ["paper", "paper", "plus"]
    assert set(where(found, recipe="plus")["key"]) == {run.key}


def test_tasks_on_which_settings_were_chosen_are_marked(study: Study) -> None:
    scale = study.scale.model_copy(update={"tuned": (BREAKOUT,)})
    results = Results(replace(study, scale=scale), {})
    assert [results.title(task) for task in TASKS] == [
        "MinAtar Breakout ‡",
        "MinAtar Space Invaders",
    ]


def test_the_yardstick_runs_from_random_to_the_teacher(study: Study) -> None:
    def score(run: Run) -> float:
        known = run.spec.task.random_score
        assert known is not None
        return known.value + (8.0 if run.stage == "teacher" else 2.0)

    yardstick = results_of(study, score).yardstick
    assert yardstick.tasks == list(TASKS) and yardstick.problems == {}
    low = np.array([yardstick.random[task] for task in TASKS])
    scores = yardstick.apply(np.array([low, low + 4, low + 8]), TASKS)
    assert scores == pytest.approx(np.array([[0, 0], [0.5, 0.5], [1, 1]]))


def test_tasks_without_a_scale_are_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    tasks = (*TASKS, "minatar-asterix", "minatar-freeway")
    for task in tasks:
        card = yaml.safe_load((ROOT / "envs" / f"{task}.yaml").read_text(encoding="utf-8"))
        if task == BREAKOUT:
            del card["random_score"]
        (tmp_path / "envs" / f"{task}.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    study = make_study(tmp_path, tasks, 1, ("size_sweep",))
    # The made-up records' test episodes have a standard error of 1.
    scores = {BREAKOUT: 5.0, INVADERS: None, "minatar-asterix": 3.0, "minatar-freeway": 50.0}
    yardstick = results_of(study, lambda run: scores[run.spec.task.name]).yardstick
    assert yardstick.tasks == ["minatar-freeway"]
    assert yardstick.teacher["minatar-freeway"] == pytest.approx(50)
    assert yardstick.problems[BREAKOUT] == "its card has no random score"
    assert yardstick.problems[INVADERS] == "its teacher is not recorded"
    assert yardstick.problems["minatar-asterix"].startswith("its teacher (3 ± 1) does not beat")


def test_a_rendering_verifies_no_file_again_that_is_listed_as_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = list(load_study("smoke", ROOT).runs.values())[:2]
    for each in (run, other):
        path = tmp_path / each.path
        write_record(path, record_of(each, 1.0))
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"sha256": "', '"sha256": "0'), encoding="utf-8")
    listed = tmp_path / "whole.txt"
    listed.write_text(f"{checksum(tmp_path / run.path)}\n", encoding="utf-8")
    monkeypatch.setattr(sealed, "_WHOLE", set())
    given = ["--scale", "smoke", "--root", str(ROOT), "--results", str(tmp_path)]
    assert set(load(arguments(None).parse_args(given)).damaged) == {run.key, other.key}
    results = load(arguments(None).parse_args([*given, "--whole", str(listed)]))
    assert set(results.records) == {run.key} and set(results.damaged) == {other.key}
