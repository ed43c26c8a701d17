"""Measure a uniform random policy's score, for ``random_score`` in ``envs/*.yaml``.

``python benchmarks/measure_random_scores.py envs/tiny-*.yaml`` prints the mean return per card.
Each parallel environment plays as many episodes as the next, because stopping at a total would
favour short ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from a2d.environments import open_environment
from a2d.runs.evaluation import play
from a2d.specs.task import TaskCard, load_card


def random_returns(card: TaskCard, episodes: int, num_envs: int, seed: int) -> np.ndarray:
    """Return the unclipped returns of ``episodes`` episodes, equally many from each environment."""
    with open_environment(card, num_envs, seed) as environment:
        environment.action_space.seed(seed)
        sample = environment.action_space.sample
        played = play(lambda observation: sample(), environment, episodes, seed)
    return np.array(played.returns)


def main() -> None:
    """Measure every card that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", type=Path)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--num-envs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for path in args.cards:
        returns = random_returns(load_card(path), args.episodes, args.num_envs, args.seed)
        error = returns.std() / np.sqrt(returns.size)
        print(
            f"{path.stem}: {returns.mean():.4g}, standard error {error:.2g}, {returns.size} "
            "episodes"
        )


if __name__ == "__main__":
    main()
