"""Learning curves of any runs: one line for each group of runs that differ by their seeds alone."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from a2d.errors import A2DError
from a2d.reading.decisions.contrasts import FEWEST, over_seeds
from a2d.reading.rendering.figures import (
    RETURN_AXIS,
    STEPS_AXIS,
    Drawing,
    curves_on_grid,
    label_outer,
    legend,
    panels,
    steps_axis,
)
from a2d.reading.rendering.style import INK, SEARCHES, Look
from a2d.reading.rendering.text import plural
from a2d.runs.records import Record, find_records, read_record
from a2d.specs.run import identity

LINES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))


@dataclass(frozen=True)
class Group:
    """Runs of one kind, and what to call them."""

    name: str
    task: str
    records: tuple[Record, ...]


def read_groups(paths: Iterable[Path]) -> list[Group]:
    """Read the runs, and put those together that differ by their seeds alone.

    Args:
        paths: folders of runs, records, or folders of records.

    Raises:
        A2DError: a path holds no record.
    """
    grouped: dict[str, list[tuple[Path, Record]]] = defaultdict(list)
    for path in paths:
        for place in _records_at(path):
            record = read_record(place)
            asked = json.dumps(_without_seeds(identity(record.spec)), sort_keys=True)
            grouped[asked].append((place, record))
    return [
        Group(
            _name([place for place, _ in members]),
            members[0][1].spec.task.title,
            tuple(record for _, record in members),
        )
        for members in grouped.values()
    ]


def _records_at(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if (path / "record.json").is_file():
        return [path / "record.json"]
    found = find_records(path)
    if not found:
        raise A2DError(
            f"{path}: holds no record; expected is the folder of a finished run, with record.json "
            "in it, a record, or a folder of records"
        )
    return found


def _without_seeds(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_seeds(value) for key, value in data.items() if key != "seed"}
    return data


def _name(places: list[Path]) -> str:
    """Return what the paths of a group have in common: its folder, or its folders but for seeds."""
    folders = sorted({str(place.parent) for place in places})
    if len(folders) == 1:
        return Path(folders[0]).name
    shared = os.path.commonprefix(folders)  # noqa: RUF071  # of letters, as names end in seeds
    return Path(shared).name.rstrip("-_.") or "runs"


def draw(groups: list[Group]) -> Drawing:
    """Draw one panel a task: means over seeds, with 95 % intervals from three seeds on."""
    tasks = list(dict.fromkeys(group.task for group in groups))
    names = list(dict.fromkeys(group.name for group in groups))
    palette = list(SEARCHES.values())
    looks = {
        name: replace(palette[place % len(palette)], line=LINES[place // len(palette) % len(LINES)])
        for place, name in enumerate(names)
    }
    figure, axes = panels(len(tasks), width=4.2)
    for ax, task in zip(axes, tasks, strict=True):
        ax.set_title(task, loc="left", fontweight="bold", color=INK)
        shown = [group for group in groups if group.task == task]
        for group in shown:
            _draw_group(ax, group, looks[group.name])
        steps_axis(ax, max(record.spec.steps for group in shown for record in group.records))
    label_outer(axes, STEPS_AXIS, RETURN_AXIS)
    legend(figure, looks.items(), columns=2, lines=True)
    counts = ", ".join(f"{group.name} {plural(len(group.records), 'run')}" for group in groups)
    caption = (
        "Mean unclipped return of recent training episodes; means over seeds, with 95 % t "
        f"intervals from {FEWEST} seeds on, and a line for every run of fewer. {counts}."
    )
    return Drawing(figure, caption)


def _draw_group(ax: Axes, group: Group, look: Look) -> None:
    rows = [
        (str(place), point.step, point.mean_return)
        for place, record in enumerate(group.records)
        for point in record.curve
    ]
    frame = pd.DataFrame(rows, columns=["key", "step", "mean_return"])
    keys = [str(place) for place in range(len(group.records))]
    grid, values = curves_on_grid(frame.astype({"mean_return": float}), keys)
    known = np.isfinite(values).all(axis=0)
    if len(keys) < FEWEST:
        for row in values:
            ax.plot(grid, row, color=look.color, linestyle=look.line, linewidth=1.0)
        return
    ax.plot(grid[known], values[:, known].mean(0), color=look.color, linestyle=look.line)
    bounds = [over_seeds("mean return", column[:, None]) for column in values[:, known].T]
    low, high = [each.low for each in bounds], [each.high for each in bounds]
    ax.fill_between(grid[known], low, high, color=look.color, alpha=0.16, linewidth=0)
