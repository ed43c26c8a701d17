"""Studies whose truth is known, and how often each test's verdict is right on them.

Normalised scores around .8; seeds scatter by ``SPREAD``, and 100 test episodes add ``TEST_NOISE``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from a2d.reading.decisions.agents import Agents, beats_manual, general
from a2d.reading.decisions.contrasts import Array, Verdict
from a2d.reading.decisions.searches import both_heads, finds_better, less_stable
from a2d.reading.decisions.sizes import optimal_size
from a2d.reading.decisions.verdicts import Decision

SPREAD, TEST_NOISE, LEVEL_OF_SCORES = 0.15, 0.05, 0.8
TASKS, SIZES, DRAWS = 5, 5, 3
STUDIES = 2000
VERDICTS: tuple[Verdict, ...] = ("supported", "contradicted", "equivalent", "inconclusive")
COSTS = np.array([1.0, 2.0, 3.0, 6.0, 12.0])
Study = Callable[[np.random.Generator, int], Decision]


@dataclass(frozen=True)
class Scenario:
    """A kind of study: ``decide`` draws one of so many seeds and decides it.

    ``truth`` is the true effect of the decision's first part.
    """

    claim: str
    title: str
    decide: Study
    truth: float


@dataclass(frozen=True)
class Rates:
    """Shares of studies by verdict, of claim and first part, and the first part's coverage."""

    claim: dict[Verdict, float]
    part: dict[Verdict, float]
    coverage: float


def estimate(scenario: Scenario, seeds: int, studies: int = STUDIES) -> Rates:
    """Return how often each verdict is given in ``studies`` drawn studies."""
    generator = np.random.default_rng(seeds)
    decisions = [scenario.decide(generator, seeds) for _ in range(studies)]
    parts = [decision.parts[0] for decision in decisions]
    covered = [part.effect.low <= scenario.truth <= part.effect.high for part in parts]
    return Rates(
        _shares([decision.verdict for decision in decisions]),
        _shares([part.verdict for part in parts]),
        float(np.mean(covered)),
    )


def _shares(verdicts: list[Verdict]) -> dict[Verdict, float]:
    counts = Counter(verdicts)
    return {verdict: counts[verdict] / len(verdicts) for verdict in VERDICTS}


def draw(
    generator: np.random.Generator,
    means: ArrayLike,
    seeds: int,
    shape: str = "normal",
    spread: ArrayLike = SPREAD,
) -> Array:
    """Return observed scores (seeds, *means' shape): mean + what the seed adds + test noise.

    Shapes have mean 0 and standard deviation 1: 'normal', 'skewed' (exponential: many poor seeds,
    a few good ones) and 'heavy' (t with 3 degrees of freedom).
    """
    size = (seeds, *np.shape(means))
    kinds: dict[str, Callable[[], Array]] = {
        "normal": lambda: generator.normal(size=size),
        "skewed": lambda: generator.exponential(size=size) - 1,
        "heavy": lambda: generator.standard_t(3, size=size) / np.sqrt(3),
    }
    noise = generator.normal(size=size) * TEST_NOISE
    return np.asarray(means) + np.asarray(spread) * kinds[shape]() + noise


def sweep(curves: ArrayLike, shape: str = "normal", spread: ArrayLike = SPREAD) -> Study:
    """C1: the mean scores of sizes, (sizes,) for all tasks or (tasks, sizes)."""
    means = np.broadcast_to(np.asarray(curves, dtype=float), (TASKS, SIZES))
    return lambda generator, seeds: optimal_size(draw(generator, means, seeds, shape, spread), 199)


def peaks(*tops: int, heights: ArrayLike = 1.0) -> Array:
    """Return one curve per task, (tasks, sizes): .9 at its top, lower by .2 per size away."""
    distance = np.abs(np.arange(SIZES) - np.resize(tops, TASKS)[:, None])
    return 0.9 - 0.2 * distance * np.broadcast_to(heights, TASKS)[:, None]


