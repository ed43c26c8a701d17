"""One workflow at a time, where it can write; what is damaged is found, and kept aside."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from a2d.errors import A2DError
from a2d.runs.records import write_record
from a2d.runs.workflow_process import WORKFLOW_VARIABLE, is_gone
from a2d.study.cluster import SHORT_MINUTES, minutes, shared_job
from a2d.study.lock import check_writable, lock_folders
from a2d.study.options import Options, read_options
from a2d.study.repair import find_damage
from a2d.study.session import Session, mistakes_in_a_line, prepare_jobs
from a2d.study.snakemake_log import Jobs
from a2d.study.study import Study, load_study
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.synthetic import record_of


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("smoke", ROOT)


@pytest.fixture
def files(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "results", tmp_path / "runs")


def options(files: Workspace, **config: str) -> Options:
    return read_options({"scale": "smoke", **config}, ROOT)


def session(study: Study, files: Workspace, **config: str) -> Session:
    return Session(options(files, **config), study, files, Jobs())


def test_a_second_session_is_refused_until_the_first_has_ended(
    study: Study, files: Workspace
) -> None:
    first, second = session(study, files), session(study, files)
    first.start([], cores=1)
    with pytest.raises(A2DError, match=r"another workflow trains into .*results; wait for it"):
        second.start([], cores=1)
    session(study, files, only="recorded").start([], cores=1)
    first.finish()
    second.start([], cores=1)
    second.finish()


def test_a_lock_is_released_with_its_file(files: Workspace) -> None:
    files.runs.mkdir()
    with lock_folders(files), pytest.raises(A2DError, match="only=recorded"):
        lock_folders(files)
    lock_folders(files).close()


def test_a_folder_that_takes_no_file_is_named_with_the_reason_and_the_remedy(
    tmp_path: Path,
) -> None:
    check_writable(tmp_path / "new" / "folder", "")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(A2DError, match=r"file: cannot be written to \(File exists\)\. Go away\."):
        check_writable(tmp_path / "file", "Go away.")


def test_a_mistake_ends_the_process_in_a_line() -> None:
    with pytest.raises(SystemExit) as left, mistakes_in_a_line():
        raise A2DError("x: is wrong")
    assert left.value.code == "a2d: x: is wrong"


def test_jobs_run_in_this_environment_and_know_whose_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PATH", WORKFLOW_VARIABLE):
        monkeypatch.setenv(name, "/bin")
    prepare_jobs()
    assert os.environ["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/bin"]
    assert not is_gone(os.environ[WORKFLOW_VARIABLE])


def test_what_is_damaged_is_kept_under_a_name_that_is_free(study: Study, files: Workspace) -> None:
    run, other = list(study.runs.values())[:2]
    assert find_damage(study, files) == []
    for each in (run, other):
        write_record(files.record(each), record_of(each, 1.0))
    assert find_damage(study, files) == []
    path = files.record(run)
    path.write_text("{", encoding="utf-8")
    (found,) = find_damage(study, files)
    assert found.path == path and str(path) in found.problem and path.read_text() == "{"
    name = path.stem
    assert (found.kept.name, found.note.name) == (f"{name}.1.json", f"{name}.1.txt")
    assert found.kept.parent == found.note.parent == files.runs / "damaged"
    found.kept.parent.mkdir(parents=True)
    found.note.touch()
    (again,) = find_damage(study, files)
    assert again.kept.name == f"{name}.2.json"


def test_short_runs_alone_share_jobs(study: Study) -> None:
    run: Any = next(run for run in study.runs.values() if run.method == "search-joint")
    assert run.spec.steps == 5600 and minutes(run) == 10
    assert shared_job(run, {"search": 8}) == "search"
    assert shared_job(run, {"teacher": 8}) is None, "the profile lets no searches share"
    steps = 200 * 60 * (SHORT_MINUTES - 9)
    long: Any = SimpleNamespace(method=run.method, spec=SimpleNamespace(steps=steps))
    assert minutes(long) == SHORT_MINUTES + 1 and shared_job(long, {"search": 8}) is None
