"""Where a study's files lie: records in git, weights in one ignored folder under the run's key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from a2d.architecture import Architecture, load_architecture
from a2d.errors import A2DError
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
        """Read what a search of the study derived. Raise A2DError if it has not run."""
        run = study.runs[key_of(search)]
        path = self.architecture(run)
        if not path.is_file():
            raise A2DError(f"{path}: is missing; run {run.path} first")
        return load_architecture(path)
