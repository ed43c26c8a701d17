"""A search by trials of single architectures, after the training of a supernet or without one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from a2d.algorithms.actor_critic import part_of
from a2d.algorithms.learner import Learner
from a2d.algorithms.learners import make_learner
from a2d.algorithms.rollout import Collector
from a2d.environments import make_environment
from a2d.errors import Diverged
from a2d.networks.agent import Agent
from a2d.networks.interface import Interface, build_agent
from a2d.networks.supernet import Supernet
from a2d.runs.evaluation import evaluate
from a2d.runs.progress_bar import Reporter
from a2d.runs.records import CurvePoint
from a2d.runs.training import Progress, Training
from a2d.search.searcher import Searcher
from a2d.search.trial import Trial, best_of
from a2d.seeds import own_stream, seed_global_streams, stream_seed
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec
from a2d.specs.search import FromScratchSettings, SharedWeightsSettings


class Player(Protocol):
    """Tries one architecture after the other."""

    least_steps: int  # environment steps below which no trial begins

    def advance(self, architecture: Architecture, index: int, left: int) -> Trial | None:
        """Do a part of trial ``index``, with ``left`` steps to spend; return it when it is done."""

    def state(self) -> dict[str, Tensor]:
        """Return what is kept of the trials that are done, by name."""

    def restore(self, state: dict[str, Tensor], trials: list[Trial]) -> None:
        """Take up what ``state`` returned after these trials."""

    def close(self) -> None:
        """Close the environments."""


class SharedWeights:
    """Trials that play episodes with a supernet's weights, one in each copy of the task."""

    def __init__(self, spec: SearchSpec, agent: Agent) -> None:
        assert isinstance(spec.search, SharedWeightsSettings)
        assert isinstance(agent.backbone, Supernet)
        self.spec, self.agent, self.supernet = spec, agent, agent.backbone
        self.least_steps = spec.search.trial_episodes
        self.environments: VectorEnv | None = None

    def advance(self, architecture: Architecture, index: int, left: int) -> Trial:
        seed = stream_seed(self.spec.seed, self.spec.kind, f"trial {index} episodes")
        count = self.least_steps
        if self.environments is None:
            self.environments = make_environment(self.spec.task, count, seed)
        seed_global_streams(seed)
        self.supernet.choose(architecture)
        try:
            played = evaluate(
                self.agent.eval(), self.environments, count, seed, longest=left // count
            )
        except Diverged:
            return Trial(operators=architecture.operators, score=None, steps=count)
        cut = len(played.returns) < count
        score = None if cut else math.fsum(played.returns) / count
        return Trial(operators=architecture.operators, score=score, steps=played.steps)

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: dict[str, Tensor], trials: list[Trial]) -> None:
        pass

    def close(self) -> None:
        if self.environments is not None:
            self.environments.close()


class _Candidate(NamedTuple):
    """A trial under way."""

    learner: Learner
    collector: Collector


