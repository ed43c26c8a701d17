"""An environment that does not return what it declares is named, with both sides, at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box

from a2d.environments import make_environment
from a2d.environments.vector import BatchedEnvironment
from a2d.errors import A2DError
from tests.users_tasks import Walk, card, register

BYTES = Box(0, 255, (12, 12, 3), np.uint8)
INTEGERS = Box(-100, 100, (3,), np.int8)


def made(limit: int | None = None, **options: Any) -> BatchedEnvironment:
    """Return two environments; ``limit`` puts Gymnasium's own wrapper between them and us."""
    kind = "vectors" if len(options.get("space", INTEGERS).shape) == 1 else "pixels"
    with register("Walk-v0", lambda **options: Walk(**options)):
        task = card(id="Walk-v0", options=options, max_episode_steps=limit, observation=kind)
        return make_environment(task, 2, 7)


def told(environment: BatchedEnvironment) -> str:
    """Play until it is refused; return the message."""

    def play() -> None:
        environment.reset()
        for _ in range(3):
            environment.step(np.zeros(2, dtype=np.int64))

    with pytest.raises(A2DError) as caught:
        play()
    return str(caught.value)


OBSERVATIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "shape": ({"observation": lambda x: x[:1]}, "(3,) of float32", "an array (1,) of float32"),
    "a number": ({"observation": lambda x: 0.5}, "(3,) of float32", "an array () of float64"),
    "one too many": (
        {"observation": lambda x: x[None]},
        "(3,) of float32",
        "an array (1, 3) of float32",
    ),
    "floats for bytes": (
        {"space": BYTES, "observation": lambda x: x / 255.0},
        "(12, 12, 3) of uint8",
        "an array (12, 12, 3) of float64",
    ),
    "planes first": (
        {"space": BYTES, "observation": lambda x: x.transpose(2, 0, 1)},
        "(12, 12, 3) of uint8",
        "an array (3, 12, 12) of uint8",
    ),
    "too large for its integers": (
        {"space": INTEGERS, "observation": lambda x: np.array([0, 0, 300])},
        "(3,) of int8",
        "an array (3,) of int64",
    ),
    "None": ({"observation": lambda x: None}, "(3,) of float32", "None"),
    "a dict": ({"observation": lambda x: {"x": 1}}, "(3,) of float32", "dict {'x': 1}"),
    "ragged": (
        {"observation": lambda x: [[1], [2, 3], 4]},
        "(3,) of float32",
        "list [[1], [2, 3], 4]",
    ),
}


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_another_observation_than_declared(name: str) -> None:
    options, declared, came = OBSERVATIONS[name]
    start = (
        "mine: step 0 of 2 environments after reset(seed=7): "
        "the environment's observation should be an array"
    )
    assert told(made(**options)) == f"{start} {declared}, as declared, but it gave {came}"


STEPS: dict[str, tuple[Any, str]] = {
    "reward in an array": (
        lambda r: (r[0], np.ones(1), *r[2:]),
        "reward should be a number, but it gave an array (1,)",
    ),
    "reward None": (lambda r: (r[0], None, *r[2:]), "reward should be a number, but it gave None"),
    "reward in words": (
        lambda r: (r[0], "1.0", *r[2:]),
        "reward should be a number, but it gave str '1.0'",
    ),
    "reward complex": (
        lambda r: (r[0], 1j, *r[2:]),
        "reward should be a number, but it gave complex 1j",
    ),
    "terminated None": (
        lambda r: (*r[:2], None, *r[3:]),
        "terminated should be True or False, but it gave None",
    ),
    "terminated 0.0": (
        lambda r: (*r[:2], 0.0, *r[3:]),
        "terminated should be True or False, but it gave float 0.0",
    ),
    "truncated array": (
        lambda r: (*r[:3], np.zeros(1, bool), r[4]),
        "truncated should be True or False, but it gave an array (1,) of bool",
    ),
    "info None": (lambda r: (*r[:4], None), "info should be a dict, but it gave None"),
    "four": (
        lambda r: (*r[:3], r[4]),
        "step() should return five: observation, reward, terminated, truncated, info",
    ),
    "nothing": (lambda r: None, "step() should return five"),
}


