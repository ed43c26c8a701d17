"""Trials that imitate a teacher: it plays, and candidates learn from what it saw."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from a2d.algorithms.actor_critic import part_of
from a2d.algorithms.distillation import Distillation
from a2d.algorithms.losses import weighted_sum
from a2d.algorithms.optimizers import Adam, clip_gradients, forget_gradients
from a2d.algorithms.rollout import Collector
from a2d.networks.agent import Agent
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
        self, spec: SearchSpec, teacher: Agent, make_collector: Callable[[], Collector]
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
        agent: with fresh weights, changed in place.
        settings: of the search.
        distillation: of the teacher's heads; its terms and coefficients are the loss.
        clip: largest norm of a gradient.
        order: draws the examples of every update.
    """

    def __init__(
        self,
        agent: Agent,
        settings: ImitationSettings,
        distillation: Distillation,
        clip: float,
        order: torch.Generator,
    ) -> None:
        self.agent, self.settings, self.distillation = agent, settings, distillation
        self.clip, self.order = clip, order
        self.weights = list(agent.parameters())
        self.optimizer = Adam(self.weights)
        self.losses: list[float] = []  # of every update

    def ended(self) -> bool:
        """Whether all updates are done, or the loss is no number any more."""
        if self.losses and not math.isfinite(self.losses[-1]):
            return True
        return len(self.losses) >= self.settings.trial_updates

    @property
    def score(self) -> float | None:
        """Minus the mean loss of the last updates; None where one was no number."""
        scored = max(1, round(self.settings.scored_share * self.settings.trial_updates))
        total = math.fsum(self.losses[-scored:])
        return -total / scored if math.isfinite(total) else None

    def loss(self, examples: Examples) -> Tensor:
        """Return the weighted sum of the distillation terms, a scalar."""
        outputs, values = self.agent.heads(self.agent.preprocess(examples.observations))
        policy = self.agent.distribution(outputs)
        terms = self.distillation.terms(policy, values, (examples.outputs, examples.values))
        return weighted_sum(terms, self.distillation.coefficients())

    def update(self, examples: Examples) -> None:
        """Learn from a batch drawn from the examples."""
        count, batch = len(examples.values), self.settings.batch
        drawn = torch.randint(count, (batch,), generator=self.order, device=self.order.device)
        forget_gradients(self.weights)
        loss = self.loss(examples.at(drawn))
        loss.backward()
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        clip_gradients(gradients, self.clip)
        self.optimizer.step(self.settings.learning_rate)
        self.losses.append(loss.item())


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
        self.distillation = Distillation(spec.distillation, demonstration.teacher, device)
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
        for _ in range(UPDATES_AT_ONCE):
            if self.imitator.ended():
                return self._end(architecture, self.imitator)
            self.imitator.update(self.examples)
        return None

    def _begin(self, architecture: Architecture, index: int, examples: Examples) -> Imitator:
        """Build trial ``index``; all learn from the same examples in the same order."""
        seed, kind = self.spec.seed, self.spec.kind
        with own_stream(stream_seed(seed, kind, f"trial {index} network"), self.device):
            agent = build_agent(architecture, self.interface).to(self.device)
        if agent.normalizer is not None:
            agent.normalizer.update(examples.observations)
        order = torch.Generator(self.device).manual_seed(stream_seed(seed, kind, "trial order"))
        clip = self.spec.algorithm.max_gradient_norm
        return Imitator(agent, self.settings, self.distillation, clip, order)

    def _end(self, architecture: Architecture, imitator: Imitator) -> Trial:
        score = imitator.score
        reason = None if score is not None else "its loss is not finite"
        trial = Trial(operators=architecture.operators, score=score, steps=0, reason=reason)
        if self.best is None or trial.rank > self.best.rank:
            self.best, self.weights = trial, imitator.agent.state_dict()
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
