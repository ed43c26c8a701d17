"""Reports the progress of a run: a bar on a terminal, and TensorBoard if asked for."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tqdm import tqdm

STATUS = "steps"  # a file in the run's folder
SECONDS = 5.0


def read_status(folder: Path) -> int | None:
    """Return how many steps the run in a folder has done; None if no run is active there."""
    try:
        path = folder / STATUS
        if time.time() - path.stat().st_mtime < 12 * SECONDS:  # a killed run leaves its file behind
            return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it has just ended, or is being written
        pass
    return None


class Reporter:
    """A context around one run's training.

    Args:
        title: stands before the bar; the bar is silent where standard error is no terminal.
        steps: environment steps in all.
        tensorboard: folder for TensorBoard's event files, or None for none.
        folder: of the run; a small file there says every five seconds how many steps are done.
    """

    def __init__(
        self, title: str, steps: int, tensorboard: Path | None = None, folder: Path | None = None
    ) -> None:
        self.status = folder and folder / STATUS
        self.done, self.written = 0, 0.0
        silent = sys.stderr is None or None  # None: where standard error is no terminal
        self.bar = tqdm(total=steps, desc=title, unit=" steps", unit_scale=True, disable=silent)
        self.writer = None
        if tensorboard is not None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(tensorboard))

    def __enter__(self) -> Reporter:
        return self

    def advance(self, steps: int) -> None:
        """Move the bar."""
        self.bar.update(steps)
        self.done += steps
        now = time.monotonic()
        if self.status is not None and now - self.written >= SECONDS:
            self.written = now
            with suppress(OSError):  # a full disk is reported where something is lost
                self.status.write_text(str(self.done), encoding="utf-8")

    def point(self, step: int, scalars: dict[str, float | None]) -> None:
        """Show one point of the learning curve and the loss terms."""
        if scalars.get("return") is not None:
            self.bar.set_postfix_str(f"return {scalars['return']:.2f}")
        if self.writer is not None:
            for name, value in scalars.items():
                if value is not None:
                    self.writer.add_scalar(name, value, step)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.close()
        if self.status is not None:
            with suppress(OSError):
                self.status.unlink(missing_ok=True)
        if self.writer is not None:
            self.writer.close()
