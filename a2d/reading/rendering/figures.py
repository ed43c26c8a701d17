"""Figures: settings, panels, and files whose bytes depend on the records alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from a2d.files import write_atomically, write_text
from a2d.reading.decisions.contrasts import FEWEST, Array
from a2d.reading.rendering.style import GREY, INK, LIGHT, Look
from a2d.reading.rendering.text import plural
from a2d.reading.results import Summary

SCORE_AXIS = "test score (mean unclipped return)"
RETURN_AXIS = "training return (mean, unclipped)"
SHORT_RETURN_AXIS = "mean return"
FLOPS_AXIS = "FLOPs per decision"
STEPS_AXIS = "environment steps"
GRID_POINTS = 120  # of a mean curve
NARROW = 6.0  # inches; in narrower figures a legend has two columns
SETTINGS: dict[Any, Any] = {
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 8.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e8e8e8",
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.5,
    "lines.markersize": 6,
    "hatch.color": LIGHT,
    "hatch.linewidth": 0.6,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}
mpl.rcParams.update(SETTINGS)


@dataclass(frozen=True)
class Drawing:
    """A figure and its caption, which says what is shown and how many runs stand behind it."""

    figure: Figure
    caption: str


def save_figure(drawing: Drawing, path: Path) -> None:
    """Write ``path`` as .pdf and .png, without dates, and its caption as .txt."""
    metadata: dict[str, dict[str, None]] = {
        "png": {"Software": None},
        "pdf": {"CreationDate": None},
    }
    _lay_out(drawing.figure)
    for kind, absent in metadata.items():
        save = partial(drawing.figure.savefig, format=kind, metadata=absent)
        write_atomically(path.with_suffix(f".{kind}"), save)
    text = "\n".join(textwrap.wrap(drawing.caption, 100)) + "\n"
    write_text(path.with_suffix(".txt"), text)


def _lay_out(figure: Figure) -> None:
    """Give the figure its layout for good: with an engine, every format is drawn twice."""
    figure.set_dpi(SETTINGS["savefig.dpi"])  # on which the widths of texts depend
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def panels(
    count: int, columns: int = 3, width: float = 3.3, height: float = 2.7, **shared: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure with ``count`` panels, sized in inches, at most ``columns`` side by side."""
    columns = min(columns, max(count, 1))
    rows = -(-max(count, 1) // columns)
    figure = Figure(figsize=(max(columns * width, 5.0), rows * height + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **shared).ravel()
    for unused in axes[count:]:
        unused.set_visible(False)
    return figure, list(axes[:count])


def head(ax: Axes, title: str, rows: pd.DataFrame) -> None:
    """Put a panel's title on its left, and the number of its recorded runs on its right."""
    ax.set_title(title, loc="left", fontweight="bold", color=INK)
    ax.set_title(tally(rows), loc="right", fontsize=7, color=GREY)


def tally(rows: pd.DataFrame) -> str:
    """Return e.g. '8 runs', or '7 of 8 runs, 1 diverged†'."""
    planned, recorded = len(rows), int(rows["score"].notna().sum())
    diverged = int((rows["state"] == "diverged").sum())
    text = plural(planned, "run")
    if recorded < planned:
        text = f"{recorded} of {planned} runs"
    if diverged:
        text += f", {diverged} diverged†"
    return text


def behind(rows: pd.DataFrame, intervals: bool = True) -> str:
    """Return the caption's sentence on seeds, tasks, missing and diverged runs, and intervals."""
    if not len(rows):
        return "This study plans no such runs."
    seeds, tasks = rows["seed"].nunique(), rows["task"].nunique()
    size = f"{plural(seeds, 'seed')} × {plural(tasks, 'task')}"
    text = f"n = {size}; {tally(rows).replace('†', '')} of this study"
    absent = int(rows["score"].isna().sum())
    if absent:
        text += f" are recorded ({absent} missing, marked or left blank)"
    if seeds < FEWEST and intervals:
        few = {1: "one seed has", 2: "two seeds, shown as two dots, have"}
        text += f"; {few[seeds]} no interval"
    return text + "."


def blank(ax: Axes, message: str) -> None:
    """Hatch a panel that has nothing to show and say why."""
    ax.set_facecolor("#fafafa")
    ax.patch.set_hatch("///")
    ax.patch.set_edgecolor(LIGHT)
    ax.grid(visible=False)
    ax.set_xticks([])
    ax.set_yticks([])
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    ax.text(
        0.5,
        0.5,
        message,
        transform=ax.transAxes,
        ha="center",
        va="center",
        fontsize=8,
        color=GREY,
        bbox=box,
    )


def empty(message: str) -> Figure:
    """Return a figure that only says what the study did not run."""
    figure, axes = panels(1)
    blank(axes[0], message)
    return figure


def point(
    ax: Axes, x: float, summary: Summary, look: Look, size: float = 7, dots: bool = True
) -> None:
    """Draw a group's mean score with its 95 % interval; two seeds have a dot each instead."""
    if summary.score is None:
        return
    score = summary.score
    if score.known:
        ax.plot(
            [x, x],
            [score.low, score.high],
            color=look.color,
            linewidth=1.3,
            solid_capstyle="butt",
            zorder=3,
        )
    elif dots and len(summary.scores) > 1:
        seeds(ax, [x] * len(summary.scores), summary.scores, look)
    ax.plot(
        [x], [score.estimate], look.marker, color=look.color, markerfacecolor=look.face,
        markersize=size, markeredgewidth=1.3, zorder=4,
    )  # fmt: skip


def seeds(ax: Axes, x: Sequence[float], y: Sequence[float], look: Look) -> None:
    """Draw a dot for each seed, edged in white so that it shows on the mean's marker."""
    ax.plot(
        x,
        y,
        "o",
        color=look.color,
        markersize=3.6,
        markeredgecolor="white",
        markeredgewidth=0.5,
        zorder=5,
    )


def mark_diverged(ax: Axes, rows: pd.DataFrame, x: str = "flops") -> None:
    """Put a dagger beside every diverged run that has a score."""
    for _, row in rows[(rows["state"] == "diverged") & rows["score"].notna()].iterrows():
        dagger(ax, row[x], row["score"])


def dagger(ax: Axes, x: float, y: float) -> None:
    """Mark one diverged run."""
    ax.annotate("†", (x, y), textcoords="offset points", xytext=(4, 2), fontsize=9, color=INK)


def flops_axis(ax: Axes) -> None:
    """Make x a logarithmic axis of FLOPs, with few and readable ticks."""
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _ticks(value)))
    ax.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: _minor(value, ax.get_xlim())))
    ax.tick_params(axis="x", which="minor", labelsize=7)


