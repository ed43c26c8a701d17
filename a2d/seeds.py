"""One seed per run, split into independent streams by name.

What is ours draws from generators of its own. The global generators are left to the environments,
some of which draw from them: they are seeded wherever environments are made, and nothing of ours
comes in between.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # environments are made without PyTorch, which takes seconds to import
    import torch


def stream_seed(seed: int, *stream: str) -> int:
    """Return the seed of a named stream of a run: 32 bits, 0 included among the run seeds.

    Streams with different names, or of different runs' seeds, are independent: evaluation never
    replays the episodes of training.
    """
    name = int.from_bytes(hashlib.sha256("/".join(stream).encode()).digest()[:4], "big")
    return int(np.random.SeedSequence([seed, name]).generate_state(1)[0])


def seed_global_streams(seed: int, *stream: str) -> None:
    """Seed the global generators of Python, NumPy and PyTorch, which environments may draw from."""
    import torch

    random.seed(stream_seed(seed, *stream, "random"))
    np.random.seed(stream_seed(seed, *stream, "numpy"))  # noqa: NPY002
    torch.default_generator.manual_seed(stream_seed(seed, *stream, "torch"))


@contextmanager
def own_stream(seed: int, device: torch.device) -> Iterator[torch.Generator]:
    """Draw a network's weights in this block; yield the generator that continues their stream.

    PyTorch draws weights from its global generator on the processor, which is restored afterwards.
    """
    import torch

    generator = torch.Generator(device).manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield generator
        if device.type == "cpu":
            generator.set_state(torch.default_generator.get_state())
