"""A short measurement of how fast a task's environments, agents and updates are."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from a2d.algorithms.make_learner import make_learner
from a2d.networks.imported import Teacher
from a2d.networks.interface import build_agent
from a2d.runs.execution import Execution, close
from a2d.seeds import own_stream
from a2d.specs.architecture import Architecture
from a2d.specs.run import TrainSpec

MEASURED_S = 1.5


class Speed(NamedTuple):
    """Seconds that one environment step of a training takes: played, and learnt from."""

    play_s: float
    learn_s: float

    @property
    def step_s(self) -> float:
        return self.play_s + self.learn_s


def measure_speed(spec: TrainSpec, design: str | Architecture, teacher: Teacher | None) -> Speed:
    """Train for a moment. What is learnt is thrown away.

    Args:
        spec: of a run on the task.
        design: the network to train, whatever the spec says.
        teacher: of a distilled run; a network with random weights takes as long as a trained one.
    """
    with TemporaryDirectory() as folder:
        run = Execution(spec, Path(folder), teacher, None)
        with own_stream(run.stream, run.device) as generator:
            agent = build_agent(design, run.interface).to(run.device)
        learner, collector = make_learner(spec, agent, teacher), run.collector(generator)
        learner.update(learner.collect(collector), 0.0)  # the first one prepares much
        played, learnt, steps = 0.0, 0.0, 0
        while played + learnt < MEASURED_S:
            start = time.perf_counter()
            rollout = learner.collect(collector)
            middle = time.perf_counter()
            learner.update(rollout, 0.0)
            played, learnt = played + middle - start, learnt + time.perf_counter() - middle
            steps += spec.algorithm.steps_per_update
        close(run.environments)
    return Speed(played / steps, learnt / steps)
