"""How often the claims' tests err on simulated studies whose truth is known; docs/claims.md tells.

Quick: 200 studies of five seeds, which tells 5 % from 45 %. Slow: the document's own numbers.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from a2d.reading.decisions import coverage, scenarios
from a2d.reading.decisions.contrasts import Verdict
from a2d.reading.decisions.scenarios import NOTHING, SCENARIOS
from a2d.reading.decisions.simulation import STUDIES, Scenario, estimate
from a2d.reading.decisions.verdicts import correct
from tests.checkout import ROOT

DOCUMENT = (ROOT / "docs/claims.md").read_text(encoding="utf-8")
BY_NAME = {f"{scenario.claim}: {scenario.title}": scenario for scenario in SCENARIOS}
CLAIMS = ("C1", "C2", "C3", "C4", "C5", "C6")
DIRECTIONS: tuple[Verdict, ...] = ("supported", "contradicted")
QUICK = 200
NOISE = 3 * (0.05 * 0.95 / QUICK) ** 0.5  # three standard errors of a rate of 5 %

FALSE_VERDICTS: dict[str, tuple[Verdict, ...]] = {
    "C1: all sizes equal": DIRECTIONS,
    "C1: all equal, larger sizes scatter more": DIRECTIONS,
    "C1: scores only rise": ("supported",),
    "C1: scores only fall": ("supported",),
    "C1: the same, curves of different height": DIRECTIONS,
    "C2: vanilla always fails, joint always learns": ("contradicted", "equivalent"),
    "C2: all searches fail": DIRECTIONS,
    "C2: all learn, equal spread, heavy tails": DIRECTIONS,
    "C2: half of both fail": DIRECTIONS,
    "C3: the same, skewed scores": DIRECTIONS,
    "C3: the same, actor-only scatters three times as much": DIRECTIONS,
    "C3: joint equals actor-only, critic-only 0.4 lower": DIRECTIONS,
    "C4: A2D equals every size and random ones, half the cost": DIRECTIONS,
    "C4: the same, A2D scatters twice as much": DIRECTIONS,
    "C4: A2D leads manual by 0.16, equals random": DIRECTIONS,
    "C5: A2D equals every size and random ones, half the cost": DIRECTIONS,
    "C5: on average equal, ±0.15 between tasks": DIRECTIONS,
    "C6: all searches find what chance finds": DIRECTIONS,
    "C6: the same, with a fifth of the variance": DIRECTIONS,
}
CHANCE_TO_SEE = {
    "C1: an optimum that differs": ("supported", 0.5),
    "C2: vanilla always fails, joint always learns": ("supported", 1.0),
    "C2: joint fails in 60 %, vanilla in 20 %": ("contradicted", 0.7),
    "C3: joint leads both by 0.2": ("supported", 0.9),
    "C4: A2D leads all by 0.16 (+20 %)": ("supported", 0.7),
    "C5: A2D leads all by 0.16 (+20 %)": ("supported", 0.5),
    "C6: joint finds 20, the others 50": ("contradicted", 0.4),
}


@pytest.mark.parametrize("name", FALSE_VERDICTS)
def test_false_verdicts_are_rare(name: str) -> None:
    found = estimate(BY_NAME[name], seeds=5, studies=QUICK)
    assert sum(found.claim[verdict] for verdict in FALSE_VERDICTS[name]) <= 0.05 + NOISE
    assert found.coverage >= 0.95 - NOISE


@pytest.mark.parametrize("name", CHANCE_TO_SEE)
def test_large_effects_are_seen(name: str) -> None:
    verdict, chance = CHANCE_TO_SEE[name]
    assert estimate(BY_NAME[name], 5, QUICK).claim[verdict] >= chance  # type: ignore[index]


def test_a_study_where_nothing_differs_rarely_says_that_something_does() -> None:
    generator = np.random.default_rng(0)
    wrong = [
        any(decision.verdict in DIRECTIONS for decision in correct(NOTHING.decide(generator, 5), 6))
        for _ in range(QUICK)
    ]
    assert np.mean(wrong) <= 0.05 + NOISE


def rows(text: str) -> dict[str, list[str]]:
    """Return table rows by their first cell, or the first two where the second is a number."""
    cells = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and "---" not in line
    ]
    return {" ".join(row[:2]) if row[1].isdigit() else row[0]: row for row in cells}


def section(claim: str) -> str:
    found = re.search(rf"^## {claim}.*?(?=^## )", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found is not None, claim
    return found[0]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=list(BY_NAME))
def test_the_document_has_every_simulated_study(scenario: Scenario) -> None:
    assert scenario.title in rows(section(scenario.claim))


def test_the_document_has_the_power_of_the_tests() -> None:
    assert "\n".join(scenarios.power_table()) in DOCUMENT


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS)
def test_the_documents_error_rates_come_out_again(claim: str) -> None:
    compare(rows(section(claim)), rows("\n".join(scenarios.table(claim, STUDIES))))


@pytest.mark.slow
def test_the_documents_rates_for_fewer_manual_seeds_come_out_again() -> None:
    again = "\n".join(scenarios.fewer_manual_table(STUDIES))
    compare(rows(section("C4 and C5 where")), rows(again))


@pytest.mark.slow
def test_the_documents_coverage_of_intervals_comes_out_again() -> None:
    text = DOCUMENT[DOCUMENT.index("| interval | scores |") :]
    for line in coverage.coverage_table():
        name, shape, *found = [cell.strip() for cell in line.strip("| ").split("|")]
        if not name.startswith("interval") and "---" not in name:
            row = next(row for row in text.splitlines() if row.startswith(f"| {name} | {shape} "))
            expected = [float(cell) for cell in row.strip("| ").split("|")[2:]]
            assert [float(cell) for cell in found] == pytest.approx(expected, abs=0.5), line


def test_a_mean_of_five_seeds_lies_in_its_interval_as_often_as_captions_say() -> None:
    assert 0.93 <= coverage.coverage("mean of one task, t", 5, "normal") <= 0.97
    assert 0.88 <= coverage.coverage("mean of one task, t", 5, "skewed") <= 0.94


def test_the_bootstrap_is_as_narrow_as_its_caption_says() -> None:
    held = coverage.coverage("interquartile mean, bootstrap", 3, "normal", QUICK)
    assert 0.80 <= held <= 0.94


@pytest.mark.slow
def test_the_documents_rates_of_whole_studies_come_out_again() -> None:
    compare(rows(section("All six")), rows("\n".join(scenarios.family_table(STUDIES))))


def compare(document: dict[str, list[str]], again: dict[str, list[str]]) -> None:
    """Another processor may round a study to another verdict, so that a rate moves by a little."""
    for name, row in again.items():
        found, expected = (
            [float(number) for cell in cells[1:] for number in re.findall(r"\d+\.?\d*", cell)]
            for cells in (document[name], row)
        )
        assert found == pytest.approx(expected, abs=0.5), name
