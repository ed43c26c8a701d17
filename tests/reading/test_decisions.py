"""The claims' tests against hand-worked values, scipy, published intervals, and their own rules."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize, stats

from a2d.reading.decisions import contrasts, rates, searches, sizes
from a2d.reading.decisions.agents import Agents, beats_manual, general
from a2d.reading.decisions.contrasts import Array, Contrast, UndefinedEffect, from_t
from a2d.reading.decisions.searches import both_heads, less_stable
from a2d.reading.decisions.verdicts import Decision, all_of, any_of, correct
from a2d.reading.decisions.yardstick import make_yardstick


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def contrast(estimate: float, error: float = 0.01) -> Contrast:
    return from_t("an effect", np.array([estimate]), error, 100.0, 0.1)


SUPPORTED, CONTRADICTED = contrast(0.5), contrast(-0.5)
EQUIVALENT, UNCLEAR = contrast(0.0), contrast(0.1, 1.0)


def decided(p: float) -> Decision:
    return Decision("a claim", "supported", p, SUPPORTED, (SUPPORTED,), "supported.")


# --- contrasts


@pytest.mark.parametrize(("seeds", "others"), [(5, 5), (10, 4), (3, 7)])
def test_over_seeds_of_one_task_is_welchs_interval(seeds: int, others: int) -> None:
    ours, theirs = draw(seeds, 1), 3 * draw(others, 1, seed=1)
    expected = stats.ttest_ind(ours[:, 0], theirs[:, 0], equal_var=False)
    bounds = expected.confidence_interval(0.95)
    found = contrasts.over_seeds("x", ours, theirs)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert min(found.above, found.below) == pytest.approx(expected.pvalue)


def test_over_seeds_joins_tasks_by_satterthwaite() -> None:
    ours = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])
    # variances of the means 1/3 and 4/3, so error √(5/3) / 2 and freedom (5/3)² / (17/9 / 2)
    found = contrasts.over_seeds("x", ours)
    reach = stats.t.ppf(0.975, (25 / 9) / (17 / 18)) * math.sqrt(5 / 3) / 2
    assert (found.low, found.high) == pytest.approx((1.5 - reach, 1.5 + reach))
    assert found.per_task == (1.0, 2.0)


def test_held_out_scores_get_nadeau_and_bengios_variance() -> None:
    found = contrasts.over_seeds("x", [[0.0], [1.0], [2.0]], held_out=True)
    reach = stats.t.ppf(0.975, 2) * math.sqrt(1 / 3 + 1 / 2)
    assert (found.low, found.high) == pytest.approx((1 - reach, 1 + reach))


def test_only_the_chosen_arm_pays_for_the_choice() -> None:
    constant, scattered = np.zeros((3, 1)), np.array([[0.0], [1.0], [2.0]])
    first = contrasts.over_seeds("x", scattered, constant, held_out=True)
    assert first.high == pytest.approx(contrasts.over_seeds("x", scattered, constant).high)
    second = contrasts.over_seeds("x", constant, scattered, held_out=True)
    assert second.high > contrasts.over_seeds("x", constant, scattered).high


def test_over_tasks_is_students_interval_with_two_one_sided_tests() -> None:
    effects = draw(6)
    found = contrasts.over_tasks("x", effects, margin=0.4)
    expected = stats.ttest_1samp(effects, 0)
    bounds = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert min(found.above, found.below) == pytest.approx(expected.pvalue)
    lower = stats.ttest_1samp(effects, -0.4, alternative="greater").pvalue
    upper = stats.ttest_1samp(effects, 0.4, alternative="less").pvalue
    assert found.within == pytest.approx(max(lower, upper))


def test_power_is_that_of_the_noncentral_t() -> None:
    critical = stats.t.ppf(0.975, 4)
    assert contrasts.power_of_t(0.1, 0.05, 4) == pytest.approx(stats.nct.sf(critical, 4, 2))
    assert contrasts.power_of_t(0.1, 0.0, 4) == 1


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_have_no_interval(seeds: int) -> None:
    found = contrasts.over_seeds("x", np.ones((seeds, 4)), np.zeros((5, 4)))
    assert (found.estimate, found.low, found.high) == (1.0, -math.inf, math.inf)
    assert found.verdict == "inconclusive" and "too few runs" in found.sentence
    assert rates.compare_rates("x", np.ones((seeds, 9)), np.zeros((5, 9))).low == -math.inf
    assert contrasts.over_tasks("x", np.ones(seeds)).verdict == "inconclusive"


def test_scores_that_never_vary_still_decide() -> None:
    assert contrasts.over_seeds("x", np.ones((3, 2)), np.zeros((3, 2))).verdict == "supported"
    assert contrasts.over_seeds("x", np.ones((3, 2)), np.ones((3, 2))).verdict == "equivalent"


def test_the_verdict_follows_from_the_interval_and_the_margin() -> None:
    assert SUPPORTED.verdict == "supported" and SUPPORTED.low > 0
    assert CONTRADICTED.verdict == "contradicted" and CONTRADICTED.high < 0
    assert EQUIVALENT.verdict == "equivalent" and EQUIVALENT.high < 0.1
    assert UNCLEAR.verdict == "inconclusive" and UNCLEAR.p == 1
    small = contrast(0.05)  # surely above zero, and surely too small to matter
    assert small.low > 0 and small.verdict == "equivalent"


def test_a_score_that_is_not_finite_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"\(1, 0\) is nan"):
        contrasts.over_seeds("x", [[0.0], [math.nan], [1.0]])


# --- rates


@pytest.mark.parametrize(("count", "total"), [(0, 5), (5, 5), (3, 10), (17, 50)])
def test_clopper_pearson_equals_scipys(count: int, total: int) -> None:
    expected = stats.binomtest(count, total).proportion_ci(method="exact")
    assert rates.clopper_pearson(count, total) == pytest.approx((expected.low, expected.high))


def column(count: int, total: int) -> Array:
    return (np.arange(total) < count)[:, None].astype(float)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((56, 70, 48, 80), (0.0528, 0.3382)),
        ((9, 10, 3, 10), (0.1700, 0.8406)),
        ((5, 56, 0, 29), (-0.0326, 0.1933)),
        ((10, 10, 0, 10), (0.6636, 1.0)),
    ],
)
def test_difference_of_rates_as_published(
    counts: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    """Newcombe (1998), Statistics in Medicine 17, table II, method 6."""
    found = rates.compare_rates("x", column(*counts[:2]), column(*counts[2:]))
    assert (found.low, found.high) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("counts", [(20, 30, 9, 30), (3, 25, 2, 25), (49, 50, 30, 50)])
def test_difference_of_rates_is_near_newcombes(counts: tuple[int, int, int, int]) -> None:
    found = rates.compare_rates("x", column(*counts[:2]), column(*counts[2:]))
    x, n, y, m = counts
    first, second = (
        stats.binomtest(c, t).proportion_ci(method="wilson") for c, t in ((x, n), (y, m))
    )
    below = math.hypot(x / n - first.low, second.high - y / m)
    above = math.hypot(first.high - x / n, y / m - second.low)
    newcombe = (x / n - y / m - below, x / n - y / m + above)
    assert (found.low, found.high) == pytest.approx(newcombe, abs=0.03)


@pytest.mark.parametrize("difference", [-0.6, -0.2, 0.0, 0.2, 0.9])
@pytest.mark.parametrize("counts", [(7, 10, 2, 12), (0, 5, 0, 5), (5, 5, 0, 5), (1, 30, 29, 30)])
def test_score_statistic_uses_the_likeliest_rates(
    counts: tuple[int, int, int, int], difference: float
) -> None:
    x, n, y, m = counts

    def unlikeliness(rate: float) -> float:
        return -float(stats.binom.logpmf(x, n, rate + difference) + stats.binom.logpmf(y, m, rate))

    low, high = max(0.0, -difference) + 1e-12, min(1.0, 1 - difference) - 1e-12
    rate = optimize.minimize_scalar(unlikeliness, bounds=(low, high), options={"xatol": 1e-10}).x
    other = rate + difference
    variance = (other * (1 - other) / n + rate * (1 - rate) / m) * (n + m) / (n + m - 1)
    expected = (x / n - y / m - difference) / math.sqrt(variance)
    found = rates.score_statistic(x, n, y, m, difference)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_search_fails_unless_clear_of_random_by_three_errors() -> None:
    scores, errors = np.array([[1.0, 1.3], [1.31, 9.0]]), np.array([[0.1, 0.1], [0.1, 3.0]])
    assert rates.failed(scores, errors, [1.0, 1.0]).tolist() == [[True, True], [False, True]]
    assert rates.failed([[0.0]], [[0.0]], [0.0]).all()  # always the same, and no better


# --- verdicts


def test_a_conjunction_needs_every_part_and_any_part_refutes_it() -> None:
    assert all_of("x", [SUPPORTED, SUPPORTED]).verdict == "supported"
    assert all_of("x", [SUPPORTED, SUPPORTED], gate=0.2).verdict == "inconclusive"
    assert all_of("x", [SUPPORTED, UNCLEAR]).verdict == "inconclusive"
    assert all_of("x", [SUPPORTED, EQUIVALENT]).verdict == "equivalent"
    assert all_of("x", [SUPPORTED, EQUIVALENT, CONTRADICTED]).verdict == "contradicted"


def test_what_refutes_a_conjunction_pays_for_the_number_of_parts() -> None:
    part = contrast(-0.1, 0.1 / 2.2)  # p about .03
    assert all_of("x", [part]).verdict == "contradicted"
    assert all_of("x", [part, SUPPORTED]).verdict == "inconclusive"
    small = contrast(0.0, 0.1 / 1.8)  # p about .04
    assert all_of("x", [small, UNCLEAR]).verdict == "inconclusive"
    assert all_of("x", [small, small]).verdict == "equivalent"


def test_a_disjunction_needs_one_part_and_no_part_against_it() -> None:
    assert any_of("x", [EQUIVALENT, SUPPORTED]).verdict == "supported"
    assert any_of("x", [UNCLEAR, CONTRADICTED]).verdict == "contradicted"
    assert any_of("x", [SUPPORTED, CONTRADICTED]).verdict == "inconclusive"
    assert any_of("x", [EQUIVALENT, EQUIVALENT]).verdict == "equivalent"
    assert any_of("x", [EQUIVALENT, UNCLEAR]).verdict == "inconclusive"
    assert any_of("x", [contrast(0.1, 0.1 / 2.2), UNCLEAR]).verdict == "inconclusive"


def test_the_decisive_effect_is_the_weakest_that_supports_and_the_clearest_that_refutes() -> None:
    weak = contrast(0.3, 0.1)
    assert all_of("x", [SUPPORTED, weak]).effect is weak
    assert all_of("x", [SUPPORTED, CONTRADICTED, weak]).effect is CONTRADICTED


def test_holm_stops_at_the_first_that_fails() -> None:
    found = correct([decided(p) for p in (0.03, 0.001, 0.014, 0.04, 0.012)])
    # in order: .001 ≤ .05/5, .012 ≤ .05/4, .014 ≤ .05/3, .03 > .05/2, and .04 ≤ .05 no more
    kept = [decision.verdict for decision in found]
    assert kept == ["inconclusive", "supported", "supported", "inconclusive", "supported"]
    assert "not after the correction over 5 claims" in found[0].sentence


# --- the claims


def test_a_size_is_chosen_without_the_seed_that_scores_it() -> None:
    sweep = np.array([[9.0, 0.0], [0.0, 1.0], [0.0, 1.0]])[:, None, :]
    assert sizes.choose_held_out(sweep)[:, 0].tolist() == [1, 0, 0]
    assert sizes.take(sweep, sizes.choose_held_out(sweep))[:, 0].tolist() == [0, 0, 0]
    with pytest.raises(UndefinedEffect, match="one seed"):
        sizes.choose_held_out(sweep[:1])


def test_interaction_by_permutation_is_near_the_f_test_on_normal_scores() -> None:
    for seed in range(5):
        scores = draw(6, 4, 3, seed=seed)
        cells = scores.mean(axis=0)
        additive = cells.mean(1, keepdims=True) + cells.mean(0) - cells.mean()
        between = 6 * ((cells - additive) ** 2).sum() / 6
        within = ((scores - cells) ** 2).sum() / (4 * 3 * 5)
        expected = stats.f.sf(between / within, 6, 4 * 3 * 5)
        assert sizes.interaction(scores) == pytest.approx(expected, abs=0.06)


def test_interaction_of_scores_without_any_difference_is_none() -> None:
    assert sizes.interaction(np.ones((3, 2, 3))) == 1


def test_optimal_size_by_its_parts() -> None:
    noise = 0.01 * draw(5, 4, 3)
    peak, shifted = np.array([0.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 0.0])
    differing = np.stack([peak, shifted, peak]) + noise.transpose(0, 2, 1)
    assert sizes.optimal_size(differing).verdict == "supported"
    same = np.stack([peak, peak, peak]) + noise.transpose(0, 2, 1)
    assert sizes.optimal_size(same).verdict == "equivalent"
    rising = np.arange(4.0) + noise.transpose(0, 2, 1)
    assert sizes.optimal_size(rising).verdict == "contradicted"
    assert sizes.optimal_size(differing[:, :1]).verdict == "supported"  # over seeds
    with pytest.raises(UndefinedEffect, match="two sizes"):
        sizes.optimal_size(differing[:, :, :2])


def test_c1_needs_the_interaction_too(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    sweep = peaks + 0.01 * draw(5, 3, 4)
    assert sizes.optimal_size(sweep).p < 0.05
    monkeypatch.setattr(sizes, "interaction", lambda *_: 0.06)
    assert sizes.optimal_size(sweep).verdict == "inconclusive"


def test_vanilla_that_always_fails_supports_c2() -> None:
    fails, learns, scores = np.ones((5, 3)), np.zeros((5, 3)), draw(5, 3)
    decision = less_stable("C2", fails, learns, scores, scores)
    assert decision.verdict == "supported" and len(decision.parts) == 1
    assert "15 of 15 [0.78, 1.00], 0 of 15 [0.00, 0.22]" in decision.sentence


def test_spread_is_compared_only_where_both_learn() -> None:
    failures = np.zeros((5, 4))
    failures[:, 0] = 1
    narrow, wide = draw(5, 4), 5 * draw(5, 4, seed=1)
    narrow[:, 0] = 0  # its logarithm would be −∞
    decision = less_stable("C2", failures, failures, wide, narrow)
    ratios = np.log(wide.std(axis=0, ddof=1)[1:] / narrow.std(axis=0, ddof=1)[1:])
    assert decision.parts[1].effect.per_task == pytest.approx(tuple(ratios))


def test_heads_are_compared_where_there_is_something_to_teach() -> None:
    untaught = np.array([[1.0, 1.0], [3.0, 3.0]])
    tasks = searches.teachable([2.5, 1.9], untaught)
    assert tasks.tolist() == [True, False]
    joint = np.column_stack([1 + 0.01 * draw(5), -9 + draw(5)])
    alone = 0.01 * draw(5, 2, seed=1)
    assert both_heads(joint, alone, alone, tasks).verdict == "supported"
    with pytest.raises(UndefinedEffect, match="no task"):
        searches.teachable([2.0, 2.0], untaught)


def contest(lead: float, cost: float) -> Agents:
    manual = 0.01 * draw(5, 3, 2) + np.array([0.0, 1.0])
    return Agents(
        a2d=1 + lead + 0.01 * draw(5, 3, seed=1),
        flops=np.full((5, 3), cost),
        latency=np.full((5, 3), cost),
        manual=manual,
        manual_flops=np.broadcast_to([1.0, 4.0], (3, 2)),
        manual_latency=np.broadcast_to([1.0, 4.0], (3, 2)),
        random=0.01 * draw(5, 3, 4, seed=2),
    )


@pytest.mark.parametrize("decide", [beats_manual, general])
def test_a2d_must_win_in_score_and_in_cost(decide: Callable[[Agents], Decision]) -> None:
    for lead, cost, verdict in (
        (0.5, 2.0, "supported"),
        (0.5, 8.0, "contradicted"),
        (0.0, 2.0, "equivalent"),
        (-0.5, 2.0, "contradicted"),
    ):
        assert decide(contest(lead, cost)).verdict == verdict


def test_costs_are_compared_with_the_size_that_was_chosen() -> None:
    parts = beats_manual(contest(0.5, 2.0)).parts
    assert [part.effect.estimate for part in parts[2:]] == pytest.approx([math.log(2)] * 2)
    assert parts[1].effect.estimate == pytest.approx(1.5, abs=0.02)


def test_a_draw_of_random_architectures_is_no_unit() -> None:
    agents = contest(0.5, 2.0)
    doubled = Agents(**{**vars(agents), "random": np.repeat(np.asarray(agents.random), 2, axis=2)})
    assert beats_manual(doubled).parts[1].effect.high == pytest.approx(
        beats_manual(agents).parts[1].effect.high
    )


# --- the scale


def test_the_yardstick_puts_random_at_zero_and_the_reference_at_one() -> None:
    yardstick = make_yardstick([1.0, 10.0], [3.0, 30.0], [0.1, 1.0])
    assert yardstick.apply([[1.0, 30.0], [2.0, 15.0]]).tolist() == [[0.0, 1.0], [0.5, 0.25]]
    assert yardstick.apply(np.full((2, 2, 3), 3.0))[:, 0].tolist() == [[1.0] * 3] * 2


def test_a_reference_within_its_own_noise_is_no_unit() -> None:
    with pytest.raises(UndefinedEffect, match="tasks at 1"):
        make_yardstick([1.0, 1.0], [3.0, 1.4], [0.1, 0.1])


def test_nothing_here_imports_torch() -> None:
    code = "import sys, a2d.reading.decisions.scenarios; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
