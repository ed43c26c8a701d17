"""Single formulas on drawn numbers: effects, rates, verdicts and the correction over claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from a2d.reading.decisions import agents, contrasts, rates, sizes, verdicts
from tests.recount import intervals, ledger
from tests.recount.permutation import PERMUTATIONS, interaction
from tests.recount.verdicts import Said, after_holm, either, every

DRAWS = range(40)
P_VALUES = (0.0005, 0.004, 0.009, 0.02, 0.04, 0.3, 1.0)


def same_effect(shipped: contrasts.Contrast, recount: intervals.Effect) -> None:
    names = ["estimate", "above", "below", "within"]
    if shipped.known:
        names += ["low", "high", "power"]
    for name in names:
        expected = getattr(recount, name)
        assert getattr(shipped, name) == pytest.approx(expected, rel=1e-7, abs=1e-9), name
    assert shipped.verdict == recount.verdict
    assert shipped.known == bool(np.isfinite(recount.low))


def arm(generator: np.random.Generator, tasks: int) -> Any:
    shape = (int(generator.integers(2, 11)), tasks)
    return generator.normal(0, 0.2, tasks) + generator.exponential(0.2, shape)


@pytest.mark.parametrize("draw", DRAWS)
def test_effects(draw: int) -> None:
    generator = np.random.default_rng(draw)
    tasks = int(generator.integers(1, 7))
    ours, theirs = arm(generator, tasks), arm(generator, tasks)
    for held_out in (False, True):
        shipped = contrasts.over_seeds("", ours, theirs, held_out=held_out)
        same_effect(shipped, intervals.of_seeds("", ours, theirs, held_out=held_out))
        alone = contrasts.over_seeds("", ours, held_out=held_out, margin=0.3)
        same_effect(alone, intervals.of_seeds("", ours, held_out=held_out, delta=0.3))
    values = ours.mean(axis=0)
    shipped = contrasts.over_tasks("", values, seeds=len(ours))
    same_effect(shipped, intervals.of_tasks("", values, len(ours)))


def test_effects_without_any_spread() -> None:
    for level in (0.0, 0.05, 0.1, 0.3, -0.3):
        ours = np.full((4, 2), level)
        same_effect(contrasts.over_seeds("", ours), intervals.of_seeds("", ours))


@pytest.mark.parametrize("draw", DRAWS)
def test_rates(draw: int) -> None:
    generator = np.random.default_rng(draw)
    chances = generator.choice([0.0, 0.1, 0.5, 0.9, 1.0], 2)
    ours, theirs = (
        generator.random((int(generator.integers(2, 11)), 5)) < chance for chance in chances
    )
    same_effect(rates.compare_rates("", ours, theirs), intervals.rates("", ours, theirs))


@pytest.mark.parametrize(("count", "total"), [(0, 5), (3, 5), (5, 5), (17, 50)])
def test_the_exact_interval_of_a_rate(count: int, total: int) -> None:
    """The ledger's notes have it, the CSV has not."""
    exact = stats.binomtest(count, total).proportion_ci(0.95, "exact")
    assert rates.clopper_pearson(count, total) == pytest.approx(tuple(exact))


def drawn_parts(generator: np.random.Generator) -> tuple[list[Any], list[Any]]:
    """Return the same effects for both sides, of any verdict."""
    shipped, recount = [], []
    for name in "abcd"[: generator.integers(1, 5)]:
        above, below, within = generator.choice(P_VALUES, 3)
        if above < 1:
            below = 1.0
        estimate = float(generator.normal())
        mine = intervals.Effect(name, estimate, 0.1, above=above, below=below, within=within)
        shipped.append(
            contrasts.Contrast(estimate, -9, 9, name, 0.1, above, below, within, power=0.5)
        )
        recount.append(mine)
    return shipped, recount


