"""The verdicts.

Every part of every claim's test: its estimate and interval, in units of the smallest effect of
interest.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes

from a2d.reading.claims import Ruling, judge_all
from a2d.reading.decisions.contrasts import Contrast
from a2d.reading.decisions.verdicts import Decision
from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import GREY, INK, VERDICTS
from a2d.reading.rendering.text import plural
from a2d.reading.results import Results

REACH = 6.0  # smallest effects of interest that the axis shows on either side
NAME = 60  # characters of a part's name on a line
STATEMENT = 120  # characters of a claim's
ROW = 0.25  # inches
MEANING = (
    "Every part of the claims' tests: estimates with 95 % intervals, positive where they speak for "
    "the claim, in units of the smallest effect of interest (pale: surely smaller than that is "
    "equivalent). An arrow points at what lies beyond the axis; the numbers on the right are in "
    "their own units, and × are factors. A claim's verdict is after the correction over all claims."
)


@dataclass(frozen=True)
class Line:
    """One line of the figure: a claim with what is said of it, or a part with its effect."""

    label: str
    verdict: str
    statement: str = ""
    effect: Contrast | None = None


def _rulings(results: Results) -> list[Ruling]:
    """Return the rulings on what this scale's experiments claim, or its runs bear on."""
    experiments = results.study.experiments.values()
    own = {claim.claim for experiment in experiments for claim in experiment.claims}
    rulings = judge_all(results)
    return [each for each in rulings if each.claim.claim in own or each.decision is not None]


def _lines(rulings: list[Ruling]) -> Iterator[Line]:
    for ruling in rulings:
        title = f"{ruling.claim.claim} {ruling.verdict}"
        yield Line(title, ruling.verdict, ruling.claim.statement)
        if ruling.decision is None:
            yield Line("", ruling.verdict, f"not decided: {ruling.reasons[0]}")
        else:
            yield from _parts(ruling.decision)


def _parts(decision: Decision) -> Iterator[Line]:
    """Yield a line for every part; one that has parts itself is named above them."""
    for part in decision.parts:
        if isinstance(part, Decision):
            yield Line(part.name, part.verdict)
            yield from _parts(part)
        else:
            yield Line(part.name, part.verdict, effect=part)


def _interval(ax: Axes, y: float, effect: Contrast, color: str) -> None:
    """Draw an effect in units of its margin; what lies beyond the axis ends in an arrow."""
    places = (value / effect.margin for value in (effect.low, effect.estimate, effect.high))
    low, middle, high = (max(-REACH, min(REACH, place)) for place in places)
    if effect.known:
        ax.plot([low, high], [y, y], color=color, linewidth=1.8, solid_capstyle="butt", zorder=3)
    if abs(middle) < REACH:
        ax.plot([middle], [y], "o", color=color, markersize=5.5, zorder=4)
    beyond, ends = {-REACH: "<", REACH: ">"}, {low, middle, high} if effect.known else {middle}
    for end in ends & beyond.keys():
        ax.plot([end], [y], beyond[end], color=color, markersize=5.5, zorder=4)
    ax.annotate(
        effect.shown, (1, y), xycoords=ax.get_yaxis_transform(), xytext=(6, 0),
        textcoords="offset points", va="center", fontsize=7, color=INK, annotation_clip=False,
    )  # fmt: skip


def _draw(ax: Axes, lines: list[Line]) -> None:
    ax.axvspan(-1, 1, color="#eeeeee", zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.9, linestyle=(0, (6, 3)), zorder=1)
    for y, line in enumerate(lines):
        if line.effect is not None:
            _interval(ax, y, line.effect, VERDICTS[line.verdict])
        said = textwrap.shorten(line.statement, STATEMENT, placeholder=" …")
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        ax.text(0.01, y, said, transform=ax.get_yaxis_transform(), va="center", fontsize=7,
                color=GREY, bbox=box if said else None, zorder=5)  # fmt: skip
    labels = [textwrap.shorten(line.label, NAME, placeholder=" …") for line in lines]
    ax.set_yticks(range(len(lines)), labels)
    for text, line in zip(ax.get_yticklabels(), lines, strict=True):
        text.set_color(VERDICTS[line.verdict])
        if line.statement:
            text.set_fontweight("bold")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(lines) - 0.4, -0.6)
    ax.set_xlim(-REACH - 0.3, REACH + 0.3)
    ax.grid(visible=False)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("effect, in units of the smallest of interest")


def draw(results: Results) -> figures.Drawing:
    """Draw one line per claim, and one for each part that has an effect."""
    lines = list(_lines(_rulings(results)))
    if not lines:
        message = "This study makes no claim, and its runs decide none."
        return figures.Drawing(figures.empty(message), message)
    figure, (ax,) = figures.panels(1, 1, 10, ROW * len(lines) + 0.4)
    _draw(ax, lines)
    tasks = plural(len(results.study.tasks), "task")
    behind = f"n: {figures.tally(results.runs)} of this study on {tasks}; seeds are in the ledger."
    said = (MEANING, cautions.a2d(results), behind)
    return figures.Drawing(figure, " ".join(said))


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
