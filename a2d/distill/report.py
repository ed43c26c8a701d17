"""The answer for people: a table for the terminal, and a page that stands alone."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from a2d.distill.answer import Answer
from a2d.distill.verdict import Interval, Row
from a2d.files import write_text
from a2d.reading.decisions.contrasts import FEWEST
from a2d.reading.rendering.figures import FLOPS_AXIS, SCORE_AXIS, flops_axis, legend, panels
from a2d.reading.rendering.style import MANUAL, RANDOM, SEARCHES, Look
from a2d.reading.rendering.text import ABSENT, number, scaled

REPORT = "report.html"
LOOKS: dict[str, Look] = {
    "a2d": SEARCHES["joint"],
    "random": RANDOM,
    "manual": MANUAL,
    "teacher": Look("#222222", "D"),
}
TEACHING = {
    "actor": "the actor alone teaches",
    "critic": "the critic alone teaches",
    "joint": "both heads teach",
}
DODGE = {"a2d": 0.97, "random": 1.03}
NAMES = {
    "a2d": "A2D",
    "random": "random, same cost",
    "manual": "made by hand",
    "teacher": "teacher",
}


def table(answer: Answer) -> pd.DataFrame:
    """Return a line for every kind of network, as text."""
    lines = pd.DataFrame([_line(row) for row in answer.rows])
    if any(row.diverged for row in answer.rows):
        return lines
    return lines.drop(columns="diverged")


def _line(row: Row) -> dict[str, str]:
    kept = "100" if row.kind == "teacher" else ABSENT
    if row.kept is not None:
        kept = row.kept.text(100, 0)
    return {
        "network": row.title,
        "score": ABSENT if row.score is None else row.score.text(),
        "kept, %": kept,
        "FLOPs": ABSENT if row.flops is None else scaled(row.flops),
        "of the teacher's": ABSENT if row.share is None else f"{number(100 * row.share)} %",
        "parameters": ABSENT if row.parameters is None else scaled(row.parameters),
        "deployed, ms": ABSENT if row.deployed_ms is None else number(row.deployed_ms),
        "eager, ms": ABSENT if row.eager_ms is None else number(row.eager_ms),
        "diverged": f"{row.diverged} of {len(row.seeds)}" if row.diverged else "",
    }


def describe(answer: Answer, out: Path) -> str:
    """Return the answer for a terminal."""
    parts = [table(answer).to_markdown(index=False, disable_numparse=True), *answer.sentences]
    parts += [f"Note: {answer.forgotten}."] if answer.forgotten else []
    parts += [
        f"{out / each.agent} has the agent {each.run}, {out / each.policy} runs without PyTorch; "
        f"on other episodes it scores {each.fresh.text()}"
        for each in answer.delivered
    ]
    return "\n\n".join([*parts, f"{out / REPORT}"])


def write_report(out: Path, answer: Answer) -> None:
    """Write the page, atomically."""
    environment = Environment(
        loader=PackageLoader("a2d.reading.rendering"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    drawing = io.BytesIO()
    draw(answer).savefig(drawing, format="png", metadata={"Software": None})
    jobs = [
        {
            "run": job.name,
            "network": job.network or ("random" if job.random else "searched"),
            "seed": str(job.seed),
            "steps": f"{job.steps:,}",
        }
        for job in answer.plan.jobs
    ]
    text = environment.get_template("distill.html").render(
        answer=answer,
        teaching=TEACHING[answer.plan.request.distill],
        table=_html(table(answer)),
        caption=caption(answer),
        figure=base64.b64encode(drawing.getvalue()).decode(),
        runs=_html(pd.DataFrame(jobs)),
    )
    write_text(out / REPORT, text)


def _html(rows: pd.DataFrame) -> Markup:
    return Markup(rows.to_html(index=False, classes="data", border=0))


def draw(answer: Answer) -> Figure:
    """Draw what every row keeps, or scores where that is not known, against its FLOPs."""
    figure, axes = panels(1, width=6.4, height=3.4)
    ax, known = axes[0], any(row.kept is not None for row in answer.rows)
    for row in answer.rows:
        shown = row.kept if known else row.score
        if row.kind == "teacher" and known:
            shown = Interval(mean=1.0)
        if shown is not None and row.flops is not None:
            _point(ax, row, shown, 100.0 if known else 1.0)
    flops_axis(ax)
    ax.set_xlabel(FLOPS_AXIS)
    ax.set_ylabel("kept of the teacher's lead, %" if known else SCORE_AXIS)
    if known:
        ax.axhline(100, color=LOOKS["teacher"].color, linewidth=0.8, linestyle=(0, (2, 2)))
    legend(figure, [(NAMES[kind], look) for kind, look in LOOKS.items()])
    return figure


def _point(ax: Axes, row: Row, shown: Interval, scale: float) -> None:
    """Draw a row's mean and interval; what costs the same stands side by side."""
    assert row.flops is not None
    look, x, y = LOOKS[row.kind], row.flops * DODGE.get(row.kind, 1.0), scale * shown.mean
    if shown.low is not None and shown.high is not None:
        ax.plot([x, x], [scale * shown.low, scale * shown.high], color=look.color)
    ax.plot([x], [y], **_marker(look))
    if row.kind == "manual" or (row.kind == "a2d" and row.name != "a2d"):
        place: dict[str, Any] = {"textcoords": "offset points", "xytext": (6, 4), "fontsize": 7.5}
        ax.annotate(row.title, (x, y), **place)


def _marker(look: Look) -> dict[str, Any]:
    return {
        "marker": look.marker,
        "color": look.color,
        "linestyle": "none",
        "markersize": look.size,
    }


def caption(answer: Answer) -> str:
    """Say what the figure shows, and how many runs stand behind it."""
    seeds = answer.plan.request.seeds
    behind = "one seed, intervals over its episodes" if seeds == 1 else f"{seeds} seeds"
    bars = ", bars are 95 % intervals" if seeds >= FEWEST else ""
    return f"Means of {behind}{bars}; the dashed line is the teacher."
