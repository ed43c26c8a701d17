"""What is left of a study, in words: hand-worked times, the table, and a workflow's progress."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from a2d.runs.progress_bar import STATUS, Reporter, read_status
from a2d.runs.records import write_record
from a2d.specs.run import key_of, search_of, teacher_run_of
from a2d.study.forecast import duration, summary, table, wall_hours
from a2d.study.plan import Plan, Planned
from a2d.study.progress import Tracker
from a2d.study.study import Run, Study, load_study
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.planned import named, record_of


@pytest.fixture
def study() -> Study:
    return load_study("smoke", ROOT)


def chain(study: Study) -> tuple[Run, Run, Run]:
    """Return a teacher, the search that it teaches, and an agent that both of them lead to."""
    agent = named(study, "tiny-catch", "derived-joint-joint")
    search = search_of(agent.spec)
    assert search is not None
    teacher = teacher_run_of(search)
    assert teacher is not None
    return study.runs[key_of(teacher)], study.runs[key_of(search)], agent


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0, "0 s"),
        (20 / 3600, "20 s"),
        (0.02, "1 min"),
        (0.5, "30 min"),
        (2.04, "2.0 h"),
        (9.96, "10.0 h"),
        (107, "107 h"),
    ],
)
def test_a_duration_is_in_the_unit_that_suits_it(hours: float, text: str) -> None:
    assert duration(hours) == text


def test_runs_side_by_side_take_as_long_as_their_longest_chain(study: Study) -> None:
    teacher, search, agent = chain(study)
    others = [
        named(study, "tiny-catch", "manual-vanilla"),
        named(study, "tiny-reach", "manual-mlp8"),
    ]
    left = {teacher.key: 1.0, search.key: 2.0, agent.key: 3.0} | {run.key: 6.0 for run in others}
    assert wall_hours(left, study, 1) == 18 and wall_hours(left, study, 2) == 9
    assert wall_hours(left, study, 500) == 6, "1 + 2 + 3, one after another"
    del left[search.key]  # it is recorded: the agent still waits for the teacher
    left = {key: hours for key, hours in left.items() if hours < 6}
    assert wall_hours(left, study, 500) == 4 and wall_hours({}, study, 4) == 0


def test_a_plan_is_a_total_and_a_table_of_tasks_by_stages(study: Study) -> None:
    runs = [
        Planned(run, "missing" if run.stage == "search" and "catch" in run.path else "done", 0.1)
        for run in study.runs.values()
    ]
    plan = Plan(runs, [])
    assert summary(
        plan, study, 2
    ) == f"smoke: {len(runs) - 12} of {len(runs)} runs done, 12 missing; " + (
        "about 36 min on 2 cores, 72 min on one"
    )
    head, catch, reach = (re.split(r"\s{2,}", line.strip()) for line in table(plan, study))
    assert head == ["teacher", "manual", "search", "derive"]
    assert catch == ["tiny-catch", "1/1", "8/8", "0/12, 72 min", "20/20"] and reach[3] == "12/12"
    unknown = Plan([Planned(run, "missing", None) for run in study.runs.values()], [Path("x")])
    assert "83 missing, 1 stale; how long they take is not known" in summary(unknown, study, 2)
    assert "0/12, ?" in table(unknown, study)[1]


def test_a_workflows_progress_is_told_from_its_files(study: Study, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "results", tmp_path / "runs")
    teacher, search, agent = chain(study)
    wanted = [(run, workspace.record(run)) for run in (teacher, search, agent)]
    write_record(
        workspace.record(agent), record_of(agent)
    )  # it is made again, so it is not done yet
    tracker = Tracker(study, workspace, wanted, 2)
    assert tracker.line() == "0 of 3 runs done; 3 runs of unknown speed"
    write_record(workspace.record(teacher), record_of(teacher, 0.1))
    with Reporter("x", search.spec.steps, folder=workspace.agent_folder(search.spec)) as reporter:
        workspace.agent_folder(search.spec).mkdir(parents=True)
        reporter.advance(search.spec.steps // 4)
        hours = [0.1 * run.spec.steps / 3600 for run in (teacher, search, agent)]
        done = hours[0] + hours[1] / 4
        assert tracker.line() == (
            f"1 of 3 runs done, {duration(done)} of {duration(sum(hours))} of computing; "
            f"about {duration(0.75 * hours[1] + hours[2])} left on 2 cores; "
            f"now search joint, Catch, seed 0 "
            f"(step {search.spec.steps // 4:,} of {search.spec.steps:,})"
        ), "the agent waits for the search: two cores do not help"
    assert list(workspace.agent_folder(search.spec).iterdir()) == [], "nothing is left over"


def test_a_killed_run_is_not_shown_as_going_on(tmp_path: Path) -> None:
    (tmp_path / STATUS).write_text("40", encoding="utf-8")
    assert read_status(tmp_path) == 40
    old = time.time() - 3600
    os.utime(tmp_path / STATUS, (old, old))
    assert read_status(tmp_path) is None
    (tmp_path / STATUS).write_text("", encoding="utf-8")
    assert read_status(tmp_path) is None and read_status(tmp_path / "nowhere") is None
