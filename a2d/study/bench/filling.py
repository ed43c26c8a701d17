"""Trains the rows of the table: groups of them in one process, or one again as an ordinary run."""

from __future__ import annotations

import shutil
from pathlib import Path

from a2d.errors import A2DError
from a2d.files import only_process
from a2d.networks.agent import Agent
from a2d.runs.execute import run_training
from a2d.runs.file_kinds import ARCHITECTURE_FILE
from a2d.runs.folder import keep_record
from a2d.runs.records import RECORD, Record
from a2d.specs.run import TrainSpec, teacher_run_of
from a2d.study.bench.definition import Group, Row
from a2d.study.bench.journal import Journal, entry_of
from a2d.study.worker import load_agent_of
from a2d.study.workspace import Workspace

WORK = "bench"  # below the weights' folder: where trainings keep their checkpoints


def fill(group: Group, rows: Path, files: Workspace) -> None:
    """Train what a group's journal lacks, unless another process does so meanwhile.

    Stopped at any moment, the same call goes on: nothing is lost of trainings that have ended, and
    of the one under way what came after its last checkpoint.

    Args:
        group: what to train.
        rows: folder of the journals.
        files: where the teachers' weights lie, and the trainings' checkpoints.
    """
    folder = files.runs / WORK / group.name
    with only_process(folder):
        journal = Journal(rows, group)
        missing = journal.missing()
        teacher = _teacher(missing[0].spec, files) if missing else None
        for row in missing:
            record = run_training(row.spec, folder / row.key, teacher)
            journal.add(entry_of(row, record))
            shutil.rmtree(folder / row.key)  # agents are not kept: any can be trained again
        journal.finish()


def train_again(row: Row, out: Path, files: Workspace) -> Record:
    """Train one row as the ordinary run that it is, and leave agent and record in a folder.

    Raises:
        A2DError: the folder holds a record.
    """
    if (out / RECORD).exists():
        raise A2DError(f"{out}: holds a record; name a new folder with --out")
    with only_process(out):
        record = run_training(row.spec, out, _teacher(row.spec, files))
        return keep_record(record, out / RECORD, out / ARCHITECTURE_FILE, out)


def _teacher(spec: TrainSpec, files: Workspace) -> Agent | None:
    taught = teacher_run_of(spec)
    if taught is None:
        return None
    return load_agent_of(taught, files)
