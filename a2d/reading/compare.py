"""Compares fresh records with recorded ones, run by run: specs, then networks, then scores."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from a2d.console import say
from a2d.errors import A2DError
from a2d.reading.statistics import stratified_bootstrap_difference
from a2d.runs.records import Record, find_records, read_record
from a2d.specs.architecture import Architecture
from a2d.specs.run import identity

Verdict = Literal[
    "identical", "same within noise", "different", "another architecture", "another run",
    "only fresh", "only recorded", "damaged",
]  # fmt: skip
REPEATED: tuple[Verdict, ...] = ("identical", "same within noise")
"""The verdicts that say that a run was repeated; every other one makes `a2d compare` fail."""
KEY = re.compile(r"-[0-9a-f]{8}\.json$")  # at the end of a record's name
NAMED = 4  # differences that a comparison names
SAID_LATER = ("gradient_t", "operator_flops", "entropy")
NOTHING = "nothing"  # stands for a key, or a cell, that is missing on one side


@dataclass(frozen=True)
class Comparison:
    """One run in both places.

    Scores are mean test returns; ``detail`` says what differs, the fresh side first.
    """

    path: str
    verdict: Verdict
    fresh: float | None
    recorded: float | None
    detail: str = ""


def _content(record: Record, other: Record) -> dict[str, object]:
    """Return what must be equal bit for bit: everything but timings, machines and interruptions.

    And but for what the first records do not say of a search, where the other one does not either.
    """
    data = record.model_dump(mode="json", exclude={"timing", "provenance", "resumed_from"})
    for name in ("latency_median_ms", "latency_p99_ms"):
        del data["network"][name]
    if record.search is not None:
        for name in SAID_LATER:
            if getattr(other.search, name, None) is None:
                data["search"].pop(name, None)
    return data


def _flat(value: object, prefix: str = "") -> dict[str, object]:
    """Return nested plain data as one level, its keys joined by dots."""
    if not isinstance(value, dict):
        return {prefix: value}
    parts = (_flat(inner, f"{prefix}.{key}".lstrip(".")) for key, inner in value.items())
    return {key: leaf for part in parts for key, leaf in part.items()}


def _named(fresh: dict[str, object], recorded: dict[str, object]) -> str:
    """Name what differs between two flat dictionaries."""
    keys = [*fresh, *(key for key in recorded if key not in fresh)]
    sides = [(key, fresh.get(key, NOTHING), recorded.get(key, NOTHING)) for key in keys]
    texts = [f"{key}: {first} against {second}" for key, first, second in sides if first != second]
    if len(texts) > NAMED:
        texts[NAMED:] = [f"and {len(texts) - NAMED} more"]
    return ", ".join(texts)


def asked_differently(fresh: Record, recorded: Record) -> str:
    """Return which of the keys that decide a run's result differ, '' if none."""
    first, second = (_flat(identity(record.spec)) for record in (fresh, recorded))
    return _named(first, second).replace("spec.", "")


def _cells(design: str | Architecture) -> dict[str, object]:
    if isinstance(design, str):
        return {"network": design}
    space = _flat(design.cells.model_dump(), "cells")
    return {
        "space": design.space,
        **space,
        **{f"cell {i + 1}": name for i, name in enumerate(design.operators)},
    }


def built_differently(fresh: Record, recorded: Record) -> str:
    """Return what differs between the networks of the two, '' where they are the same."""
    return _named(_cells(fresh.network.design), _cells(recorded.network.design))


def compare_records(fresh: Record, recorded: Record) -> Verdict:
    """Judge one run repeated.

    'Another run' was asked something else, whatever came of it. 'Another architecture' was asked
    the same, and found or drew another network: scores that agree do not make it the same agent.
    'Same within noise' means that the 95 % bootstrap interval of the difference of mean test
    returns, over the episodes of either, holds 0. It speaks of these two trained agents, not of
    training in general.
    """
    if asked_differently(fresh, recorded):
        return "another run"
    if built_differently(fresh, recorded):
        return "another architecture"
    if _content(fresh, recorded) == _content(recorded, fresh):
        return "identical"
    if fresh.evaluation is None or recorded.evaluation is None:
        return "different"
    same = same_within_noise(fresh.evaluation.returns, recorded.evaluation.returns)
    if fresh.status == recorded.status and same:
        return "same within noise"
    return "different"


def same_within_noise(fresh: Sequence[float], recorded: Sequence[float]) -> bool:
    """Whether the 95 % bootstrap interval of the difference of mean test returns holds 0."""
    columns = [np.array(returns)[:, None] for returns in (fresh, recorded)]
    generator = np.random.default_rng(0)
    interval = stratified_bootstrap_difference(
        columns[0], columns[1], lambda x: float(np.mean(x)), generator
    )
    return interval.low <= 0 <= interval.high


def compare_folders(fresh: Path, recorded: Path) -> list[Comparison]:
    """Compare all records below two folders, of studies or single runs.

    Records belong together that have the same relative path; or else the same but for the key in
    the file's name, which differs where something else was asked; or that are each the only one.
    """
    first, second = _records(fresh), _records(recorded)
    if len(first) == len(second) == 1:
        return [_compare(next(iter(first)), *first.values(), *second.values())]
    common = first.keys() & second.keys()
    here, there = _by_place(first.keys() - common), _by_place(second.keys() - common)
    moved = {
        names[0]: there[place][0]
        for place, names in here.items()
        if len(names) == len(there.get(place, ())) == 1
    }
    return [
        _compare(name, first.get(name), second.get(moved.get(name, name)))
        for name in sorted((first.keys() | second.keys()) - set(moved.values()))
    ]


def _records(folder: Path) -> dict[str, Path]:
    paths = [*find_records(folder), *folder.rglob("record.json")]
    return {str(path.relative_to(folder)): path for path in paths}


def _by_place(names: Iterable[str]) -> dict[str, list[str]]:
    """Return paths of records by what they are without the key of their run."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[KEY.sub("", name)].append(name)
    return found


def _read(path: Path | None) -> Record | None:
    if path is None:
        return None
    return read_record(path)


def _compare(name: str, fresh_path: Path | None, recorded_path: Path | None) -> Comparison:
    try:
        fresh, recorded = _read(fresh_path), _read(recorded_path)
    except A2DError as error:
        say(str(error))
        return Comparison(name, "damaged", None, None)
    if fresh is None:
        return Comparison(name, "only recorded", None, getattr(recorded, "score", None))
    if recorded is None:
        return Comparison(name, "only fresh", fresh.score, None)
    detail = asked_differently(fresh, recorded) or built_differently(fresh, recorded)
    return Comparison(name, compare_records(fresh, recorded), fresh.score, recorded.score, detail)
