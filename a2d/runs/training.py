"""The loop that every run shares: collect a rollout, learn from it, keep curve and state."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch
from gymnasium.spaces import Discrete
from torch import Tensor

from a2d.algorithms.actor_critic import part_of
from a2d.algorithms.learner import Learner
from a2d.algorithms.rollout import Collector
from a2d.errors import A2DError, Diverged
from a2d.networks.agent import Agent
from a2d.runs.checkpoint import Checkpoint
from a2d.runs.progress_bar import Reporter
from a2d.runs.provenance import Provenance
from a2d.runs.records import CurvePoint
from a2d.specs.run import SearchSpec, TrainSpec

CURVE_POINTS = 100
BYTE_ACTIONS = 256
REPLAYED_AT_ONCE = 100  # steps of all environments


@dataclass
class Progress:
    """What training leaves behind besides the weights; ``earlier``: processes before it.

    ``watched``: what a searcher had to show at every point of the curve.
    """

    steps: int = 0
    seconds: float = 0.0
    diverged: str | None = None
    curve: list[CurvePoint] = field(default_factory=list)
    watched: list[dict[str, float]] = field(default_factory=list)
    terms: dict[str, float] = field(default_factory=dict)
    earlier: list[Provenance] = field(default_factory=list)
    resumed_seconds: float = 0.0

    def notes(self) -> dict[str, Any]:
        """Return it as plain data."""
        data = asdict(self)
        del data["resumed_seconds"]
        earlier = [provenance.model_dump(mode="json") for provenance in self.earlier]
        return {**data, "earlier": earlier}

    @staticmethod
    def of(notes: dict[str, Any]) -> Progress:
        """Return the progress of a run that is resumed from these notes."""
        return Progress(
            steps=notes["steps"],
            seconds=notes["seconds"],
            diverged=notes["diverged"],
            curve=[CurvePoint(**point) for point in notes["curve"]],
            watched=notes["watched"],
            terms=notes["terms"],
            earlier=[Provenance(**provenance) for provenance in notes["earlier"]],
            resumed_seconds=notes["seconds"],
        )


class Work(Protocol):
    """What is trained or searched: it can be put down after any update and taken up again."""

    @property
    def spec(self) -> TrainSpec | SearchSpec: ...

    @property
    def progress(self) -> Progress: ...

    def ended(self) -> bool: ...

    def place(self) -> str: ...

    def update(self, reporter: Reporter) -> None: ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]: ...

    def restore(
        self, tensors: dict[str, Tensor], notes: dict[str, Any], between: Callable[[], object]
    ) -> None: ...


def _copy(agent: Agent) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in agent.state_dict().items()}


class Training:
    """A run under way, which can be put down after any update and taken up by another process.

    A diverged run ends with its last good weights, at most a hundredth of the run old.

    Args:
        spec: of the run.
        learner: updates the agent.
        collector: plays with it.
        total: updates in all; those of the whole run if not given.
    """

    def __init__(
        self,
        spec: TrainSpec | SearchSpec,
        learner: Learner,
        collector: Collector,
        total: int | None = None,
    ) -> None:
        self.spec, self.learner, self.collector = spec, learner, collector
        self.total = spec.updates if total is None else total
        self.progress = Progress()
        self.good = _copy(learner.agent)
        self.actions: list[
            Tensor
        ] = []  # of every rollout, (T·N, ...): with the seed, an exact replay
        self.point_every = max(1, self.total // CURVE_POINTS)

    @property
    def updates(self) -> int:
        """How many are done."""
        return self.progress.steps // self.spec.algorithm.steps_per_update

    def ended(self) -> bool:
        """Whether nothing is left to train: all steps are done, or the run has diverged."""
        return self.progress.diverged is not None or self.updates >= self.total

    def place(self) -> str:
        """Say how far it is."""
        step = f"step {self.progress.steps:,} of {self.spec.steps:,}"
        if self.ended():
            return f"the end of training, {step}"
        return step

    def update(self, reporter: Reporter) -> None:
        """Collect one rollout and learn from it.

        Raises:
            Diverged: with the last good weights in place.
        """
        spec, progress, learner, update = self.spec, self.progress, self.learner, self.updates
        try:
            rollout = learner.collect(self.collector)
            acted = _copy(learner.agent) if update % self.point_every == 0 else self.good
            progress.terms = learner.update(rollout, update / self.total)
        except Diverged:
            learner.agent.load_state_dict(self.good)
            raise
        # These weights have acted and given a finite loss, which those after the update have yet to
        # do.
        self.good = acted
        self.actions.append(self._compact(rollout.actions))
        progress.steps += spec.algorithm.steps_per_update
        reporter.advance(spec.algorithm.steps_per_update)
        if self.updates % self.point_every == 0:
            point = CurvePoint(step=progress.steps, mean_return=self.collector.tracker.mean_return)
            progress.curve.append(point)
            watched = learner.watched()
            progress.watched.append(watched)
            reporter.point(point.step, {"return": point.mean_return, **progress.terms, **watched})

    def _compact(self, actions: Tensor) -> Tensor:
        space = self.collector.environments.single_action_space
        small = isinstance(space, Discrete) and space.n <= BYTE_ACTIONS
        return actions.to("cpu", torch.uint8 if small else actions.dtype)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that the updates to come depend on, as tensors and plain data."""
        self.actions = [torch.cat(self.actions)] if self.actions else []
        parts: dict[str, dict[str, Tensor]] = {
            "learner": self.learner.state(),
            "good": self.good,
            "random": {"generator": self.collector.generator.get_state()},
            "actions": {str(index): actions for index, actions in enumerate(self.actions)},
        }
        tensors = {
            f"{part}/{name}": tensor
            for part, named in parts.items()
            for name, tensor in named.items()
        }
        return tensors, {**self.progress.notes(), "fingerprint": self.collector.fingerprint()}

    def restore(
        self,
        tensors: dict[str, Tensor],
        notes: dict[str, Any],
        between: Callable[[], object] = lambda: None,
    ) -> None:
        """Take up what ``state`` returned, in a run that has just been built.

        Where training had ended, the environments stay where they are: nobody steps them any more.

        Args:
            tensors: of the state.
            notes: of the state.
            between: called again and again while actions are replayed, which may take long.

        Raises:
            A2DError: the environments do not come to where they were.
        """
        self.progress = Progress.of(notes)
        self.actions = list(part_of(tensors, "actions/").values())
        if not self.ended():
            self._replay(notes["fingerprint"], between)
        self.learner.restore(part_of(tensors, "learner/"))
        for name, tensor in part_of(tensors, "good/").items():
            self.good[name] = tensor.to(self.good[name].device)
        self.collector.generator.set_state(part_of(tensors, "random/")["generator"])

    def _replay(self, fingerprint: str, between: Callable[[], object]) -> None:
        """Bring the environments to where the actions led before.

        Raises:
            A2DError: they lead elsewhere.
        """
        space = self.collector.environments.action_space
        assert space.shape is not None  # those of batches have one
        try:
            for actions in self.actions:
                for steps in actions.reshape(-1, *space.shape).split(REPLAYED_AT_ONCE):
                    self.collector.replay(steps.numpy().astype(space.dtype))
                    between()
            same = self.collector.fingerprint() == fingerprint
        except Diverged:
            same = False
        if not same:
            raise A2DError(
                f"{self.spec.task.name}: the same seed and actions led the environments elsewhere "
                "than before, so the run cannot resume from its checkpoint; delete that to start "
                "again"
            )


