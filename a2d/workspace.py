"""Where a study's files lie: records in git, weights in one ignored folder under the run's key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from a2d.architecture import Architecture, load_architecture, write_architecture
from a2d.errors import A2DError
from a2d.records import Record, read_record
from a2d.spec import SearchSpec, TrainSpec, key_of
from a2d.study import Run, Study


@dataclass(frozen=True)
class Workspace:
    """Folders of records and of weights."""

    results: Path
    runs: Path

    def record(self, run: Run) -> Path:
        return self.results / run.path

    def architecture(self, run: Run) -> Path:
        return self.results / run.architecture_path

    def bundle(self, spec: TrainSpec | SearchSpec) -> Path:
        return self.runs / key_of(spec)

    def searched(self, study: Study, search: SearchSpec) -> Architecture:
        """Return what a search of the study derived, as its record says. Raise A2DError if it has not run."""
        run = study.runs[key_of(search)]
        path = self.record(run)
        if not path.is_file():
            raise A2DError(f"{path}: is missing; run {run.path} first")
        return _found(read_record(path))

    def restore_architecture(self, run: Run) -> None:
        """Write a search's ``arch.json``, unless it is what the record holds. Raise A2DError where that is damaged."""
        path, architecture = self.architecture(run), _found(read_record(self.record(run)))
        try:
            same = load_architecture(path) == architecture
        except A2DError:
            same = False
        if not same:
            write_architecture(path, architecture)


def _found(record: Record) -> Architecture:
    assert record.search is not None
    return record.search.architecture
