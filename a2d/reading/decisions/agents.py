"""C4 and C5: do A2D's agents beat distilled manual and random ones, in score and efficiency?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from a2d.reading.decisions.contrasts import (
    Array,
    Contrast,
    checked,
    over_seeds,
    over_tasks,
)
from a2d.reading.decisions.sizes import choose_held_out, take
from a2d.reading.decisions.verdicts import Decision, all_of

COST_MARGIN = math.log(1.1)  # smallest ratio of interest: a tenth more
Units = Literal["seeds", "tasks"]


@dataclass(frozen=True)
class Agents:
    """Final agents of equal total steps, all distilled; scores are normalised.

    ``a2d``, ``flops`` and ``latency`` (A2D's) are (seeds, tasks); ``manual`` (seeds, tasks,
    sizes), its costs (tasks, sizes); ``random`` (seeds, tasks, draws) at A2D's FLOPs. Each of the
    three may have seeds of its own, and another number of them.
    """

    a2d: ArrayLike
    flops: ArrayLike
    latency: ArrayLike
    manual: ArrayLike
    manual_flops: ArrayLike
    manual_latency: ArrayLike
    random: ArrayLike


def beats_manual(agents: Agents) -> Decision:
    """Decide C4: on these tasks A2D beats the best manual size and random ones."""
    parts = contrasts(agents, "seeds")
    return all_of("A2D beats manual and random agents on these tasks", parts).noting(_tasks(parts))


def general(agents: Agents) -> Decision:
    """Decide C5: the same of tasks like these; every task's mean is one observation."""
    parts = contrasts(agents, "tasks")
    name = "A2D beats manual and random agents on tasks like these"
    return all_of(name, parts).noting(_tasks(parts))


def _tasks(parts: list[Contrast]) -> str:
    """Say on how many tasks each part is in A2D's favour."""
    manual, random, flops, latency = (sum(each > 0 for each in part.per_task) for part in parts)
    return (
        f"On {manual} of {len(parts[0].per_task)} tasks A2D scores higher than manual agents, on "
        f"{random} than random ones; on {flops} it has fewer FLOPs than the manual ones, on "
        f"{latency} a lower latency."
    )


def contrasts(agents: Agents, units: Units) -> list[Contrast]:
    """Return score against manual and random agents, FLOPs and latency, positive for A2D.

    The manual size is chosen on a task's other seeds and scored on the seed left out. Costs are
    log ratios, the chosen sizes' (taken as given) to A2D's. A seed's random draws count as one,
    their mean.
    """
    manual, ours = checked(agents.manual, 3), checked(agents.a2d)
    sizes = choose_held_out(manual)
    tasks = np.arange(manual.shape[1])

    def saving(name: str, cost: ArrayLike, costs: ArrayLike) -> Contrast:
        saved = np.log(checked(costs))[tasks, sizes].mean(axis=0) - np.log(checked(cost))
        found = over_seeds(name, saved, margin=COST_MARGIN)
        if units == "tasks":
            means, seeds = saved.mean(axis=0), min(len(saved), len(sizes))
            found = over_tasks(name, means, seeds=seeds, margin=COST_MARGIN)
        return replace(found, ratio=True)

    return [
        _lead("score − manual", ours, take(manual, sizes), units, held_out=True),
        _lead("score − random", ours, checked(agents.random, 3).mean(axis=2), units),
        saving("FLOPs, manual to A2D", agents.flops, agents.manual_flops),
        saving("latency, manual to A2D", agents.latency, agents.manual_latency),
    ]


def _lead(name: str, ours: Array, theirs: Array, units: Units, held_out: bool = False) -> Contrast:
    if units == "tasks":
        means, seeds = ours.mean(axis=0) - theirs.mean(axis=0), min(len(ours), len(theirs))
        return over_tasks(name, means, seeds=seeds)
    return over_seeds(name, ours, theirs, held_out=held_out)
