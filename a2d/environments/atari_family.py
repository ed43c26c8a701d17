"""Atari 2600 games through ALE's own vector environment, which steps and preprocesses in C++.

Preprocessing of Mnih et al. (2015): the maximum over the last two of 4 skipped frames, 84 x 84
grey, 4 frames stacked, 0 to 29 no-ops at the start (ALE draws fewer than ``noop_max``). Only where
the card's ``options`` say so is FIRE pressed for the agent (``use_fire_reset``), or an action
repeated by chance (``repeat_action_probability``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from a2d.environments.vector import Array, BatchedEnvironment, StepResult
from a2d.specs.task import DEFAULT_EPISODE_LIMIT, TaskCard, card_error

FRAME_SKIP = 4
OPTIONS = {
    "repeat_action_probability": 0.0,
    "noop_max": 30,
    "use_fire_reset": False,
    "full_action_space": False,
}


def _limit(card: TaskCard) -> int:
    return card.max_episode_steps or DEFAULT_EPISODE_LIMIT


def make_arguments(card: TaskCard) -> dict[str, Any]:
    """Return what ``gymnasium.make_vec`` takes for this task, once ALE has registered its games."""
    name = card.id.title().replace("_", "")
    return {"id": f"ALE/{name}-v5", **_ale_options(card)}


def _ale_options(card: TaskCard) -> dict[str, Any]:
    return {
        "frameskip": FRAME_SKIP,
        "max_num_frames_per_episode": FRAME_SKIP * _limit(card),
        "reward_clipping": False,
        "episodic_life": False,
        **OPTIONS,
        **card.options,
    }


def _make_ale(card: TaskCard, num_envs: int) -> Any:
    """Build ALE's vector environment; rewards stay unclipped, and a lost life ends no episode."""
    try:
        from ale_py.roms import get_all_rom_ids
        from ale_py.vector_env import AtariVectorEnv
    except ImportError as error:
        raise card_error(card, "family", f"needs the package ale-py: {error}") from error
    if card.id not in get_all_rom_ids():
        raise card_error(card, "id", "ALE has no such game; names are like 'space_invaders'")
    unknown = sorted(card.options.keys() - OPTIONS.keys())
    if unknown:
        raise card_error(card, "options", f"unknown {unknown}; Atari's are {sorted(OPTIONS)}")
    try:
        return AtariVectorEnv(
            card.id,
            num_envs,
            # ALE knows no DISABLED. In this mode it resets a finished game only if it is stepped
            # again; here it never is, because BatchedEnvironment asks for a reset first.
            autoreset_mode=AutoresetMode.NEXT_STEP,
            num_threads=1,
            **_ale_options(card),
        )
    except (TypeError, ValueError) as error:
        raise card_error(card, "options", f"ALE refuses them: {error}") from error


class AtariBatch(BatchedEnvironment):
    """N games of Atari. Observations (N, 4, 84, 84) uint8.

    ``info["lost_life"]`` (N,) says who lost a life, where the card asks for it.
    """

    def __init__(self, card: TaskCard, num_envs: int, seed: int) -> None:
        self._ale = _make_ale(card, num_envs)
        self._reports_lost_lives = card.life_loss_ends_return
        self._lives = np.zeros(num_envs, dtype=np.int32)
        spaces = self._ale.single_observation_space, self._ale.single_action_space
        super().__init__(card, num_envs, *spaces, seed, _limit(card))

    def _reset(self, indices: Array, seeds: list[int] | None) -> Array:
        mask = np.zeros(self.num_envs, dtype=bool)
        mask[indices] = True
        given = {} if seeds is None else {"seed": np.array(seeds)}
        observations, info = self._ale.reset(options={"reset_mask": mask}, **given)
        self._lives = info["lives"]
        return np.asarray(observations)

    def _step(self, actions: Array) -> StepResult:
        observations, rewards, terminated, truncated, ale_info = self._ale.step(
            np.asarray(actions, dtype=np.int64)
        )
        lost_life = (ale_info["lives"] < self._lives) & ~terminated
        self._lives = ale_info["lives"]
        info = {"lost_life": lost_life}
        return (
            observations,
            rewards,
            terminated,
            truncated,
            info if self._reports_lost_lives else {},
        )

    def close_extras(self) -> None:
        """Close ALE's environment."""
        self._ale.close()