@pytest.mark.parametrize("draw", range(100))
def test_verdicts_and_their_correction(draw: int) -> None:
    generator = np.random.default_rng(draw)
    theirs: list[verdicts.Decision] = []
    ours: dict[str, Said] = {}
    for name in ("C1", "C2", "C3", "C4"):
        shipped, recount = drawn_parts(generator)
        if generator.random() < 0.5:
            gate = float(generator.choice([0.0, 0.01, 0.2]))
            theirs.append(verdicts.all_of(name, shipped, gate=gate))
            ours[name] = every(name, recount, gate)
        else:
            theirs.append(verdicts.any_of(name, shipped))
            ours[name] = either(name, recount)
        assert theirs[-1].verdict == ours[name].verdict
        assert theirs[-1].p == pytest.approx(ours[name].p)
        assert theirs[-1].effect.name == ours[name].effect.name
        ours[name] = replace(ours[name], name=name)
    corrected = after_holm(ours, 6)
    assert [each.verdict for each in verdicts.correct(theirs, 6)] == [
        corrected[each.name].verdict for each in theirs
    ]


@dataclass(frozen=True)
class Drawn:
    """What a claim compares, without any runs."""

    arrays: dict[tuple[str, str], intervals.Array]

    def values(self, arm: str, column: str = "score") -> intervals.Array:
        return self.arrays[arm, column]

    normalised = values


def same_parts(shipped: verdicts.Decision, recount: Said) -> None:
    for theirs, ours in zip(shipped.parts, recount.parts, strict=True):
        assert theirs.name == ours.name
        same_effect(theirs.effect, ours.effect)


@pytest.mark.parametrize("draw", DRAWS)
def test_optimal_sizes_where_all_are_equal(draw: int) -> None:
    """Any size may be chosen, also one at an end."""
    generator = np.random.default_rng(draw)
    scores = generator.normal(0.5, 0.2, generator.integers((2, 1, 3), (7, 6, 6)))
    found: Any = Drawn({("sizes", "score"): scores})
    same_parts(sizes.optimal_size(scores, permutations=9), ledger.optimum(found))


@pytest.mark.parametrize("draw", DRAWS)
def test_agents(draw: int) -> None:
    generator = np.random.default_rng(draw)
    tasks = int(generator.integers(1, 7))

    def drawn(parts: int) -> intervals.Array:
        return generator.lognormal(0, 0.3, (int(generator.integers(3, 9)), tasks, parts))

    ours, manual, random = drawn(1), drawn(4), drawn(2)
    flops, times = (generator.lognormal(0, 0.3, ours.shape) for _ in range(2))
    costs, waits = (generator.lognormal(0, 0.3, manual.shape) for _ in range(2))
    found: Any = Drawn(
        {
            ("A2D", "score"): ours,
            ("A2D", "flops"): flops,
            ("A2D", "deployed_ms"): times,
            ("manual", "score"): manual,
            ("manual", "flops"): costs,
            ("manual", "deployed_ms"): waits,
            ("random", "score"): random,
        }
    )
    shipped = agents.Agents(
        ours[..., 0],
        flops[..., 0],
        times[..., 0],
        manual,
        costs.mean(axis=0),
        waits.mean(axis=0),
        random,
    )
    same_parts(agents.beats_manual(shipped), ledger.agents(found, over_tasks=False))
    same_parts(agents.general(shipped), ledger.agents(found, over_tasks=True))


@pytest.mark.parametrize("draw", range(8))
def test_size_by_task(draw: int) -> None:
    """Two permutation tests of the same scores differ by their draws alone."""
    generator = np.random.default_rng(draw)
    scores = generator.normal(0, 1, (5, 4, 5))
    scores += (draw % 4) * generator.normal(0, 0.3, (1, 4, 5))
    chance = interaction(scores)
    error = np.sqrt(chance * (1 - chance) * (1 / PERMUTATIONS + 1 / sizes.PERMUTATIONS))
    assert sizes.interaction(scores) == pytest.approx(chance, abs=4 * error + 0.002)
