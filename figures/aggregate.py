"""All tasks together.

Interquartile means, probability that A2D improves, performance profiles (C2 to C5).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from a2d.reading.decisions.contrasts import FEWEST, Array, Interval
from a2d.reading.decisions.yardstick import Yardstick
from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.agents import BEST, Kind, a2d, kinds
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import GREY, INK
from a2d.reading.results import MissingRuns, Results, matrix
from a2d.reading.statistics import (
    interquartile_mean,
    performance_profile_intervals,
    probability_of_improvement_interval,
    stratified_bootstrap,
)

SHOWS_ALSO = ("size_sweep", "search_methods", "stability", "searchers", "distillation")
SHOWS_ALL = ("teacher", "manual", "derive")

SMALL = 7.5  # points


@dataclass(frozen=True)
class Entry:
    """One row of the figure: a kind of agent, its runs on tasks that have a scale, its scores."""

    kind: Kind
    rows: pd.DataFrame
    scores: Array | None  # normalised, (seeds, tasks); None where a run is missing

    @property
    def certain(self) -> bool:
        """Whether an interval says anything."""
        return self.scores is not None and len(self.scores) >= FEWEST

    @property
    def middle(self) -> float:
        if self.scores is None:
            return -np.inf
        return interquartile_mean(self.scores)

    @property
    def absence(self) -> str:
        """Why there are no scores."""
        if self.rows["score"].isna().any():
            return figures.tally(self.rows)
        return "not planned on every task"

    @property
    def label(self) -> str:
        if (self.rows["state"] == "diverged").any():
            return f"{self.kind.name}†"
        return self.kind.name


def _entry(results: Results, kind: Kind, yardstick: Yardstick) -> Entry:
    tasks, rows, scores = yardstick.tasks, kind.rows, None
    if kind.name == BEST and rows.empty:
        # Where no size is recorded none is the best, and the runs of all of them are missing.
        rows = pd.concat([results.manual(task) for task in results.study.tasks])
    if tasks:
        rows = rows[rows["task"].isin(tasks)]
        with suppress(MissingRuns):  # shown as such
            scores = yardstick.apply(matrix(rows, tasks), tasks)
    return Entry(kind, rows, scores)


def _dot(ax: Axes, y: float, interval: Interval, entry: Entry, certain: bool) -> None:
    look = entry.kind.look
    if certain:
        ax.plot(
            [interval.low, interval.high],
            [y, y],
            color=look.color,
            linewidth=1.6,
            solid_capstyle="butt",
        )
    ax.plot(
        [interval.estimate], [y], look.marker, color=look.color, markerfacecolor=look.face,
        markersize=look.size, markeredgewidth=1.3, zorder=4,
    )  # fmt: skip


def _note(ax: Axes, y: float, message: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.text(
        0.02, y, message, transform=ax.get_yaxis_transform(), va="center", fontsize=SMALL,
        color=GREY, fontstyle="italic", bbox=box,
    )  # fmt: skip


def _lines(ax: Axes, entries: list[Entry], names: bool, own: Entry | None) -> None:
    """Give every entry one line, from the top, with its name or without; A2D's name is bold."""
    ax.set_yticks(range(len(entries)), [entry.label * names for entry in entries])
    for label, entry in zip(ax.get_yticklabels(), entries, strict=True):
        if entry is own:
            label.set_fontweight("bold")
    ax.set_ylim(len(entries) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _level(ax: Axes, x: float) -> None:
    ax.axvline(x, color=GREY, linewidth=0.9, linestyle=(0, (6, 3)), zorder=1)


def _means(ax: Axes, entries: list[Entry], own: Entry | None) -> None:
    ax.set_title("Interquartile mean", loc="left", fontweight="bold", color=INK)
    ax.set_xlabel("normalised score (0: random, 1: teacher)", fontsize=SMALL)
    _lines(ax, entries, True, own)
    for y, entry in enumerate(entries):
        if entry.scores is None:
            _note(ax, y, entry.absence)
            continue
        interval = stratified_bootstrap(entry.scores, interquartile_mean, np.random.default_rng(0))
        _dot(ax, y, interval, entry, entry.certain)
        if not entry.certain and len(entry.scores) > 1:
            own_means = [interquartile_mean(seed[None]) for seed in entry.scores]
            figures.seeds(ax, own_means, [y] * len(own_means), entry.kind.look)
    if all(entry.scores is None for entry in entries):
        ax.set_xticks([])
        return
    ax.margins(x=0.08)
    _level(ax, 0)
    _level(ax, 1)


def _improvement(ax: Axes, entries: list[Entry], own: Entry | None) -> None:
    ax.set_title("A2D improves on …", loc="left", fontweight="bold", color=INK)
    if own is None:
        figures.blank(ax, "this study plans no A2D agents")
        return
    if own.scores is None:
        figures.blank(ax, f"A2D: {figures.tally(own.rows)}")
        return
    ax.set_xlabel("probability that A2D scores higher", fontsize=SMALL)
    _lines(ax, entries, False, own)
    for y, entry in enumerate(entries):
        if entry is own:
            _note(ax, y, "A2D itself")
        elif entry.scores is None:
            _note(ax, y, entry.absence)
        else:
            found = probability_of_improvement_interval(
                own.scores, entry.scores, np.random.default_rng(0)
            )
            _dot(ax, y, found, entry, entry.certain and own.certain)
    ax.set_xlim(-0.04, 1.04)
    _level(ax, 0.5)


def _profiles(ax: Axes, entries: list[Entry]) -> list[Entry]:
    """Draw the profiles of the main kinds, and return those drawn."""
    ax.set_title("Performance profile", loc="left", fontweight="bold", color=INK)
    shown = {
        id(entry): entry.scores for entry in entries if entry.kind.main and entry.scores is not None
    }
    if not shown:
        figures.blank(ax, "no main method has all its runs")
        return []
    pooled = np.concatenate([scores.ravel() for scores in shown.values()])
    room = 0.05 * max(float(np.ptp(pooled)), 0.1)
    levels = np.linspace(pooled.min() - room, pooled.max() + room, figures.GRID_POINTS)
    drawn = [entry for entry in entries if id(entry) in shown]
    for entry in drawn:
        _profile(ax, entry, shown[id(entry)], levels)
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel("normalised score τ", fontsize=SMALL)
    ax.set_ylabel("share of runs scoring above τ", fontsize=SMALL)
    return drawn


def _profile(ax: Axes, entry: Entry, scores: Array, levels: Array) -> None:
    bands, look = (
        performance_profile_intervals(scores, levels, np.random.default_rng(0)),
        entry.kind.look,
    )
    ax.step(
        levels,
        [band.estimate for band in bands],
        where="post",
        color=look.color,
        linestyle=look.line,
    )
    if entry.certain:
        low, high = [band.low for band in bands], [band.high for band in bands]
        ax.fill_between(levels, low, high, step="post", color=look.color, alpha=0.12, linewidth=0)


def _caption(results: Results, yardstick: Yardstick, entries: list[Entry]) -> str:
    tasks = yardstick.tasks or list(results.study.tasks)
    used = pd.concat(
        [*(entry.rows for entry in entries), *map(results.manual, tasks)]
    ).drop_duplicates("key")
    problems = "; ".join(
        f"{results.title(task)} ({why})" for task, why in yardstick.problems.items()
    )
    meaning = (
        "Scores are normalised per task: 0 is a uniform random policy, 1 the teacher. Bold: what "
        "the claims call A2D on this scale. Left: "
        "interquartile mean over seeds and tasks, the highest first; methods with missing runs "
        "come last, without a mark. Middle: probability that a seed of A2D scores higher than one "
        "of the row's method on the same task, ties counted ½; dashed: 0.5. Right: share of runs "
        f"above each score, main methods only. {cautions.BOOTSTRAP} Left, of two seeds: a dot for "
        "each, over all tasks. Hollow: finally trained without a teacher. The best manual sizes "
        "are chosen by the same scores that they are shown with, which favours them."
    )
    said = [
        meaning,
        figures.behind(used),
        problems and f"Left out for want of a scale: {problems}.",
    ]
    said += [cautions.alpha_rate(results), cautions.twins(results, used)]
    return " ".join(filter(None, said))


def draw(results: Results) -> figures.Drawing:
    """Draw the three panels."""
    yardstick, a2d_kind = results.yardstick, a2d(results)
    every = [_entry(results, kind, yardstick) for kind in kinds(results)]
    entries = sorted((entry for entry in every if len(entry.rows)), key=lambda entry: -entry.middle)
    if not entries:
        message = "This study plans no agents to compare."
        return figures.Drawing(figures.empty(message), message)
    own = next((entry for entry in entries if a2d_kind and entry.kind.name == a2d_kind.name), None)
    figure, axes = figures.panels(3, width=3.9, height=max(0.25 * len(entries) + 0.9, 2.6))
    _means(axes[0], entries, own)
    _improvement(axes[1], entries, own)
    shown = [(entry.kind.name, entry.kind.look) for entry in _profiles(axes[2], entries)]
    figures.legend(figure, shown, columns=3, lines=True)
    return figures.Drawing(figure, _caption(results, yardstick, entries))


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
