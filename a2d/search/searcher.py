"""What a run asks of a searcher, in the order in which it asks.

While a supernet is trained, if the searcher has one, the run asks it for every rollout's
architecture (``propose``) and lets it learn (``terms``, ``coefficients``, ``learn``). What is left
of the steps goes to trials of single architectures: the run asks which to try (``ask``) and says
what came of it (``tell``). At the end the searcher says what it found (``finish``).
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import torch
from torch import Tensor

from a2d.networks.supernet import Supernet
from a2d.search.trial import Trial
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec


class Finding(NamedTuple):
    """What a search found, and what explains it: alpha (cells, operators), or the trials."""

    architecture: Architecture
    alpha: list[list[float]] | None = None
    trials: tuple[Trial, ...] = ()


class Searcher:
    """Base of all searchers; each overrides what it does.

    Args:
        spec: of the search.
        supernet: holds all candidates; one that no update trains still says what they cost.
    """

    def __init__(self, spec: SearchSpec, supernet: Supernet) -> None:
        self.spec, self.supernet = spec, supernet

    def propose(self, generator: torch.Generator) -> None:
        """Choose the architecture of the next rollout, the supernet's ``gates``."""
        raise NotImplementedError

    def parameters(self) -> list[Tensor]:
        """Return what is learnt by the gradients of the loss."""
        return []

    def terms(self) -> dict[str, Tensor]:
        """Return loss terms of the searcher's own, by name."""
        return {}

    def coefficients(self) -> dict[str, float]:
        """Return the coefficients by the names of the terms."""
        return {}

    def learn(self, progress: float) -> bool:
        """Learn from the gradients of the loss; return whether the weights learn from them too."""
        return True

    def state(self) -> dict[str, Tensor]:
        """Return all that ``learn`` changes, by name."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the state of a searcher of the same run."""

    def ask(self) -> Architecture:
        """Return the architecture to try next."""
        raise NotImplementedError

    def tell(self, trial: Trial) -> None:
        """Take one trial's result; given all trials of a run again, it is where it was."""
        raise NotImplementedError

    def finish(self) -> Finding:
        """Return what was found."""
        raise NotImplementedError


def make_searcher(spec: SearchSpec, supernet: Supernet) -> Searcher:
    """Return the searcher of the spec's kind: for 'single_path', ``single_path.SinglePath``."""
    kind = spec.search.kind
    name = "".join(part.title() for part in kind.split("_"))
    searcher: Searcher = getattr(import_module(f"a2d.search.{kind}"), name)(spec, supernet)
    return searcher
