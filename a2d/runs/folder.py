"""One run in a folder, as the command line asks for it: its files, and its record."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from a2d.console import say
from a2d.errors import A2DError
from a2d.files import only_process
from a2d.networks.imported import Teacher
from a2d.networks.interface import build_agent
from a2d.networks.supernet import Supernet
from a2d.runs.agent_checks import check_agent_files
from a2d.runs.checkpoint import remove_checkpoint
from a2d.runs.designs import task_interface
from a2d.runs.execute import run_search, run_training
from a2d.runs.file_kinds import ARCHITECTURE_FILE
from a2d.runs.guards import weak_teacher
from a2d.runs.records import RECORD, Record, read_record, write_record
from a2d.runs.request import (
    Imported,
    RunRequest,
    SearchRequest,
    TeacherSpec,
    search_spec,
    train_spec,
)
from a2d.runs.saved_agents import load_any_teacher, teacher_returns
from a2d.runs.scores import random_score, score_of
from a2d.search.searcher import make_searcher
from a2d.specs.architecture import Architecture, write_architecture
from a2d.specs.run import SearchSpec, TrainSpec, key_of
from a2d.specs.teacher import ImportedTeacher


def _check(request: RunRequest) -> None:
    """Refuse, before anything is built, what a run could not write to or learn from."""
    for option, folder in (("--out", request.out), ("--log", request.log)):
        if folder is not None and folder.exists() and not folder.is_dir():
            raise A2DError(f"{folder}: is a file; {option} names a folder, new or the run's own")
    if request.log is not None and find_spec("tensorboard") is None:
        raise A2DError(
            "--log: needs the package tensorboard; "
            "pip install 'a2d[tensorboard]', or leave --log out"
        )
    if (request.teacher is None) != (request.distill == "none"):
        raise A2DError("--teacher and --distill go together: give both, or neither")


def _teacher(request: RunRequest) -> tuple[Teacher | None, TeacherSpec | None]:
    if request.teacher is None:
        return None, None
    if isinstance(request.teacher, Imported):
        return request.teacher
    return load_any_teacher(request.teacher)


def _refuse_weak_teacher(request: RunRequest, spec: TrainSpec | SearchSpec) -> None:
    if request.accept_weak_teacher or spec.teacher is None:
        return
    name, folders = "the teacher", [request.out]
    if isinstance(request.teacher, Path):
        name, folders = str(request.teacher), [request.out, request.teacher]
        returns = teacher_returns(request.teacher)
    else:
        assert isinstance(spec.teacher, ImportedTeacher)
        returns = spec.teacher.returns
    error = weak_teacher(name, score_of(returns), random_score(spec.task, *folders))
    if error is not None:
        raise error


def _note_discount(spec: TrainSpec | SearchSpec) -> None:
    """Say where a critic would teach values of another discount."""
    own, taught = spec.algorithm.discount, getattr(spec.teacher, "discount", None)
    if taught not in (None, own) and spec.distillation.teaches("critic"):
        section = "a2c" if spec.ppo is None else "ppo"
        say(
            f"the teacher's values are of discount {taught:g}, the student's of {own:g}; "
            f"--set {section}.discount={taught:g}, or --distill actor"
        )


def train_agent(request: RunRequest, design: str | Architecture) -> Record:
    """Train one agent and leave its files and record in the folder that is asked for."""
    _check(request)
    agent, taught = _teacher(request)
    spec, out = train_spec(request, design, taught), request.out
    # What does not fit is refused before there is a folder.
    build_agent(design, task_interface(request.task))
    _refuse_weak_teacher(request, spec)
    _note_discount(spec)
    with only_process(out):
        return _finished(out, spec) or keep_record(
            run_training(spec, out, agent, log=request.log),
            out / RECORD,
            out / ARCHITECTURE_FILE,
            out,
        )


def search_architecture(request: SearchRequest) -> Record:
    """Search an architecture and leave it and the record in the folder that is asked for."""
    _check(request)
    agent, taught = _teacher(request)
    spec, out = search_spec(request, taught), request.out
    shape = task_interface(request.task).observation_shape
    supernet = Supernet(spec.search.space, spec.search.operators(spec.space), shape)
    make_searcher(spec, supernet)  # what does not fit is refused before there is a folder
    _refuse_weak_teacher(request, spec)
    _note_discount(spec)
    with only_process(out):
        return _finished(out, spec) or keep_record(
            run_search(spec, out, agent, request.log),
            out / RECORD,
            out / ARCHITECTURE_FILE,
            out,
        )


def _finished(out: Path, spec: TrainSpec | SearchSpec) -> Record | None:
    """Return the record that ``out`` holds, if any; raise A2DError if it is another run's."""
    path = out / RECORD
    if not path.exists():
        return None
    record = read_record(path)
    if record.key != key_of(spec):
        raise A2DError(f"{path}: is the record of another run; name another folder with --out")
    if record.search is not None:
        write_architecture(out / ARCHITECTURE_FILE, record.search.architecture)
    else:
        try:
            check_agent_files(out)
        except A2DError as error:
            say(f"{error}: it is trained again")
            return None
    remove_checkpoint(out)
    say(f"{path}: this run is finished; nothing is repeated")
    return record


def describe_divergence(record: Record) -> str:
    """Return a line that says where and why a run diverged, and what is kept."""
    score = "no score"
    if record.evaluation is not None:
        score = f"score {record.score:.2f}"
    return (
        f"the run diverged at step {record.steps_done:,} of {record.spec.steps:,} "
        f"({record.reason}); "
        f"kept are its record and the last good weights, {score}"
    )


def keep_record(record: Record, path: Path, architecture: Path, folder: Path) -> Record:
    """Write what a search found, then the record, which confirms it; delete the checkpoint."""
    if record.search is not None:
        write_architecture(architecture, record.search.architecture)
    write_record(path, record)
    remove_checkpoint(folder)
    return record
