"""A benchmark of few tiny trainings in a checkout of its own, and tables whose truth is known."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from a2d.benchmark.table import COLUMNS, Table
from a2d.specs.architecture import CellSpace
from a2d.study.bench.definition import Benchmark, load_benchmark
from tests.checkout import ROOT

TINY = {
    "title": "Tiny",
    "description": "Two operators in two cells of a tiny task; trained within seconds.",
    "version": 1,
    "operators": ["skip", "conv3"],
    "space": {"cells": 2, "width": 4, "shortcut": "identity"},
    "tasks": {"catch": {"card": "tiny-catch"}},
    "teachers": "smoke",
    "seeds": [900, 901],
    "steps": 400,
    "a2c": {"environments": 4},
    "evaluation": {"episodes": 4, "environments": 4},
    "group": 2,
}


def tiny_benchmark(folder: Path, **changed: Any) -> Benchmark:
    """Return a benchmark of eight trainings, defined in a new checkout in ``folder``."""
    (folder / "workflow").mkdir(parents=True, exist_ok=True)
    for name in ("workflow/methods.yaml", "workflow/experiments", "workflow/scales", "envs",
                 "figures", "tables"):  # fmt: skip
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    path = folder / "workflow" / "benchmark.yaml"
    path.write_text(yaml.safe_dump({**TINY, **changed}), encoding="utf-8")
    return load_benchmark(folder)


def known_table(
    cells: int = 4,
    seeds: int = 3,
    noise: float = 0.5,
    missing: tuple[int, ...] = (),
    operators: tuple[str, ...] = ("skip", "conv3", "conv5"),
    cards: tuple[str, ...] = ("known",),
    built: CellSpace | None = None,
) -> Table:
    """Return a table whose scores are the number of conv3 in a name, and noise.

    Its tasks are called as their cards.
    """
    generator = np.random.default_rng(0)
    description = {
        "title": "Known", "version": 1, "operators": operators,
        "built": (built or CellSpace(cells=cells)).model_dump(mode="json"),
        "tasks": {card: card for card in cards}, "seeds": list(range(seeds)), "steps": 900,
        "every": 100,
    }  # fmt: skip
    empty = Table({name: [] for name in COLUMNS}, description)
    rows: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    trained = sorted(set(range(empty.space.size)) - set(missing))
    for task, index, seed in product(cards, trained, range(seeds)):
        name = empty.space.name(index)
        score = name.count("conv3") + noise * generator.normal()
        curve = list(np.linspace(0, score, 9))
        costs = (1000 + index, 10, 0.25, 2.0)
        values = (f"{task}/{index}/{seed}", name, task, seed, [score], curve, *costs)
        for column, value in zip(COLUMNS, values, strict=True):
            rows[column].append(value)
    return Table(rows, description)
