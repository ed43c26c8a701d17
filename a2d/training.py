"""The loop that every run shares: collect a rollout, learn from it, keep the learning curve."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from torch import Tensor

from a2d.errors import Diverged
from a2d.learner import Learner
from a2d.networks.agent import Agent
from a2d.records import CurvePoint
from a2d.reporter import Reporter
from a2d.rollout import Collector
from a2d.spec import SearchSpec, TrainSpec

CURVE_POINTS = 100


@dataclass
class Progress:
    """What training leaves behind besides the weights."""

    steps: int = 0
    seconds: float = 0.0
    diverged: str | None = None
    curve: list[CurvePoint] = field(default_factory=list)
    terms: dict[str, float] = field(default_factory=dict)


def _copy(agent: Agent) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in agent.state_dict().items()}


def train(spec: TrainSpec | SearchSpec, learner: Learner, collector: Collector, reporter: Reporter) -> Progress:
    """Train for ``spec.steps`` environment steps, or until the run diverges.

    A diverged run ends with its last good weights, at most a hundredth of the run old.
    """
    progress = Progress()
    every = max(1, spec.updates // CURVE_POINTS)
    good = _copy(learner.agent)
    start = time.perf_counter()
    for update in range(spec.updates):
        try:
            rollout = collector.collect(learner.agent, spec.a2c.rollout_length, learner.gates())
            acted = _copy(learner.agent) if update % every == 0 else good
            progress.terms = learner.update(rollout, update / spec.updates)
            # These weights have acted and given a finite loss, which those after the update have yet to do.
            good = acted
        except Diverged as reason:
            progress.diverged = str(reason)
            learner.agent.load_state_dict(good)
            break
        progress.steps += spec.a2c.steps_per_update
        reporter.advance(spec.a2c.steps_per_update)
        if (update + 1) % every == 0:
            point = CurvePoint(step=progress.steps, mean_return=collector.tracker.mean_return)
            progress.curve.append(point)
            reporter.point(point.step, {"return": point.mean_return, **progress.terms})
    progress.seconds = time.perf_counter() - start
    return progress
