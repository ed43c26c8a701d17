"""Latencies: what is slower takes longer, the networks take turns, and tables show the file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from a2d.deploy import operator_latency
from a2d.deploy.latency import CALLS, WARM_UP, measure, measure_networks
from a2d.deploy.operator_latency import Place, cell_space, measure_operators
from a2d.files import checksum
from a2d.reading.rendering.manifest import describe
from a2d.reading.results import load_results
from a2d.runs.latencies import Spread, read_latencies
from a2d.runs.records import find_records
from a2d.specs.architecture import OPERATORS, CellSpace
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.commands import a2d, refusal, succeeded
from tests.scripts import script
from tests.synthetic import make_study, results_of, write_results
from tests.users_tasks import shipped


def test_networks_take_turns_and_spreads_are_those_of_the_rounds_medians(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock that calls alone advance: b's n-th round takes n ms a call."""
    clock, order = [0.0], ""

    def taking(name: str, duration: Callable[[int], float]) -> Callable[[], object]:
        def call() -> None:
            nonlocal order
            clock[0] += duration(order.count(name) // turn + 1)
            order += name

        return call

    turn = CALLS + WARM_UP
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    calls = {"a": taking("a", lambda _: 0.0005), "b": taking("b", lambda nth: nth / 1000)}
    found = measure(calls, rounds=5)
    assert order == ("a" * turn + "b" * turn) * 5
    assert found["a"] == Spread(median_ms=0.5, low_ms=0.5, high_ms=0.5)
    assert found["b"] == Spread(median_ms=3, low_ms=2, high_ms=4)


def test_networks_are_measured_eager_and_deployed() -> None:
    card = shipped("minatar-breakout")
    found = measure_networks([(card, "vanilla"), (card, "resnet38")])
    small, large = found.networks
    assert (small.task, small.design, large.design) == ("minatar-breakout", "vanilla", "resnet38")
    # The large one computes nine times as much, which no disturbance hides.
    assert 0 < small.deployed.median_ms < large.deployed.median_ms
    assert 0 < small.eager.median_ms < large.eager.median_ms
    assert "onnxruntime" in found.versions and found.processor


def test_the_command_line_measures_a_network() -> None:
    words = ("costs", "--task", ROOT / "envs" / "tiny-reach.yaml", "--network", "mlp16")
    text = succeeded(a2d(*words))
    times = r"a decision takes 0\.\d{3} ms eager, 0\.\d{3} ms deployed "
    assert re.match(rf"736 FLOPs, 405 parameters, {times}", text)


def test_a_scale_is_measured_and_its_tables_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(tmp_path, ("tiny-catch",), 1, ("size_sweep",))
    folder = tmp_path / "results"
    words = ["latency", "--scale", "made-up", "--root", tmp_path, "--results", folder]
    assert "has no record of this scale" in refusal(words, monkeypatch, capsys)
    write_results(results_of(study, lambda run: 1.0), folder)
    workspace = Workspace(folder, tmp_path / "runs")
    before = describe(study, workspace, tmp_path, "tables/network_structures")
    recorded = find_records(folder)
    said = succeeded(a2d(*words))
    (path,) = (folder / "made-up" / "latency").glob("*.json")
    assert said.startswith(f"{path}: 3 networks; half of ")
    assert find_records(folder) == recorded
    after = describe(study, workspace, tmp_path, "tables/network_structures")
    assert set(after.splitlines()) - set(before.splitlines()) == {f"{checksum(path)}  {path.name}"}
    results = load_results(study, folder)
    assert results.stale == ()
    measured = {item.design: item for item in read_latencies(path).networks}
    table = script("tables/network_structures").make(results)
    (row,) = table.data.index[table.data["layers"].str.startswith("convolutions 32")]
    found = table.data.loc[row, ["latency_ms", "deployed_ms"]].tolist()
    vanilla = measured["vanilla"]
    assert found == [vanilla.eager.median_ms, vanilla.deployed.median_ms]
    assert {"Eager [ms]", "Deployed [ms]"} <= set(table.shown)
    assert any(read_latencies(path).processor in note for note in table.notes)


def test_a_table_says_what_operators_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of medians given by hand: 0.2 ms where all cells skip, then 0.1 less and ever more."""
    card, cells = shipped("minatar-breakout"), cell_space(2, 32, "identity")
    operators = tuple(OPERATORS["convolution"])

    def given(calls: Mapping[Place, Callable[[], object]]) -> dict[Place, Spread]:
        assert all(call() for call in calls.values())
        costs = [0.2, *(0.1 + 0.03 * place for place in range(len(calls) - 1))]
        return {
            place: Spread(median_ms=ms, low_ms=0, high_ms=9)
            for place, ms in zip(calls, costs, strict=True)
        }

    monkeypatch.setattr(operator_latency, "measure", given)
    table = measure_operators(card, cells, "onnx")
    table.check(CellSpace(cells=2, width=32, shortcut="identity"), operators)
    first, last = ([cell[name] for name in operators if name != "skip"] for cell in table.cells)
    assert table.rest_ms == 0.2 and [cell["skip"] for cell in table.cells] == [0, 0]
    assert first == pytest.approx([0, 0, 0, 0, 0.02, 0.05, 0.08, 0.11])
    assert last == pytest.approx([0.14, 0.17, 0.2, 0.23, 0.26, 0.29, 0.32, 0.35])
    words = ["latency-table", "--task", ROOT / "envs" / "tiny-reach.yaml", "--width", 6]
    said = refusal([*words, "--out", tmp_path / "table.json"], monkeypatch, capsys)
    assert "a2d latency-table: width: " in said and "multiple of 4" in said
