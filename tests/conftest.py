"""What every test shares: one thread each, no display, reproducible examples."""

from __future__ import annotations

import os

# Also for the processes that tests start; before torch and matplotlib are imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "agg"

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests.checkout import ROOT

for helper in ("commands", "processes", "small_study"):
    pytest.register_assert_rewrite(f"tests.{helper}")

torch.set_num_threads(1)

# A busy machine is no reason to fail, and the same commit draws the same examples.
settings.register_profile("a2d", deadline=None, derandomize=True)
settings.load_profile("a2d")

SCALES = [path.stem for path in sorted((ROOT / "workflow" / "scales").glob("*.yaml"))]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the DAG reads, without any result, in a folder with a space and an accent."""
    copy = tmp_path / "a copié checkout"
    for name in ("workflow", "envs", "profiles", "tables", "figures", "a2d"):
        ignored = (
            shutil.ignore_patterns("__pycache__", *SCALES)
            if name in ("tables", "figures")
            else None
        )
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "Snakefile", copy)
    return copy
