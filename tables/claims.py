"""The claims.

The ledger: per claim the verdict, the effect that decided it, and every part of its test.
"""

from __future__ import annotations

from collections.abc import Iterator

from a2d.reading.claims import Ruling, judge_all
from a2d.reading.decisions.contrasts import Contrast
from a2d.reading.decisions.verdicts import Decision
from a2d.reading.rendering import cautions
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.tables import Row, Table, build, effect_data
from a2d.reading.rendering.text import ABSENT
from a2d.reading.results import Results

RULES = (
    "The tests and the least number of seeds and tasks stand in workflow/experiments. They were "
    "amended on 2026-11-26, before any run of `study` and `bench_searches`, and after those of "
    "`laptop` and `breakout`, which decide nothing; docs/claims.md gives the reasons and how often "
    "they err. Equivalent, which goes first: surely smaller than the smallest effect of interest, "
    "that which the power is for, on whichever side of 0; supported: the 95 % interval lies above "
    "0, or above a factor of 1; contradicted: below; otherwise inconclusive, as are thin data and "
    "missing runs whatever the effect. What is tested is what the lines below a claim name. Of a "
    "claim, equivalent means that what it says is surely negligible in the part named, which "
    "refutes it as contradicted does; one part alone refutes only if its p-value, multiplied by "
    "the number of parts, is at most 0.05. A claim's own line has the effect that decided ('By'), "
    "or one that leaves it open, and the power of that part alone. Verdicts on claims are after "
    "Holm's correction over all of them, those on parts before it. Scores are normalised: 0 is the "
    "random policy, 1 the teacher. Fewer than three seeds have no interval and decide nothing."
)


def _shown(effect: Contrast | None) -> dict[str, str]:
    estimate = power = ABSENT
    if effect is not None:
        estimate = effect.shown
    if effect is not None and effect.known:
        power = effect.power_shown
    return {"Estimate [95 % interval]": estimate, "Power": power}


def _size(ruling: Ruling) -> str:
    few, many = ruling.seeds
    seeds = str(few) if few == many else f"{few} to {many}"
    size = f"{seeds} × {ruling.tasks}"
    if ruling.diverged:
        size += f" (†{ruling.diverged} diverged)"
    return size


def _claim(ruling: Ruling) -> Row:
    """Return the line of a claim."""
    claim, decision = ruling.claim, ruling.decision
    notes, effect = [f"{reason}." for reason in ruling.reasons], None
    if decision is not None:
        effect = decision.effect
        notes += [decision.because * ruling.decided, *decision.notes]
    shown = {
        "Claim": claim.claim,
        "Verdict": ruling.verdict,
        "Statement": claim.statement,
        **_shown(effect),
        "Seeds × tasks": _size(ruling),
        "Why": " ".join(filter(None, notes)) or ABSENT,
    }
    data = {
        "claim": claim.claim,
        "part": "",
        "verdict": ruling.verdict,
        **effect_data(effect),
        "fewest_seeds": ruling.seeds[0],
        "most_seeds": ruling.seeds[1],
        "tasks": ruling.tasks,
        "missing": len(ruling.missing),
        "diverged": ruling.diverged,
        "test": claim.test,
    }
    return shown, data


def _parts(decision: Decision, claim: str, depth: int = 1) -> Iterator[Row]:
    """Yield a line for every part, and for the parts that it has itself."""
    for part in decision.parts:
        name = part.name
        notes: tuple[str, ...] = ()
        if isinstance(part, Decision):
            notes = part.notes
        shown = {
            "Claim": "",
            "Verdict": part.verdict,
            "Statement": f"{'· ' * depth}{name}",
            **_shown(part.effect),
            "Seeds × tasks": "",
            "Why": " ".join(notes),
        }
        yield (
            shown,
            {"claim": claim, "part": name, "verdict": part.verdict, **effect_data(part.effect)},
        )
        if isinstance(part, Decision):
            yield from _parts(part, claim, depth + 1)


def _rows(rulings: list[Ruling]) -> Iterator[Row]:
    for ruling in rulings:
        yield _claim(ruling)
        if ruling.decision is not None:
            yield from _parts(ruling.decision, ruling.claim.claim)


def make(results: Results) -> Table:
    """Make one row per claim, and one per part of its test."""
    rulings = judge_all(results)
    tasks = ", ".join(map(results.title, results.study.tasks))
    said = (RULES, cautions.a2d(results), f"Tasks: {tasks}.")
    return build("The claims", _rows(rulings), *said)


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
