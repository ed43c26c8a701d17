"""Telling a person how a long run goes: a progress bar on a terminal, TensorBoard if asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

from tqdm import tqdm


class Reporter:
    """A context around one run's training.

    Args:
        title: stands before the bar; the bar is silent where standard error is no terminal.
        steps: environment steps in all.
        tensorboard: folder for TensorBoard's event files, or None for none.
    """

    def __init__(self, title: str, steps: int, tensorboard: Path | None = None) -> None:
        silent = True if sys.stderr is None else None  # None: where standard error is no terminal
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

    def point(self, step: int, scalars: dict[str, float | None]) -> None:
        """Show one point of the learning curve and the loss terms."""
        if scalars.get("return") is not None:
            self.bar.set_postfix_str(f"return {scalars['return']:.2f}")
        if self.writer is not None:
            for name, value in scalars.items():
                if value is not None:
                    self.writer.add_scalar(name, value, step)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()
        if self.writer is not None:
            self.writer.close()
