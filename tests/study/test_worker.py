"""A study's runs, one at a time: what they start from is checked, and what they leave is whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from a2d.environments.tiny import Reach
from a2d.errors import A2DError
from a2d.files import LOCK, PARTIAL
from a2d.runs.records import read_record
from a2d.study.study import Run, Study, load_study
from a2d.study.worker import do_run
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.study_files import edit


@pytest.fixture
def study(tmp_path: Path) -> Study:
    for folder in ("workflow", "envs", "figures", "tables"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    edit(tmp_path, "scales/smoke", ("steps", {"teacher": 560, "train": 560, "search": 1120}))
    return load_study("smoke", tmp_path)


def one(study: Study, stage: str, method: str) -> Run:
    runs = study.runs.values()
    return next(
        run for run in runs if (run.stage, run.method) == (stage, method) and "reach" in run.path
    )


def test_a_run_leaves_its_record_and_agent_and_nothing_else(study: Study, tmp_path: Path) -> None:
    files = Workspace(tmp_path / "results", tmp_path / "runs")
    teacher = one(study, "teacher", "teacher-mlp64")
    target, folder = files.record(teacher), files.agent_folder(teacher.spec)
    for leftover in (
        target.parent / f".{target.name}.abc{PARTIAL}",
        folder / f".checkpoint.abc{PARTIAL}",
    ):
        leftover.parent.mkdir(parents=True)
        leftover.write_text("half of a file that a killed process wrote")
    do_run(study, teacher, files, None)
    assert {path.name for path in target.parent.iterdir()} == {target.name}
    assert {path.name for path in folder.iterdir()} == {"agent.json", "agent.safetensors", LOCK}
    assert read_record(target).key == teacher.key


def test_the_agent_of_another_run_is_no_teacher(study: Study, tmp_path: Path) -> None:
    files = Workspace(tmp_path / "results", tmp_path / "runs")
    teacher, student = (
        one(study, "teacher", "teacher-mlp64"),
        one(study, "manual", "distilled-mlp16-joint"),
    )
    other = one(study, "manual", "manual-mlp64")
    do_run(study, other, files, None)
    files.agent_folder(other.spec).rename(files.agent_folder(teacher.spec))
    with pytest.raises(
        A2DError,
        match=rf"{teacher.key}: holds the agent of run {other.key}, not that of {teacher.key}",
    ):
        do_run(study, student, files, None)
    assert not files.record(student).exists()


def test_a_run_of_a_study_that_diverges_is_a_result_and_no_teacher(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Workspace(tmp_path / "results", tmp_path / "runs")
    teacher, student = (
        one(study, "teacher", "teacher-mlp64"),
        one(study, "manual", "distilled-mlp16-joint"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reach, "step", paying_nothing_that_counts)
        do_run(study, teacher, files, None)
    told = capsys.readouterr().err
    assert told.startswith(
        f"a2d: {teacher.path}: the run diverged at step 0 of 560 (tiny-reach: step 1 of"
    )
    assert told.endswith("which counts\n") and told.count("\n") == 1
    assert read_record(files.record(teacher)).status == "diverged"
    with pytest.raises(
        A2DError,
        match=rf"{teacher.key}: no teacher, because its own training diverged \(tiny-reach",
    ):
        do_run(study, student, files, None)
    assert not files.record(student).exists()


def paying_nothing_that_counts(self: Reach, action: Any) -> Any:
    return np.zeros(4, np.float32), float("nan"), False, True, {}


def test_a_finished_run_is_not_repeated(study: Study, tmp_path: Path) -> None:
    files = Workspace(tmp_path / "results", tmp_path / "runs")
    run, other = one(study, "manual", "manual-mlp8"), one(study, "manual", "manual-mlp16")
    do_run(study, run, files, None)
    record = files.record(run)
    written = record.stat().st_mtime_ns
    do_run(study, run, files, None)
    assert record.stat().st_mtime_ns == written
    do_run(study, other, files, None)
    for content in (
        files.record(other).read_bytes(),
        record.read_bytes()[:-40],
    ):  # another run's, half of one
        record.write_bytes(content)
        do_run(study, run, files, None)
        assert read_record(record).key == run.key