def searches(
    vanilla: ArrayLike, joint: ArrayLike, ratio: float = 1.0, shape: str = "normal"
) -> Study:
    """C2: two failure rates, of all tasks or each, and the ratio of the derived scores' spreads."""

    def decide(generator: np.random.Generator, seeds: int) -> Decision:
        means = np.full(TASKS, LEVEL_OF_SCORES)
        failures = (
            generator.random((seeds, TASKS)) < np.asarray(rate) for rate in (vanilla, joint)
        )
        derived = (draw(generator, means, seeds, shape, SPREAD * r) for r in (ratio, 1.0))
        return less_stable(("vanilla", "joint"), *failures, *derived)

    return decide


def heads(actor: float, critic: float, shape: str = "normal", spread: float = SPREAD) -> Study:
    """C3: joint's true lead over each head alone; actor-only's spread may be another."""

    def decide(generator: np.random.Generator, seeds: int) -> Decision:
        top = np.full(TASKS, LEVEL_OF_SCORES)
        joint, second, third = (
            draw(generator, top - lead, seeds, shape, width)
            for lead, width in ((0, SPREAD), (actor, spread), (critic, SPREAD))
        )
        return both_heads(joint, second, third, np.ones(TASKS))

    return decide


def ranks(joint: float, cost_only: float, vanilla: float, certain: float = 1.0) -> Study:
    """C6: mean percentiles of what three kinds of search derive on one task.

    Beta distributions, that of 50 uniform where searches are no more ``certain`` than 1.
    """

    def decide(generator: np.random.Generator, seeds: int) -> Decision:
        shares = [certain * mean / 50 for mean in (joint, cost_only, vanilla)]
        found = (generator.beta(share, 2 * certain - share, (seeds, 1)) for share in shares)
        return finds_better(*(100 * each - 50 for each in found))

    return decide


@dataclass(frozen=True)
class Contest:
    """C4, C5: A2D's true leads over the best manual size and random agents, and what it saves.

    ``drop``: how far each size lies below the best; ``uneven``: the leads' spread over tasks;
    ``manual_seeds``: where manual sizes have fewer than A2D.
    """

    manual: float
    random: float
    saved: float = 0.5
    drop: tuple[float, ...] = (0.0,) * SIZES
    shape: str = "normal"
    spread: float = SPREAD
    uneven: float = 0.0
    manual_seeds: int | None = None
    draws: int = DRAWS

    def agents(self, generator: np.random.Generator, seeds: int) -> Agents:
        """Draw the agents of one study."""
        lead = generator.normal(0, self.uneven, TASKS)
        best = np.full(TASKS, LEVEL_OF_SCORES)
        sizes = best[:, None] - np.array(self.drop)
        draws = np.repeat(best[:, None] + self.manual - self.random, self.draws, axis=1)
        costs = np.broadcast_to(COSTS if self.saved else np.ones(SIZES), (TASKS, SIZES))
        ours = (1 - self.saved) * np.exp(generator.normal(0, 0.1, (seeds, TASKS)))
        return Agents(
            draw(generator, best + self.manual + lead, seeds, self.shape, self.spread),
            ours,
            ours,
            draw(generator, sizes, self.manual_seeds or seeds, self.shape),
            costs,
            costs,
            draw(generator, draws, seeds, self.shape),
        )

    def over_seeds(self, generator: np.random.Generator, seeds: int) -> Decision:
        """C4."""
        return beats_manual(self.agents(generator, seeds))

    def over_tasks(self, generator: np.random.Generator, seeds: int) -> Decision:
        """C5."""
        return general(self.agents(generator, seeds))


@dataclass(frozen=True)
class Whole:
    """A whole study of all claims, C4 and C5 on the same agents."""

    title: str
    sizes: Study
    searches: Study
    heads: Study
    contest: Contest
    ranks: Study

    def decide(self, generator: np.random.Generator, seeds: int) -> list[Decision]:
        """Draw one and decide its claims, uncorrected."""
        first = [study(generator, seeds) for study in (self.sizes, self.searches, self.heads)]
        agents = self.contest.agents(generator, seeds)
        return [*first, beats_manual(agents), general(agents), self.ranks(generator, seeds)]
