"""Real processes of the command line: started, watched, limited, and what they leave."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.checkout import ROOT

A2D = [sys.executable, "-c", "from a2d.cli import main; main()"]
PLACE = r"(the end of training, )?step [\d,]+ of [\d,]+(, after trial \d+)?"
RESUMES = rf"a2d: .*checkpoint: resumes from {PLACE}\n"
STOPPED = rf"a2d: stopped (at ({PLACE}|the end of training); .*|after training; .*|; .*)\n"
DAC_OVERRIDE, DAC_READ_SEARCH, DROP_FROM_BOUNDING_SET = (
    1,
    2,
    24,
)  # of Linux's capabilities and prctl


def environment(**more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "A2D_CHECKPOINT_SECONDS": "0.05",
        "PYTHONHASHSEED": "0",
        **more,
    }


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    keywords: dict[str, Any] = {"env": environment(), "cwd": ROOT, "text": True}
    keywords |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*A2D, *map(str, arguments)], **keywords | options)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, errors = process.communicate(timeout=300)
    assert "Traceback" not in out + errors, errors
    return process.returncode, errors


def run(*arguments: object, **options: Any) -> tuple[int, str]:
    return finish(start(*arguments, **options))


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what a run leaves behind.

    Without its record, which holds times, and the random policy's score, which is no part of it.
    """
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name not in ("record.json", "random.json", ".lock")
    }


def wait_for_checkpoints(process: subprocess.Popen[str], path: Path, count: int) -> None:
    """Wait until a process has saved its state some times, or has ended."""
    seen = path.stat().st_mtime_ns if path.exists() else 0
    while count and process.poll() is None:
        time.sleep(0.002)
        now = path.stat().st_mtime_ns if path.exists() else 0
        if now != seen:
            seen, count = now, count - 1


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def obey_permissions() -> None:
    """Let permissions hold for root as well."""
    for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, capability)


def vanilla(out: Path, steps: int = 8000) -> list[object]:
    task = ROOT / "envs" / "tiny-catch.yaml"
    return [
        "train",
        "--task",
        task,
        "--network",
        "vanilla",
        "--out",
        out,
        "--steps",
        steps,
        "--environments",
        4,
    ]
