"""What a run asks of a searcher, in the order in which it asks.

While a supernet is trained, if the searcher has one, the run asks it for every rollout's
architecture (``propose``) and lets it learn (``terms``, ``coefficients``, ``learn``). What is left
of the steps goes to trials of single architectures: the run asks which to try (``ask``) and says
what came of it (``tell``). At the end the searcher says what it found (``finish``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from typing import NamedTuple

from a2d.networks.supernet import Supernet
from a2d.search.trial import Trial
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec

ENTROPY = "alpha/entropy"  # of what is watched: of softmax(alpha), by the uniform distribution's


class Finding(NamedTuple):
    """What a search found, and what explains it.

    What operators cost; of a differentiable search alpha and the t of its task gradient, each
    (cells, operators); of others the trials.
    """

    architecture: Architecture
    alpha: list[list[float]] | None = None
    gradient_t: list[list[float]] | None = None
    operator_flops: list[list[float]] | None = None
    trials: tuple[Trial, ...] = ()


class Searcher(ABC):
    """Base of all searchers.

    One that chooses while a supernet is trained is a ``PathSearcher`` as well, one that tries
    architectures a ``TrialSearcher``; some are both.

    Args:
        spec: of the search.
        supernet: holds all candidates; one that no update trains still says what they cost.
    """

    def __init__(self, spec: SearchSpec, supernet: Supernet) -> None:
        self.spec, self.supernet = spec, supernet

    @abstractmethod
    def finish(self) -> Finding:
        """Return what was found."""


def make_searcher(spec: SearchSpec, supernet: Supernet) -> Searcher:
    """Return the searcher of the spec's kind: for 'single_path', ``single_path.SinglePath``."""
    kind = spec.search.kind
    name = "".join(part.title() for part in kind.split("_"))
    searcher: Searcher = getattr(import_module(f"a2d.search.{kind}"), name)(spec, supernet)
    return searcher
