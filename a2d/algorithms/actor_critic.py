"""What actor-critics have in common: named terms, one weighted sum, their state."""

from __future__ import annotations

import math

from torch import Tensor

from a2d.algorithms.distillation import Distillation, Teaching
from a2d.algorithms.learner import PathSearcher
from a2d.algorithms.losses import weighted_sum
from a2d.algorithms.optimizers import Optimizer, clip_gradients, forget_gradients
from a2d.errors import Diverged
from a2d.networks.agent import Agent
from a2d.networks.imported import Teacher
from a2d.specs.algorithm import ActorCriticSettings, DistillationSettings


def part_of(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``prefix``, named by the rest."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if name.startswith(prefix)
    }


class ActorCritic:
    """Base of the learners.

    Args:
        agent: the student, changed in place.
        settings: of the actor-critic.
        optimizer: of the agent's weights.
        distillation: which of the teacher's heads teach.
        teacher: moved to the agent's device; None where nothing is distilled.
        searcher: chooses the architectures of a supernet's agent; None for a fixed network.
    """

    def __init__(
        self,
        agent: Agent,
        settings: ActorCriticSettings,
        optimizer: Optimizer,
        distillation: DistillationSettings,
        teacher: Teacher | None,
        searcher: PathSearcher | None,
    ) -> None:
        self.agent = agent
        self.searcher = searcher
        self.common = settings
        self.optimizer = optimizer
        self.distillation = Distillation(distillation, teacher, agent.device)
        self.weights = list(agent.parameters())

    def state(self) -> dict[str, Tensor]:
        """Return all that learning changes, by name; the learner's own tensors, not copies."""
        tensors = {f"agent.{name}": tensor for name, tensor in self.agent.state_dict().items()}
        tensors |= {f"optimizer.{name}": each for name, each in self.optimizer.state().items()}
        if self.searcher is not None:
            tensors |= {f"searcher.{name}": each for name, each in self.searcher.state().items()}
        return tensors

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the state of a learner of the same run."""
        self.agent.load_state_dict(part_of(state, "agent."))
        own = self.optimizer.state()
        for name, tensor in part_of(state, "optimizer.").items():
            own[name].copy_(tensor)
        if self.searcher is not None:
            self.searcher.restore(part_of(state, "searcher."))

    def coefficients(self, progress: float) -> dict[str, float]:
        """Return the coefficients by the names of the terms."""
        return {
            "policy": 1.0,
            "value": self.common.value_coefficient,
            "entropy": -self.common.entropy_coefficient,
            **self.distillation.coefficients(progress),
        }

    def learn(
        self,
        terms: dict[str, Tensor],
        progress: float,
        learning_rate: float,
        keep_graph: bool = False,
    ) -> dict[str, Tensor]:
        """Move weights, and what a searcher learns, along the gradients; return all terms.

        Args:
            terms: of the loss, by name.
            progress: of the run, in 0..1.
            learning_rate: of the weights.
            keep_graph: for further losses of the same rollout, which share its gates' graph.

        Raises:
            Diverged: before anything is changed.
        """
        coefficients = self.coefficients(progress)
        if self.searcher is not None:
            terms = terms | self.searcher.terms()
            coefficients |= self.searcher.coefficients()
        self.backward(weighted_sum(terms, coefficients), keep_graph)
        if self.searcher is None or self.searcher.learn(progress):
            self.optimizer.step(learning_rate)
        return terms

    def imitate(self, observations: Tensor, teaching: Teaching) -> dict[str, float]:
        """Learn from the distillation terms alone, at the first learning rate; return them.

        Raises:
            Diverged: before any weight is changed.
        """
        outputs, values = self.agent.heads(self.agent.preprocess(observations))
        terms = self.distillation.terms(self.agent.distribution(outputs), values, teaching)
        self.backward(weighted_sum(terms, self.distillation.coefficients()), keep_graph=False)
        self.optimizer.step(self.common.learning_rate)
        return {name: term.item() for name, term in terms.items()}

    def watched(self) -> dict[str, float]:
        """Return what a searcher has to show, by name."""
        if self.searcher is None:
            return {}
        return self.searcher.watched()

    def backward(self, loss: Tensor, keep_graph: bool) -> None:
        """Compute clipped gradients, or raise Diverged."""
        searched = [] if self.searcher is None else self.searcher.parameters()
        forget_gradients([*self.weights, *searched])
        loss.backward(retain_graph=keep_graph)
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        norm = clip_gradients(gradients, self.common.max_gradient_norm)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            raise Diverged(f"loss {loss.item():g}, gradient norm {norm.item():g}")
