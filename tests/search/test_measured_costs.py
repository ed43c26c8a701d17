"""A search that pays for measured milliseconds: they stand where FLOPs stood, and in its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from a2d.errors import A2DError
from a2d.networks.interface import Interface
from a2d.networks.supernet import Supernet
from a2d.search.gumbel import Gumbel
from a2d.search.matched import random_design
from a2d.search.searcher import make_searcher
from a2d.search.trial_searcher import TrialSearcher
from a2d.specs.architecture import OPERATORS, Architecture, CellSpace
from a2d.specs.cost_table import CostTable, read_cost_table, write_cost_table
from a2d.specs.run import DerivedAgent, SearchSpec, TrainSpec, key_of
from tests.commands import CATCH, refusal
from tests.users_tasks import shipped

CELLS = CellSpace(cells=2, width=8)
NAMES = tuple(OPERATORS["convolution"])
SHAPE = (2, 8, 8)


def table(cells: CellSpace = CELLS, /, **ms: float) -> CostTable:
    """Return a table in which operators cost 1 ms, but for those that are named; skips nothing."""
    row = dict.fromkeys(NAMES, 1.0) | {"skip": 0.0} | ms
    return CostTable(
        task="tiny-catch", runtime="onnx", processor="A processor", space=cells, rest_ms=0.5,
        cells=(row,) * cells.cells,
    )  # fmt: skip


def searching(costs: CostTable | None, **settings: Any) -> SearchSpec:
    search = {"space": CELLS, "costs": costs, **settings}
    return SearchSpec(task=shipped("tiny-catch"), steps=3200, seed=0, search=search)


def searcher_of(spec: SearchSpec) -> Any:
    return make_searcher(spec, Supernet(CELLS, spec.search.operators(spec.space), SHAPE))


def test_gumbel_expects_milliseconds() -> None:
    searcher = searcher_of(searching(table(conv5=9.0)))
    assert isinstance(searcher, Gumbel)
    # Of nine operators, seven cost 1, one 9, a skip nothing; the dearest takes 9.
    assert searcher.terms()["cost"].item() == pytest.approx((7 + 9) / 9 / 9)
    assert searcher_of(searching(None)).costs.max() > 1000, "FLOPs where no table is given"


def test_trials_stay_below_a_limit_of_milliseconds() -> None:
    spec = searching(table(conv3=10.0), kind="evolution", trials=5, largest_cost=0.15)
    searcher = searcher_of(spec)
    assert isinstance(searcher, TrialSearcher)
    for seed in range(30):
        found = searcher.supernet.architecture(
            searcher._affordable(
                searcher.draw(np.random.default_rng(seed)), np.random.default_rng(seed)
            ).tolist()
        )
        assert "conv3" not in found.operators, "0.15 of 20 ms are 3, which a conv3 exceeds"


def test_random_architectures_match_milliseconds() -> None:
    interface = Interface(
        observation_shape=SHAPE, bytes_observed=False, actions=3, continuous=False, normalized=False
    )
    target = Architecture(space="convolution", cells=CELLS, operators=("conv5", "skip"))
    costs = table(conv5=7.0, conv3=7.0)
    drawn = {
        random_design(target, NAMES, interface, seed, table=costs).operators for seed in range(40)
    }
    assert drawn == {("conv5", "skip"), ("skip", "conv5"), ("conv3", "skip"), ("skip", "conv3")}


def test_the_table_is_a_part_of_the_key_and_its_absence_is_none() -> None:
    none, one, other = (key_of(searching(costs)) for costs in (None, table(), table(conv3=1.00001)))
    assert len({none, one, other}) == 3
    assert "costs" not in searching(None).model_dump()["search"]
    spec = searching(table())
    assert SearchSpec.model_validate_json(spec.model_dump_json()) == spec
    derived = [
        key_of(TrainSpec(task=spec.task, steps=3200, seed=0, agent=DerivedAgent(search=search)))
        for search in (spec, searching(None))
    ]
    assert derived[0] != derived[1]


@pytest.mark.parametrize(
    ("costs", "says"),
    [
        (
            table().model_copy(update={"task": "atari-pong"}),
            "the table is of the task atari-pong, not of tiny-catch",
        ),
        (table(CellSpace(cells=3, width=8)), "measure one with the same options"),
        (table().model_copy(update={"cells": ({"skip": 0.0},) * 2}), "cell 0 of the table lacks c"),
        (table(**dict.fromkeys(NAMES, 0.0)), "in cell 0 of the table nothing costs anything"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(costs: CostTable, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        searching(costs)


def test_a_table_is_a_file_that_the_command_line_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "table.json"
    write_cost_table(path, table())
    assert read_cost_table(path) == table()
    words = ["search", "--task", CATCH, "--out", tmp_path / "found", "--costs", path]
    assert "measure one with the same options by `a2d latency-table`" in refusal(
        [*words, "--cells", 3], monkeypatch, capsys
    )
    write_cost_table(path, table().model_copy(update={"task": "minatar-breakout"}))
    assert "of the task minatar-breakout, not of tiny-catch; measure one of tiny-catch" in refusal(
        [*words, "--cells", 2, "--width", 8], monkeypatch, capsys
    )
    path.write_text('{"task": "x"}', encoding="utf-8")
    assert "table.json: runtime: is missing" in refusal(words, monkeypatch, capsys)
    with pytest.raises(A2DError, match="which `a2d latency-table` writes"):
        read_cost_table(tmp_path / "none.json")
