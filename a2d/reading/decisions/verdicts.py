"""From contrasts to the verdict on a claim, and the correction over the claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from a2d.reading.decisions.contrasts import LEVEL, Contrast, Verdict


@dataclass(frozen=True)
class Decision:
    """A claim's verdict, the contrasts behind it, and the one that decided (``effect``)."""

    name: str
    verdict: Verdict
    p: float
    effect: Contrast
    parts: tuple[Contrast | Decision, ...]
    sentence: str

    def adding(self, words: str) -> Decision:
        """Return the decision with words added to its sentence."""
        return replace(self, sentence=self.sentence + words)


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
        return _decision(name, "supported" if p <= LEVEL else "inconclusive", p, weakest, parts)
    if said == {"equivalent"}:
        weakest = max(parts, key=lambda part: part.p)
        return _decision(name, "equivalent", weakest.p, weakest, parts)
    verdicts: tuple[Verdict, ...] = ("contradicted", "equivalent")
    for verdict in verdicts:
        found = [part for part in parts if part.verdict == verdict]
        if found:
            clearest = min(found, key=lambda part: part.p)
            if clearest.p * len(parts) <= LEVEL:
                return _decision(name, verdict, clearest.p * len(parts), clearest, parts)
    weakest = min(parts, key=lambda part: part.effect.estimate / part.effect.margin)
    return _decision(name, "inconclusive", 1.0, weakest, parts)


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
        return _decision(name, verdict, clearest.p * len(parts), clearest, parts)
    if all(part.verdict == "equivalent" for part in parts):
        weakest = max(parts, key=lambda part: part.p)
        return _decision(name, "equivalent", weakest.p, weakest, parts)
    return _decision(name, "inconclusive", 1.0, parts[0], parts)


def correct(decisions: Sequence[Decision]) -> list[Decision]:
    """Return the decisions after Holm's correction over all of them, in their order.

    The i-th smallest of m p-values must be at most .05 / (m − i + 1), and so must all before it;
    a verdict that is not becomes 'inconclusive', and its sentence says so.
    """
    order = sorted(range(len(decisions)), key=lambda index: decisions[index].p)
    kept = list(decisions)
    holds = True
    for rank, index in enumerate(order):
        decision = decisions[index]
        holds = holds and decision.p * (len(order) - rank) <= LEVEL
        if not holds and decision.verdict != "inconclusive":
            lost = f"{decision.verdict} alone, not after the correction over {len(order)} claims"
            kept[index] = replace(
                decision, verdict="inconclusive", sentence=f"{decision.sentence} ({lost})"
            )
    return kept


def _decision(
    name: str, verdict: Verdict, p: float, decisive: Part, parts: Sequence[Part]
) -> Decision:
    by = f", by {decisive.effect.name}" if verdict in ("contradicted", "equivalent") else ""
    sentence = f"{name}: {verdict}{by}. " + "; ".join(part.sentence for part in parts) + "."
    return Decision(name, verdict, p, decisive.effect, tuple(parts), sentence)
