"""Random architectures are a control: of the candidates, and by the costs, of the search itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2d.runs.designs import draw_architecture
from a2d.runs.execute import run_search
from a2d.runs.records import Record, write_record
from a2d.specs.architecture import OPERATORS, Architecture, CellSpace, write_architecture
from a2d.specs.cost_table import CostTable
from tests.checkout import ENVS
from tests.commands import refusal
from tests.runs_in_a_moment import CATCH, searching

CELLS = CellSpace(cells=2, width=8)
CANDIDATES = ("conv3", "conv5", "inverted3_e1", "skip")
FOUND = Architecture(space="convolution", cells=CELLS, operators=("conv5", "skip"))
# By milliseconds a conv5 is worth a conv3, by FLOPs it is not.
ROW = dict.fromkeys(OPERATORS["convolution"], 1.0) | {"skip": 0.0, "conv3": 7.0, "conv5": 7.0}
TABLE = CostTable(
    task="tiny-catch", runtime="onnx", processor="A", space=CELLS, rest_ms=0.5, cells=(ROW, ROW)
)
TASK = ENVS / "tiny-catch.yaml"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The record of a search with candidates and a table of its own."""
    search = {"space": CELLS, "candidates": CANDIDATES, "costs": TABLE}
    return run_search(searching(CATCH, search=search), tmp_path_factory.mktemp("search"))


def drawn(like: Path, count: int = 40) -> set[tuple[str, ...]]:
    out = like.with_name("random.json")
    return {draw_architecture(TASK, like, out, seed).operators for seed in range(count)}


@pytest.mark.parametrize("design", ["arch.json", "chosen.json", "seed0-KEY.arch.json"])
def test_candidates_and_costs_are_those_of_the_record_beside_it(
    design: str, record: Record, tmp_path: Path
) -> None:
    like, beside = tmp_path / design.replace("KEY", record.key[:8]), "record.json"
    if "KEY" in design:  # as in a study's results
        beside = f"seed0-{record.key[:8]}.json"
    write_architecture(like, FOUND)
    write_record(tmp_path / beside, record)
    assert drawn(like) == {
        ("conv5", "skip"), ("skip", "conv5"), ("conv3", "skip"), ("skip", "conv3"),
    }  # fmt: skip


def test_what_no_search_has_left_is_matched_by_flops_among_the_papers(
    record: Record, tmp_path: Path
) -> None:
    write_architecture(tmp_path / "arch.json", FOUND)
    without = drawn(tmp_path / "arch.json", 12)
    assert not {name for operators in without for name in operators} <= set(CANDIDATES)
    assert ("conv3", "skip") not in without
    wider = FOUND.model_copy(update={"cells": CellSpace(cells=2, width=16)})
    write_architecture(tmp_path / "arch.json", wider)
    before = drawn(tmp_path / "arch.json", 6)
    write_record(tmp_path / "record.json", record)
    assert drawn(tmp_path / "arch.json", 6) == before, "the record is of another space"


def test_costs_of_another_task_and_a_damaged_record_are_refused(
    record: Record,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    like, out = tmp_path / "arch.json", tmp_path / "random.json"
    write_architecture(like, FOUND)
    write_record(tmp_path / "record.json", record)
    words = ["random", "--task", ENVS / "minatar-breakout.yaml", "--like", like, "--out", out]
    text = refusal(words, monkeypatch, capsys)
    assert "arch.json: costs: the table is of the task tiny-catch, not of minatar-breakout" in text
    (tmp_path / "record.json").write_text("{}", encoding="utf-8")
    words[2] = TASK
    assert "record.json: is not a record" in refusal(words, monkeypatch, capsys)
    assert not out.exists()
