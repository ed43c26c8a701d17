"""What the workflow would build on and is damaged or missing, though its record is there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from a2d.errors import A2DError
from a2d.runs.agent_checks import DESCRIPTION, check_agent_files
from a2d.runs.records import check_record, read_record
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace


def find_damage(study: Study, workspace: Workspace) -> dict[Path, str]:
    """Return what is wrong with files that the workflow would build on, and therefore makes again.

    Records are named by their path, the weights of teachers by their folder.
    """
    damage = {}
    for run in study.runs.values():
        record, bundle = workspace.record(run), workspace.bundle(run.spec)
        try:
            if record.exists():
                check_record(record)
        except A2DError as error:
            damage[record] = str(error)
        try:
            # Without a record it is still in the making, or was left there: it is trained in any
            # case.
            if run.stage == "teacher" and all(
                (bundle / name).exists() for name in (DESCRIPTION, "record.json")
            ):
                _check_teacher(bundle, run)
        except A2DError as error:
            damage[bundle] = str(error)
    return damage


def _check_teacher(bundle: Path, run: Run) -> None:
    check_agent_files(bundle)
    record = read_record(bundle / "record.json")
    if record.key != run.key:
        raise A2DError(f"{bundle}: holds the run {record.key}, not {run.key}")


def restore_architectures(study: Study, workspace: Workspace) -> None:
    """Write every recorded search's ``arch.json`` that is missing or is not what its record holds."""
    for run in study.runs.values():
        if run.stage == "search" and workspace.record(run).exists():
            with suppress(A2DError):  # a damaged record is told, and made again
                workspace.restore_architecture(run)
