"""Numbers and names as people read them, in Markdown, HTML and LaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from a2d.reading.decisions.contrasts import Interval
from a2d.reading.results import Summary

ABSENT, UNPLANNED = "—", "not planned"
PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "—": "---", "–": "--", "−": "$-$",
    "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$", "≤": r"$\leq$", "≥": r"$\geq$",
    "★": r"$\star$", "†": r"\dag{}", "‡": r"\ddag{}", "…": r"\ldots{}",
    "→": r"$\rightarrow$", "λ": r"$\lambda$", "α": r"$\alpha$", "β": r"$\beta$",
    "½": r"$\frac{1}{2}$", "’": "'", "‘": "`", "“": "``", "”": "''", "\n": " ",
}  # fmt: skip


def number(value: float, digits: int = 3) -> str:
    """Return ``value`` with about ``digits`` significant digits, no exponent; NaN is absent."""
    if not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(decimals, digits)}f}"
    return text.replace("-", "−")


def scaled(value: float) -> str:
    """Return a count with a prefix, as '1.09 M'."""
    if not math.isfinite(value):
        return ABSENT
    for size, prefix in PREFIXES:
        if abs(value) >= size:
            return f"{number(value / size)} {prefix}"
    return number(value)


def bounds(interval: Interval | None) -> str:
    """Return 'estimate [low, high]', or the estimate alone if too few runs stand behind it."""
    if interval is None:
        return ABSENT
    if not interval.known:
        return number(interval.estimate)
    return f"{number(interval.estimate)} [{number(interval.low)}, {number(interval.high)}]"


def score(summary: Summary) -> str:
    """Return a group's mean score with its interval, or with both scores if there are two seeds."""
    text = bounds(summary.score)
    if summary.score is None or summary.score.known or len(summary.scores) < 2:
        return text
    return f"{text} ({', '.join(number(value) for value in summary.scores)})"


def runs(summary: Summary) -> str:
    """Return 'n of m', and how many of the n diverged."""
    if not summary.planned:
        return UNPLANNED
    text = f"{summary.recorded} of {summary.planned}"
    if summary.diverged:
        text += f" (†{summary.diverged} diverged)"
    return text


def latex(text: str) -> str:
    """Escape for LaTeX; non-ASCII characters that are not known here need a UTF-8 engine."""
    return "".join(LATEX.get(character, character) for character in text)


def markdown(text: str) -> str:
    """Escape what would break a Markdown table."""
    return re.sub(r"([|\\`*_<])", r"\\\1", text).replace("\n", " ")


def numeric(cells: Iterable[str]) -> bool:
    """Whether a column holds numbers, which are aligned on the right; some may be absent."""
    shown = [cell for cell in cells if cell not in (ABSENT, UNPLANNED)]
    return bool(shown) and all(re.match(r"[−+×]?\d[\d.,]*($|[ %†])", cell) for cell in shown)


def plural(count: int, noun: str) -> str:
    """Return '1 seed' or '2 seeds'."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}s"
