"""Where a study's files lie: records in git, weights in one ignored folder under the run's key."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from a2d.errors import A2DError
from a2d.runs.records import Record, find_records, read_record
from a2d.specs.architecture import Architecture, load_architecture, write_architecture
from a2d.specs.run import SearchSpec, TrainSpec, key_of
from a2d.study.study import Run, Study


@dataclass(frozen=True)
class Workspace:
    """Folders of records and of weights."""

    results: Path
    runs: Path

    def record(self, run: Run) -> Path:
        return self.results / run.path

    def whole(self, scale: str) -> Path:
        """Return where the workflow lists the files that it found whole when it started."""
        return self.runs / "manifests" / scale / "whole.txt"

    @cached_property
    def named(self) -> dict[str, list[Path]]:
        """All records by file name, which is seed and key, whatever the scale is called."""
        found: dict[str, list[Path]] = defaultdict(list)
        for path in find_records(self.results):
            found[path.name].append(path)
        return dict(found)

    def find(self, run: Run) -> Path | None:
        """Return where the run's record lies: at its own place, or else under another scale.

        What lies at its own place is returned whatever it holds; elsewhere a damaged or stale
        record does not count.
        """
        own = self.record(run)
        if own.exists():
            return own
        for path in self.named.get(own.name, ()):
            with suppress(A2DError):
                if read_record(path).key == run.key:
                    return path
        return None

    def architecture(self, run: Run) -> Path:
        return self.results / run.architecture_path

    def agent_folder(self, spec: TrainSpec | SearchSpec) -> Path:
        """Return the folder of a run's checkpoint, and of the agent that it leaves behind."""
        return self.runs / key_of(spec)

    def searched(self, study: Study, search: SearchSpec) -> Architecture:
        """Return what a search of the study derived, as its record says.

        Raises:
            A2DError: it has not run.
        """
        run = study.runs[key_of(search)]
        path = self.find(run)
        if path is None:
            raise A2DError(f"{self.record(run)}: is missing; run {run.path} first")
        return _found(read_record(path))

    def restore_architecture(self, run: Run) -> None:
        """Write a search's ``arch.json``, unless it is what the record holds.

        Raises:
            A2DError: the record is damaged.
        """
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
