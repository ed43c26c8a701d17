"""Learning curves of any runs: one line for each group of runs that differ by their seeds alone."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

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
    legend,
    panels,
    steps_axis,
)
from a2d.reading.rendering.style import INK, SEARCHES, Look
from a2d.reading.rendering.text import plural
from a2d.runs.records import Record, find_records, read_record
from a2d.specs.run import identity

Curve = list[tuple[int, float | None]]  # steps and values
ENTROPY_AXIS = "α's entropy (uniform: 1)"
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
    kinds = [tuple(record for _, record in members) for members in grouped.values()]
    titles = [records[0].spec.task.title for records in kinds]
    folders = [_folder([place for place, _ in members]) for members in grouped.values()]
    names = _distinct(folders, titles)
    return [Group(*found) for found in zip(names, titles, kinds, strict=True)]


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


def _folder(places: list[Path]) -> Path:
    """Return what the paths of a group have in common: its folder, or its folders but for seeds."""
    folders = sorted({str(place.parent) for place in places})
    if len(folders) == 1:
        return Path(folders[0])
    shared = os.path.commonprefix(folders)  # noqa: RUF071  # of letters, as names end in seeds
    return Path(shared.rstrip("-_./") or "runs")


def _distinct(folders: list[Path], titles: list[str]) -> list[str]:
    """Return the folders' names, with as many parents as tell those of one task apart."""
    for depth in range(1, 1 + max((len(folder.parts) for folder in folders), default=0)):
        names = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(zip(titles, names, strict=True))) == len(names):
            return names
    return [f"{folder.name} ({number})" for number, folder in enumerate(folders, start=1)]


def draw(groups: list[Group]) -> Drawing:
    """Draw a panel a task, and one of alpha where there are searches that learn it.

    Means over seeds, with 95 % intervals from three seeds on.
    """
    names = list(dict.fromkeys(group.name for group in groups))
    palette = list(SEARCHES.values())
    looks = {
        name: replace(palette[place % len(palette)], line=LINES[place // len(palette) % len(LINES)])
        for place, name in enumerate(names)
    }
    searches = [group for group in groups if all(map(_entropy, group.records))]
    shown = [*_panels(groups, _returns, RETURN_AXIS), *_panels(searches, _entropy, ENTROPY_AXIS)]
    figure, axes = panels(len(shown), width=4.2)
    for ax, panel in zip(axes, shown, strict=True):
        ax.set_title(panel.task, loc="left", fontweight="bold", color=INK)
        for group in panel.groups:
            _draw_group(ax, [panel.read(record) for record in group.records], looks[group.name])
        steps_axis(ax, max(record.spec.steps for each in panel.groups for record in each.records))
        ax.set_xlabel(STEPS_AXIS)
        ax.set_ylabel(panel.axis)
    legend(figure, looks.items(), columns=2, lines=True)
    counts = ", ".join(f"{group.name} {plural(len(group.records), 'run')}" for group in groups)
    caption = (
        "Mean unclipped return of recent training episodes"
        f"{', and of searches the entropy of α, 1 where it is undecided' if searches else ''}; "
        f"means over seeds, with 95 % t intervals from {FEWEST} seeds on, and a line for every run "
        f"of fewer. {counts}."
    )
    return Drawing(figure, caption)


class Panel(NamedTuple):
    """One task's groups, and what is drawn of each of their records."""

    task: str
    groups: list[Group]
    read: Callable[[Record], Curve]
    axis: str


def _panels(groups: list[Group], read: Callable[[Record], Curve], axis: str) -> list[Panel]:
    tasks = dict.fromkeys(group.task for group in groups)
    return [
        Panel(task, [group for group in groups if group.task == task], read, axis) for task in tasks
    ]


def _returns(record: Record) -> Curve:
    return [(point.step, point.mean_return) for point in record.curve]


def _entropy(record: Record) -> Curve:
    """Return alpha's entropy over the search; nothing where a record says nothing of it."""
    if record.search is None or record.search.entropy is None:
        return []
    steps = [point.step for point in record.curve]
    return list(zip(steps, record.search.entropy, strict=True))


def _draw_group(ax: Axes, curves: list[Curve], look: Look) -> None:
    rows = [
        (str(place), step, value) for place, curve in enumerate(curves) for step, value in curve
    ]
    frame = pd.DataFrame(rows, columns=["key", "step", "mean_return"])
    keys = [str(place) for place in range(len(curves))]
    grid, values = curves_on_grid(frame.astype({"mean_return": float}), keys)
    known = np.isfinite(values).all(axis=0)
    if len(keys) < FEWEST:
        for row in values:
            ax.plot(grid, row, color=look.color, linestyle=look.line, linewidth=1.0)
        return
    ax.plot(grid[known], values[:, known].mean(0), color=look.color, linestyle=look.line)
    bounds = [over_seeds("mean", column[:, None]) for column in values[:, known].T]
    low, high = [each.low for each in bounds], [each.high for each in bounds]
    ax.fill_between(grid[known], low, high, color=look.color, alpha=0.16, linewidth=0)
