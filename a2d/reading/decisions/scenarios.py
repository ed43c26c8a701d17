"""The simulated studies of docs/claims.md, and its tables of error rates.

``python -m a2d.reading.decisions.scenarios`` prints the tables, in some minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from a2d.reading.decisions.contrasts import SCORE_MARGIN, power_of_t
from a2d.reading.decisions.simulation import (
    LEVEL_OF_SCORES,
    SIZES,
    SPREAD,
    STUDIES,
    TASKS,
    TEST_NOISE,
    VERDICTS,
    Contest,
    Rates,
    Scenario,
    Whole,
    estimate,
    heads,
    peaks,
    ranks,
    searches,
    sweep,
)
from a2d.reading.decisions.verdicts import Decision, correct

FLAT = np.full(SIZES, LEVEL_OF_SCORES)
RISING = np.linspace(0.5, 0.9, SIZES)
HILL = (0.4, 0.2, 0.0, 0.2, 0.4)  # how far every size lies below the best
CLOSE = (0.15, 0.05, 0.0, 0.05, 0.15)
WIDENING = np.linspace(0.5, 2.0, SIZES) * SPREAD  # larger networks scatter more
PARTLY = (1, 1, 0, 0, 0)  # failure rates of the tasks

C1 = (
    ("all sizes equal", sweep(FLAT), 0.0),
    ("all equal, skewed scores", sweep(FLAT, "skewed"), 0.0),
    ("all equal, heavy tails", sweep(FLAT, "heavy"), 0.0),
    ("all equal, larger sizes scatter more", sweep(FLAT, spread=WIDENING), 0.0),
    ("scores only rise", sweep(RISING), 0.3),
    ("scores only fall", sweep(RISING[::-1]), -0.1),
    ("the same optimum on all tasks", sweep(peaks(2)), 0.4),
    ("the same, curves of different height", sweep(peaks(2, heights=[0.5, 0.75, 1, 1.5, 2])), 0.46),
    ("an optimum that differs", sweep(peaks(1, 2, 3)), 0.36),
    ("an optimum that differs, skewed", sweep(peaks(1, 2, 3), "skewed"), 0.36),
    ("an optimum that differs, twice the spread", sweep(peaks(1, 2, 3), spread=2 * SPREAD), 0.36),
)
C2 = (
    ("vanilla always fails, joint always learns", searches(1, 0), 1.0),
    ("all searches fail", searches(1, 1), 0.0),
    ("all learn, equal spread", searches(0, 0), 0.0),
    ("all learn, equal spread, heavy tails", searches(0, 0, 1, "heavy"), 0.0),
    ("half of both fail", searches(0.5, 0.5), 0.0),
    ("both fail on two tasks, learn on three", searches(PARTLY, PARTLY), 0.0),
    ("vanilla fails in 30 %, joint in 10 %", searches(0.3, 0.1), 0.2),
    ("vanilla fails in 60 %, joint in 20 %", searches(0.6, 0.2), 0.4),
    ("all learn, vanilla scatters twice as much", searches(0, 0, 2), 0.0),
    ("joint fails in 60 %, vanilla in 20 %", searches(0.2, 0.6), -0.4),
)
C3 = (
    ("joint equals both heads", heads(0, 0), 0.0),
    ("the same, skewed scores", heads(0, 0, "skewed"), 0.0),
    ("the same, heavy tails", heads(0, 0, "heavy"), 0.0),
    ("the same, actor-only scatters three times as much", heads(0, 0, spread=3 * SPREAD), 0.0),
    ("joint equals actor-only, critic-only 0.4 lower", heads(0, 0.4), 0.0),
    ("joint leads both by δ", heads(0.1, 0.1), 0.1),
    ("joint leads both by 0.2", heads(0.2, 0.2), 0.2),
    ("joint 0.2 below actor-only", heads(-0.2, 0.2), -0.2),
)
CONTESTS = (
    ("A2D equals every size and random ones, costs too", Contest(0, 0, saved=0)),
    ("A2D equals every size and random ones, half the cost", Contest(0, 0)),
    ("the same, skewed scores", Contest(0, 0, shape="skewed")),
    ("the same, heavy tails", Contest(0, 0, shape="heavy")),
    ("the same, A2D scatters twice as much", Contest(0, 0, spread=2 * SPREAD)),
    ("A2D equals the best size, others 0.05 to 0.15 lower", Contest(0, 0, drop=CLOSE)),
    ("A2D equals the best size, others 0.2 to 0.4 lower", Contest(0, 0, drop=HILL)),
    ("A2D leads all by δ", Contest(0.1, 0.1, drop=HILL)),
    ("A2D leads all by 0.16 (+20 %)", Contest(0.16, 0.16, drop=HILL)),
    ("A2D leads manual by 0.16, equals random", Contest(0.16, 0, drop=HILL)),
    ("A2D 0.16 below the best size", Contest(-0.16, 0, drop=HILL)),
)
C6 = (
    ("all searches find what chance finds", ranks(50, 50, 50), 0.0),
    ("the same, with a fifth of the variance", ranks(50, 50, 50, 5.0), 0.0),
    ("joint and vanilla find 80, cost only 50", ranks(80, 50, 80), 30.0),
    ("joint and cost only find 80, vanilla 50", ranks(80, 80, 50), 30.0),
    ("joint finds 60, the others 50", ranks(60, 50, 50), 10.0),
    ("joint finds 80, the others 50", ranks(80, 50, 50), 30.0),
    ("joint finds 95, the others 50", ranks(95, 50, 50), 45.0),
    ("joint finds 20, the others 50", ranks(20, 50, 50), -30.0),
)
UNEVEN = ("on average equal, ±0.15 between tasks", Contest(0, 0, drop=HILL, uneven=0.15))
SCENARIOS = (
    *(Scenario("C1", title, study, truth) for title, study, truth in C1),
    *(Scenario("C2", title, study, truth) for title, study, truth in C2),
    *(Scenario("C3", title, study, truth) for title, study, truth in C3),
    *(Scenario("C4", title, contest.over_seeds, contest.manual) for title, contest in CONTESTS),
    *(
        Scenario("C5", title, contest.over_tasks, contest.manual)
        for title, contest in (*CONTESTS, UNEVEN)
    ),
    *(Scenario("C6", title, study, truth) for title, study, truth in C6),
)


NOTHING = Whole(
    "nothing differs",
    sweep(FLAT),
    searches(0.3, 0.3),
    heads(0, 0),
    Contest(0, 0, saved=0),
    ranks(50, 50, 50),
)
EVERYTHING = Whole(
    "all six claims hold",
    sweep(peaks(1, 2, 3)),
    searches(0.6, 0.2),
    heads(0.2, 0.2),
    Contest(0.16, 0.16, drop=HILL),
    ranks(90, 50, 50),
)


def table(claim: str, studies: int = STUDIES) -> Iterator[str]:
    """Yield a Markdown row per scenario of a claim: verdicts and coverage in percent."""
    yield "| truth | 5 seeds | first part | covers | 10 seeds | first part | covers |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for scenario in SCENARIOS:
        if scenario.claim == claim:
            rates = [estimate(scenario, seeds, studies) for seeds in (5, 10)]
            yield f"| {scenario.title} | {' | '.join(_cells(each) for each in rates)} |"


def fewer_manual_table(studies: int = STUDIES) -> Iterator[str]:
    """Yield rows of C4 and C5 for ten seeds of A2D and two draws, and five of manual sizes."""
    yield "| truth | C4 | first part | covers | C5 | first part | covers |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for title, contest in CONTESTS:
        fewer = replace(contest, manual_seeds=5, draws=2)
        scenarios = [
            Scenario(claim, title, decide, contest.manual)
            for claim, decide in (("C4", fewer.over_seeds), ("C5", fewer.over_tasks))
        ]
        rates = [estimate(scenario, 10, studies) for scenario in scenarios]
        yield f"| {title} | {' | '.join(_cells(each) for each in rates)} |"


def family_table(studies: int = STUDIES) -> Iterator[str]:
    """Yield rows of whole studies: any directional verdict, and how many claims are supported."""
    yield "| truth | seeds | any direction, alone | corrected | supported, alone | corrected |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for whole in (NOTHING, EVERYTHING):
        for seeds in (5, 10):
            generator = np.random.default_rng(seeds)
            alone = [whole.decide(generator, seeds) for _ in range(studies)]
            both = [alone, [correct(decisions, len(decisions)) for decisions in alone]]
            wrong = " | ".join(f"{_any_directional(each):.1%}" for each in both)
            right = " | ".join(f"{_mean_supported(each):.1f} of 6" for each in both)
            yield f"| {whole.title} | {seeds} | {wrong} | {right} |"


def power_table() -> Iterator[str]:
    """Yield rows of the chance that a lead of δ on five tasks alike has an interval above zero."""
    yield "| seeds | spread | two fixed arms (C3) | held-out size (C4) | over tasks (C5) |"
    yield "| --- | --- | --- | --- | --- |"
    for seeds in (5, 10):
        for spread in (0.1, 0.15, 0.2, 0.3):
            unit = np.hypot(spread, TEST_NOISE) / np.sqrt(TASKS)
            plain, chosen = (unit * np.sqrt(2 / seeds + extra) for extra in (0, 1 / (seeds - 1)))
            many, few = 2 * TASKS * (seeds - 1), TASKS - 1
            chances = (
                power_of_t(SCORE_MARGIN, error, freedom)
                for error, freedom in ((plain, many), (chosen, many), (plain, few))
            )
            yield f"| {seeds} | {spread} | {' | '.join(f'{chance:.0%}' for chance in chances)} |"


def _any_directional(studies: list[list[Decision]]) -> float:
    directions = ("supported", "contradicted")
    return float(np.mean([any(d.verdict in directions for d in study) for study in studies]))


def _mean_supported(studies: list[list[Decision]]) -> float:
    return float(np.mean([sum(d.verdict == "supported" for d in study) for study in studies]))


def _cells(rates: Rates) -> str:
    shares = (
        " / ".join(f"{100 * of[verdict]:.1f}" for verdict in VERDICTS[:3])
        for of in (rates.claim, rates.part)
    )
    return f"{' | '.join(shares)} | {100 * rates.coverage:.1f}"


if __name__ == "__main__":
    for name in ("C1", "C2", "C3", "C4", "C5", "C6"):
        print(f"\n{name}\n", *table(name), sep="\n", flush=True)
    print("\nFewer seeds of manual sizes\n", *fewer_manual_table(), sep="\n")
    print("\nAll six\n", *family_table(), sep="\n")
    print("\nPower\n", *power_table(), sep="\n")
