"""What docs/speed.md says of FLOPs and latency is what the kept numbers say."""

from __future__ import annotations

import json

import numpy as np
from scipy.stats import rankdata

from benchmarks.latency import COUNT, KEPT, PAGE, column, correlation, insert, render

NUMBERS = json.loads(KEPT.read_text(encoding="utf-8"))


def test_the_page_shows_the_kept_numbers() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert insert(page, render(NUMBERS)) == page
    assert len(NUMBERS["networks"]) == COUNT


def test_the_correlation_is_that_of_the_ranks() -> None:
    for runtime in ("eager", "deployed"):
        x, y = (rankdata(column(NUMBERS, name)) for name in ("flops", f"{runtime}_ms"))
        wanted = ((x - x.mean()) * (y - y.mean())).mean() / (x.std() * y.std())
        assert np.isclose(correlation(NUMBERS, runtime), wanted)
