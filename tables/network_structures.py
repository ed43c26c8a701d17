"""Network structures.

Layers, parameters, FLOPs and measured latency of every network (the paper's App. C).
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from a2d.reading.rendering import cautions
from a2d.reading.rendering.agents import rows_of, ways_to_search
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import network_name, operator_sign, search_name
from a2d.reading.rendering.tables import Row, Table, build, shortfall
from a2d.reading.rendering.text import ABSENT, number, scaled
from a2d.reading.results import Results, where
from a2d.specs.architecture import (
    CONVOLUTION_CHANNELS,
    MLP_UNITS,
    RESNETS,
    STAGE_WIDTHS,
    Architecture,
)

ARTIFACT = "tables/network_structures"
# Latencies may be the lowest over all records of a network, whatever they were made for.
SHOWS_ALSO = (
    "search_methods",
    "a2d_vs_manual",
    "distillation",
    "recipes",
    "stability",
    "equal_steps",
)
SHOWS_ALL = ("manual",)

COSTS = ("flops", "parameters", "latency_ms", "deployed_ms")
HEADS = "actor and critic heads"


def _layers(design: str | Architecture) -> str:
    """Describe a network's layers from its plain data."""
    if isinstance(design, Architecture):
        cells = " ".join(operator_sign(operator) for operator in design.chosen())
        text = f"stem {design.cells.width}; cells {cells}"
        if design.cells.shortcut == "identity":
            text += ", shortcut around every cell"
        return text
    if design in RESNETS:
        shape = RESNETS[design]
        widths = ", ".join(str(shape.width * factor) for factor in STAGE_WIDTHS)
        text = f"convolution {shape.width}; {shape.blocks} basic blocks each of {widths}"
        if shape.pooled:
            text += "; average over the image"
        return f"{text}; dense 256; {HEADS}"
    if design in CONVOLUTION_CHANNELS:
        return f"convolution {CONVOLUTION_CHANNELS[design]}; dense 256; {HEADS}"
    if design in MLP_UNITS:
        return f"dense {MLP_UNITS[design]}, {MLP_UNITS[design]} (tanh); {HEADS}"
    return f"convolutions 32, 64, 64; dense 256; {HEADS}"


def _row(results: Results, task: str, name: str, rows: pd.DataFrame) -> Row:
    records = [results.records[key] for key in rows["key"] if key in results.records]
    costs, layers = {column: rows[column].mean() for column in COSTS}, ABSENT
    if records:
        layers = _layers(records[0].network.design)
    shown = {
        "Task": results.title(task),
        "Network": name,
        "Layers": layers,
        "Parameters": scaled(costs["parameters"]),
        "FLOPs": scaled(costs["flops"]),
        "Eager [ms]": number(costs["latency_ms"]),
        "Deployed [ms]": number(costs["deployed_ms"]),
    }
    return shown, {"task": task, "network": name, "layers": layers, **costs}


def _rows(results: Results, every: pd.DataFrame) -> Iterator[Row]:
    for task in results.study.tasks:
        for network in results.networks(task).every:
            yield _row(
                results, task, network_name(network), where(results.manual(task), network=network)
            )
        searches = where(every, task=task)
        for method, recipe in ways_to_search(searches, results.study.methods):
            name = search_name(results.study.methods, method, recipe)
            alike = where(searches, search=method, recipe=recipe)
            for key, seed in alike[["key", "seed"]].itertuples(index=False):
                yield _row(results, task, f"{name}, seed {seed}", where(alike, key=key))


def make(results: Results) -> Table:
    """Make one row per manual network and per searched architecture, by task."""
    searches = where(rows_of(results, ARTIFACT), stage="search")
    manual = map(results.manual, results.study.tasks)
    used = pd.concat([searches.drop_duplicates("key"), *manual])
    meaning = (
        "Searched ones stand as derived: C a convolution, D a dense layer, I an inverted residual "
        "with kernel (or R relu, T tanh) and expansion, – a skip; dense 256 and both heads follow "
        "for images, both heads for vectors. FLOPs of one decision."
    )
    return build(
        "Network structures",
        _rows(results, searches),
        meaning,
        cautions.latency(results),
        shortfall(used),
    )


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
