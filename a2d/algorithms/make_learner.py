"""The learner of a run: by PPO where its spec has settings for that, or else by A2C."""

from __future__ import annotations

from a2d.algorithms.a2c import A2C
from a2d.algorithms.learner import Learner, PathSearcher
from a2d.algorithms.ppo import PPO
from a2d.networks.agent import Agent
from a2d.networks.imported import Teacher
from a2d.specs.run import RunBase


def make_learner(
    spec: RunBase, agent: Agent, teacher: Teacher | None, searcher: PathSearcher | None = None
) -> Learner:
    """Return what updates the agent, with the searcher of a supernet's."""
    if spec.ppo is not None:
        return PPO(agent, spec.ppo, spec.distillation, teacher, searcher)
    return A2C(agent, spec.a2c, spec.distillation, teacher, searcher)
