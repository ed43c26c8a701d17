"""From effects to verdicts: claims of several parts, and Holm's correction over the claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.recount.intervals import Effect


@dataclass(frozen=True)
class Said:
    """A verdict with its p-value, the effect that decided, and the parts."""

    name: str
    verdict: str
    p: float
    effect: Effect
    parts: tuple[Effect | Said, ...]


Part = Effect | Said


def _by_p(part: Part) -> float:
    return part.p


def every(name: str, parts: Sequence[Part], gate: float = 0.0) -> Said:
    """Decide a claim that is supported only if all its parts are; one part can refute it."""
    verdicts = [part.verdict for part in parts]
    weakest = max(parts, key=_by_p)
    for verdict, further in (("supported", gate), ("equivalent", 0.0)):
        if verdicts == [verdict] * len(parts) and max(weakest.p, further) <= 0.05:
            return Said(name, verdict, max(weakest.p, further), weakest.effect, tuple(parts))
    if set(verdicts) == {"supported"}:  # the gate is not passed
        return Said(name, "inconclusive", gate, weakest.effect, tuple(parts))
    for verdict in ("contradicted", "equivalent"):
        found = [part for part in parts if part.verdict == verdict]
        clearest = min(found, key=_by_p, default=None)
        if clearest is not None and clearest.p * len(parts) <= 0.05:
            return Said(name, verdict, clearest.p * len(parts), clearest.effect, tuple(parts))
    smallest = min(parts, key=lambda part: part.effect.estimate / part.effect.delta)
    return Said(name, "inconclusive", 1.0, smallest.effect, tuple(parts))


def either(name: str, parts: Sequence[Part]) -> Said:
    """Decide a claim that one of its parts supports, if none says the opposite."""
    sure = [part for part in parts if part.p * len(parts) <= 0.05]
    ways = {part.verdict for part in sure} - {"equivalent"}
    if len(ways) == 1:
        best = min((part for part in parts if part.verdict in ways), key=_by_p)
        return Said(name, best.verdict, best.p * len(parts), best.effect, tuple(parts))
    if {part.verdict for part in parts} == {"equivalent"}:
        worst = max(parts, key=_by_p)
        return Said(name, "equivalent", worst.p, worst.effect, tuple(parts))
    unclear = [part for part in parts if part.verdict == "inconclusive"] or [*parts]
    return Said(name, "inconclusive", 1.0, unclear[0].effect, tuple(parts))


def after_holm(decided: dict[str, Said], claims: int) -> dict[str, Said]:
    """Return what is left of the verdicts: the i-th smallest p counts (claims − i + 1)-fold."""
    kept, lost = {}, False
    for place, name in enumerate(sorted(decided, key=lambda each: decided[each].p)):
        found = decided[name]
        lost = lost or found.p * (claims - place) > 0.05
        kept[name] = replace(found, verdict="inconclusive") if lost else found
    return kept
