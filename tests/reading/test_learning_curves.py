"""Curves of any runs: who belongs together, and what the figure shows of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from a2d.errors import A2DError
from a2d.reading.rendering.learning_curves import draw, read_groups
from a2d.runs.records import CurvePoint, write_record
from a2d.specs.run import ManualAgent, TrainSpec, key_of
from tests.commands import refusal
from tests.synthetic import make_study, record_of
from tests.users_tasks import shipped


def write(folder: Path, network: str, seed: int, height: float) -> Path:
    """Write the record of a run whose return rises to a height, as ``a2d train`` leaves it."""
    study = make_study(folder / "study", ("tiny-catch",), 1, ("size_sweep",))
    any_run = next(iter(study.runs.values()))
    agent = ManualAgent(network=network)
    spec = TrainSpec(task=shipped("tiny-catch"), steps=3200, seed=seed, agent=agent)
    curve = [CurvePoint(step=step, mean_return=height * step / 3200) for step in (0, 1600, 3200)]
    record = record_of(any_run, 1.0).model_copy(
        update={"spec": spec, "key": key_of(spec), "curve": curve}
    )
    path = folder / f"{network}-{seed}" / "record.json"
    write_record(path, record)
    return path.parent


def test_runs_that_differ_by_seeds_alone_are_one_line_with_an_interval(tmp_path: Path) -> None:
    small = [write(tmp_path, "vanilla", seed, height) for seed, height in enumerate((2, 4, 9))]
    large = [write(tmp_path, "resnet14", seed, 1.0) for seed in range(2)]
    groups = read_groups([*small, *large])
    assert [(group.name, len(group.records)) for group in groups] == [
        ("vanilla", 3),
        ("resnet14", 2),
    ]
    drawing = draw(groups)
    (ax,) = drawing.figure.axes
    mean, first, second = ax.lines
    ends = [np.asarray(line.get_ydata(), float)[-1] for line in (mean, first, second)]
    assert ends == pytest.approx([5, 1, 1])
    (band,) = ax.collections
    highest = band.get_datalim(ax.transData).y1
    assert highest == pytest.approx(stats.t.interval(0.95, 2, 5, stats.sem([2, 4, 9]))[1])
    assert second.get_color() == first.get_color() != mean.get_color()
    assert "vanilla 3 runs, resnet14 2 runs" in drawing.caption


def test_groups_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / scale / "task", network, 1, 1.0).rename(tmp_path / scale / "task" / "run")
        for scale, network in (("laptop", "vanilla"), ("breakout", "resnet14"))
    ]
    groups = read_groups(paths)
    assert [group.name for group in groups] == ["laptop/task/run", "breakout/task/run"]
    first, second = draw(groups).figure.axes[0].lines
    assert first.get_color() != second.get_color()
    shutil.copyfile(paths[1] / "record.json", paths[0] / "other.json")
    both = [paths[0] / "record.json", paths[0] / "other.json"]
    assert [group.name for group in read_groups(both)] == ["run (1)", "run (2)"]


def test_alpha_of_searches_has_a_panel_of_its_own(tmp_path: Path) -> None:
    study = make_study(tmp_path, ("tiny-catch",), 1, ("stability",))
    run = next(run for run in study.runs.values() if run.stage == "search")
    curve = [CurvePoint(step=step, mean_return=1.0) for step in (10, 20)]
    record = record_of(run, 1.0).model_copy(update={"curve": curve})
    assert record.search is not None
    search = record.search.model_copy(update={"entropy": [1.0, 0.25]})
    for name, each in (("new", search), ("old", record.search)):
        (tmp_path / name).mkdir()
        seed = record.spec.model_copy(update={"seed": len(name)})
        found = record.model_copy(update={"search": each, "spec": seed, "key": key_of(seed)})
        write_record(tmp_path / name / "record.json", found)
    _, alpha = draw(read_groups([tmp_path / "new"])).figure.axes
    assert alpha.get_ylabel() == "α's entropy (uniform: 1)"
    assert np.asarray(alpha.lines[0].get_ydata(), float)[-1] == 0.25
    assert len(draw(read_groups([tmp_path / "old"])).figure.axes) == 1, "an early record"


def test_the_command_line_draws_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write(tmp_path, "vanilla", 0, 2.0)
    assert "record.json" in refusal(
        ["plot", tmp_path / "study", "--out", tmp_path / "x.png"], monkeypatch, capsys
    )
    assert "ends in .png" in refusal(
        ["plot", run, "--out", tmp_path / "x.jpg"], monkeypatch, capsys
    )
    (tmp_path / "note.json").write_text("{", encoding="utf-8")
    with pytest.raises(A2DError, match="cannot be read as a record"):
        read_groups([tmp_path / "note.json"])
