"""Is our A2C as good as stable-baselines3's? Applies the rule to what agreement.py recorded.

The rule, fixed before any run. It is applied to the training return (mean of the last 100 episodes)
at 25, 50, 75 and 100 % of training and to the test score (mean of 100 episodes with sampled
actions); at each, over seeds:

- *below*: our mean is below SB3's worst seed, or SB3's mean is above our best seed;
- *above*: our mean is above SB3's best seed, or SB3's mean is below our worst seed;
- *within*: neither, so each mean lies within the other's range of seeds.

Ours agrees on a task when it is below at none of the five. Two samples of five seeds of one and the
same method read 'below' by chance at one point in ten (simulated with normal scores), so that the
intervals belong to the verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from a2d.reading.decisions.contrasts import Interval, over_seeds
from a2d.specs.run import ManualAgent
from benchmarks.agreement import PROTOCOLS, ROOT, Implementation, Returns, Run, read_runs

CHECKPOINTS = (0.25, 0.5, 0.75, 1.0)
TITLES: dict[Implementation, str] = {"ours": "ours", "sb3": "stable-baselines3"}
COLORS: dict[Implementation, str] = {"ours": "#0072b2", "sb3": "#d55e00"}


@dataclass(frozen=True)
class Point:
    """One comparison: both implementations' seeds, our mean minus SB3's, the rule's answer."""

    title: str
    ours: Returns
    sb3: Returns
    difference: Interval

    @property
    def position(self) -> Literal["below", "above", "within"]:
        """Apply the rule of this module's docstring."""
        if self.ours.mean() < self.sb3.min() or self.sb3.mean() > self.ours.max():
            return "below"
        if self.ours.mean() > self.sb3.max() or self.sb3.mean() < self.ours.min():
            return "above"
        return "within"

    def row(self) -> str:
        """Return the point's row of the table."""
        d = self.difference
        cells = [self.title, *(describe(seeds) for seeds in (self.ours, self.sb3))]
        cells += [f"{d.estimate:+.2f} [{d.low:+.2f}, {d.high:+.2f}]", self.position]
        return "| " + " | ".join(cells) + " |"


def describe(seeds: Returns) -> str:
    """Return mean ± standard deviation and the range over seeds."""
    return f"{seeds.mean():.2f} ± {seeds.std(ddof=1):.2f} [{seeds.min():.2f}, {seeds.max():.2f}]"


def compare(
    title: str, runs: dict[Implementation, list[Run]], value: Callable[[Run], float]
) -> Point:
    """Compare one number of every run; the interval is Welch's, of 95 %, over seeds."""
    ours, sb3 = (np.array([value(run) for run in runs[name]]) for name in ("ours", "sb3"))
    return Point(title, ours, sb3, over_seeds("ours − SB3", ours[:, None], sb3[:, None]))


def compare_task(runs: dict[Implementation, list[Run]]) -> list[Point]:
    """Return the points that the rule looks at."""
    points = [
        compare(f"training return at {at:.0%}", runs, partial(Run.training_return, progress=at))
        for at in CHECKPOINTS
    ]
    return [*points, compare("test score", runs, lambda run: run.score)]


def verdict(title: str, points: list[Point]) -> str:
    """Say in one sentence what the rule makes of all points."""
    places = ("within", "above", "below")
    titles = {at: [point.title for point in points if point.position == at] for at in places}
    within = f"{len(titles['within'])} of {len(points)} points"
    found = f"each mean lies within the other's seeds at {within}"
    for at in ("above", "below"):
        if titles[at]:
            found += f"; ours is {at} at {len(titles[at])} ({', '.join(titles[at])})"
    answer = "**agrees**"
    if titles["below"]:
        answer = "does **not** agree"
    return f"{title}: ours {answer} with stable-baselines3's; {found}."


def task_section(runs: dict[Implementation, list[Run]]) -> str:
    """Return the Markdown section of one task."""
    spec = runs["ours"][0].spec
    assert isinstance(spec.agent, ManualAgent)
    points = compare_task(runs)
    seconds = [np.median([run.training_seconds for run in runs[name]]) for name in ("ours", "sb3")]
    seeds = " and ".join(f"{len(runs[name])} seeds ({TITLES[name]})" for name in ("ours", "sb3"))
    lines = [
        f"## {spec.task.title}", "", verdict(spec.task.title, points), "",
        f"Network {spec.agent.network}, {spec.a2c.environments} × {spec.a2c.rollout_length} steps "
        f"an update, {spec.steps:,} steps; {seeds}. Median seconds of training, on a machine "
        "shared with other work: "
        "{:.0f} (ours) and {:.0f} (stable-baselines3).".format(*seconds), "",
        "| | ours | stable-baselines3 | ours − SB3 [95 % interval] | ours is |",
        "|---|---|---|---|---|",
        *(point.row() for point in points), "",
    ]  # fmt: skip
    return "\n".join(lines)


def draw_task(axes: Any, runs: dict[Implementation, list[Run]]) -> None:
    """Draw every seed thin, the mean thick and the range of the seeds as a band."""
    for name, of_name in runs.items():
        steps = np.array([point.step for point in of_name[0].curve]) / 1000
        curves = np.array(
            [[point.mean_return for point in run.curve] for run in of_name], dtype=float
        )
        axes.fill_between(
            steps, curves.min(axis=0), curves.max(axis=0), color=COLORS[name], alpha=0.15, lw=0
        )
        axes.plot(steps, curves.T, color=COLORS[name], alpha=0.45, linewidth=0.7)
        label = f"{TITLES[name]} (mean of {len(curves)} seeds)"
        axes.plot(steps, curves.mean(axis=0), color=COLORS[name], linewidth=2.4, label=label)
    axes.set_title(of_name[0].spec.task.title)
    axes.set_xlabel("thousand environment steps")
    axes.grid(alpha=0.3)


def draw(tasks: dict[str, dict[Implementation, list[Run]]], path: Path) -> None:
    """Draw the learning curves of all tasks, side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * len(tasks), 4.0), layout="constrained")
    panels = figure.subplots(1, len(tasks), squeeze=False)[0]
    for axes, runs in zip(panels, tasks.values(), strict=True):
        draw_task(axes, runs)
    panels[0].set_ylabel("return, mean of the last 100 episodes")
    panels[0].legend(
        loc="lower right", title="band: minimum to maximum over seeds", title_fontsize="small"
    )
    figure.savefig(path, dpi=150, metadata={"Software": None})


def summarize() -> None:
    """Render the table and the figure of the tasks that both implementations have run."""
    tasks = {task: read_runs(task) for task in PROTOCOLS}
    tasks = {
        task: runs
        for task, runs in tasks.items()
        if all(len(of_one) > 1 for of_one in runs.values())
    }
    if not tasks:
        raise SystemExit(f"{ROOT}: no task has two runs of each implementation yet")
    head = "# Our A2C and stable-baselines3's\n\n![Learning curves](agreement.png)\n\n"
    note = (
        "Cells: mean ± standard deviation [minimum, maximum] over seeds. The docstrings of "
        "`benchmarks/agreement.py` and `agreement_summary.py` say how both are run and what the "
        "rule is. Here the two draw different random numbers. With the same ones every update is "
        "the same up to rounding (`tests/algorithms/test_agreement.py`), so that a difference "
        "here is one between seeds.\n"
    )
    page = head + "\n".join(task_section(runs) for runs in tasks.values()) + "\n" + note
    (ROOT / "agreement.md").write_text(page, encoding="utf-8")
    draw(tasks, ROOT / "agreement.png")
    print(page)


if __name__ == "__main__":
    summarize()
