"""Latencies: what is slower takes longer, the networks take turns, and tables show the file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from a2d.deploy.latency import CALLS, WARM_UP, measure, measure_networks
from a2d.deploy.operator_latency import cell_space, measure_operators
from a2d.files import checksum
from a2d.reading.rendering.manifest import describe
from a2d.reading.results import load_results
from a2d.runs.latencies import read_latencies
from a2d.runs.records import find_records
from a2d.specs.architecture import OPERATORS, CellSpace
from a2d.study.workspace import Workspace
from tests.checkout import ROOT
from tests.commands import a2d, refusal, succeeded
from tests.scripts import script
from tests.synthetic import make_study, results_of, write_results
from tests.users_tasks import shipped


def test_networks_take_turns_and_the_slower_takes_longer() -> None:
    order: list[str] = []

    def sleeper(name: str, seconds: float) -> Callable[[], object]:
        def call() -> None:
            order.append(name)
            time.sleep(seconds)

        return call

    found = measure({"a": sleeper("a", 0.001), "b": sleeper("b", 0.003)}, rounds=3)
    turn = CALLS + WARM_UP
    assert "".join(order) == ("a" * turn + "b" * turn) * 3
    assert 1 <= found["a"].median_ms < 3 <= found["b"].median_ms
    assert all(each.low_ms <= each.median_ms <= each.high_ms for each in found.values())


def test_a_larger_network_takes_longer_deployed() -> None:
    card = shipped("minatar-breakout")
    found = measure_networks([(card, "vanilla"), (card, "resnet38")])
    small, large = found.networks
    assert (small.task, small.design, large.design) == ("minatar-breakout", "vanilla", "resnet38")
    assert small.deployed.median_ms * 3 < large.deployed.median_ms
    assert small.eager.median_ms * 3 < large.eager.median_ms
    assert "onnxruntime" in found.versions and found.processor


def test_the_command_line_measures_a_network() -> None:
    words = ("costs", "--task", ROOT / "envs" / "tiny-reach.yaml", "--network", "mlp16")
    text = succeeded(a2d(*words))
    assert text.startswith("736 FLOPs, 405 parameters, a decision takes 0.")
    assert " ms eager, 0.0" in text and " ms deployed " in text


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
    card = shipped("minatar-breakout")
    table = measure_operators(card, cell_space(2, 32, "identity"), "onnx")
    table.check(CellSpace(cells=2, width=32, shortcut="identity"), tuple(OPERATORS["convolution"]))
    for cell in table.cells:
        assert cell["skip"] == 0 < cell["inverted3_e1"] < cell["conv5"]
    words = ["latency-table", "--task", ROOT / "envs" / "tiny-reach.yaml", "--width", 6]
    said = refusal([*words, "--out", tmp_path / "table.json"], monkeypatch, capsys)
    assert "a2d latency-table: width: " in said and "multiple of 4" in said
