"""Latencies of a scale's networks, measured side by side on one machine: a file beside the records.

No record and no key holds them. ``results/SCALE/latency/PROCESSOR.json`` is written by ``a2d
latency``, one file for each kind of processor, without dates.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from a2d.runs.sealed import read_sealed, write_sealed
from a2d.specs.architecture import Architecture
from a2d.specs.data import Frozen, describe_validation_error

FOLDER = "latency"
REMEDY = "delete it, and measure again by `a2d latency`"


class Spread(Frozen):
    """Milliseconds of one decision: median and quartiles of the rounds' medians."""

    median_ms: float
    low_ms: float
    high_ms: float


class NetworkLatency(Frozen):
    """One network on one task, in eager PyTorch and in ONNX Runtime; batch 1, one thread."""

    task: str
    design: str | Architecture
    eager: Spread
    deployed: Spread

    @property
    def network(self) -> tuple[str, str]:
        """The task, and the network as text."""
        return self.task, design_text(self.design)


class Latencies(Frozen):
    """What one machine measured."""

    format: Literal[1] = 1
    processor: str
    cores: int
    versions: dict[str, str]
    rounds: int
    networks: tuple[NetworkLatency, ...]


def design_text(design: str | Architecture) -> str:
    """Return a network as text, by which networks are told apart."""
    if isinstance(design, str):
        return design
    return design.model_dump_json()


def latency_files(scale: Path) -> list[Path]:
    """Return the files of all machines, sorted by name.

    Args:
        scale: the folder of a scale's records.
    """
    return sorted((scale / FOLDER).glob("*.json"))


def latency_path(scale: Path, processor: str) -> Path:
    """Return the file of one kind of processor."""
    slug = re.sub(r"[^a-z0-9]+", "-", processor.lower()).strip("-") or "unknown"
    return scale / FOLDER / f"{slug}.json"


def write_latencies(path: Path, latencies: Latencies) -> None:
    """Write a machine's file, in place of one that there may be."""
    write_sealed(path, latencies.model_dump(mode="json"))


def read_latencies(path: Path) -> Latencies:
    """Read a machine's file. Raise A2DError where it is damaged or was edited."""
    data = read_sealed(path, "latencies of a scale's networks", REMEDY)
    try:
        return Latencies.model_validate(data)
    except ValidationError as error:
        raise describe_validation_error(error, f"{path} ({REMEDY})") from error


def best_latencies(scale: Path, networks: set[tuple[str, str]]) -> Latencies | None:
    """Return the file that covers most of these networks, the first by name of several, if any.

    Raises:
        A2DError: a file is damaged.
    """
    found = [read_latencies(path) for path in latency_files(scale)]
    if not found:
        return None
    return max(found, key=lambda each: len(networks & {item.network for item in each.networks}))
