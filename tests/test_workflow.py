"""The DAG's promises, asked of the real Snakemake in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from a2d.study import load_study

ROOT = Path(__file__).parents[1]
TRAINING = {"train_teacher", "publish_teacher", "train_manual", "search", "train_derived"}
SCALES = [path.stem for path in sorted((ROOT / "workflow" / "scales").glob("*.yaml"))]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the DAG reads, without any result, in a folder with a space and an accent."""
    copy = tmp_path / "a copié checkout"
    for name in ("workflow", "envs", "profiles", "tables", "figures", "a2d"):
        ignored = shutil.ignore_patterns("__pycache__", *SCALES) if name in ("tables", "figures") else None
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "Snakefile", copy)
    return copy


def dry_run(checkout: Path, *arguments: str) -> list[dict[str, str]]:
    """Return the jobs that Snakemake would run: each one's rule, inputs and outputs."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "COLUMNS": "1000"}
    answer = subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=environment, check=False)
    text = answer.stdout + answer.stderr
    assert answer.returncode == 0, text
    jobs = []
    for block in re.split(r"\n(?=(?:local)?rule )", text)[1:]:
        fields = dict(re.findall(r"^ {4}(input|output|reason): (.*)$", block, flags=re.MULTILINE))
        jobs.append({"rule": re.findall(r"rule (\w+):", block)[0], **fields})
    return jobs


def trained(jobs: list[dict[str, str]]) -> set[str]:
    """Return the records, and teachers' weights, that training jobs would write."""
    return {job["output"].split(", ")[0] for job in jobs if job["rule"] in TRAINING}


def pretend_recorded(checkout: Path, scale: str) -> dict[str, str]:
    """Put an empty file where every record of a scale goes; the DAG looks at nothing but existence."""
    study = load_study(scale, checkout)
    for run in study.runs.values():
        path = checkout / "results" / run.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        if run.stage == "search":
            (checkout / "results" / run.architecture_path).touch()
    return {key: f"results/{run.path}" for key, run in study.runs.items()}


def edit(checkout: Path, old: str, new: str) -> None:
    path = checkout / "workflow" / "scales" / "smoke.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_has_a_valid_plan_that_starts_from_nothing(scale: str, checkout: Path) -> None:
    study = load_study(scale, checkout)
    would = trained(dry_run(checkout, "--config", f"scale={scale}"))
    assert {f"results/{run.path}" for run in study.runs.values()} <= would


def test_a_recorded_scale_trains_nothing_whatever_the_file_times_say(checkout: Path) -> None:
    records = pretend_recorded(checkout, "smoke")
    for index, path in enumerate(sorted(records.values())):
        moment = 2_000_000_000 - index * 1000
        os.utime(checkout / path, (moment, moment))
    assert trained(dry_run(checkout, "--config", "scale=smoke")) == set()


def test_a_changed_hyperparameter_repeats_just_what_depends_on_it(checkout: Path) -> None:
    before = pretend_recorded(checkout, "smoke")
    edit(checkout, "space: {cells: 3, width: 8}", "space: {cells: 3, width: 12}")
    study = load_study("smoke", checkout)
    changed = {run.path for key, run in study.runs.items() if key not in before}
    assert changed
    assert all("tiny-catch/search-" in path or "/derived-" in path or "/random-" in path for path in changed)
    teacher = next(run for run in study.runs.values() if run.stage == "teacher" and "catch" in run.path)
    would = trained(dry_run(checkout, "--config", "scale=smoke"))
    assert would == {f"results/{path}" for path in changed} | {f"runs/{teacher.key}/agent.json"}


def test_one_missing_ablation_is_trained_alone(checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    study = load_study("smoke", checkout)
    gone = [run for run in study.of_search("critic") if "tiny-reach" in run.path]
    for run in gone:
        (checkout / "results" / run.path).unlink()
    would = trained(dry_run(checkout, "ablation_critic", "--config", "scale=smoke"))
    teacher = next(run for run in study.runs.values() if run.stage == "teacher" and "reach" in run.path)
    assert would == {f"results/{run.path}" for run in gone} | {f"runs/{teacher.key}/agent.json"}


def test_a_fresh_repetition_trains_everything_elsewhere(checkout: Path) -> None:
    records = pretend_recorded(checkout, "smoke")
    would = trained(dry_run(checkout, "--config", "scale=smoke", "fresh=again"))
    assert {f"again/{path}" for path in records.values()} <= would
    assert all(path.startswith("again/") for path in would)


def test_an_unknown_scale_is_one_message(checkout: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "-n", "--config", "scale=smok"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    answer = subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode != 0
    message = answer.stdout + answer.stderr
    assert "smok" in message
    assert "laptop" in message
    assert "Traceback" not in message
