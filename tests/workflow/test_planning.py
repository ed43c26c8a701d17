"""What the DAG would train, asked of the real Snakemake in a copy of the checkout."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from a2d.study.study import load_study
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.dag import ask, damage, dry_run, trained
from tests.synthetic import pretend_recorded

SCALES = [path.stem for path in sorted((ROOT / "workflow" / "scales").glob("*.yaml"))]


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
    assert all(
        "tiny-catch/search-" in path or "/derived-" in path or "/random-" in path
        for path in changed
    )
    teacher = next(
        run for run in study.runs.values() if run.stage == "teacher" and "catch" in run.path
    )
    would = trained(dry_run(checkout, "--config", "scale=smoke"))
    assert would == {f"results/{path}" for path in changed} | {f"runs/{teacher.key}/agent.json"}


def test_one_missing_ablation_is_trained_alone(checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    study = load_study("smoke", checkout)
    gone = [run for run in study.of_search("critic") if "tiny-reach" in run.path]
    for run in gone:
        (checkout / "results" / run.path).unlink()
    would = trained(dry_run(checkout, "ablation_critic", "--config", "scale=smoke"))
    teacher = next(
        run for run in study.runs.values() if run.stage == "teacher" and "reach" in run.path
    )
    assert would == {f"results/{run.path}" for run in gone} | {f"runs/{teacher.key}/agent.json"}


def test_a_fresh_repetition_trains_everything_elsewhere(checkout: Path) -> None:
    records = pretend_recorded(checkout, "smoke")
    would = trained(dry_run(checkout, "--config", "scale=smoke", "fresh=again"))
    assert {f"again/{path}" for path in records.values()} <= would
    assert all(path.startswith("again/") for path in would)


def test_from_another_folder_the_checkouts_records_count(checkout: Path, tmp_path: Path) -> None:
    pretend_recorded(checkout, "smoke")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    arguments = ["-s", "../a copié checkout/Snakefile", "--config", "scale=smoke"]
    jobs = dry_run(checkout, *arguments, cwd=elsewhere)
    assert trained(jobs) == set()
    page = next(job for job in jobs if job["rule"] == "page")
    assert page["output"].split(", ")[0] == f"{checkout}/report/smoke.html"
    would = trained(dry_run(checkout, *arguments, "fresh=again", cwd=elsewhere))
    assert len(would) >= 49 and all(path.startswith("again/") for path in would)
    (
        checkout / "results" / next(run.path for run in load_study("smoke", checkout).runs.values())
    ).unlink()
    status, text = ask(checkout, *arguments, "-n", "-p", cwd=elsewhere)
    assert status == 0 and f"--root '{checkout}' --results '{checkout}/results'" in text


def test_a_scale_under_another_name_trains_nothing_that_is_recorded(checkout: Path) -> None:
    records = pretend_recorded(checkout, "smoke")
    scales = checkout / "workflow" / "scales"
    shutil.copy(scales / "smoke.yaml", scales / "mine.yaml")
    assert trained(dry_run(checkout, "--config", "scale=mine")) == set()
    study = load_study("mine", checkout)
    files = Workspace(checkout / "results", checkout / "runs")
    found = {key: files.find(run) for key, run in study.runs.items()}
    assert found == {key: checkout / path for key, path in records.items()}
    run = next(
        run
        for run in study.runs.values()
        if run.method == "derived-critic-none" and "reach" in run.path
    )
    damage(checkout / records[run.key], "edited", checkout)
    teacher = next(
        run for run in study.runs.values() if run.stage == "teacher" and "reach" in run.path
    )
    assert trained(dry_run(checkout, "--config", "scale=mine")) == {f"results/{run.path}"}
    assert teacher.key  # the search's record is there, so that its teacher is not needed


def test_a_target_is_written_as_the_snakefile_says(checkout: Path) -> None:
    head = (checkout / "Snakefile").read_text(encoding="utf-8")
    arguments = ["--config", "scale=smoke", "--", "pareto"]
    assert f"snakemake --cores all {' '.join(arguments)}" in head
    rules = {job["rule"] for job in dry_run(checkout, *arguments)}
    assert "pareto" in rules and "page" not in rules
