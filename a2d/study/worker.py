"""One run of a study, in a process of its own: ``a2d run``."""

from __future__ import annotations

from pathlib import Path

from a2d.console import say
from a2d.errors import A2DError
from a2d.files import only_process, remove_partial
from a2d.networks.agent import Agent
from a2d.runs.execute import run_search, run_training
from a2d.runs.folder import describe_divergence, keep_record
from a2d.runs.records import Record, read_record
from a2d.runs.saved_agents import load_teacher
from a2d.specs.run import SearchSpec, TrainSpec, key_of, search_of, teacher_run_of
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace


def do_run(study: Study, run: Run, workspace: Workspace, record_path: Path | None) -> None:
    """Do one run of a study, unless another process does it meanwhile.

    Args:
        study: that the run is of.
        run: what to do.
        workspace: where the records and agents that it starts from lie.
        record_path: where its record is written instead of its own place.
    """
    target, folder = record_path or workspace.record(run), workspace.agent_folder(run.spec)
    before = _moment(target)
    with only_process(folder):
        if _moment(target) != before:
            return  # done by another process meanwhile
        if record_path is None and _is_done(target, run.spec):
            return  # before a run failed that shares its job on a cluster, and is tried again
        remove_partial(target.parent, target.stem)
        record = _execute(study, run.spec, workspace)
        keep_record(record, target, target.with_suffix(".arch.json"), folder)
        if record.status == "diverged":
            say(f"{run.path}: {describe_divergence(record)}, which counts")


def _execute(study: Study, spec: TrainSpec | SearchSpec, workspace: Workspace) -> Record:
    """Train or search, with the teacher and the architecture that the spec asks for."""
    folder, teacher, searched = workspace.agent_folder(spec), None, None
    taught = teacher_run_of(spec)
    if taught is not None:
        teacher = load_agent_of(taught, workspace)
    if isinstance(spec, SearchSpec):
        return run_search(spec, folder, teacher)
    search = search_of(spec)
    if search is not None:
        searched = workspace.searched(study, search)
    return run_training(spec, folder, teacher, searched)


def _is_done(path: Path, spec: TrainSpec | SearchSpec) -> bool:
    try:
        return path.exists() and read_record(path).key == key_of(spec)
    except A2DError:
        return False


def _moment(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def load_agent_of(spec: TrainSpec, workspace: Workspace) -> Agent:
    """Return the agent that a run has left behind, to teach.

    Raises:
        A2DError: it is not there, or is another run's.
    """
    folder = workspace.agent_folder(spec)
    agent, description = load_teacher(folder)
    found, wanted = key_of(description.spec), key_of(spec)
    if found != wanted:
        raise A2DError(f"{folder}: holds the agent of run {found}, not that of {wanted}")
    return agent
