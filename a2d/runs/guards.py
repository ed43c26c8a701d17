"""What keeps a person from trusting a run that taught or learnt nothing, or forgot."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import torch

from a2d.errors import A2DError
from a2d.networks.agent import Agent
from a2d.networks.costs import count_flops
from a2d.networks.interface import Interface, build_agent
from a2d.networks.supernet import Supernet, operator_flops
from a2d.runs.records import CurvePoint, Record
from a2d.runs.scores import Score, score_of
from a2d.specs.run import SearchSpec

FORGOTTEN = 1.5  # times a teacher's lead in its test: what it must have led by in its training
UNDECIDED = 2.0  # times the uniform probability: alpha's choices of less are hardly choices


def weak_teacher(name: object, taught: Score, chance: Score) -> A2DError | None:
    """Return why a teacher is refused: its score's interval reaches the random policy's."""
    if taught.exceeds(chance):
        return None
    return A2DError(
        f"{name}: scores {taught}, which is not above the random policy's {chance}: it has nothing "
        "to teach. Train it for longer, or say --accept-weak-teacher"
    )


def forgotten(curve: Sequence[CurvePoint], taught: Score, chance: Score) -> str | None:
    """Return a note on a teacher that once led chance by far more than it does in its test.

    Args:
        curve: of its training.
        taught: its score in the test.
        chance: the random policy's.
    """
    known = [(point.mean_return, point.step) for point in curve if point.mean_return is not None]
    best, step = max(known, default=(math.nan, 0))
    if not best - chance.mean > max(0.0, FORGOTTEN * (taught.high - chance.mean)):
        return None
    return (
        f"the teacher had a mean return of {best:.2f} after {step:,} steps of its training, and "
        "has forgotten much since: its students may do worse than untaught ones. Train one "
        "for as many steps, or with another seed, by a2d train, and give it by --teacher"
    )


def describe_score(score: Score, chance: Score) -> str:
    """Return a score beside the random policy's."""
    return f"score {score}; random policy: {chance}"


def describe_search(record: Record, interface: Interface, chance: Score) -> list[str]:
    """Return what a search found, a line each: cost, how decided it is, its own score.

    Args:
        record: of a search that has not diverged.
        interface: of its task.
        chance: the random policy's score.
    """
    assert record.search is not None and record.evaluation is not None
    assert isinstance(record.spec, SearchSpec)
    dearest = dearest_flops(record.spec, interface)
    lines = [
        f"derived network: {record.network.flops:,} FLOPs, "
        f"{record.network.flops / dearest:.0%} of the dearest of this space ({dearest:,})"
    ]
    if record.search.alpha is not None:
        lines += describe_alpha(record.search.alpha)
    score = score_of(record.evaluation.returns)
    lines.append(f"the search's own {describe_score(score, chance)}")
    if not score.exceeds(chance):
        lines.append(
            "note: the search itself is not above the random policy, so what it prefers may mean "
            "nothing; give it more steps or a teacher, and compare with `a2d random`"
        )
    return lines


def dearest_flops(spec: SearchSpec, interface: Interface) -> int:
    """Return the FLOPs of the most expensive network of a search's space."""
    candidates = spec.search.operators(spec.space)
    supernet = Supernet(spec.search.space, candidates, interface.observation_shape)
    dearest = supernet.architecture(operator_flops(supernet).argmax(dim=-1).tolist())
    agent: Agent = build_agent(dearest, interface)
    return count_flops(agent, interface.blank())


def describe_alpha(alpha: list[list[float]]) -> list[str]:
    """Return every cell's largest probability, with a note where they are close to uniform."""
    largest = torch.softmax(torch.tensor(alpha), dim=-1).amax(dim=-1).tolist()
    uniform = 1 / len(alpha[0])
    values = " ".join(f"{value:.2f}" for value in largest)
    lines = [f"alpha: the largest probability of each cell is {values} (undecided: {uniform:.2f})"]
    if statistics.fmean(largest) < UNDECIDED * uniform:
        lines.append(
            "note: alpha is close to uniform, so the derived network is nearly a random one; give "
            "the search more steps, or a larger search.architecture_learning_rate by --set"
        )
    return lines
