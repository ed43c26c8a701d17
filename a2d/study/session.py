"""One start of the workflow: what it may touch, how far it is, and what has failed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from a2d.errors import A2DError
from a2d.runs.sealed import list_whole
from a2d.runs.workflow_process import WORKFLOW_VARIABLE, name_process
from a2d.study.lock import check_writable, lock_folders
from a2d.study.options import Options
from a2d.study.progress import Progress, Tracker
from a2d.study.repair import restore_architectures
from a2d.study.snakemake_log import Jobs, explain_failures
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace


@contextmanager
def mistakes_in_a_line() -> Iterator[None]:
    """End the process with a line on what is wrong, not with a traceback."""
    try:
        yield
    except A2DError as error:
        sys.exit(f"a2d: {error}")


def prepare_jobs() -> None:
    """Set in this process what the jobs that it starts need to know."""
    # They run in the environment of this Snakemake, activated or not.
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    os.environ["PATH"] = os.pathsep.join(path)
    # A run whose workflow was killed saves a checkpoint and stops.
    os.environ[WORKFLOW_VARIABLE] = name_process(os.getpid())


@dataclass
class Session:
    """What holds while a workflow executes jobs. Nothing of it is done in a dry run."""

    options: Options
    study: Study
    files: Workspace
    jobs: Jobs
    _lock: TextIO | None = field(default=None, init=False)
    _progress: Progress | None = field(default=None, init=False)

    def start(self, wanted: Iterable[tuple[Run, Path]], cores: int) -> None:
        """Take the folders for this workflow alone, and report progress.

        Args:
            wanted: each run to do, and the record that ends it.
            cores: how many runs are trained side by side.

        Raises:
            A2DError: a folder cannot be written to, or another workflow trains into it.
        """
        check_writable(self.files.runs, self.options.elsewhere)
        if not self.options.only_recorded:
            check_writable(self.files.results, self.options.elsewhere)
            self._lock = lock_folders(self.files)
            restore_architectures(self.study, self.files)
            list_whole(self.files.whole(self.study.name))
        tracker = Tracker(self.study, self.files, wanted, cores)
        self._progress = Progress(tracker, self.options.root / "results")
        self._progress.start()

    def finish(self) -> None:
        """Report no more progress, and let other workflows in."""
        if self._progress is not None:
            self._progress.stop()
        if self._lock is not None:
            self._lock.close()

    def fail(self, account: Iterable[Path]) -> None:
        """Finish, and print what has failed. ``account`` are Snakemake's logs."""
        self.finish()
        print(explain_failures(self.jobs, self.options.plan, account), file=sys.stderr)
