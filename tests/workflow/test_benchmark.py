"""The benchmark's workflow, asked of the real Snakemake in a small checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from a2d.benchmark.table import open_table
from tests.checkout import ROOT
from tests.small_benchmark import tiny_benchmark


def snakemake(folder: Path, *arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "snakemake", "-s", "workflow/benchmark.smk", "--cores", "1"]
    answer = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == code, answer.stderr
    return answer.stdout + answer.stderr


def test_a_key_that_is_not_known_is_refused() -> None:
    said = snakemake(ROOT, "--dry-run", "--config", "parts=1/2", code=1)
    assert "a2d: --config parts=1/2: is not known; there are part" in said


@pytest.mark.slow
def test_the_workflow_trains_what_is_missing_and_publishes_it(tmp_path: Path) -> None:
    benchmark = tiny_benchmark(tmp_path)
    (tmp_path / "workflow" / "benchmark.smk").write_text(
        (ROOT / "workflow" / "benchmark.smk").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (tmp_path / "profiles").symlink_to(ROOT / "profiles")
    snakemake(tmp_path)
    table = tmp_path / "results" / "bench" / "table.parquet"
    assert open_table(table).coverage("catch") == (4, 4)
    groups = [group.name for group in benchmark.groups()]
    rows = {path.stem: path for path in (tmp_path / "results" / "bench" / "rows").iterdir()}
    assert sorted(rows) == sorted(groups)
    rows[groups[2]].unlink()
    plan = snakemake(tmp_path, "--dry-run")
    assert f"train group {groups[2]}" in plan and f"train group {groups[0]}" not in plan
    assert "publish the table" in plan
