"""Do FLOPs say how long a decision takes? Thirty random architectures, eager and deployed.

And does a table of operators say so, as ``a2d latency-table`` measures it?

``python -m benchmarks.latency --measure`` measures anew, in a minute on a quiet machine, and keeps
the numbers in ``benchmarks/latency.json``; without it, figure and text of ``docs/speed.md`` are
made again from them.
"""

from __future__ import annotations

import json
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import spearmanr

from a2d.deploy.latency import measure_networks, open_task
from a2d.deploy.operator_latency import measure_operators
from a2d.files import write_atomically
from a2d.networks.costs import count_flops
from a2d.networks.interface import build_agent
from a2d.reading.rendering.figures import FLOPS_AXIS, panels
from a2d.reading.rendering.style import GREY, INK, SEARCHES
from a2d.specs.architecture import (
    PAPER_OPERATORS,
    Architecture,
    CellSpace,
    sample_architecture,
)
from a2d.specs.cost_table import CostTable
from a2d.specs.task import load_card

HERE = Path(__file__).parent
KEPT = HERE / "latency.json"
PAGE = HERE.parent / "docs" / "speed.md"
FIGURE = PAGE.with_name("latency.png")
BEGIN, END = "<!-- benchmarks/latency.py writes from here -->\n", "<!-- up to here -->\n"
TASK = HERE.parent / "envs" / "minatar-breakout.yaml"
COUNT, CELLS = 30, CellSpace(cells=6, shortcut="identity")
TITLES = {"eager": "Eager PyTorch", "deployed": "Deployed, ONNX Runtime"}

Numbers = dict[str, Any]


def measure() -> Numbers:
    """Return FLOPs and both latencies of random architectures, and what measured them."""
    card, generator = load_card(TASK), np.random.default_rng(0)
    operators = tuple(PAPER_OPERATORS["convolution"])
    designs = [
        sample_architecture("convolution", CELLS, operators, generator) for _ in range(COUNT)
    ]
    found = measure_networks((card, design) for design in designs)
    table = measure_operators(card, CELLS, "onnx")
    interface = open_task(card).interface
    rows = [
        {
            "operators": list(design.operators),
            "flops": count_flops(build_agent(design, interface), interface.blank()),
            "eager_ms": item.eager.median_ms,
            "deployed_ms": item.deployed.median_ms,
            "predicted_ms": round(_predict(table, design), 5),
        }
        for design, item in zip(designs, found.networks, strict=True)
    ]
    source = found.model_dump(mode="json", include={"processor", "cores", "versions", "rounds"})
    return {**source, "networks": rows}


def _predict(table: CostTable, design: Architecture) -> float:
    cells = zip(table.cells, design.operators, strict=True)
    return table.rest_ms + sum(cell[name] for cell, name in cells)


def column(kept: Numbers, name: str) -> list[float]:
    """Return one number of every network."""
    return [row[name] for row in kept["networks"]]


def correlation(kept: Numbers, runtime: str, cost: str = "flops") -> float:
    """Return Spearman's rank correlation of a cost with a runtime's latency."""
    found = spearmanr(column(kept, cost), column(kept, f"{runtime}_ms"))
    return float(found.statistic)


def draw(kept: Numbers, path: Path) -> None:
    """Draw both latencies against FLOPs."""
    figure, axes = panels(2, width=3.6)
    for ax, runtime in zip(axes, TITLES, strict=True):
        _draw_panel(ax, kept, runtime)
    axes[0].set_ylabel("milliseconds of one decision")
    figure.savefig(path, format="png", metadata={"Software": None})


def _draw_panel(ax: Axes, kept: Numbers, runtime: str) -> None:
    color = {"eager": SEARCHES["vanilla"].color, "deployed": SEARCHES["joint"].color}[runtime]
    ax.plot(column(kept, "flops"), column(kept, f"{runtime}_ms"), "o", color=color)
    ax.set_title(TITLES[runtime], loc="left", fontweight="bold", color=INK)
    said = f"rank correlation {correlation(kept, runtime):.2f}"
    ax.set_title(said, loc="right", fontsize=7, color=GREY)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(FLOPS_AXIS)


def render(kept: Numbers) -> str:
    """Return what the page says of the numbers."""
    eager, deployed = (correlation(kept, runtime) for runtime in TITLES)
    versions = ", ".join(f"{name} {number}" for name, number in kept["versions"].items())
    predicted = correlation(kept, "deployed", "predicted_ms")
    off = np.array(column(kept, "predicted_ms")) / np.array(column(kept, "deployed_ms")) - 1
    ratio = np.array(column(kept, "eager_ms")) / np.array(column(kept, "deployed_ms"))
    text = (
        f"Over {len(kept['networks'])} random architectures of {CELLS.cells} cells on MinAtar "
        f"Breakout, FLOPs have a rank correlation (Spearman's) of {eager:.2f} with the latency of "
        f"a decision in eager PyTorch, and of {deployed:.2f} with its latency as deployed, in ONNX "
        f"Runtime, which is {np.median(ratio):.1f} times as fast (median). What a table of "
        f"operators predicts (`a2d latency-table`) has {predicted:.2f} with it, and is off by "
        f"{100 * np.abs(off).mean():.0f} % on average. Batch 1, one thread, "
        f"medians of {kept['rounds']} rounds in which the networks take turns. Measured on "
        f"{kept['processor']}, one core of {kept['cores']}, {versions}; `python -m "
        "benchmarks.latency --measure` does so anew."
    )
    lines = textwrap.wrap(text, 100, break_on_hyphens=False)
    return "\n".join(["![FLOPs against latency](latency.png)", "", *lines]) + "\n"


def insert(page: str, text: str) -> str:
    """Return the page with the text between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main(arguments: list[str]) -> None:
    """Measure if asked to; draw the figure and write the page."""
    if arguments == ["--measure"]:
        text = json.dumps(measure(), indent=1, ensure_ascii=False) + "\n"
        write_atomically(KEPT, lambda path: path.write_text(text, encoding="utf-8"))
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    write_atomically(FIGURE, partial(draw, kept))
    page = insert(PAGE.read_text(encoding="utf-8"), render(kept))
    write_atomically(PAGE, lambda path: path.write_text(page, encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
