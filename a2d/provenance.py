"""Where a result came from: code, versions, hardware."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from a2d.tasks import Frozen

PACKAGES = ("a2d", "torch", "numpy", "gymnasium", "minatar", "ale-py", "mujoco")


class Provenance(Frozen):
    """What a reader needs in order to judge or repeat a run."""

    commit: str | None
    modified: bool
    versions: dict[str, str]
    processor: str
    accelerator: str | None
    cores: int
    threads: int
    platform: str


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def collect_provenance(threads: int, accelerator: str | None = None) -> Provenance:
    """Describe the code and the machine this process runs on."""
    return Provenance(
        commit=_git("rev-parse", "HEAD"),
        # Only the code that computes results counts: fresh records beside it do not make it another code.
        modified=bool(_git("status", "--porcelain", "--", ".", "../envs", "../workflow")),
        versions=_versions(),
        processor=_processor(),
        accelerator=accelerator,
        cores=os.cpu_count() or 1,
        threads=threads,
        platform=platform.platform(),
    )
