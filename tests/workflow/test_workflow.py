"""The DAG's promises, asked of the real Snakemake in a copy of the checkout."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from a2d.files import checksum, digest
from a2d.runs.records import read_record, write_record
from a2d.specs.run import SearchSpec
from a2d.study.repair import restore_architectures
from a2d.study.study import load_study
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.synthetic import pretend_recorded, record_of

TRAINING = {"train_teacher", "publish_teacher", "train_manual", "search", "train_derived"}
SCALES = [path.stem for path in sorted((ROOT / "workflow" / "scales").glob("*.yaml"))]


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


def test_an_unknown_scale_is_one_message(checkout: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "-n", "--config", "scale=smok"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    answer = subprocess.run(
        command, cwd=checkout, capture_output=True, text=True, env=environment, check=False
    )
    assert answer.returncode != 0
    message = answer.stdout + answer.stderr
    assert "smok" in message
    assert "laptop" in message
    assert "Traceback" not in message


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


@pytest.mark.parametrize("how", ["truncated", "flipped", "edited", "foreign"])
def test_damaged_records_alone_are_made_again(how: str, checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    study = load_study("smoke", checkout)
    stages = {run.stage: run for run in study.runs.values() if "tiny-reach" in run.path}
    other = (
        checkout
        / "results"
        / next(run.path for run in study.runs.values() if "tiny-catch" in run.path)
    )
    for run in stages.values():
        damage(checkout / "results" / run.path, how, other)
    would = trained(dry_run(checkout, "--config", "scale=smoke"))
    teacher = stages["teacher"]
    assert would == {f"results/{run.path}" for run in stages.values()} | {
        f"runs/{teacher.key}/agent.json"
    }
    assert trained(dry_run(checkout, "--config", "scale=smoke", "only=recorded")) == set()


@pytest.mark.parametrize("change", ["missing", "edited", "garbled"])
def test_a_searchs_architecture_is_its_records(change: str, checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    study = load_study("smoke", checkout)
    files = Workspace(checkout / "results", checkout / "runs")
    search = next(run for run in study.runs.values() if isinstance(run.spec, SearchSpec))
    assert isinstance(search.spec, SearchSpec)
    path = files.architecture(search)
    original, moment = path.read_text(encoding="utf-8"), path.stat().st_mtime_ns
    restore_architectures(study, files)
    assert path.stat().st_mtime_ns == moment, "what is right is left alone"
    path.unlink()
    if change != "missing":
        edited = original.replace(json.loads(original)["operators"][0], "skip")
        path.write_text(edited if change == "edited" else original[:-9], encoding="utf-8")
    assert files.searched(study, search.spec).model_dump(mode="json") == json.loads(original)
    assert trained(dry_run(checkout, "--config", "scale=smoke")) == set()
    restore_architectures(study, files)
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(original)


def test_a_second_workflow_waits_its_turn(checkout: Path) -> None:
    records = pretend_recorded(checkout, "smoke")
    runs = checkout / "runs"
    runs.mkdir()
    target = next(iter(records.values()))
    (checkout / target).unlink()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--config", "scale=smoke"]
    options: dict[str, Any] = {"cwd": checkout, "env": {**os.environ, "PYTHONPATH": str(checkout)}}
    with (runs / ".workflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = subprocess.run(
            [*command, "--", target], capture_output=True, text=True, check=False, **options
        )
        assert (
            answer.returncode != 0
            and "another workflow trains into" in answer.stderr + answer.stdout
        )
        assert not (checkout / target).exists()
        other = next(path for path in records.values() if path != target)
        subprocess.run(
            [*command, "only=recorded", "--", other], check=True, capture_output=True, **options
        )
        assert trained(dry_run(checkout, "--config", "scale=smoke", "--", target))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("agent.json", "truncated"),
        ("agent.json", "flipped"),
        ("agent.safetensors", "truncated"),
        ("record.json", "truncated"),
        ("record.json", "foreign"),
    ],
)
def test_a_teachers_damaged_files_are_made_again_for_the_student_that_needs_them(
    name: str, how: str, checkout: Path
) -> None:
    pretend_recorded(checkout, "smoke")
    study = load_study("smoke", checkout)
    teacher = next(
        run for run in study.runs.values() if run.stage == "teacher" and "reach" in run.path
    )
    folder = checkout / "runs" / teacher.key
    folder.mkdir(parents=True)
    (folder / "agent.safetensors").write_bytes(bytes(1000))
    description = {"weights_sha256": checksum(folder / "agent.safetensors")}
    (folder / "agent.json").write_text(json.dumps(description | {"sha256": digest(description)}))
    write_record(folder / "record.json", record_of(teacher, 1.0))
    student = next(run for run in study.runs.values() if run.spec.teacher == teacher.spec)
    foreign = (
        checkout / "results" / next(run.path for run in study.runs.values() if "catch" in run.path)
    )
    (checkout / "results" / student.path).unlink()
    assert trained(dry_run(checkout, "--config", "scale=smoke")) == {f"results/{student.path}"}
    damage(folder / name, how, foreign)
    would = trained(dry_run(checkout, "--config", "scale=smoke"))
    assert would == {f"results/{student.path}", f"runs/{teacher.key}/agent.json"}


def test_a_rendering_is_made_again_when_other_records_are_in_place(checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    study, arguments = (
        load_study("smoke", checkout),
        ("--config", "scale=smoke", "only=recorded", "--", "size_sweep"),
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}

    def render() -> str:
        subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True)
        return (checkout / "tables" / "smoke" / "size_sweep.md").read_text(encoding="utf-8")

    shown = render()
    assert dry_run(checkout, *arguments) == []
    gone, changed = (
        run for run in study.runs.values() if run.method in ("manual-mlp8", "manual-mlp16")
    )
    (checkout / "results" / gone.path).unlink()
    assert {job["rule"] for job in dry_run(checkout, *arguments)} >= {"render_tables_size_sweep"}
    fewer = render()
    assert fewer != shown
    assert dry_run(checkout, *arguments) == []
    path = checkout / "results" / changed.path
    write_record(path, record_of(changed, 7.5))
    os.utime(path, (10**9, 10**9))
    assert render() != fewer
    assert dry_run(checkout, *arguments) == []


def contents(checkout: Path) -> dict[Path, tuple[int, bytes]]:
    """Return every file of a checkout with its time, but for what Snakemake and Python keep."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in checkout.rglob("*")
        if not {".snakemake", "__pycache__"} & {*path.parts} and path != checkout
    }


