"""What a cluster is asked for, and what it must be able to answer before a study submits jobs.

Snakemake learns from ``sacct`` or ``squeue`` how its jobs ended, and waits for ever where neither
knows.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Container
from typing import Any

from a2d.errors import A2DError
from a2d.study.study import Run

# Snakemake's plugin for SLURM asks for its jobs every 180 seconds at the longest, and again after a
# minute without an answer. ``squeue`` has to know finished jobs for longer.
LONGEST_SILENCE_S = 240
# Runs that may last no longer share a job: starting one takes longer than such a run.
SHORT_MINUTES = 20


def minutes(run: Run) -> int:
    """Return a run's time limit: 200 steps a second, and ten minutes for start and evaluation."""
    return 10 + run.spec.steps // (200 * 60)


def shared_job(run: Run, kinds: Container[str]) -> str | None:
    """Name the job that a short run shares with others of its kind; None for a job of its own.

    Args:
        run: of which none of the others needs the result.
        kinds: those of which a profile says how many share a job.
    """
    kind = run.method.partition("-")[0]
    if kind in kinds and minutes(run) <= SHORT_MINUTES:
        return kind
    return None


def check_cluster(settings: Any) -> None:
    """Raise A2DError where this cluster's jobs could not start, or would not say how they ended.

    Args:
        settings: of Snakemake's plugin for SLURM.
    """
    check_interpreter(sys.executable)
    check_status_query(settings.status_command, settings.init_seconds_before_status_checks)


def check_interpreter(path: str) -> None:
    """Raise A2DError where SLURM's jobs could not start Python: its path is not quoted."""
    if re.search(r"[^\w@%+=:,./-]", path, flags=re.ASCII) is not None:
        raise A2DError(
            f"{path}: jobs of a cluster cannot start this Python, because Snakemake gives them its "
            "path unquoted; move the checkout to a path of plain letters, without spaces"
        )


def check_status_query(command: str | None, first_wait_s: int) -> None:
    """Check that the command which will be asked how jobs ended knows it.

    Args:
        command: ``sacct`` or ``squeue``, as set for Snakemake by ``--slurm-status-command``.
        first_wait_s: seconds to its first question, ``--slurm-init-seconds-before-status-checks``.

    Raises:
        A2DError: it will not know, with the option that helps, if one does.
    """
    settings = _settings()
    remembered_s = _seconds(settings.get("MinJobAge", ""))
    trouble = _trouble_with_accounts(settings)
    # The plugin's own choice between the two.
    if shutil.which("sacct") is None:
        command = "squeue"
    elif command is None or remembered_s < 3 * first_wait_s:
        command = "sacct"
    if command == "sacct" and trouble:
        remedy = "add --slurm-status-command squeue"
        if remembered_s < LONGEST_SILENCE_S:
            remedy = _ask(remembered_s)
        raise A2DError(f"sacct does not know how jobs of this cluster ended ({trouble}); {remedy}")
    if command == "squeue" and remembered_s < LONGEST_SILENCE_S:
        remedy = _ask(remembered_s) if trouble else "add --slurm-status-command sacct"
        raise A2DError(
            f"squeue of this cluster forgets jobs {remembered_s} s after their end; {remedy}"
        )


def _ask(remembered_s: int) -> str:
    return (
        f"ask its administrators for accounting, or for a MinJobAge of at least {LONGEST_SILENCE_S}"
        f" seconds instead of {remembered_s}; or run the study within one job, without this profile"
    )


def _settings() -> dict[str, str]:
    """Return what ``scontrol show config`` says."""
    status, answer = _run("scontrol", "show", "config")
    if status != 0:
        raise A2DError(
            f"no answer from SLURM ({answer}); "
            "submit from a machine on which `scontrol show config` works"
        )
    return dict(re.findall(r"^(\w+) *= *(.*?) *$", answer, flags=re.MULTILINE))


def _seconds(text: str) -> int:
    """Read a time such as '300 sec'."""
    number = re.match(r"\d+", text)
    return 0 if number is None else int(number[0])


def _trouble_with_accounts(settings: dict[str, str]) -> str:
    """Return why ``sacct`` knows no finished jobs; nothing if it knows them."""
    if shutil.which("sacct") is None:
        return "there is none"
    if settings.get("AccountingStorageType", "(null)") in ("accounting_storage/none", "(null)"):
        return "AccountingStorageType is none"
    status, answer = _run(
        "sacct", "--allocations", "--noheader", "--clusters", "all", "--name", "a2d"
    )
    return answer if status != 0 else ""


def _run(*command: str) -> tuple[int, str]:
    """Return a command's exit status, and its output or else its last line of error."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    if done.returncode == 0:
        return 0, done.stdout
    said = done.stderr.strip() or f"{command[0]} exits with {done.returncode}"
    return done.returncode, said.splitlines()[-1]
