"""The real Snakemake, asked in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

TRAINING = {"train_teacher", "publish_teacher", "train_manual", "search", "train_derived"}


def ask(checkout: Path, *arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    """Give Snakemake a command; return its status and what it says."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    options: dict[str, Any] = {
        "env": {**os.environ, "PYTHONPATH": str(checkout), "COLUMNS": "1000"}
    }
    answer = subprocess.run(
        command, cwd=cwd or checkout, capture_output=True, text=True, check=False, **options
    )
    return answer.returncode, answer.stdout + answer.stderr


def dry_run(checkout: Path, *arguments: str, cwd: Path | None = None) -> list[dict[str, str]]:
    """Return the jobs that Snakemake would run: each one's rule, inputs and outputs."""
    status, text = ask(checkout, "--dry-run", "-p", "--cores", "1", *arguments, cwd=cwd)
    assert status == 0, text
    jobs = []
    for block in re.split(r"\n(?=(?:local)?rule )", text)[1:]:
        fields = dict(re.findall(r"^ {4}(input|output|reason): (.*)$", block, flags=re.MULTILINE))
        jobs.append({"rule": re.findall(r"rule (\w+):", block)[0], **fields})
    return jobs


def trained(jobs: list[dict[str, str]]) -> set[str]:
    """Return the records, and teachers' weights, that training jobs would write."""
    outputs = (job["output"].split(", ")[0] for job in jobs if job["rule"] in TRAINING)
    return {path.removesuffix(" (update)") for path in outputs}


def damage(path: Path, how: str, other: Path) -> None:
    data = bytearray(path.read_bytes())
    if how == "truncated":
        path.write_bytes(data[:-40])
    elif how == "flipped":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif how == "edited":
        path.write_bytes(data.replace(b'"steps_done": ', b'"steps_done": 1'))
    else:
        shutil.copy(other, path)
    moment = 4_000_000_000  # in the future: the clock that wrote it went wrong
    os.utime(path, (moment, moment))


def contents(checkout: Path) -> dict[Path, tuple[int, bytes]]:
    """Return every file of a checkout with its time, but for what Snakemake and Python keep."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in checkout.rglob("*")
        if not {".snakemake", "__pycache__"} & {*path.parts} and path != checkout
    }
