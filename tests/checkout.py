"""Where the checkout and its task cards are."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
ENVS = ROOT / "envs"
