"""Sentences of the documents, made anew with recounted numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from tests.checkout import ROOT
from tests.recount.records import Recorded, read_recorded

README, RESULTS, BENCHMARK = "README.md", "docs/results.md", "docs/benchmark.md"
BREAKOUT, INVADERS = "minatar-breakout", "minatar-space_invaders"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@lru_cache
def recorded(scale: str) -> Recorded:
    return read_recorded(scale, ROOT, ROOT / "results")


@lru_cache
def prose(name: str) -> str:
    """Return a document, in which line breaks do not count."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def tenth(value: float) -> str:
    """Return a number with one decimal, halves rounded up as people do."""
    return str(Decimal(f"{value:.9f}").quantize(Decimal("0.1"), ROUND_HALF_UP))


def quoted(template: str, values: Callable[[], Iterable[Any]]) -> Callable[[], str]:
    return lambda: template.format(*values())