class FromScratch:
    """Trials that train an agent of their own; the score is that of its last training episodes.

    A trial that is interrupted begins again: what it does depends on the seed and its index alone.
    """

    def __init__(
        self, spec: SearchSpec, interface: Interface, teacher: Agent | None, device: torch.device
    ) -> None:
        assert isinstance(spec.search, FromScratchSettings)
        self.spec, self.interface, self.teacher, self.device = spec, interface, teacher, device
        self.updates = spec.updates // spec.search.trials
        self.least_steps = self.updates * spec.algorithm.steps_per_update
        self.candidate: _Candidate | None = None
        self.done = 0  # updates of the trial under way
        self.best: Trial | None = None
        self.weights: dict[str, Tensor] = {}  # of the best trial's agent

    def advance(self, architecture: Architecture, index: int, left: int) -> Trial | None:
        try:
            if self.candidate is None:
                self.candidate = self._begin(architecture, index)
            learner, collector = self.candidate
            learner.update(learner.collect(collector), self.done / self.updates)
        except Diverged:
            return self._end(architecture, diverged=True)
        self.done += 1
        if self.done == self.updates:
            return self._end(architecture)
        return None

    def _begin(self, architecture: Architecture, index: int) -> _Candidate:
        spec, settings = self.spec, self.spec.algorithm
        seed = stream_seed(spec.seed, spec.kind, f"trial {index} environments")
        seed_global_streams(seed)
        environments = make_environment(spec.task, settings.environments, seed)
        stream = stream_seed(spec.seed, spec.kind, f"trial {index} network")
        with own_stream(stream, self.device) as generator:
            agent = build_agent(architecture, self.interface).to(self.device)
        learner = make_learner(spec, agent, self.teacher)
        return _Candidate(
            learner, Collector(environments, spec.task, seed, settings.discount, generator)
        )

    def _end(self, architecture: Architecture, diverged: bool = False) -> Trial:
        # The update that diverges has been played as well; without it such trials cost nothing.
        steps = (self.done + diverged) * self.spec.algorithm.steps_per_update
        score, weights = None, {}
        if self.candidate is not None:
            score = None if diverged else self.candidate.collector.tracker.mean_return
            weights = self.candidate.learner.agent.state_dict()
        trial = Trial(operators=architecture.operators, score=score, steps=steps)
        if self.best is None or trial.rank > self.best.rank:
            self.best, self.weights = trial, weights
        self.close()
        return trial

    def state(self) -> dict[str, Tensor]:
        return self.weights

    def restore(self, state: dict[str, Tensor], trials: list[Trial]) -> None:
        self.best = best_of(trials) if trials else None
        self.weights = {name: tensor.to(self.device) for name, tensor in state.items()}

    def close(self) -> None:
        if self.candidate is not None:
            self.candidate.collector.environments.close()
        self.candidate, self.done = None, 0


class Trials:
    """A search under way, which can be put down after any update, as ``Training`` can.

    Args:
        spec: of the search.
        searcher: says what to try.
        player: tries it.
        training: of the supernet, first; None where there is none.
    """

    def __init__(
        self, spec: SearchSpec, searcher: Searcher, player: Player, training: Training | None
    ) -> None:
        self.spec, self.searcher, self.player, self.training = spec, searcher, player, training
        self.own_progress = Progress()
        self.trials: list[Trial] = []

    @property
    def progress(self) -> Progress:
        if self.training is None:
            return self.own_progress
        return self.training.progress

    def ended(self) -> bool:
        """Whether nothing is left to try: the steps are spent, or the supernet has diverged."""
        if self.training is not None and not self.training.ended():
            return False
        left = self.spec.steps - self.progress.steps
        return self.progress.diverged is not None or left < self.player.least_steps

    def place(self) -> str:
        """Say how far it is."""
        step = f"step {self.progress.steps:,} of {self.spec.steps:,}"
        if self.ended():
            return f"the end of training, {step}"
        if not self.trials:
            return step
        return f"{step}, after trial {len(self.trials)}"

    def update(self, reporter: Reporter) -> None:
        """Do one update of the supernet, or a part of a trial."""
        if self.training is not None and not self.training.ended():
            self.training.update(reporter)
            return
        left = self.spec.steps - self.progress.steps
        trial = self.player.advance(self.searcher.ask(), len(self.trials), left)
        if trial is not None:
            self._take(trial)
            self.progress.steps += trial.steps
            reporter.advance(trial.steps)
            if self.training is None:
                point = CurvePoint(step=self.progress.steps, mean_return=trial.score)
                self.progress.curve.append(point)

    def _take(self, trial: Trial) -> None:
        self.trials.append(trial)
        self.searcher.tell(trial)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that what is left depends on; a trial under way begins again."""
        tensors, notes = (
            ({}, self.progress.notes()) if self.training is None else self.training.state()
        )
        tensors |= {f"player/{name}": tensor for name, tensor in self.player.state().items()}
        trials = [trial.model_dump(mode="json") for trial in self.trials]
        return tensors, {**notes, "trials": trials}

    def restore(
        self,
        tensors: dict[str, Tensor],
        notes: dict[str, Any],
        between: Callable[[], object] = lambda: None,
    ) -> None:
        """Take up what ``state`` returned, in a search that has just been built.

        Args:
            tensors: of the state.
            notes: of the state.
            between: called again and again while a supernet's environments are replayed.
        """
        if self.training is None:
            self.own_progress = Progress.of(notes)
        else:
            self.training.restore(tensors, notes, between)
        for trial in notes["trials"]:
            self._take(Trial.model_validate(trial))
        self.player.restore(part_of(tensors, "player/"), self.trials)
