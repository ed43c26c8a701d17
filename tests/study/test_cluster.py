"""What is asked of a SLURM cluster before jobs are submitted: of fake commands on the PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2d.errors import A2DError
from a2d.study.cluster import check_interpreter, check_status_query
from tests.fake_cluster import command, configure

# As SLURM 22.05 of Debian answers, without and with a database.
DISABLED = "echo 'Slurm accounting storage is disabled' >&2; exit 1"
UNREACHABLE = "echo 'sacct: error: Problem talking to the database: Connection refused' >&2; exit 1"
SILENT = "exit 0"
DATABASE = "accounting_storage/slurmdbd"
NONE = "accounting_storage/none"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "age", "storage", "sacct"),
    [
        ("squeue", "300 sec", NONE, DISABLED),
        ("squeue", "300 sec", NONE, None),
        ("squeue", "240 sec", "(null)", SILENT),
        ("squeue", "300 sec", DATABASE, SILENT),
        ("squeue", "30 sec", DATABASE, SILENT),  # the plugin itself asks sacct then
        ("sacct", "2 sec", DATABASE, SILENT),
        (None, "2 sec", DATABASE, SILENT),
    ],
)
def test_a_cluster_that_says_how_jobs_ended_is_taken(
    asked: str | None, age: str, storage: str, sacct: str | None, cluster: Path
) -> None:
    configure(cluster, age, storage, sacct)
    check_status_query(asked, 20)


@pytest.mark.parametrize(
    ("asked", "age", "storage", "sacct", "said"),
    [
        (
            "sacct",
            "300 sec",
            NONE,
            DISABLED,
            "AccountingStorageType is none.*; add --slurm-status-command squeue$",
        ),
        (
            None,
            "300 sec",
            NONE,
            SILENT,
            "AccountingStorageType is none.*; add --slurm-status-command squeue$",
        ),
        (
            "sacct",
            "300 sec",
            DATABASE,
            UNREACHABLE,
            "Connection refused.*; add --slurm-status-command squeue$",
        ),
        (
            "squeue",
            "120 sec",
            DATABASE,
            SILENT,
            "forgets jobs 120 s .*; add --slurm-status-command sacct$",
        ),
        (
            "squeue",
            "120 sec",
            NONE,
            DISABLED,
            "forgets jobs 120 s .*; ask .* MinJobAge of at least 240 seconds",
        ),
        (
            "squeue",
            "120 sec",
            NONE,
            None,
            "forgets jobs 120 s .*; ask .* MinJobAge of at least 240 seconds",
        ),
        (
            "squeue",
            "30 sec",
            NONE,
            DISABLED,
            "^sacct does not know .*; ask .* MinJobAge of at least 240 seconds",
        ),
    ],
)
def test_a_cluster_that_would_never_say_so_is_refused_with_what_helps(
    asked: str | None, age: str, storage: str, sacct: str | None, said: str, cluster: Path
) -> None:
    configure(cluster, age, storage, sacct)
    with pytest.raises(A2DError, match=said):
        check_status_query(asked, 20)


def test_a_machine_that_belongs_to_no_cluster_is_refused(cluster: Path) -> None:
    with pytest.raises(A2DError, match=r"no answer from SLURM .*scontrol"):
        check_status_query("squeue", 20)
    command(
        cluster,
        "scontrol",
        "echo 'slurm_load_ctl_conf error: Unable to contact slurm controller' >&2; exit 1",
    )
    with pytest.raises(A2DError, match="Unable to contact slurm controller"):
        check_status_query("squeue", 20)


def test_a_python_whose_path_jobs_would_take_apart_is_refused() -> None:
    check_interpreter("/home/a.b/my-checkout/.venv/bin/python3.11")
    for path in ("/home/me/my checkout/.venv/bin/python", "/home/me/$x/python", "/home/é/python"):
        with pytest.raises(A2DError, match="unquoted; move the checkout"):
            check_interpreter(path)
