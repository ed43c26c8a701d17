"""Amounts as people write them: '30min', '1.5h', '250k', '1M'."""

from __future__ import annotations

import re

from a2d.errors import A2DError

SECONDS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
COUNTS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
AMOUNT = re.compile(r"(\d+(?:\.\d+)?(?:e\d+)?) ?([A-Za-z]*)")


def read_duration(option: str, text: str) -> float:
    """Return a duration in seconds. Raise A2DError, which names the option, if it is none."""
    return _read(option, text, SECONDS, "a time such as 90s, 30min or 1.5h")


def read_count(option: str, text: str) -> int:
    """Return a count. Raise A2DError, which names the option, if it is none."""
    return round(_read(option, text, COUNTS, "a number such as 50000, 250k or 1.5M"))


def _read(option: str, text: str, units: dict[str, float], wanted: str) -> float:
    match = AMOUNT.fullmatch(text.strip())
    amount = float(match[1]) * units.get(match[2], 0.0) if match else 0.0
    if amount < 1:
        raise A2DError(f"{option} {text}: should be {wanted}")
    return amount