LOOKING = [
    ["-n", "--config", "scale=smoke"],
    ["--lint"],
    ["--list-rules"],
    ["--summary", "--config", "scale=smoke"],
    ["--rulegraph", "--config", "scale=smoke"],
    ["--report", "../report.html", "--config", "scale=smoke"],
]


@pytest.mark.parametrize("arguments", LOOKING, ids=lambda arguments: arguments[0])
def test_looking_changes_nothing_on_disk_and_waits_for_no_workflow(
    arguments: list[str], checkout: Path
) -> None:
    """Though records are missing and damaged, and another workflow is at work."""
    records = list(pretend_recorded(checkout, "smoke").values())
    (checkout / records[0]).write_text("{", encoding="utf-8")
    (checkout / records[-1]).unlink()
    (checkout / "runs").mkdir()
    with (checkout / "runs" / ".workflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = contents(checkout)
        status, text = ask(checkout, *arguments)
    assert contents(checkout) == before
    assert (status == 0 or arguments == ["--lint"]) and "another workflow" not in text, text


def test_what_is_damaged_is_set_aside_and_made_again(checkout: Path) -> None:
    records = pretend_recorded(checkout, "smoke")
    study = load_study("smoke", checkout)
    run = next(run for run in study.runs.values() if run.method == "manual-mlp8")
    path, kept = checkout / records[run.key], checkout / "runs" / "damaged"
    path.write_bytes(path.read_bytes()[:-40])
    damaged, before = path.read_bytes(), contents(checkout / "results")
    arguments = ["--cores", "1", "--config", "scale=smoke", "--", "size_sweep"]
    line = f"set aside {records[run.key]}, which is damaged"
    assert line in ask(checkout, "-n", *arguments)[1]
    status, text = ask(checkout, *arguments)
    assert status == 0 and line in text, text
    assert (kept / f"{path.stem}.1.json").read_bytes() == damaged
    assert "cannot be read as a record" in (kept / f"{path.stem}.1.txt").read_text()
    assert read_record(path).key == run.key
    after = contents(checkout / "results")
    assert {file for file in after if after[file] != before.get(file) and file.is_file()} == {path}
    assert dry_run(checkout, *arguments) == []


def test_a_rendering_of_what_there_is_hides_no_missing_run(checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    (path,) = (checkout / "results/smoke/tiny-reach/manual-mlp8").glob("*.json")
    path.unlink()
    status, text = ask(
        checkout, "--cores", "2", "--config", "scale=smoke", "only=recorded", "--", "size_sweep"
    )
    assert status == 0, text
    jobs = dry_run(checkout, "--config", "scale=smoke", "--", "size_sweep")
    assert trained(jobs) == {path.relative_to(checkout).as_posix()}


MY_FIGURE = '''
"""My own figure.

How many runs have a record.
"""

from a2d.reading.rendering import figures
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.figures import Drawing


def draw(results):
    figure, (ax,) = figures.panels(1)
    ax.bar(["recorded"], [len(results.records)])
    return Drawing(figure, "My caption: a bar.")


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
'''


@pytest.mark.slow
def test_a_new_figure_is_a_script_and_its_name_in_an_experiment(checkout: Path) -> None:
    pretend_recorded(checkout, "smoke")
    (checkout / "figures" / "my_figure.py").write_text(MY_FIGURE.lstrip(), encoding="utf-8")
    path = checkout / "workflow" / "experiments" / "size_sweep.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("artifacts: [", "artifacts: [figures/my_figure, "))
    arguments = ["--cores", "2", "--config", "scale=smoke", "only=recorded", "--"]
    would = {job["rule"] for job in dry_run(checkout, *arguments[2:], "my_figure")}
    assert would == {"render_figures_my_figure", "my_figure"}
    status, text = ask(checkout, *arguments, "all")
    assert status == 0, text
    assert {path.suffix for path in (checkout / "figures" / "smoke").glob("my_figure.*")} == {
        ".png",
        ".pdf",
        ".txt",
    }
    page = (checkout / "report" / "smoke.html").read_text(encoding="utf-8")
    assert page.count("<b>My own figure.</b> My caption: a bar.") == 1


def test_what_would_run_is_a_line_a_job(checkout: Path) -> None:
    status, text = ask(checkout, "-n", "--cores", "1", "--config", "scale=smoke")
    lines = [line.partition(" ")[2] for line in text.splitlines()]
    study = load_study("smoke", checkout)
    assert status == 0 and len(text) <= 8000
    assert lines.count("search joint, Catch, seed 0") == lines.count("render figures/pareto") == 1
    searches = [line for line in lines if line.startswith("search ")]
    assert len(searches) == sum(run.stage == "search" for run in study.runs.values())
    assert "input:" not in text and "reason" not in text.lower()
    details = ask(checkout, "-n", "-p", "--cores", "1", "--config", "scale=smoke")[1]
    assert (
        "reason: Missing output files" in details
        and "a2d run smoke/tiny-catch/search-joint/" in details
    )


def test_every_target_says_what_it_makes(checkout: Path) -> None:
    status, text = ask(checkout, "--list-rules")
    listed = [line for line in text.splitlines() if not line.startswith("Using")]
    assert status == 0 and len(listed) > 30
    assert [line for line in listed if not re.fullmatch(r"\w+ \([A-Z].+\.\)", line)] == []


def test_snakemakes_linter_finds_only_what_the_snakefile_answers(checkout: Path) -> None:
    found = set(re.findall(r"^    \* (.*)", ask(checkout, "--lint")[1], flags=re.MULTILINE))
    assert found == {"Specify a conda environment or container for each rule.:"}
    assert "names a conda environment or a container" in (checkout / "Snakefile").read_text(
        encoding="utf-8"
    )


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
    jobs = dry_run(checkout, "--config", "scale=mine")
    assert trained(jobs) == set()
    page = next(job for job in jobs if job["rule"] == "page")
    assert set(records.values()) <= set(page["input"].split(", "))
    study = load_study("mine", checkout)
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


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("fresh=1", "fresh=1: should be a folder to train everything into, as in fresh=fresh"),
        ("fresh=0", "fresh=0: should be a folder"),
        ("fresh=", "fresh=: should be a folder"),
        ("fresh=True", "fresh=True: should be a folder"),
        ("fresh=.", "fresh=.: holds the recorded runs"),
        ("fresh=results/x", "fresh=results/x: holds the recorded runs"),
        ("only=0", "only=0: should be only=recorded"),
        ("scale=1", "scale=1: should be the name of a scale, as in scale=smoke"),
        (
            "scale=workflow/scales/smoke.yaml",
            "write smoke; the scales there: bench_searches, breakout",
        ),
        ("frsh=x", "frsh=x: is not known; there are scale, fresh, only"),
    ],
)
def test_what_config_cannot_mean_is_refused_in_a_line(
    config: str, says: str, checkout: Path
) -> None:
    status, text = ask(checkout, "-n", "--config", config)
    assert status != 0 and "Traceback" not in text
    assert says in text.splitlines()[-1]


def test_a_target_is_written_as_the_snakefile_says(checkout: Path) -> None:
    head = (checkout / "Snakefile").read_text(encoding="utf-8")
    arguments = ["--config", "scale=smoke", "--", "pareto"]
    assert f"snakemake --cores all {' '.join(arguments)}" in head
    rules = {job["rule"] for job in dry_run(checkout, *arguments)}
    assert "pareto" in rules and "page" not in rules
