"""A search by trials of single architectures, after the training of a supernet or without one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from a2d.algorithms.actor_critic import part_of
from a2d.algorithms.make_learner import make_learner
from a2d.algorithms.rollout import Collector
from a2d.environments import make_environment
from a2d.errors import Diverged
from a2d.networks.agent import Agent
from a2d.networks.imported import Teacher
from a2d.networks.interface import Interface, build_agent
from a2d.networks.supernet import Supernet
from a2d.runs.evaluation import evaluate
from a2d.runs.progress_bar import Reporter
from a2d.runs.records import CurvePoint
from a2d.runs.training import Progress, Training, Work
from a2d.search.trial import Trial
from a2d.search.trial_searcher import TrialSearcher
from a2d.seeds import own_stream, seed_global_streams, stream_seed
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec
from a2d.specs.search import FromScratchSettings, SharedWeightsSettings

State = tuple[dict[str, Tensor], dict[str, Any]]  # tensors by name, and plain data


class Player(Protocol):
    """Tries one architecture after the other."""

    def over(self, index: int, left: int) -> bool:
        """Whether no trial ``index`` begins with ``left`` environment steps to spend."""

    def advance(
        self, architecture: Architecture, index: int, left: int, reporter: Reporter
    ) -> Trial | None:
        """Do a part of trial ``index``; return it when it is done."""

    def state(self) -> State:
        """Return what is kept of the trials that are done, and of the one under way."""

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Take up what ``state`` returned."""

    def close(self) -> None:
        """Close the environments."""


class SharedWeights:
    """Trials that play episodes with a supernet's weights, one in each copy of the task."""

    def __init__(self, spec: SearchSpec, agent: Agent) -> None:
        assert isinstance(spec.search, SharedWeightsSettings)
        assert isinstance(agent.backbone, Supernet)
        self.spec, self.agent, self.supernet = spec, agent, agent.backbone
        self.count = spec.search.trial_episodes
        self.environments: VectorEnv | None = None

    def over(self, index: int, left: int) -> bool:
        return left < self.count

    def advance(
        self, architecture: Architecture, index: int, left: int, reporter: Reporter
    ) -> Trial:
        seed = stream_seed(self.spec.seed, self.spec.kind, f"trial {index} episodes")
        if self.environments is None:
            self.environments = make_environment(self.spec.task, self.count, seed)
        seed_global_streams(seed)
        self.supernet.choose(architecture)
        agent, longest = self.agent.cpu().eval(), left // self.count  # episodes are the processor's
        operators = architecture.operators
        try:
            played = evaluate(agent, self.environments, self.count, seed, longest=longest)
        except Diverged as reason:
            steps = max(reason.steps, self.count)  # or trials that play nothing would never end
            reporter.advance(steps)
            return Trial(operators=operators, score=None, steps=steps, reason=str(reason))
        reporter.advance(played.steps)
        score = None
        if len(played.returns) == self.count:  # or else the budget has ended
            score = math.fsum(played.returns) / self.count
        return Trial(operators=operators, score=score, steps=played.steps)

    def state(self) -> State:
        return {}, {}

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        pass

    def close(self) -> None:
        if self.environments is not None:
            self.environments.close()


