"""What profiles/slurm submits, asked of the real Snakemake and its plugin for SLURM."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from a2d.errors import A2DError
from a2d.study.cluster import check_interpreter
from a2d.study.study import load_study
from tests.fake_cluster import command, configure
from tests.small_study import FAULTY, mini, wanted
from tests.study_files import edit
from tests.synthetic import pretend_recorded

pytest.importorskip(
    "snakemake_executor_plugin_slurm",
    reason="needs the slurm extra; `make test-cluster` installs it",
)

try:
    check_interpreter(sys.executable)
except A2DError as error:
    pytest.skip(str(error), allow_module_level=True)

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm"]


def answer(checkout: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    variables = {
        **os.environ,
        "PYTHONPATH": str(checkout),
        "PATH": path + os.environ["PATH"],
        "COLUMNS": "1000",
    }
    return subprocess.run(
        [*SNAKEMAKE, *arguments],
        cwd=checkout,
        capture_output=True,
        text=True,
        env=variables,
        check=False,
        timeout=900,
    )


def fakes(tmp_path: Path) -> str:
    """Put a cluster without accounting, whose `sbatch` leaves a file, before the PATH."""
    folder = tmp_path / "fakes"
    folder.mkdir()
    configure(folder, "300 sec", "accounting_storage/none", "exit 0")
    command(folder, "sinfo", "echo 'main*'")
    command(folder, "squeue", "exit 0")
    command(folder, "sbatch", f"echo submitted > '{tmp_path}/submitted'; echo 7")
    return f"{folder}{os.pathsep}"


def dry_run(checkout: Path, *arguments: str) -> list[str]:
    """Return what would be done, a text each: local rules, jobs, groups that share a job."""
    done = answer(checkout, "--dry-run", "-p", *arguments)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    return re.split(r"\n(?:\[[^]]*\] (?=Group job)|(?=(?:local)?rule ))", text)[1:]


def test_short_runs_share_jobs(checkout: Path) -> None:
    study = load_study("smoke", checkout)
    jobs = [
        job for job in dry_run(checkout, "--config", "scale=smoke") if job.startswith("Group job")
    ]
    runs = [re.findall(r"^ +rule (\w+):", job, flags=re.MULTILINE) for job in jobs]
    assert sum(map(len, runs)) == len(study.runs) and len(jobs) <= 12
    assert max(map(len, runs)) <= 8


def test_renderings_are_made_where_snakemake_runs(checkout: Path, tmp_path: Path) -> None:
    pretend_recorded(checkout, "smoke")
    path = fakes(tmp_path)
    done = answer(checkout, "--config", "scale=smoke", "--", "size_sweep", path=path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "tables" / "smoke" / "size_sweep.md").exists()
    assert not (tmp_path / "submitted").exists()


def test_long_runs_have_a_job_each_with_the_time_they_need(checkout: Path) -> None:
    edit(checkout, "scales/smoke", ("steps.search", 1_999_760))
    jobs = dry_run(checkout, "--config", "scale=smoke", "--", "ablation_critic")
    assert not any(job.startswith("Group job") for job in jobs)
    searches = [job for job in jobs if job.startswith("rule search:")]
    assert searches
    for job in searches:  # 1,999,760 steps at 200 a second, and ten minutes
        assert re.search(r"resources: .*mem_mb=2000,.* runtime=176$", job, flags=re.MULTILINE), job


def test_account_and_partition_go_into_every_job(checkout: Path) -> None:
    options = ["--default-resources", "slurm_account=lab", "slurm_partition=short"]
    jobs = dry_run(checkout, *options, "--config", "scale=smoke", "--", "ablation_critic")
    runs = re.findall(
        r"^ +rule .*?resources: (.*?)$", "\n".join(jobs), flags=re.MULTILINE | re.DOTALL
    )
    assert runs and all(
        "slurm_account=lab" in run and "slurm_partition=short" in run for run in runs
    )


def test_nothing_is_submitted_to_a_cluster_that_would_not_say_how_jobs_ended(
    checkout: Path, tmp_path: Path
) -> None:
    options = ["--slurm-status-command", "sacct", "--config", "scale=smoke", "--", "size_sweep"]
    done = answer(checkout, *options, path=fakes(tmp_path))
    assert done.returncode != 0 and not (tmp_path / "submitted").exists()
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("a2d: ")]
    assert len(said) == 1 and said[0].endswith("add --slurm-status-command squeue")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    not Path("/etc/slurm/slurm.conf").exists(),
    reason="no SLURM here; `make test-cluster` starts one",
)
def test_a_failing_run_is_tried_thrice_and_takes_nothing_from_its_neighbours(
    checkout: Path,
) -> None:
    (checkout / "faulty_task.py").write_text(FAULTY, encoding="utf-8")
    card = {"title": "R", "family": "gymnasium", "id": "Faulty-v0", "import_module": "faulty_task"}
    study = mini(checkout, card | {"random_score": {"value": -27.0, "source": "made up"}})
    runs = [run for run in wanted(study) if run.stage in ("teacher", "manual")]
    (checkout / "broken").touch()
    done = answer(
        checkout, "--config", "scale=mini", "--", *(f"results/{run.path}" for run in runs)
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0
    missing = {run.method for run in runs if not (checkout / "results" / run.path).exists()}
    # Where there are fewer processors than a job claims, a run of it may not have begun.
    assert "distilled-mlp16-critic" in missing and len(missing) <= 2, text
    assert len(set(re.findall(r"group_distilled_train_manual/(\d+)\.log", text))) == 3, (
        "SLURM's jobs"
    )
