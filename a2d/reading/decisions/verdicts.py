"""From contrasts to the verdict on a claim, and the correction over the claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from a2d.reading.decisions.contrasts import LEVEL, Contrast, Verdict


@dataclass(frozen=True)
class Decision:
    """A claim's verdict, the contrasts behind it, and the one that decided (``effect``).

    ``notes`` are sentences on what no part says.
    """

    name: str
    verdict: Verdict
    p: float
    effect: Contrast
    parts: tuple[Contrast | Decision, ...]
    notes: tuple[str, ...] = ()

    @property
    def because(self) -> str:
        """Which effect decided, or which parts leave it open; empty if neither can be said."""
        if self.p <= LEVEL:  # of a verdict that the correction took away as well
            return f"By: {self.effect.name}."
        left = [part.name for part in self.parts if part.verdict == "inconclusive"]
        return f"Open: {', '.join(left)}." if left else ""

    def noting(self, *notes: str) -> Decision:
        """Return the decision with further notes."""
        return replace(self, notes=(*self.notes, *notes))


Part = Contrast | Decision


def all_of(name: str, parts: Sequence[Part], gate: float = 0.0) -> Decision:
    """Decide a claim that says all of its parts (intersection–union).

    Supported where every part is and ``gate``, a further p-value, is small: no correction needed,
    nor where every part is equivalent. One part alone refutes the whole, contradicted or
    equivalent, but pays for their number.
    """
    said = {part.verdict for part in parts}
    if said == {"supported"}:
        weakest = max(parts, key=lambda part: part.p)
        p = max(weakest.p, gate)
        return _decided(name, "supported" if p <= LEVEL else "inconclusive", p, weakest, parts)
    if said == {"equivalent"}:
        weakest = max(parts, key=lambda part: part.p)
        return _decided(name, "equivalent", weakest.p, weakest, parts)
    verdicts: tuple[Verdict, ...] = ("contradicted", "equivalent")
    for verdict in verdicts:
        found = [part for part in parts if part.verdict == verdict]
        if found:
            clearest = min(found, key=lambda part: part.p)
            if clearest.p * len(parts) <= LEVEL:
                return _decided(name, verdict, clearest.p * len(parts), clearest, parts)
    weakest = min(parts, key=lambda part: part.effect.estimate / part.effect.margin)
    return _left_open(name, weakest, parts, verdicts)


def any_of(name: str, parts: Sequence[Part]) -> Decision:
    """Decide a claim that says at least one of its parts, where none says the opposite.

    Each part pays for their number. Equivalent only where all are; parts that disagree are
    inconclusive.
    """
    said = {part.verdict for part in parts if part.p * len(parts) <= LEVEL}
    directions = said & {"supported", "contradicted"}
    if len(directions) == 1:
        (verdict,) = directions
        clearest = min((part for part in parts if part.verdict == verdict), key=lambda part: part.p)
        return _decided(name, verdict, clearest.p * len(parts), clearest, parts)
    if all(part.verdict == "equivalent" for part in parts):
        weakest = max(parts, key=lambda part: part.p)
        return _decided(name, "equivalent", weakest.p, weakest, parts)
    first = next((part for part in parts if part.verdict == "inconclusive"), parts[0])
    return _left_open(name, first, parts, ("supported", "contradicted"))


def correct(decisions: Sequence[Decision], claims: int) -> list[Decision]:
    """Return the decisions after Holm's correction over so many ``claims``, in their order.

    The i-th smallest of m p-values must be at most .05 / (m − i + 1), and so must all before it;
    a verdict that is not becomes 'inconclusive', and a note says so. A claim without a decision
    counts as one of p-value 1.
    """
    order = sorted(range(len(decisions)), key=lambda index: decisions[index].p)
    kept = list(decisions)
    holds = True
    for rank, index in enumerate(order):
        decision = decisions[index]
        holds = holds and decision.p * (claims - rank) <= LEVEL
        if not holds and decision.verdict != "inconclusive":
            lost = f"Alone {decision.verdict}, not after the correction over {claims} claims."
            kept[index] = replace(decision.noting(lost), verdict="inconclusive")
    return kept


def _left_open(
    name: str, shown: Part, parts: Sequence[Part], verdicts: Sequence[Verdict]
) -> Decision:
    """Return an undecided claim; its notes name the parts that one of the verdicts holds for."""
    decision = _decided(name, "inconclusive", 1.0, shown, parts)
    alone = [f"{part.name} ({part.verdict})" for part in parts if part.verdict in verdicts]
    if not alone:
        return decision
    return decision.noting(f"Not enough for {len(parts)} parts: {', '.join(alone)}.")


def _decided(
    name: str, verdict: Verdict, p: float, decisive: Part, parts: Sequence[Part]
) -> Decision:
    return Decision(name, verdict, p, decisive.effect, tuple(parts))
