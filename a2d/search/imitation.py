"""Evolution over candidates that learn what a teacher says of what it saw.

No candidate plays: how soon a network learns the teacher's policy and values from the teacher's own
observations says how well it will do as the teacher's student.
"""

from __future__ import annotations

from a2d.search.evolution import Evolution


class Imitation(Evolution):
    """Tries random architectures, then children of good ones; a trial's score is minus its loss."""
