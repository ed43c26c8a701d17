"""Where a result came from: code, versions, hardware."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from a2d.specs.data import Frozen

PACKAGE = Path(__file__).parents[1]
# What no run's result depends on.
AROUND_RUNS = ("benchmark", "cli", "deploy", "distill", "reading", "study")
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
            ["git", *arguments], cwd=PACKAGE, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        "unknown",
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of what a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def code_digest() -> str:
    """Return a hash of the source code that runs are computed by, committed or not."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        if inside.parts[0] not in AROUND_RUNS:
            digest.update(inside.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def collect_provenance(threads: int, accelerator: str | None = None) -> Provenance:
    """Describe the code and the machine this process runs on."""
    # A copy that was installed elsewhere may lie inside another project's repository.
    tracked = _git("ls-files", "--error-unmatch", "__init__.py") is not None
    return Provenance(
        commit=_git("rev-parse", "HEAD") if tracked else None,
        # Only the code that computes results counts: fresh records beside it do not make it another
        # code.
        modified=bool(_git("status", "--porcelain", "--", ".", "../envs", "../workflow")),
        versions=versions(),
        processor=_processor(),
        accelerator=accelerator,
        cores=os.cpu_count() or 1,
        threads=threads,
        platform=platform.platform(),
    )
