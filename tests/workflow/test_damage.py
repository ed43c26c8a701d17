"""Damaged records and teachers are found, set aside and made again, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from a2d.files import checksum, digest
from a2d.runs.records import read_record, write_record
from a2d.specs.run import SearchSpec
from a2d.study.repair import restore_architectures
from a2d.study.study import load_study
from a2d.study.workspace import Workspace
from tests.dag import ask, contents, damage, dry_run, trained
from tests.synthetic import pretend_recorded, record_of


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


def test_what_is_damaged_is_set_aside_and_made_again(checkout: Path) -> None:
    records = pretend_recorded(checkout, "smoke")
    study = load_study("smoke", checkout)
    runs = [run for run in study.runs.values() if run.method.startswith("manual-mlp")][:2]
    paths, kept = [checkout / records[run.key] for run in runs], checkout / "runs" / "damaged"
    ways = {"truncated": "cannot be read as a record", "edited": "its checksum does not match"}
    for path, how in zip(paths, ways, strict=True):
        damage(path, how, path)
    damaged, before = [path.read_bytes() for path in paths], contents(checkout / "results")
    arguments = ["--cores", "1", "--config", "scale=smoke", "--", "size_sweep"]
    lines = [f"set aside {records[run.key]}, which is damaged" for run in runs]
    would = ask(checkout, "-n", *arguments)[1]
    status, text = ask(checkout, *arguments)
    assert status == 0, text
    assert all(line in would and line in text for line in lines), text
    assert [(kept / f"{path.stem}.1.json").read_bytes() for path in paths] == damaged
    for path, problem in zip(paths, ways.values(), strict=True):
        assert problem in (kept / f"{path.stem}.1.txt").read_text()
    assert [read_record(path).key for path in paths] == [run.key for run in runs]
    listed = (checkout / "runs" / "manifests" / "smoke" / "whole.txt").read_text().split()
    sound = {checksum(checkout / record) for record in records.values()} - set(map(checksum, paths))
    assert set(listed) == sound, "what renderings believe"
    after = contents(checkout / "results")
    changed = {file for file in after if after[file] != before.get(file) and file.is_file()}
    assert changed == set(paths)
    assert dry_run(checkout, *arguments) == []