@pytest.mark.parametrize("limit", [None, 5])
@pytest.mark.parametrize("name", STEPS)
def test_another_step_than_gymnasium_defines(name: str, limit: int | None) -> None:
    change, problem = STEPS[name]
    message = told(made(limit, step=change))
    assert message.startswith(
        f"mine: step 1 of 2 environments after reset(seed=7): the environment's {problem}"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r[0],
        lambda r: r[0][:2],
        lambda r: (r[0], None),
        lambda r: [*r],
        lambda r: (0.1, 0.2),
    ],
)
@pytest.mark.parametrize("limit", [None, 5])
def test_a_reset_without_its_information(change: Any, limit: int | None) -> None:
    start = (
        "mine: step 0 of 2 environments after reset(seed=7): "
        "the environment's reset() should return two"
    )
    assert told(made(limit, reset=change)).startswith(start)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.astype(np.float64),
        lambda x: x.tolist(),
        lambda x: np.array([0, 1, 0]),
        lambda x: np.zeros(3, dtype=bool),
    ],
)
def test_another_precision_and_a_list_are_taken(change: Any) -> None:
    environment = made(observation=change)
    first = environment.reset()[0]
    assert first.dtype == np.float32 and first.shape == (2, 3)
    generator = environment.envs[0].unwrapped.np_random  # type: ignore[attr-defined]
    expected = np.random.default_rng()
    expected.bit_generator.state = generator.bit_generator.state
    seen = environment.step(np.zeros(2, dtype=np.int64))[0][0]
    assert np.array_equal(
        seen, np.asarray(change(expected.uniform(0, 1, 3).astype(np.float32)), dtype=np.float32)
    )


@pytest.mark.parametrize(
    "reward", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), np.True_ + np.True_]
)
def test_every_kind_of_number_is_a_reward(reward: Any) -> None:
    environment = made(step=lambda r: (r[0], reward, np.False_, np.True_, r[4]))
    environment.reset()
    _, rewards, terminated, truncated, _ = environment.step(np.zeros(2, dtype=np.int64))
    assert rewards.tolist() == [float(reward)] * 2 and truncated.all() and not terminated.any()


def test_what_the_environment_overwrites_later_stays_what_it_was() -> None:
    shared = np.zeros(3, dtype=np.float32)

    def view(observation: np.ndarray) -> np.ndarray:
        shared[:] = observation
        return shared

    environment = made(observation=view)
    seen = [environment.reset()[0]]
    kept = [seen[0].copy()]
    for _ in range(3):
        seen.append(environment.step(np.zeros(2, dtype=np.int64))[0])
        kept.append(seen[-1].copy())
    assert all(np.array_equal(a, b) for a, b in zip(seen, kept, strict=True))
    assert not np.array_equal(seen[0][0], seen[0][1]), "each environment's observation is its own"


@pytest.mark.parametrize("limit", [1, 3])
def test_the_limit_truncates_whether_from_the_card_or_registered(limit: int) -> None:
    with register("Walk-v0", lambda **options: Walk(**options), max_episode_steps=limit):
        registered = make_environment(card(id="Walk-v0", options={"steps": None}), 1, 0)
    for environment in (made(limit, steps=None), registered):
        count = environment.num_envs
        environment.reset()
        for _ in range(2):
            ends = [
                environment.step(np.zeros(count, dtype=np.int64))[3].all() for _ in range(limit)
            ]
            assert ends == [False] * (limit - 1) + [True]
            environment.reset()


def test_a_task_of_which_no_end_is_known_or_seen_is_reported_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def play(environment: BatchedEnvironment) -> str:
        environment.reset()
        for _ in range(2_100):
            _, _, terminated, truncated, _ = environment.step(np.zeros(2, dtype=np.int64))
            if (terminated | truncated).any():
                environment.reset(options={"reset_mask": terminated | truncated})
        return capsys.readouterr().err

    said = play(made(steps=None))
    assert said.startswith(
        "a2d: mine: step 2000 of 2 environments after reset(seed=7): no episode has ended"
    )
    assert said.count("\n") == 1 and "max_episode_steps" in said
    assert play(made(steps=None, limit=5_000)) == play(made(steps=900)) == ""
