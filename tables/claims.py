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
    effect = None if finding is None else finding.effect
    notes = [*verdict.reasons, *([finding.detail] if finding else [])]
    certain = verdict.seeds >= FEWEST
    diverged = f" (†{verdict.diverged} diverged)" if verdict.diverged else ""
    shown = {
        "Claim": claim.claim,
        "Verdict": verdict.outcome,
        "Statement": claim.statement,
        "Effect": verdict.effect,
        "Estimate [95 % interval]": bounds(effect, certain),
        "Seeds × tasks": f"{verdict.seeds} × {verdict.tasks}{diverged}",
        "Why": "; ".join(notes) or ABSENT,
    }
    data = {
        "claim": claim.claim,
        "test": claim.test,
        "estimate": None if effect is None else effect.estimate,
        "low": effect.low if effect and certain else None,
        "high": effect.high if effect and certain else None,
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
    none = "" if verdicts else "This study asks no question that tests a claim."
    return build("The five claims", map(_row, verdicts), rules, none)


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
