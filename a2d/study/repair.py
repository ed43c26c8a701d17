"""What the workflow would build on and is damaged or missing, though its record is there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from a2d.errors import A2DError
from a2d.runs.agent_checks import DESCRIPTION, check_agent_files
from a2d.runs.records import check_record, read_record
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace


@dataclass(frozen=True)
class Damage:
    """Something damaged, which the workflow moves aside and makes again.

    Args:
        path: a record, or the folder of a teacher's weights.
        problem: what is wrong with it.
        kept: where it is moved; nothing is there yet.
        note: a file beside it that says what was wrong, not there yet either.
    """

    path: Path
    problem: str
    kept: Path
    note: Path


def find_damage(study: Study, workspace: Workspace) -> list[Damage]:
    """Return what is damaged of what the workflow would build on; nothing is changed."""
    return [
        _set_aside(path, problem, workspace.runs / "damaged")
        for run in study.runs.values()
        for path, problem in _problems(run, workspace)
    ]


def _problems(run: Run, workspace: Workspace) -> Iterator[tuple[Path, str]]:
    """Yield what is damaged of a run's record and of a teacher's weights, and why."""
    record = workspace.record(run)
    try:
        if record.exists():
            check_record(record)
    except A2DError as error:
        yield record, str(error)
    if run.stage != "teacher":
        return
    folder = workspace.agent_folder(run.spec)
    try:
        # Without a record it is still in the making, or was left so: it is trained in any case.
        if (folder / "record.json").exists():
            _check_teacher(folder, run)
    except A2DError as error:
        yield folder, str(error)


def _check_teacher(folder: Path, run: Run) -> None:
    if (folder / DESCRIPTION).exists():
        check_agent_files(folder)
        record = read_record(folder / "record.json")
        if record.key != run.key:
            raise A2DError(f"{folder}: holds the run {record.key}, not {run.key}")


def _set_aside(path: Path, problem: str, folder: Path) -> Damage:
    """Name a place in ``folder`` that is not taken: name.1, name.2 and so on."""
    for number in itertools.count(1):
        name = f"{path.stem}.{number}"
        kept, note = folder / f"{name}{path.suffix}", folder / f"{name}.txt"
        if not kept.exists() and not note.exists():
            break
    return Damage(path, problem, kept, note)


def restore_architectures(study: Study, workspace: Workspace) -> None:
    """Write every recorded search's ``arch.json`` that is missing or not what its record holds."""
    for run in study.runs.values():
        if run.stage == "search" and workspace.record(run).exists():
            with suppress(A2DError):  # a damaged record is made again, and its arch.json with it
                workspace.restore_architecture(run)
