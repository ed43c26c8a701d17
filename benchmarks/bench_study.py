"""A study of ten thousand runs: planning, reading its records; and the memory of one run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pytest_benchmark.fixture import BenchmarkFixture

from a2d.reading.results import load_results
from a2d.runs.records import RECORD, CurvePoint, read_record, write_record
from a2d.runs.training import CURVE_POINTS
from a2d.study.plan import make_plan
from a2d.study.study import Study, load_study
from a2d.study.workspace import Workspace
from benchmarks.engines import ENVS, median_seconds, note
from tests.synthetic import record_of

ROOT = Path(__file__).parent.parent
SEEDS = 208  # of the laptop scale's 48 runs a seed: ten thousand
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
COMMAND = [sys.executable, "-c", "from a2d.cli import main; main()"]
STEPS = 19_200  # sixty updates


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a checkout with the laptop scale at many seeds and no records."""
    folder = tmp_path_factory.mktemp("study") / "ten thousand"
    folder.mkdir()
    for name in ("a2d", "envs", "figures", "profiles", "tables", "workflow"):
        shutil.copytree(
            ROOT / name,
            folder / name,
            ignore=shutil.ignore_patterns("*.png", "*.pdf", "__pycache__"),
        )
    shutil.copy(ROOT / "Snakefile", folder)
    scale = yaml.safe_load(
        (ROOT / "workflow" / "scales" / "laptop.yaml").read_text(encoding="utf-8")
    )
    scale["seeds"] = {
        "teacher": 10**6,
        "search": list(range(SEEDS)),
        "train": list(range(1000, 1000 + SEEDS)),
    }
    text = yaml.safe_dump(scale)
    (folder / "workflow" / "scales" / "many.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def recorded(checkout: Path) -> Study:
    """Give every run of the checkout a record with a curve as long as real ones."""
    study = load_study("many", checkout)
    for run in study.runs.values():
        path = checkout / "results" / run.path
        path.parent.mkdir(parents=True, exist_ok=True)
        steps = run.spec.steps // CURVE_POINTS
        curve = [CurvePoint(step=steps * (k + 1), mean_return=k / 7) for k in range(CURVE_POINTS)]
        write_record(path, record_of(run, 1.0).model_copy(update={"curve": curve}))
    return study


def test_planning_with_snakemake(benchmark: BenchmarkFixture, checkout: Path) -> None:
    command = [*SNAKEMAKE, "--dry-run", "--quiet", "all", "--cores", "1", "--config", "scale=many"]

    def plan() -> None:
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)

    benchmark.pedantic(plan, rounds=3)  # type: ignore[no-untyped-call]
    note(benchmark, runs=len(load_study("many", checkout).runs), seconds=median_seconds(benchmark))


def test_reading_results(benchmark: BenchmarkFixture, checkout: Path, recorded: Study) -> None:
    results = benchmark.pedantic(load_results, (recorded, checkout / "results"), rounds=3)  # type: ignore[no-untyped-call]
    assert len(results.records) == len(recorded.runs)
    note(benchmark, runs=len(recorded.runs), seconds=median_seconds(benchmark))


def test_planning_what_is_recorded(
    benchmark: BenchmarkFixture, checkout: Path, recorded: Study
) -> None:
    workspace = Workspace(checkout / "results", checkout / "runs")
    plan = benchmark.pedantic(make_plan, (recorded, workspace), rounds=3)  # type: ignore[no-untyped-call]
    assert plan.count("done") == len(recorded.runs)
    note(benchmark, runs=len(recorded.runs), seconds=median_seconds(benchmark))


@pytest.mark.parametrize("network", ["vanilla", "resnet38", "search"])
def test_memory_of_a_run(benchmark: BenchmarkFixture, tmp_path: Path, network: str) -> None:
    what = ["search"] if network == "search" else ["train", "--network", network]
    task = ENVS / "minatar-breakout.yaml"
    command = [
        *COMMAND,
        *what,
        "--task",
        str(task),
        "--steps",
        str(STEPS),
        "--out",
        str(tmp_path / "out"),
    ]

    def run() -> None:
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    benchmark.pedantic(run, rounds=1)  # type: ignore[no-untyped-call]
    note(
        benchmark,
        network=network,
        peak_memory_mib=read_record(tmp_path / "out" / RECORD).timing.peak_memory_mib,
    )
