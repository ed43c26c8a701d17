"""What is done, missing, damaged or stale, and what the rest will cost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from a2d.reading.results import load_results
from a2d.runs.records import (
    find_records,
    read_record,
    write_record,
)
from a2d.specs.run import SEMANTICS, SearchSpec, key_of
from a2d.study.plan import Plan, Speeds, make_plan, scan_records
from a2d.study.study import Run, Study, load_study
from a2d.study.worker import do_run
from a2d.study.workspace import Workspace
from tests import synthetic
from tests.checkout import ROOT
from tests.planned import named, record_of


@pytest.fixture
def study() -> Study:
    return load_study("smoke", ROOT)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "results", tmp_path / "runs")


def status(plan: Plan, run: Run) -> str:
    return next(planned.status for planned in plan.runs if planned.run is run)


def test_an_empty_workspace_misses_everything(study: Study, workspace: Workspace) -> None:
    plan = make_plan(study, workspace)
    assert len(plan.runs) == plan.count("missing") == plan.unknown == len(study.runs)
    assert plan.count("done") == plan.count("damaged") == 0 and plan.hours == 0 and plan.stale == []


def test_done_damaged_stale_and_foreign_records(study: Study, workspace: Workspace) -> None:
    done, damaged, other = list(study.runs.values())[:3]
    for run in (done, damaged):
        write_record(workspace.record(run), record_of(run))
    path = workspace.record(damaged)
    path.write_text(path.read_text(encoding="utf-8").replace("2.0", "9.0"), encoding="utf-8")
    old = workspace.record(other).with_name("seed10-00000000.json")
    write_record(old, record_of(other))
    write_record(workspace.results / "laptop" / "seed10-00000000.json", record_of(other))
    (workspace.record(other).with_name("seed10-12345678.arch.json")).write_text(
        "{}", encoding="utf-8"
    )
    plan = make_plan(study, workspace)
    assert (status(plan, done), status(plan, damaged), status(plan, other)) == (
        "done",
        "damaged",
        "missing",
    )
    assert plan.stale == [old], "of this scale alone, and an architecture is no record"
    assert (plan.count("done"), plan.count("damaged")) == (1, 1)


def test_raised_semantics_make_records_stale(
    study: Study, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = next(iter(study.runs.values()))
    write_record(workspace.record(run), record_of(run))
    monkeypatch.setitem(SEMANTICS, "evaluation", SEMANTICS["evaluation"] + 1)
    plan = make_plan(load_study("smoke", ROOT), workspace)
    assert plan.count("done") == 0 and plan.stale == [workspace.record(run)]


def test_hours_come_from_the_likest_records(study: Study, workspace: Workspace) -> None:
    catch = named(study, "tiny-catch", "manual-vanilla")
    reach = named(study, "tiny-reach", "manual-mlp8")
    speeds = Speeds(
        [
            record_of(catch, 0.01),
            record_of(catch, 0.03),
            record_of(catch, 0.02),
            record_of(reach, 4.0),
        ]
    )
    same = named(study, "tiny-catch", "distilled-vanilla-joint")
    assert speeds.hours(same) == pytest.approx(0.02 * same.spec.steps / 3600), (
        "the median, same task and network"
    )
    elsewhere = named(study, "tiny-catch", "search-joint")
    assert speeds.hours(elsewhere) == pytest.approx(0.025 * elsewhere.spec.steps / 3600), (
        "the family's median"
    )
    assert Speeds([]).hours(same) is None
    write_record(workspace.record(catch), record_of(catch, 0.02))
    plan = make_plan(study, workspace)
    rest = sum(planned.run.spec.steps for planned in plan.runs if planned.status != "done")
    assert plan.hours == pytest.approx(0.02 * rest / 3600) and plan.unknown == 0


def test_speeds_of_recorded_runs_are_known_for_a_fresh_repetition(
    study: Study, workspace: Workspace
) -> None:
    catch = named(study, "tiny-catch", "manual-vanilla")
    write_record(workspace.record(catch), record_of(catch, 0.02))
    fresh = Workspace(workspace.results.parent / "fresh" / "results", workspace.runs)
    assert make_plan(study, fresh).unknown == len(study.runs)
    plan = make_plan(study, fresh, workspace.results)
    assert plan.unknown == plan.count("done") == 0
    assert plan.hours == pytest.approx(
        0.02 * sum(run.spec.steps for run in study.runs.values()) / 3600
    )


def copied_scale(tmp_path: Path) -> Study:
    """Return the smoke scale under another name."""
    for folder in ("workflow", "envs", "figures", "tables"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    scales = tmp_path / "workflow" / "scales"
    shutil.copy(scales / "smoke.yaml", scales / "mine.yaml")
    return load_study("mine", tmp_path)


def test_records_count_whatever_their_scale_is_called(
    study: Study, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = copied_scale(tmp_path)
    runs = list(study.runs.values())
    for run in runs:
        write_record(workspace.record(run), synthetic.record_of(run, 1.0))
    whole, damaged, own = (mine.runs[run.key] for run in runs[:3])
    path = workspace.record(runs[1])
    path.write_text(
        path.read_text(encoding="utf-8").replace('"steps_done": ', '"steps_done": 1'),
        encoding="utf-8",
    )
    write_record(workspace.record(own), record_of(own))
    assert workspace.find(whole) == workspace.record(runs[0]) != workspace.record(whole)
    assert workspace.find(damaged) is None, "a damaged one counts only where it lies"
    assert workspace.find(own) == workspace.record(own), "its own place wins"
    plan = make_plan(mine, workspace)
    assert (plan.count("done"), plan.count("missing"), plan.stale) == (len(runs) - 1, 1, [])
    results = load_results(mine, workspace.results)
    assert results.records.keys() == mine.runs.keys() - {damaged.key} and results.damaged == {}
    search = next(run.spec for run in runs if isinstance(run.spec, SearchSpec))
    found = read_record(workspace.record(study.runs[key_of(search)])).search
    assert found is not None and workspace.searched(mine, search) == found.architecture
    monkeypatch.setitem(SEMANTICS, "evaluation", SEMANTICS["evaluation"] + 1)
    assert make_plan(load_study("mine", tmp_path), workspace).count("done") == 0, (
        "a stale one counts nowhere"
    )


def test_a_run_that_took_no_step_has_no_speed_to_fail_on(study: Study) -> None:
    run = named(study, "tiny-catch", "manual-vanilla")
    diverged = record_of(run, status="diverged", steps_done=0)
    assert Speeds([diverged, record_of(run), record_of(run)]).hours(run) == pytest.approx(
        0.01 * run.spec.steps / 3600, rel=1e-6
    )


def test_unreadable_records_are_left_out_and_left_alone(study: Study, workspace: Workspace) -> None:
    run = next(iter(study.runs.values()))
    write_record(workspace.record(run), record_of(run))
    broken = workspace.results / "smoke" / "seed1-x.json"
    for text in ("{", "[]", json.dumps({"format": 1})):
        broken.write_text(text, encoding="utf-8")
        assert {
            path: record and record.key for path, record in scan_records(workspace.results).items()
        } == {
            broken: None,
            workspace.record(run): run.key,
        }
    assert find_records(workspace.results) == sorted([broken, workspace.record(run)])


def test_a_study_is_done_run_by_run(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "workflow" / "scales").mkdir(parents=True)
    for name in ("methods.yaml", "experiments"):
        (tmp_path / "workflow" / name).symlink_to(ROOT / "workflow" / name)
    for name in ("envs", "figures", "tables"):
        (tmp_path / name).symlink_to(ROOT / name)
    text = (ROOT / "workflow" / "scales" / "smoke.yaml").read_text(encoding="utf-8")
    lines = [
        "steps: {teacher: 1120, train: 560, search: 560}"
        if line.startswith("steps:")
        else "tasks: [tiny-reach]"
        if line.startswith("tasks:")
        else line
        for line in text.splitlines()
    ]
    (tmp_path / "workflow" / "scales" / "mini.yaml").write_text("\n".join(lines), encoding="utf-8")
    study = load_study("mini", tmp_path)
    for method in ("teacher-mlp64", "search-joint", "derived-joint-joint", "random-joint-joint"):
        run = named(study, "tiny-reach", method)
        do_run(study, run, workspace, None)
        assert status(make_plan(study, workspace), run) == "done"
    search = named(study, "tiny-reach", "search-joint")
    derived = named(study, "tiny-reach", "derived-joint-joint")
    assert (
        workspace.architecture(search).is_file() and workspace.agent_folder(derived.spec).is_dir()
    )
    records = {
        record.key: record
        for record in scan_records(workspace.results).values()
        if record is not None
    }
    found = records[search.key].search
    assert found is not None and records[derived.key].network.design == found.architecture
    elsewhere = tmp_path / "elsewhere.json"
    do_run(study, derived, workspace, elsewhere)
    assert elsewhere.is_file()
