"""One run of a study, in a process of its own: ``a2d run``."""

from __future__ import annotations

from pathlib import Path

from a2d.console import say
from a2d.errors import A2DError
from a2d.files import only_process, remove_partial
from a2d.networks.agent import Agent
from a2d.runs.execute import run_search, run_training
from a2d.runs.folder import describe_divergence, keep_record, load_teacher
from a2d.runs.records import read_record
from a2d.specs.run import SearchSpec, TrainSpec, key_of, search_of
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace


def do_run(study: Study, run: Run, workspace: Workspace, record_path: Path | None) -> None:
    """Do one run of a study, unless another process does it meanwhile."""
    spec, target, folder = (
        run.spec,
        record_path or workspace.record(run),
        workspace.bundle(run.spec),
    )
    before = _state_of(target)
    with only_process(folder):
        if _state_of(target) != before or (record_path is None and _is_done(target, spec)):
            return  # by another process meanwhile, or before one that shares its job on a cluster failed
        remove_partial(target.parent, target.stem)
        teacher = (
            None if spec.teacher is None else _teacher(workspace.bundle(spec.teacher), spec.teacher)
        )
        if isinstance(spec, SearchSpec):
            record = run_search(spec, folder, teacher)
        else:
            search = search_of(spec)
            searched = None if search is None else workspace.searched(study, search)
            record = run_training(spec, folder, teacher, searched)
        keep_record(record, target, target.with_suffix(".arch.json"), folder)
        if record.status == "diverged":
            say(f"{run.path}: {describe_divergence(record)}, which counts")


def _is_done(path: Path, spec: TrainSpec | SearchSpec) -> bool:
    try:
        return path.exists() and read_record(path).key == key_of(spec)
    except A2DError:
        return False


def _state_of(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _teacher(folder: Path, spec: TrainSpec) -> Agent:
    agent, description = load_teacher(folder)
    if key_of(description.spec) != key_of(spec):
        raise A2DError(
            f"{folder}: holds the agent of run {key_of(description.spec)}, not that of {key_of(spec)}"
        )
    return agent
