"""Trainings in groups: what a kill leaves, what is published, and the same row trained alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from a2d.benchmark.table import CROISSANT, open_table
from a2d.deploy.latency import measure_networks
from a2d.errors import A2DError
from a2d.files import checksum
from a2d.networks.imported import Teacher
from a2d.reading.bench import compare_with_row
from a2d.runs.execute import run_training
from a2d.runs.latencies import latency_path, write_latencies
from a2d.runs.records import Record, read_record
from a2d.specs.run import GivenAgent, TrainSpec, key_of
from a2d.study.bench import filling
from a2d.study.bench.definition import Benchmark, load_benchmark, share_of
from a2d.study.bench.journal import Journal, entry_of, find_entry
from a2d.study.bench.publishing import LONGER, TABLE, publish
from a2d.study.workspace import Workspace
from tests import processes
from tests.checkout import ROOT
from tests.commands import a2d, failed, succeeded
from tests.contents import content
from tests.small_benchmark import tiny_benchmark


@pytest.fixture(scope="module")
def benchmark_and_rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Benchmark, Path]:
    """A benchmark of which two groups of four are trained."""
    folder = tmp_path_factory.mktemp("tiny")
    benchmark, rows = tiny_benchmark(folder), folder / "rows"
    for group in list(benchmark.groups())[:2]:
        filling.fill(group, rows, Workspace(folder, folder / "runs"))
    return benchmark, rows


def test_every_architecture_task_and_seed_is_one_ordinary_training(tmp_path: Path) -> None:
    benchmark = tiny_benchmark(tmp_path)
    rows = [row for group in benchmark.groups() for row in group.rows]
    names = {f"{first}-{second}" for first in ("skip", "conv3") for second in ("skip", "conv3")}
    assert {(row.architecture, row.seed) for row in rows} == {
        (name, seed) for name in names for seed in (900, 901)
    }
    assert len(rows) == 8 and len({row.key for row in rows}) == 8
    for row in rows:
        assert isinstance(row.spec.agent, GivenAgent)
        assert "-".join(row.spec.agent.architecture.operators) == row.architecture
        assert (row.spec.seed, row.spec.steps, row.key) == (row.seed, 400, key_of(row.spec))


def test_a_distilled_row_is_taught_by_the_scales_teacher(tmp_path: Path) -> None:
    tasks = {"taught": {"card": "tiny-catch", "distillation": "joint"}}
    row = tiny_benchmark(tmp_path, tasks=tasks).row("skip-skip", "taught", 900)
    assert isinstance(row.spec.teacher, TrainSpec) and row.spec.teacher.seed == 100
    assert row.spec.distillation.mode == "joint"


def test_groups_of_one_architecture_follow_each_other_in_an_order_that_stays(
    tmp_path: Path,
) -> None:
    benchmark = tiny_benchmark(tmp_path)
    groups = list(benchmark.groups())
    architectures = [{row.architecture for row in group.rows} for group in groups]
    assert architectures[0] == architectures[1] != architectures[2] == architectures[3]
    assert [group.name for group in benchmark.groups()] == [group.name for group in groups]
    longer = tiny_benchmark(tmp_path, steps=420)
    assert not {group.name for group in longer.groups()} & {group.name for group in groups}


def test_machines_share_all_groups_and_no_group_twice(tmp_path: Path) -> None:
    groups = list(tiny_benchmark(tmp_path).groups())
    parts = [share_of(groups, f"{place}/3") for place in (1, 2, 3)]
    assert sorted(group.name for part in parts for group in part) == sorted(
        group.name for group in groups
    )
    assert share_of(groups, "1/1") == groups
    for wrong in ("0/2", "3/2", "1", "a/b", "1/0"):
        with pytest.raises(A2DError, match="such as 1/2 or 2/2"):
            share_of(groups, wrong)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"operators": ["skip", "conv9"]}, r"tasks\.catch: .*'conv9'"),
        ({"operators": ["skip", "skip"]}, "operators: skip, skip holds a value twice"),
        ({"seeds": [1]}, "seeds"),
        ({"steps": 401}, r"tasks\.catch: .*must be a multiple"),
        ({"teachers": "nothing"}, "scale 'nothing'"),
        ({"tasks": {"a/b": {"card": "tiny-catch"}}}, "tasks: 'a/b' should be letters"),
        ({"tasks": {"x": {"card": "nothing"}}}, "task 'nothing'"),
        ({"speed": 1}, "speed: is not a known key"),
    ],
)
def test_a_wrong_definition_is_refused_with_the_key(
    changed: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(A2DError, match=message):
        tiny_benchmark(tmp_path, **changed)


def test_a_row_equals_the_ordinary_run_in_a_process_of_its_own(
    benchmark_and_rows: tuple[Benchmark, Path], tmp_path: Path
) -> None:
    benchmark, rows = benchmark_and_rows
    row = next(iter(benchmark.groups())).rows[1]  # not the first of its process
    status, errors = processes.run(
        "bench-table", "retrain", row.architecture, row.task, row.seed, "--out", tmp_path / "out",
        "--root", rows.parent, "--results", tmp_path, "--runs", rows.parent / "runs",
    )  # fmt: skip
    assert status == 0, errors
    record = read_record(tmp_path / "out" / "record.json")
    recorded = find_entry(rows, benchmark.groups(), row)
    assert recorded is not None and compare_with_row(entry_of(row, record), recorded) == "identical"
    assert content(record) == content(run_training(row.spec, tmp_path / "again"))
    with pytest.raises(A2DError, match="holds a record; name a new folder"):
        filling.train_again(row, tmp_path / "out", Workspace(rows, rows.parent / "runs"))


def test_what_has_ended_outlives_a_kill_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    benchmark, files = tiny_benchmark(tmp_path), Workspace(tmp_path, tmp_path / "runs")
    group, trained = next(iter(benchmark.groups())), list[TrainSpec]()
    most = 1

    def run(spec: TrainSpec, folder: Path, teacher: Teacher | None) -> Record:
        if len(trained) == most:
            raise KeyboardInterrupt
        trained.append(spec)
        return run_training(spec, folder, teacher)

    monkeypatch.setattr(filling, "run_training", run)
    with pytest.raises(KeyboardInterrupt):
        filling.fill(group, tmp_path / "rows", files)
    assert [path.name for path in (tmp_path / "rows").iterdir()] == [f"{group.name}.partial.jsonl"]
    assert publish(benchmark, tmp_path / "rows", tmp_path) == 1
    most = 2
    filling.fill(group, tmp_path / "rows", files)
    filling.fill(group, tmp_path / "rows", files)
    assert trained == [row.spec for row in group.rows]
    assert [path.name for path in (tmp_path / "rows").iterdir()] == [f"{group.name}.jsonl"]


def test_a_line_that_was_edited_is_noticed(
    benchmark_and_rows: tuple[Benchmark, Path], tmp_path: Path
) -> None:
    benchmark, rows = benchmark_and_rows
    group = next(iter(benchmark.groups()))
    path = tmp_path / f"{group.name}.jsonl"
    text = (rows / path.name).read_text(encoding="utf-8")
    edited = text.replace('"seed": 900', '"seed": 901', 1).encode()
    for wrong in (edited, text[:-20].encode(), b"[1]\n", b"\xff\xfe{}\n"):
        path.write_bytes(wrong)
        with pytest.raises(A2DError, match=r"line [12]: .*delete the line"):
            Journal(tmp_path, group)


def test_a_damaged_group_does_not_hide_another_ones_row(
    benchmark_and_rows: tuple[Benchmark, Path], tmp_path: Path
) -> None:
    benchmark, rows = benchmark_and_rows
    first, second = list(benchmark.groups())[:2]
    path = next(path for path in rows.glob(f"{first.name}*"))
    (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / f"{second.name}.jsonl").write_bytes(b"cut")
    assert find_entry(tmp_path, benchmark.groups(), first.rows[0]) is not None


def test_the_first_architectures_are_trained_longer_after_all_others(tmp_path: Path) -> None:
    longer = {"steps": 800, "share": 0.5, "seeds": [900], "group": 2}
    benchmark = tiny_benchmark(tmp_path, longer=longer)
    groups = benchmark.every_group()
    assert [group.name for group in groups[:-1]] == [group.name for group in benchmark.groups()]
    assert [row.architecture for row in groups[-1].rows] == [
        row.architecture for row in groups[0].rows
    ]
    assert {(row.spec.steps, row.seed) for row in groups[-1].rows} == {(800, 900)}
    assert not {row.key for row in groups[-1].rows} & {row.key for row in groups[0].rows}
    for group in (groups[0], groups[-1]):
        filling.fill(group, tmp_path / "rows", Workspace(tmp_path, tmp_path / "runs"))
    assert publish(benchmark, tmp_path / "rows", tmp_path) == 4
    table, further = open_table(tmp_path / TABLE), open_table(tmp_path / LONGER)
    assert (table.steps, further.steps, further.seeds) == (400, 800, (900,))
    assert str(further.coverage("catch")) == "2 of 4 architectures"
    described = json.loads((tmp_path / CROISSANT).read_text(encoding="utf-8"))
    assert [file["name"] for file in described["distribution"]] == [TABLE, LONGER]
    with pytest.raises(A2DError, match=r"longer\.share"):
        tiny_benchmark(tmp_path, longer={**longer, "share": 2})
    with pytest.raises(A2DError, match=r"must be a multiple"):
        tiny_benchmark(tmp_path, longer={**longer, "steps": 801})


def test_what_is_published_is_what_was_trained(
    benchmark_and_rows: tuple[Benchmark, Path], tmp_path: Path
) -> None:
    benchmark, rows = benchmark_and_rows
    assert publish(benchmark, rows, tmp_path) == 4
    before = (tmp_path / TABLE).read_bytes()
    publish(benchmark, rows, tmp_path)
    assert (tmp_path / TABLE).read_bytes() == before, "the same to the byte"
    table = open_table(tmp_path / TABLE)
    group = next(iter(benchmark.groups()))
    for row in group.rows:
        entry = find_entry(rows, benchmark.groups(), row)
        assert entry is not None
        run = table.query(row.architecture, row.task, row.seed)
        assert run.value == pytest.approx(sum(entry.returns) / len(entry.returns))
        assert run.key == row.key and run.curve.tolist() == pytest.approx(
            [float("nan") if each is None else each for each in entry.curve], nan_ok=True
        )
        cost = table.cost(row.architecture, row.task)
        assert (cost.flops, cost.parameters) == (entry.flops, entry.parameters)
    assert str(table.coverage("catch")) == "2 of 4 architectures"
    with pytest.raises(A2DError, match=r"holds no training of Tiny yet"):
        publish(benchmark, tmp_path / "nowhere", tmp_path)


def test_latencies_join_the_networks_that_they_were_measured_of(
    benchmark_and_rows: tuple[Benchmark, Path], tmp_path: Path
) -> None:
    benchmark, rows = benchmark_and_rows
    networks = benchmark.networks()
    assert len(networks) == 4
    publish(benchmark, rows, tmp_path)
    row = next(iter(benchmark.groups())).rows[0]
    assert isinstance(row.spec.agent, GivenAgent)
    before = open_table(tmp_path / TABLE).cost(row.architecture, row.task)
    measured = measure_networks(networks.values())
    write_latencies(latency_path(tmp_path, measured.processor), measured)
    publish(benchmark, rows, tmp_path)
    after = open_table(tmp_path / TABLE).cost(row.architecture, row.task)
    (mine,) = (each for each in measured.networks if each.design == row.spec.agent.architecture)
    assert np.isnan(before.deployed_ms)
    assert after.deployed_ms == pytest.approx(mine.deployed.median_ms)


def test_the_command_line_plays_on_what_is_published(
    benchmark_and_rows: tuple[Benchmark, Path], tmp_path: Path
) -> None:
    benchmark, rows = benchmark_and_rows
    publish(benchmark, rows, tmp_path)
    table = tmp_path / TABLE
    played = succeeded(a2d("bench", "--searcher", "random", "--seeds", 3, "--table", table))
    assert "catch: 2 of 4 architectures are there with every seed; 6 simulations" in played
    assert "Tiny 1: 4 architectures of 2 cells, each one of skip, conv3" in succeeded(
        a2d("bench", "--table", table)
    )
    refused = failed(a2d("bench", "--searcher", "luck", "--table", table))
    assert "searcher 'luck': should be one of random, evolution" in refused


def test_croissant_describes_the_file_as_it_is(
    benchmark_and_rows: tuple[Benchmark, Path], tmp_path: Path
) -> None:
    benchmark, rows = benchmark_and_rows
    publish(benchmark, rows, tmp_path)
    described = json.loads((tmp_path / CROISSANT).read_text(encoding="utf-8"))
    (file,) = described["distribution"]
    assert file["sha256"] == checksum(tmp_path / file["contentUrl"])
    assert file["encodingFormat"] == "application/x-parquet", "what Croissant's own reader knows"
    assert described["@context"]["@language"] == "en", "without which it refuses the file"
    (records,) = described["recordSet"]
    columns = [field["source"]["extract"]["column"] for field in records["field"]]
    assert columns == pq.read_schema(tmp_path / TABLE).names


def test_the_checkouts_definition_is_sound() -> None:
    benchmark = load_benchmark(ROOT)
    groups = list(benchmark.groups())
    assert sum(len(group.rows) for group in groups) == 256 * 2 * 3
    assert len({group.name for group in groups}) == len(groups)
    seeds = {row.spec.seed for group in groups for row in group.rows}
    assert not seeds & {100, *range(20)} and max(seeds) < 900, "seeds of no study and no pilot"