def train(
    work: Work, reporter: Reporter, checkpoint: Checkpoint, provenance: Provenance
) -> Progress:
    """Work until all steps are spent or the run diverges, from its checkpoint if there is one.

    Args:
        work: just built.
        reporter: shows the progress.
        checkpoint: of the run. Where training ends it holds the final state, from which the test
            episodes go on.
        provenance: of this process, for the one that resumes the run.

    Raises:
        Stopped: the run was asked to stop, and has saved its state.
    """
    saved = checkpoint.load()
    if saved is not None:
        at = f"step {saved[1]['steps']:,} of {work.spec.steps:,}"

        def stop() -> None:
            if checkpoint.due():
                checkpoint.stop_if_asked(at)

        work.restore(*saved, stop)
        checkpoint.say(f"resumes from {work.place()}")
    progress = work.progress
    reporter.advance(progress.steps)
    start = time.perf_counter() - progress.seconds
    while not work.ended():
        try:
            work.update(reporter)
        except Diverged as reason:
            progress.diverged = str(reason)
        finally:
            progress.seconds = time.perf_counter() - start
        if work.ended() or checkpoint.due():
            tensors, notes = work.state()
            notes["earlier"].append(provenance.model_dump(mode="json"))
            checkpoint.save(tensors, notes)
            checkpoint.stop_if_asked(work.place())
    return progress
