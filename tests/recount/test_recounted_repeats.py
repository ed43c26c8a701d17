"""Repeated runs (benchmarks/repeats.csv): what is said of them, and what they repeat."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.checkout import ROOT
from tests.recount.quotations import prose

PAIRS = pd.read_csv(ROOT / "benchmarks" / "repeats.csv")


def test_they_repeat_what_is_recorded_on_another_processor() -> None:
    for pair in PAIRS.to_dict("records"):
        path = ROOT / "results" / str(pair["run"])
        record = json.loads(path.read_text(encoding="utf-8"))
        assert np.mean(record["evaluation"]["returns"]) == pytest.approx(pair["before"])
        assert record["provenance"]["processor"] == pair["recorded_on"] != pair["repeated_on"]
    assert PAIRS["run"].is_unique


def shares(pairs: pd.DataFrame) -> pd.Series:
    """What repetitions differ by, in units of what two seeds of the same run differ by."""
    return (pairs["after"] - pairs["before"]) / (np.sqrt(2) * pairs["spread"])


def root_mean_square(values: pd.Series) -> float:
    return float(np.sqrt(np.mean(values**2)))


def test_what_is_quoted_of_them() -> None:
    counts, off = PAIRS["verdict"].value_counts(), shares(PAIRS)
    same, different = counts["same within noise"], counts["different"]
    assert len(PAIRS) == 40 and set(counts.index) == {
        "same within noise", "different", "another architecture",
    }  # fmt: skip
    searches = PAIRS[PAIRS["run"].str.contains("/search-")]
    assert (len(searches), counts["another architecture"]) == (3, 2)
    assert (searches["verdict"] == "another architecture").sum() == 2
    said = prose("docs/guarantees.md")
    assert "Forty runs of `study` were drawn at random" in said
    assert f"None was identical, {same} were the same within the noise" in said
    assert f"episodes, {different} were different, and two, of the three searches, had" in said
    error = off.std(ddof=1) / np.sqrt(len(off))
    assert f"mean difference is {off.mean():.2f} ± {error:.2f} (standard error)" in said
    assert f"root mean square {root_mean_square(off):.2f}: " in said
    said = prose("README.md")
    assert f"of forty runs that were repeated, {same} scored the same within the noise" in said
    assert root_mean_square(off) == pytest.approx(1, abs=0.05)
    assert "all together were as far off as two seeds are" in said


def test_what_is_quoted_of_each_draw() -> None:
    xeon, epyc = "Intel(R) Xeon(R) Processor", "AMD EPYC"
    first, second = (PAIRS[PAIRS["recorded_on"] == processor] for processor in (xeon, epyc))
    assert len(first) == len(second) == 20
    assert set(first["repeated_on"]) == {epyc} and set(second["repeated_on"]) == {xeon}
    assert first["run"].str.contains("/(?:manual|distilled)-").all()
    roots = [root_mean_square(shares(pairs)) for pairs in (first, second)]
    said = prose("docs/guarantees.md")
    assert f"{roots[0]:.2f} of the first twenty and {roots[1]:.2f} of the second" in said
    assert (shares(second).abs() > 3).sum() == 2 and "two of which are more than three" in said
    assert (shares(first).abs() <= 3).all()
