"""Score against FLOPs: manual sizes, random architectures, vanilla NAS and A2D, one panel a task (claim C4)."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from a2d.rendering import figures
from a2d.rendering.agents import BEST, Kind, kinds
from a2d.rendering.command import figure_command
from a2d.rendering.style import GREY, Look, network_name
from a2d.results import Results, summarize, where


def _groups(results: Results, task: str, shown: list[Kind]) -> list[tuple[str, Look, pd.DataFrame]]:
    """Return every group of seeds of a task: each manual size apart, then the other kinds of agents."""
    look = next(kind.look for kind in shown if kind.name == BEST)
    sweep = results.manual(task)
    sizes = [(network_name(size), look, where(sweep, network=size)) for size in results.networks(task).every]
    others = [(kind.name, kind.look, where(kind.rows, task=task)) for kind in shown if kind.name != BEST]
    return [group for group in (*sizes, *others) if len(group[2])]


def _front(groups: list[tuple[str, Look, pd.DataFrame]]) -> list[tuple[float, float]]:
    """Return the (FLOPs, score) means that no other group betters in both, from few to many FLOPs."""
    known = [rows for _, _, rows in groups if rows["score"].notna().any()]
    means = sorted((rows["flops"].mean(), -rows["score"].mean()) for rows in known)
    front: list[tuple[float, float]] = []
    for flops, loss in means:
        if not front or -loss > front[-1][1]:
            front.append((flops, -loss))
    return front


def _panel(ax: Axes, results: Results, task: str, shown: list[Kind]) -> None:
    groups = _groups(results, task, shown)
    rows = pd.concat([group[2] for group in groups]) if groups else results.runs.iloc[:0]
    figures.head(ax, results.title(task), rows)
    if rows["score"].isna().all():
        figures.blank(ax, figures.not_run(rows))
        return
    front = _front(groups)
    ax.step(*zip(*front, strict=True), where="post", color="#bbbbbb", linewidth=4, alpha=0.5, zorder=1)
    for name, look, group in groups:
        summary, flops = summarize(group), group["flops"].mean()
        if summary.recorded > 1:
            ax.plot(group["flops"], group["score"], look.marker, color=look.color, markersize=3, alpha=0.4, zorder=2)
        figures.point(ax, flops, summary, look, size=9 if look.marker == "*" else 7)
        if group["network"].iloc[0] and summary.score is not None and not look.filled:
            ax.annotate(name, (flops, summary.score.estimate), textcoords="offset points", xytext=(6, -9), fontsize=6.5,
                        color=GREY)  # fmt: skip
    figures.mark_diverged(ax, rows)
    figures.flops_axis(ax)
    figures.absent(ax, {name: group for name, _, group in groups})


def draw(results: Results) -> figures.Drawing:
    """Draw one panel per task."""
    tasks = list(results.study.tasks)
    shown = [kind for kind in kinds(results) if kind.credit]
    figure, axes = figures.panels(len(tasks), height=3.0)
    for ax, task in zip(axes, tasks, strict=True):
        _panel(ax, results, task, shown)
    figures.label_outer(axes, figures.FLOPS_AXIS, figures.SCORE_AXIS)
    names = {BEST: "Manual sizes"}
    figures.legend(figure, [(names.get(kind.name, kind.name), kind.look) for kind in shown], columns=3)
    manual = pd.concat([results.manual(task) for task in tasks])
    used = pd.concat([manual, *(kind.rows for kind in shown)]).drop_duplicates("key")
    caption = (
        "Test score against FLOPs of one decision. Large markers: means over seeds with 95 % bootstrap intervals of "
        "the score; small ones: single seeds, each with an architecture of its own. Filled: finally trained with "
        "distillation; hollow: without. Random architectures match the FLOPs of what A2D found. Grey: the front of "
        f"means that none betters in both. {figures.behind(used)}"
    )
    return figures.Drawing(figure, caption)


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
