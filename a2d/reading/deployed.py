"""Which latencies tables show: those of one machine, which measured all networks side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from a2d.runs.latencies import best_latencies

Milliseconds = dict[tuple[str, str], float]  # by task and network


@dataclass(frozen=True)
class Deployed:
    """Medians of one machine, in eager PyTorch and in ONNX Runtime; empty where none measured."""

    processor: str = ""
    eager: Milliseconds = field(default_factory=dict)
    deployed: Milliseconds = field(default_factory=dict)


def load_deployed(scale: Path, networks: set[tuple[str, str]]) -> Deployed:
    """Return what the machine measured that covers most of these networks.

    Args:
        scale: the folder of a scale's records.
        networks: tasks and networks as text, as ``network_of`` returns them.

    Raises:
        A2DError: a file of latencies is damaged.
    """
    found = best_latencies(scale, networks)
    if found is None:
        return Deployed()
    return Deployed(
        found.processor,
        {item.network: item.eager.median_ms for item in found.networks},
        {item.network: item.deployed.median_ms for item in found.networks},
    )
