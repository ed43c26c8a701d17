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


def test_what_is_quoted_of_them() -> None:
    counts = PAIRS["verdict"].value_counts()
    same, different = counts["same within noise"], counts["different"]
    assert same + different == len(PAIRS) == 20
    between_seeds = np.sqrt(2) * PAIRS["spread"]
    shares = (PAIRS["after"] - PAIRS["before"]) / between_seeds
    mean, root = shares.mean(), np.sqrt(np.mean(shares**2))
    said = prose("docs/guarantees.md")
    assert "Of twenty runs of `study`, drawn at random" in said
    assert f"none was identical, {same} were the same within the noise" in said
    assert f"episodes, {different} were different, and none had another architecture" in said
    assert f"mean difference is {mean:.2f}, and the root mean square {root:.2f}" in said
    assert not PAIRS["run"].str.contains("search|derived").any()  # as no search was drawn
    said = prose("README.md")
    assert f"{same} scored the same within the noise of their test episodes" in said
    assert root == pytest.approx(2 / 3, abs=0.05) and "two thirds as far off as two seeds" in said