def _ticks(value: float) -> str:
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{prefix}"
    return f"{value:g}"


def _minor(value: float, limits: tuple[float, float]) -> str:
    # Within one decade the powers of ten alone would leave the axis without numbers.
    leading = round(value / 10 ** np.floor(np.log10(value)))
    span = limits[1] / limits[0]
    if (span < 30 and leading in (2, 5)) or (30 <= span < 300 and leading == 3):
        return _ticks(value)
    return ""


def steps_axis(ax: Axes, end: float) -> None:
    """Write steps as 20k or 1.5M, up to the runs' end; test scores stand beyond."""
    ticks = MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]).tick_values(0, end)
    ax.set_xticks([tick for tick in ticks if 0 <= tick <= end])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _ticks(value)))


def level(ax: Axes, value: float, name: str) -> None:
    """Draw a dashed level across the panel with its name."""
    ax.axhline(value, color=GREY, linewidth=0.9, linestyle=(0, (6, 3)), zorder=1)
    place: dict[str, Any] = {
        "xycoords": ax.get_yaxis_transform(),
        "textcoords": "offset points",
        "xytext": (2, 2),
    }
    ax.annotate(name, (0, value), fontsize=7, color=GREY, **place)


def not_run(rows: pd.DataFrame) -> str:
    """Return what a blank panel says of these planned runs."""
    if rows.empty:
        return "not part of this study"
    return f"not run: 0 of {plural(len(rows), 'run')}"


def absent(ax: Axes, groups: Mapping[str, pd.DataFrame]) -> None:
    """Name below the panel every group of which records are missing."""
    counts = {name: (int(rows["score"].notna().sum()), len(rows)) for name, rows in groups.items()}
    short = [
        f"{name} ({found}\u00a0of\u00a0{planned})"
        for name, (found, planned) in counts.items()
        if found < planned
    ]
    if short:
        text = textwrap.fill(f"missing: {', '.join(short)}", 70)
        ax.annotate(
            text, (1, 0), xycoords="axes fraction", xytext=(0, -30), textcoords="offset points",
            fontsize=6, ha="right", va="top", color=GREY, style="italic",
        )  # fmt: skip


def label_outer(axes: Sequence[Axes], x: str, y: str) -> None:
    """Label the x axis of every panel and the y axis of those in the first column."""
    for ax in axes:
        place = ax.get_subplotspec()
        ax.set_xlabel(x)
        if place is None or place.is_first_col():
            ax.set_ylabel(y)


def curves_on_grid(curves: pd.DataFrame, keys: Sequence[str]) -> tuple[Array, Array]:
    """Interpolate the runs' learning curves on one grid of steps.

    Returns (points,) steps and (runs, points) mean returns, NaN before a run's first finished
    episode and beyond the end of one that diverged.
    """
    chosen = curves[curves["key"].isin(keys)].dropna()
    end = 1
    if len(chosen):
        end = chosen["step"].max()
    grid = np.linspace(0, end, GRID_POINTS)
    values = np.full((len(keys), GRID_POINTS), np.nan)
    for row, key in zip(values, keys, strict=True):
        curve = chosen[chosen["key"] == key]
        if len(curve):
            row[:] = np.interp(grid, curve["step"], curve["mean_return"], left=np.nan, right=np.nan)
    return grid, values


def mean_curve(
    ax: Axes, curves: pd.DataFrame, keys: Sequence[str], look: Look, band: bool = True
) -> None:
    """Draw the mean over runs where all are known, and a band from the lowest to the highest."""
    grid, values = curves_on_grid(curves, keys)
    known = np.isfinite(values).all(axis=0)
    if not (len(values) and known.any()):
        return
    grid, values = grid[known], values[:, known]
    ax.plot(grid, values.mean(axis=0), color=look.color, linestyle=look.line, zorder=3)
    if band and len(values) > 1:
        ax.fill_between(
            grid, values.min(axis=0), values.max(axis=0), color=look.color, alpha=0.16, linewidth=0
        )


def legend(
    figure: Figure, entries: Iterable[tuple[str, Look]], columns: int = 4, lines: bool = False
) -> None:
    """Put one legend below all panels."""
    handles = [_handle(label, look, lines) for label, look in entries]
    if figure.get_figwidth() < NARROW:
        columns = min(columns, 2)
    if handles:
        length = (1.5, 3.2)[lines]
        figure.legend(
            handles=handles, loc="outside lower center", ncols=columns, handlelength=length
        )


def _handle(label: str, look: Look, lines: bool) -> Line2D:
    drawn: dict[str, Any] = {"marker": look.marker, "linestyle": "none"}
    if lines:
        drawn = {"marker": "", "linestyle": look.line}
    return Line2D(
        [], [], color=look.color, markerfacecolor=look.face, markeredgewidth=1.3, label=label,
        **drawn,
    )  # fmt: skip
