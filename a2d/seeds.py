"""One seed per run, split into independent streams by name."""

from __future__ import annotations

import hashlib

import numpy as np


def stream_seed(seed: int, *stream: str) -> int:
    """Return the seed of a named stream of a run: 32 bits, 0 included among the run seeds.

    Streams with different names, or of different runs' seeds, are independent: evaluation never replays
    the episodes of training.
    """
    name = int.from_bytes(hashlib.sha256("/".join(stream).encode()).digest()[:4], "big")
    return int(np.random.SeedSequence([seed, name]).generate_state(1)[0])
