"""What every test shares: one thread each, no display, reproducible examples."""

from __future__ import annotations

import os

# Also for the processes that tests start; before torch and matplotlib are imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "agg"

import torch
from hypothesis import settings

torch.set_num_threads(1)

# A busy machine is no reason to fail, and the same commit draws the same examples.
settings.register_profile("a2d", deadline=None, derandomize=True)
settings.load_profile("a2d")
