"""How a run uses its process: one thread, one device, and memory that is kept between updates."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

import torch

from a2d.errors import A2DError

# One thread per run and many runs side by side is both the fastest and the reproducible way.
THREADS = 1

# Parameters of glibc's mallopt, from its malloc.h.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
LARGEST_MMAP_THRESHOLD = 32 * 2**20  # bytes; glibc refuses more

DEVICE_VARIABLE = "A2D_DEVICE"


def chosen_device() -> torch.device:
    """Return the device that networks are trained on: ``A2D_DEVICE``, or else the processor.

    Its value is a name such as ``cuda`` or ``cuda:1``. It is no part of a run's spec: it changes a
    result only as another machine would.
    """
    name = os.environ.get(DEVICE_VARIABLE, "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        problem = str(error).partition("\n")[0]
        raise A2DError(
            f"{DEVICE_VARIABLE}={name}: PyTorch cannot use this device here: {problem}"
        ) from error
    return device


def number_from(variable: str, default: float) -> float:
    """Return the number, at least 0, that an environment variable holds, or else the default."""
    text = os.environ.get(variable, str(default))
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise A2DError(f"{variable}={text}: should be a number, at least 0")
    return number


def accelerator_name() -> str | None:
    """Return the chosen device's product name, or None for the processor."""
    device = chosen_device()
    if device.type == "cpu":
        return None
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return device.type


def prepare() -> None:
    """Set the process up for a run."""
    torch.set_num_threads(THREADS)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let glibc keep freed memory instead of returning it to the system.

    Other C libraries are left as they are.

    Every update frees what the next one allocates again. Taking it from the system each time, page
    by page, takes as long as a small network's arithmetic.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
        mallopt(TOP_PAD, LARGEST_MMAP_THRESHOLD)


def peak_memory_mib() -> float:
    """Return the most memory the process has held so far, in MiB."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    # The second choice: on Linux it begins with what the process that started this one held.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if sys.platform == "darwin":  # where it is in bytes
        peak /= 1024
    return peak
