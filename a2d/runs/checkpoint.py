"""A run's checkpoint: one file, whole or absent, from which the run resumes bit for bit.

The file holds a SHA-256, then tensors in the format of safetensors; loading it executes no code.
Environments are not stored: they are brought to where they were by replaying every action from the
run's seed.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from a2d.console import say
from a2d.errors import A2DError, Stopped
from a2d.files import write_atomically
from a2d.runs.process import number_from
from a2d.runs.stopping import answering
from a2d.runs.workflow_process import WORKFLOW_VARIABLE, is_gone

FILE = "checkpoint"
SECONDS_VARIABLE = "A2D_CHECKPOINT_SECONDS"
DEFAULT_SECONDS = 60.0
NOTES = "notes"
DIGITS = 64  # of a SHA-256


class Damaged(Exception):
    """A checkpoint is not what was written."""


def write_checkpoint(path: Path, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
    """Write tensors and plain data, atomically."""
    text = torch.frombuffer(bytearray(json.dumps(notes).encode()), dtype=torch.uint8)
    content = save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        | {NOTES: text}
    )

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.write(hashlib.sha256(content).hexdigest().encode())
            file.write(content)

    write_atomically(path, write)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what ``write_checkpoint`` wrote. Raise Damaged where the file is anything else."""
    data = path.read_bytes()
    digest, content = data[:DIGITS], data[DIGITS:]
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise Damaged("its checksum does not match its content")
    try:
        tensors = load(content)
        notes = json.loads(tensors.pop(NOTES).numpy().tobytes())
    except (SafetensorError, KeyError, ValueError) as error:
        raise Damaged(f"it is no checkpoint: {error}") from error
    return tensors, notes


class Checkpoint:
    """Where one run saves its checkpoint, and when one is due.

    As a context, around training, it also answers signals such as SIGTERM: at the first, the run
    saves a checkpoint and stops; a second ends it at once.

    Args:
        folder: of the run.
        identity: what the checkpoint depends on; the run resumes only from one with the same.
    """

    def __init__(self, folder: Path, identity: dict[str, str]) -> None:
        self.path = folder / FILE
        self.identity = identity
        self.seconds = number_from(SECONDS_VARIABLE, DEFAULT_SECONDS)
        self.workflow = os.environ.get(WORKFLOW_VARIABLE, "")
        self.saved = time.monotonic()
        self.asked = 0
        self.handlers = ExitStack()

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the checkpoint; None where the run has to start again, which is reported.

        Raises:
            A2DError: the folder holds the checkpoint of another run.
        """
        if not self.path.is_file():
            return None
        try:
            tensors, notes = read_checkpoint(self.path)
        except Damaged as reason:
            self.say(f"{reason}; the run starts again")
            return None
        held, own = notes["identity"], self.identity
        if held["run"] != own["run"]:
            raise A2DError(
                f"{self.path}: belongs to another run ({held['run']}, this is {own['run']}); "
                "name another folder, or delete the file"
            )
        changed = sorted(
            name for name in held.keys() | own.keys() if held.get(name) != own.get(name)
        )
        if changed:
            self.say(f"was made with another {', '.join(changed)}; the run starts again")
            return None
        return tensors, notes

    def say(self, message: str) -> None:
        """Report something about the checkpoint."""
        say(f"{self.path}: {message}")

    def save(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Replace the checkpoint by a newer one."""
        write_checkpoint(self.path, tensors, {**notes, "identity": self.identity})
        self.saved = time.monotonic()

    def due(self) -> bool:
        """Whether the checkpoint is old, or the run was asked to stop."""
        if not self.asked and self.workflow and is_gone(self.workflow):
            # The workflow was killed; started again, it would wait for this process.
            self.asked = signal.SIGTERM
        return bool(self.asked) or time.monotonic() - self.saved >= self.seconds

    def stop_if_asked(self, progress: str) -> None:
        """Raise Stopped if the run was asked to stop; called when the checkpoint is saved."""
        if self.asked:
            number, self.asked = self.asked, 0  # it is answered once
            raise Stopped(f"stopped at {progress}; the same command resumes there", number)

    def __enter__(self) -> Checkpoint:
        self.handlers.enter_context(answering(self._ask))
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = number

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self.handlers.close()
        if kind is None:
            self.stop_if_asked("the end of training")


def remove_checkpoint(folder: Path) -> None:
    """Delete a run's checkpoint, once its record is in place."""
    (folder / FILE).unlink(missing_ok=True)
