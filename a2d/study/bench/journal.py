"""The trainings of one group as they end: a file of a line each, whole at any moment.

``ROWS/GROUP.partial.jsonl`` grows by a line with every training and becomes ``GROUP.jsonl`` with
the last. Both can be committed at any time: another machine goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from a2d.errors import A2DError
from a2d.files import digest, write_text
from a2d.runs.records import Record
from a2d.runs.sealed import CHECKSUM
from a2d.specs.data import Frozen, describe_validation_error
from a2d.study.bench.definition import Group, Row

DIGITS = 4  # of a curve's returns, behind the point


class Entry(Frozen):
    """What the table keeps of a run's record.

    ``curve`` holds the mean return of the last (at most 100) training episodes after every
    ``every`` steps; ``returns`` those of the test episodes, none where even they gave no numbers.
    """

    key: str
    architecture: str
    task: str
    seed: int
    status: Literal["finished", "diverged"]
    steps: int
    returns: tuple[float, ...]
    every: int
    curve: tuple[float | None, ...]
    flops: int
    parameters: int
    seconds: float
    processor: str
    commit: str | None
    modified: bool
    torch: str

    def content(self) -> dict[str, Any]:
        """Return what two trainings of the same row have alike: all but time and provenance."""
        return self.model_dump(exclude={"seconds", "processor", "commit", "modified", "torch"})


def entry_of(row: Row, record: Record) -> Entry:
    """Return what the table keeps of a row's record."""
    returns = [] if record.evaluation is None else record.evaluation.returns
    curve, made_by = record.curve, record.provenance
    return Entry(
        key=record.key,
        architecture=row.architecture,
        task=row.task,
        seed=row.seed,
        status=record.status,
        steps=record.steps_done,
        returns=tuple(returns),
        every=curve[0].step if curve else record.spec.steps,
        curve=tuple(
            None if point.mean_return is None else round(point.mean_return, DIGITS)
            for point in curve
        ),
        flops=record.network.flops,
        parameters=record.network.parameters,
        seconds=round(record.timing.training_s, 2),
        processor=made_by.processor,
        commit=made_by.commit,
        modified=made_by.modified,
        torch=made_by.versions["torch"],
    )


class Journal:
    """The file of one group.

    Args:
        folder: of all groups.
        group: whose trainings it holds.

    Raises:
        A2DError: the file is damaged, or was edited.
    """

    def __init__(self, folder: Path, group: Group) -> None:
        self.path = folder / f"{group.name}.jsonl"
        self.partial = folder / f"{group.name}.partial.jsonl"
        keys = {row.key for row in group.rows}
        found = [entry for path in (self.partial, self.path) for entry in read_entries(path)]
        self.entries = {entry.key: entry for entry in found if entry.key in keys}
        self.rows = group.rows

    def missing(self) -> list[Row]:
        """Return the rows that are still to be trained, in order."""
        return [row for row in self.rows if row.key not in self.entries]

    def add(self, entry: Entry) -> None:
        """Keep a training for good."""
        self.entries[entry.key] = entry
        self._write(self.partial)

    def finish(self) -> None:
        """Put the whole group in its place."""
        self._write(self.path)
        self.partial.unlink(missing_ok=True)

    def _write(self, path: Path) -> None:
        text = "".join(_line(entry) for entry in self.entries.values())
        write_text(path, text)


def find_entry(folder: Path, groups: Iterable[Group], row: Row) -> Entry | None:
    """Return what the journal of the row's group holds of it, if anything."""
    for group in groups:
        if row.key in {each.key for each in group.rows}:
            return Journal(folder, group).entries.get(row.key)
    return None


def _line(entry: Entry) -> str:
    data = entry.model_dump(mode="json")
    return json.dumps({**data, CHECKSUM: digest(data)}, allow_nan=False) + "\n"


def read_entries(path: Path) -> list[Entry]:
    """Read a file of trainings, none where it is not there.

    Raises:
        A2DError: a line is not what was written; it names the file and the line.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines()
    return [_entry(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]


def _entry(line: bytes, place: str) -> Entry:
    remedy = "delete the line, and its training is repeated"
    try:
        data = json.loads(line)
        if not isinstance(data, dict):
            raise A2DError(f"{place}: is no training; {remedy}")
        claimed = data.pop(CHECKSUM, None)
        if claimed != digest(data):
            raise A2DError(f"{place}: its checksum does not match its content; {remedy}")
        return Entry.model_validate(data)
    except ValidationError as error:
        raise describe_validation_error(error, place) from error
    except ValueError as error:
        raise A2DError(f"{place}: cannot be read ({error}); {remedy}") from error