class FromScratch:
    """Trials that train an agent of their own; the score is that of its last training episodes."""

    def __init__(
        self, spec: SearchSpec, interface: Interface, teacher: Teacher | None, device: torch.device
    ) -> None:
        assert isinstance(spec.search, FromScratchSettings)
        self.spec, self.interface, self.teacher, self.device = spec, interface, teacher, device
        self.count = spec.search.trials
        self.training: Training | None = None  # of the trial under way
        self.saved: State | None = None  # of the one that was under way when the run was stopped
        self.best: Trial | None = None
        self.weights: dict[str, Tensor] = {}  # of the best trial's agent

    def over(self, index: int, left: int) -> bool:
        return index >= self.count

    def advance(
        self, architecture: Architecture, index: int, left: int, reporter: Reporter
    ) -> Trial | None:
        try:
            if self.training is None:
                self.training = self._begin(architecture, index)
            self.training.update(reporter)
        except Diverged as reason:
            return self._end(architecture, str(reason))
        if self.training.ended():
            return self._end(architecture)
        return None

    def _begin(self, architecture: Architecture, index: int) -> Training:
        """Build trial ``index``, which takes an equal share of the search's updates."""
        spec, settings = self.spec, self.spec.algorithm
        seed = stream_seed(spec.seed, spec.kind, f"trial {index} environments")
        seed_global_streams(seed)
        stream = stream_seed(spec.seed, spec.kind, f"trial {index} network")
        with own_stream(stream, self.device) as generator:
            agent = build_agent(architecture, self.interface).to(self.device)
        environments = make_environment(spec.task, settings.environments, seed)
        try:
            collector = Collector(environments, spec.task, seed, settings.discount, generator)
        except Diverged:
            environments.close()
            raise
        share, more = divmod(spec.updates, self.count)
        learner = make_learner(spec, agent, self.teacher)
        training = Training(spec, learner, collector, share + (index < more))
        if self.saved is not None:
            training.restore(*self.saved)
            self.saved = None
        return training

    def _end(self, architecture: Architecture, reason: str | None = None) -> Trial:
        steps, score, weights = 0, None, {}
        if self.training is not None:
            steps, weights = self.training.progress.steps, self.training.learner.agent.state_dict()
            score = self.training.collector.tracker.mean_return
        if reason is not None:
            # The update that diverged has been played as well.
            steps, score = steps + self.spec.algorithm.steps_per_update, None
        trial = Trial(operators=architecture.operators, score=score, steps=steps, reason=reason)
        if self.best is None or trial.rank > self.best.rank:
            self.best, self.weights = trial, weights
        self.close()
        return trial

    def state(self) -> State:
        tensors = {f"best/{name}": tensor for name, tensor in self.weights.items()}
        notes: dict[str, Any] = {"best": self.best and self.best.model_dump(mode="json")}
        if self.training is not None:
            parts, notes["trial"] = self.training.state()
            tensors |= {f"trial/{name}": tensor for name, tensor in parts.items()}
        return tensors, notes

    def restore(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        best = part_of(tensors, "best/")
        self.weights = {name: tensor.to(self.device) for name, tensor in best.items()}
        self.best = notes["best"] and Trial.model_validate(notes["best"])
        if "trial" in notes:
            self.saved = part_of(tensors, "trial/"), notes["trial"]

    def close(self) -> None:
        if self.training is not None:
            self.training.collector.environments.close()
        self.training = None


class Trials:
    """A search under way, which can be put down after any update, as ``Training`` can.

    Args:
        spec: of the search.
        searcher: says what to try.
        player: tries it.
        first: what comes before the trials, a supernet's training say; None where nothing does.
    """

    def __init__(
        self, spec: SearchSpec, searcher: TrialSearcher, player: Player, first: Work | None
    ) -> None:
        self.spec, self.searcher, self.player, self.first = spec, searcher, player, first
        self.own_progress = Progress()
        self.trials: list[Trial] = []
        self.tried: Architecture | None = None  # by the trial under way

    @property
    def progress(self) -> Progress:
        if self.first is None:
            return self.own_progress
        return self.first.progress

    @property
    def left(self) -> int:
        """How many environment steps are left to spend."""
        return self.spec.steps - self.progress.steps

    def ended(self) -> bool:
        """Whether nothing is left to try, or the search has diverged."""
        if self.first is not None and not self.first.ended():
            return False
        return self.progress.diverged is not None or self.player.over(len(self.trials), self.left)

    def place(self) -> str:
        """Say how far it is."""
        step = f"step {self.progress.steps:,} of {self.spec.steps:,}"
        if self.ended():
            return f"the end of training, {step}"
        if not self.trials:
            return step
        return f"{step}, after trial {len(self.trials)}"

    def update(self, reporter: Reporter) -> None:
        """Do one update of what comes first, or a part of a trial."""
        if self.first is not None and not self.first.ended():
            self.first.update(reporter)
            return
        if self.tried is None:
            self.tried = self.searcher.ask()
        trial = self.player.advance(self.tried, len(self.trials), self.left, reporter)
        if trial is not None:
            self.tried = None
            self._take(trial)
            self.progress.steps += trial.steps
            if self.first is None:
                point = CurvePoint(step=self.progress.steps, mean_return=trial.score)
                self.progress.curve.append(point)
        if self.ended():
            self.player.close()
            if all(trial.reason is not None for trial in self.trials):
                self.progress.diverged = f"every trial; the last one: {self.trials[-1].reason}"

    def _take(self, trial: Trial) -> None:
        self.trials.append(trial)
        self.searcher.tell(trial)

    def state(self) -> State:
        """Return everything that what is left depends on."""
        tensors: dict[str, Tensor] = {}
        notes = self.progress.notes()
        if self.first is not None:
            tensors, notes = self.first.state()
        parts, notes["player"] = self.player.state()
        tensors |= {f"player/{name}": tensor for name, tensor in parts.items()}
        notes["trials"] = [trial.model_dump(mode="json") for trial in self.trials]
        return tensors, notes

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
            between: called again and again while environments are replayed.
        """
        if self.first is None:
            self.own_progress = Progress.of(notes)
        else:
            self.first.restore(tensors, notes, between)
        for trial in notes["trials"]:
            self._take(Trial.model_validate(trial))
        self.player.restore(part_of(tensors, "player/"), notes["player"])
