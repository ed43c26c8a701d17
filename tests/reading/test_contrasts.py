"""Effects, intervals and p-values against hand-worked values, scipy and published intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from a2d.reading.decisions import contrasts, rates
from a2d.reading.decisions.contrasts import Array, Contrast, from_t


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def contrast(estimate: float, error: float = 0.01) -> Contrast:
    return from_t("an effect", np.array([estimate]), error, 100.0, 0.1)


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
    found = contrasts.over_tasks("x", effects, seeds=3, margin=0.4)
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
    assert found.verdict == "inconclusive" and found.shown == "+1.00"
    assert rates.compare_rates("x", np.ones((seeds, 9)), np.zeros((5, 9))).low == -math.inf
    assert contrasts.over_tasks("x", np.ones(seeds), seeds=5).verdict == "inconclusive"
    assert contrasts.over_tasks("x", np.ones(5), seeds=seeds).verdict == "inconclusive"


def test_scores_that_never_vary_still_decide() -> None:
    assert contrasts.over_seeds("x", np.ones((3, 2)), np.zeros((3, 2))).verdict == "supported"
    assert contrasts.over_seeds("x", np.ones((3, 2)), np.ones((3, 2))).verdict == "equivalent"


def test_the_verdict_follows_from_the_interval_and_the_margin() -> None:
    above, below, none, unclear = (contrast(0.5), contrast(-0.5), contrast(0), contrast(0.1, 1))
    assert above.verdict == "supported" and above.low > 0
    assert below.verdict == "contradicted" and below.high < 0
    assert none.verdict == "equivalent" and none.high < 0.1
    assert unclear.verdict == "inconclusive" and unclear.p == 1
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
