"""Trials that imitate a teacher: it plays, and candidates learn from what it saw."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from a2d.algorithms.actor_critic import part_of
from a2d.algorithms.learner import Learner
from a2d.algorithms.make_learner import make_learner
from a2d.algorithms.rollout import Collector
from a2d.errors import Diverged
from a2d.networks.imported import Teacher
from a2d.networks.interface import Interface, build_agent
from a2d.runs.progress_bar import Reporter
from a2d.runs.records import CurvePoint
from a2d.runs.training import CURVE_POINTS, Progress
from a2d.search.trial import Trial
from a2d.seeds import own_stream, stream_seed
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec
from a2d.specs.search import ImitationSettings

UPDATES_AT_ONCE = 10  # between two moments at which a search can be put down


class Examples(NamedTuple):
    """Observations (N, ...), and what the teacher's heads say of them: (N, A) and (N,)."""

    observations: Tensor
    outputs: Tensor
    values: Tensor

    def at(self, index: Tensor) -> Examples:
        return Examples(*(part[index] for part in self))


class Demonstration:
    """The teacher plays the search's steps; what it sees is kept.

    Args:
        spec: of the search.
        teacher: acts as it was trained to, and learns nothing.
        make_collector: resets the environments that it plays in.
    """

    def __init__(
        self, spec: SearchSpec, teacher: Teacher, make_collector: Callable[[], Collector]
    ) -> None:
        self.spec, self.teacher, self.make_collector = spec, teacher.eval(), make_collector
        self.progress = Progress()
        self.played: list[Examples] = []
        self.point_every = max(1, spec.updates // CURVE_POINTS)

    @cached_property
    def collector(self) -> Collector:
        """Steps the environments. Raise Diverged where the first observation is not finite."""
        return self.make_collector()

    def ended(self) -> bool:
        """Whether all steps are played, or the environments gave no numbers."""
        return self.progress.diverged is not None or len(self.played) >= self.spec.updates

    def place(self) -> str:
        """Say how far it is."""
        return f"step {self.progress.steps:,} of {self.spec.steps:,}"

    def update(self, reporter: Reporter) -> None:
        """Play one rollout. Raise Diverged where an observation or a reward is not finite."""
        self._play()
        steps = self.spec.algorithm.steps_per_update
        self.progress.steps += steps
        reporter.advance(steps)
        if len(self.played) % self.point_every == 0:
            mean = self.collector.tracker.mean_return
            self.progress.curve.append(CurvePoint(step=self.progress.steps, mean_return=mean))

    def _play(self) -> None:
        length = self.spec.algorithm.rollout_length
        rollout = self.collector.collect(self.teacher, length, graph=False)
        self.played.append(Examples(rollout.observations, rollout.outputs, rollout.values))

    def examples(self) -> Examples:
        """Return all that was seen, and what the teacher said of it."""
        return Examples(*map(torch.cat, zip(*self.played, strict=True)))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return how far it is; what was seen is played again, which is exact and takes seconds."""
        return {}, self.progress.notes()

    def restore(
        self,
        tensors: dict[str, Tensor],
        notes: dict[str, Any],
        between: Callable[[], object] = lambda: None,
    ) -> None:
        """Take up what ``state`` returned, in a demonstration that has just been built."""
        self.progress = Progress.of(notes)
        for _ in range(self.progress.steps // self.spec.algorithm.steps_per_update):
            self._play()
            between()


class Imitator:
    """One candidate that learns from examples.

    Args:
        learner: of an agent with fresh weights.
        spec: of the search.
        order: draws the examples of every update.
    """

    def __init__(self, learner: Learner, spec: SearchSpec, order: torch.Generator) -> None:
        assert isinstance(spec.search, ImitationSettings)
        self.learner, self.settings, self.order = learner, spec.search, order
        self.batch = spec.algorithm.batch
        self.losses: list[float] = []  # of the scored head, at every update

    def ended(self) -> bool:
        """Whether all updates are done."""
        return len(self.losses) >= self.settings.trial_updates

    @property
    def score(self) -> float:
        """Minus the mean loss of the last updates."""
        scored = max(1, round(self.settings.scored_share * self.settings.trial_updates))
        return -math.fsum(self.losses[-scored:]) / scored

    def update(self, examples: Examples) -> None:
        """Learn from a batch drawn from the examples. Raise Diverged before a weight is changed."""
        count, device = len(examples.values), self.order.device
        drawn = torch.randint(count, (self.batch,), generator=self.order, device=device)
        chosen = examples.at(drawn)
        teaching = (chosen.outputs, chosen.values)
        terms = self.learner.imitate(chosen.observations, teaching)
        self.losses.append(terms[f"{self.settings.scored_head}_distillation"])


class Imitating:
    """Trials that imitate what the demonstration holds; the best one's weights are kept."""

    def __init__(
        self,
        spec: SearchSpec,
        demonstration: Demonstration,
        interface: Interface,
        device: torch.device,
    ) -> None:
        assert isinstance(spec.search, ImitationSettings)
        self.spec, self.settings, self.demonstration = spec, spec.search, demonstration
        self.interface, self.device = interface, device
        self.examples: Examples | None = None
        self.imitator: Imitator | None = None
        self.best: Trial | None = None
        self.weights: dict[str, Tensor] = {}  # of the best trial's agent

    def over(self, index: int, left: int) -> bool:
        return index >= self.settings.trials

    def advance(
        self, architecture: Architecture, index: int, left: int, reporter: Reporter
    ) -> Trial | None:
        if self.examples is None:
            self.examples = self.demonstration.examples()
        if self.imitator is None:
            self.imitator = self._begin(architecture, index, self.examples)
        try:
            for _ in range(UPDATES_AT_ONCE):
                if self.imitator.ended():
                    return self._end(architecture, self.imitator.score)
                self.imitator.update(self.examples)
        except Diverged as reason:
            return self._end(architecture, None, str(reason))
        return None

    def _begin(self, architecture: Architecture, index: int, examples: Examples) -> Imitator:
        """Build trial ``index``; all learn from the same examples in the same order."""
        seed, kind = self.spec.seed, self.spec.kind
        with own_stream(stream_seed(seed, kind, f"trial {index} network"), self.device):
            agent = build_agent(architecture, self.interface).to(self.device)
        if agent.normalizer is not None:
            agent.normalizer.update(examples.observations)
        order = torch.Generator(self.device).manual_seed(stream_seed(seed, kind, "trial order"))
        learner = make_learner(self.spec, agent, self.demonstration.teacher)
        return Imitator(learner, self.spec, order)

    def _end(
        self, architecture: Architecture, score: float | None, reason: str | None = None
    ) -> Trial:
        assert self.imitator is not None
        trial = Trial(operators=architecture.operators, score=score, steps=0, reason=reason)
        if self.best is None or trial.rank > self.best.rank:
            self.best, self.weights = trial, self.imitator.learner.agent.state_dict()
        self.imitator = None
        return trial

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what is kept of the trials that are done; the one under way begins again."""
        tensors = {f"best/{name}": tensor for name, tensor in self.weights.items()}
        return tensors, {"best": self.best and self.best.model_dump(mode="json")}

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        best = part_of(tensors, "best/")
        self.weights = {name: tensor.to(self.device) for name, tensor in best.items()}
        self.best = notes["best"] and Trial.model_validate(notes["best"])

    def close(self) -> None:
        """Do nothing: the trials have no environments."""
