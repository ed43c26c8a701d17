"""The claims.

The ledger: per claim the test fixed beforehand, its effect with interval, and the verdict.
"""

from __future__ import annotations

from a2d.reading.claims import Verdict, judge_all
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.tables import Row, Table, build
from a2d.reading.rendering.text import ABSENT, bounds
from a2d.reading.results import FEWEST, Results


def _row(verdict: Verdict) -> Row:
    finding, claim = verdict.finding, verdict.claim
    notes, certain = list(verdict.reasons), verdict.seeds >= FEWEST
    effect = estimate = low = high = None
    if finding is not None:
        effect, estimate = finding.effect, finding.effect.estimate
        notes.append(finding.detail)
        if certain:
            low, high = effect.low, effect.high
    size = f"{verdict.seeds} × {verdict.tasks}"
    if verdict.diverged:
        size += f" (†{verdict.diverged} diverged)"
    shown = {
        "Claim": claim.claim,
        "Verdict": verdict.outcome,
        "Statement": claim.statement,
        "Effect": verdict.effect,
        "Estimate [95 % interval]": bounds(effect, certain),
        "Seeds × tasks": size,
        "Why": "; ".join(notes) or ABSENT,
    }
    data = {
        "claim": claim.claim,
        "test": claim.test,
        "estimate": estimate,
        "low": low,
        "high": high,
        "seeds": verdict.seeds,
        "tasks": verdict.tasks,
        "missing": len(verdict.missing),
        "diverged": verdict.diverged,
        "verdict": verdict.outcome,
    }
    return shown, data


def make(results: Results) -> Table:
    """Make one row per claim."""
    verdicts = judge_all(results)
    rules = (
        "The tests and the least number of seeds and tasks for a verdict were written down before "
        "the results, in workflow/experiments. 'Inconclusive' is also the verdict of thin data or "
        "missing runs, whatever the effect. Fewer than three seeds have no interval."
    )
    notes = [rules]
    if not verdicts:
        notes.append("This study asks no question that tests a claim.")
    return build("The five claims", map(_row, verdicts), *notes)


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
