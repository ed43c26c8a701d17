"""Declared spaces become what networks take, and their outputs become the task's actions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import gymnasium
import numpy as np
import pytest
import yaml
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Text, Tuple
from hypothesis import given
from hypothesis import strategies as st

from a2d.environments import make_environment
from a2d.environments.spaces import Actions, Observations
from a2d.environments.vector import independent_seeds
from a2d.errors import A2DError
from tests.users_tasks import Recorder, card, recorder, register


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with register("Recorder-v0", lambda **options: Recorder(**options)):
        yield


def test_continuous_actions_are_rescaled_to_the_tasks_bounds() -> None:
    environment = make_environment(recorder(), 3, seed=0)
    assert environment.single_action_space == Box(-1.0, 1.0, (2,), np.float32)
    environment.reset()
    observations, rewards, *_ = environment.step(
        np.array([[-1, -1], [0.5, 0.5], [3, 3]], dtype=np.float32)
    )
    assert np.allclose(observations, np.array([[-4, 0], [2, 0.75], [4, 1]]))
    assert np.allclose(rewards, [-400, 275, 500]), "rewards are left as they are"


def test_discrete_actions_count_from_zero() -> None:
    environment = make_environment(recorder(action=Discrete(3, start=5)), 2, seed=0)
    assert environment.single_action_space == Discrete(3)
    environment.reset()
    assert environment.step(np.array([0, 2]))[1].tolist() == [500.0, 700.0]


@pytest.mark.parametrize(
    ("space", "shape", "dtype"),
    [
        (Box(0, 255, (20, 16, 3), np.uint8), (3, 20, 16), np.uint8),
        (Box(0, 255, (4, 20, 16), np.uint8), (4, 20, 16), np.uint8),
        (Box(0.0, 1.0, (20, 16, 2), np.float64), (2, 20, 16), np.float32),
        (Box(0, 255, (128,), np.uint8), (128,), np.float32),
    ],
)
def test_observations_are_brought_into_form(space: Box, shape: tuple[int, ...], dtype: Any) -> None:
    kind = "pixels" if len(shape) == 3 else "vectors"
    mine = recorder(observation=space).model_copy(update={"observation": kind})
    environment = make_environment(mine, 2, seed=1)
    assert environment.single_observation_space.shape == shape
    observations, _ = environment.reset()
    assert observations.shape == (2, *shape) and observations.dtype == dtype
    space.seed(independent_seeds(1, 2)[1])
    sample = space.sample()
    expected = sample.transpose(2, 0, 1) if len(shape) == 3 and sample.shape != shape else sample
    assert np.array_equal(observations[1], expected.astype(dtype))


def test_actions_reach_both_bounds_and_are_right_in_between() -> None:
    generator = np.random.default_rng(0)
    task = card(id="X-v0")
    for _ in range(300):
        low, high = np.sort(generator.uniform(-10, 10, 2).astype(np.float32))
        space = Box(low, high, (1,), np.float32)
        chosen = np.array([[-1.0], [1.0], [generator.uniform(-1, 1)], [7.0]], dtype=np.float32)
        found = Actions(task, space).convert(chosen)
        exact = [
            Fraction(float(low))
            + (Fraction(float(min(a, 1))) + 1) / 2 * (Fraction(float(high)) - Fraction(float(low)))
            for a in chosen[:, 0]
        ]
        assert found.dtype == np.float32 and all(space.contains(action) for action in found)
        assert found[:, 0].tolist() == [float(np.float32(float(value))) for value in exact]


@pytest.mark.parametrize("bound", [1.0, 0.4, 3.16])
def test_symmetric_bounds_scale_without_a_shift(bound: float) -> None:
    space = Box(-bound, bound, (5,), np.float32)
    chosen = np.array([[1e-12, -1e-12, 0.1, -0.7, 0.0]], dtype=np.float32)
    found = Actions(card(id="X-v0"), space).convert(chosen)
    assert np.array_equal(
        found, (chosen.astype(np.float64) * np.float64(np.float32(bound))).astype(np.float32)
    )


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(-128, 127, np.int8), (0, 255, np.uint8), (-3, 4, np.int64), (-30_000, 30_000, np.int16)],
)
def test_every_whole_action_is_reached_and_none_beyond(low: int, high: int, dtype: Any) -> None:
    actions = Actions(card(id="X-v0"), Box(low, high, (1,), dtype))
    found = actions.convert(np.linspace(-1.2, 1.2, 1_000_001, dtype=np.float32)[:, None])
    assert found.dtype == dtype and set(found[:, 0].tolist()) == set(range(low, high + 1))
    assert actions.convert(np.array([[-1.0], [1.0], [0.0]]))[:2, 0].tolist() == [low, high]


@given(low=st.integers(-1000, 1000), span=st.integers(1, 1000), action=st.floats(-1, 1, width=32))
def test_whole_actions_are_the_nearest(low: int, span: int, action: float) -> None:
    found = Actions(card(id="X-v0"), Box(low, low + span, (1,), np.int32)).convert(
        np.array([[action]], np.float32)
    )
    exact = low + (Fraction(action) + 1) / 2 * span
    assert abs(int(found[0, 0]) - exact) <= Fraction(1, 2) + Fraction(1, 10**9)


@pytest.mark.parametrize(
    ("space", "reach"),
    [
        (Box(-3e38, 3e38, (1,), np.float32), "3e+38"),
        (Box(-1e200, 1.0, (1,), np.float64), "1e+200"),
        (Box(-(2**40), 2**40, (1,), np.int64), "1.09951e+12"),
    ],
)
def test_bounds_too_wide_for_the_agents_numbers_are_refused(space: Box, reach: str) -> None:
    with pytest.raises(
        A2DError, match=r"mine\.yaml: id: actions of .* should be within ±"
    ) as caught:
        make_environment(recorder(action=space), 1, 0)
    assert reach in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "channels", "arranged"),
    [
        ((16, 4, 4), None, (16, 4, 4)),
        ((12, 10, 10), None, (12, 10, 10)),
        ((84, 30, 3), None, (3, 84, 30)),
        ((10, 10, 12), None, (12, 10, 10)),
        ((3, 84, 30), None, (3, 84, 30)),
        ((8, 8, 1), None, (1, 8, 8)),
        ((20, 16, 10), None, (10, 20, 16)),
        ((4, 4, 4), "first", (4, 4, 4)),
        ((4, 3, 4), "last", (4, 4, 3)),
        ((16, 4, 4), "last", (4, 16, 4)),
        ((84, 30, 3), "first", (84, 30, 3)),
    ],
)
def test_layout_is_the_cards_or_the_only_one_that_makes_sense(
    shape: tuple[int, ...], channels: str | None, arranged: tuple[int, ...]
) -> None:
    space = Box(0, 1, shape, np.float32)
    mine = card(
        id="Recorder-v0", options={"observation": space}, observation="pixels", channels=channels
    )
    environment = make_environment(mine, 2, seed=1)
    observations = environment.reset()[0]
    space.seed(independent_seeds(1, 2)[1])
    sample = space.sample()
    expected = sample if arranged == shape and channels != "last" else np.moveaxis(sample, 2, 0)
    assert environment.single_observation_space.shape == arranged
    assert np.array_equal(observations[1], expected)


@pytest.mark.parametrize("shape", [(4, 4, 4), (4, 3, 4), (3, 8, 3), (20, 20, 20)])
def test_an_open_layout_is_asked_for(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        A2DError, match=r"^mine\.yaml: channels: observations of shape .* say 'first' or 'last'"
    ):
        Observations(card(id="X-v0", observation="pixels"), Box(0, 255, shape, np.uint8))


GOOD = Box(-1.0, 1.0, (7,), np.float32), Discrete(3)
NOT_TAKEN: dict[str, tuple[Any, Any]] = {
    "Dict": (Dict({"place": Box(-1, 1, (2,)), "door": Discrete(3)}), None),
    "Tuple": (Tuple((Discrete(2), Box(0, 1, (3,)))), None),
    "Discrete": (Discrete(5), None),
    "MultiDiscrete seen": (MultiDiscrete([2, 3]), None),
    "MultiBinary seen": (MultiBinary(4), None),
    "Text": (Text(6), None),
    "grey image": (Box(0, 255, (20, 16), np.uint8), None),
    "floats beyond 0..1": (Box(-5.0, 5.0, (20, 20, 3), np.float32), None),
    "a stack of images": (Box(0, 255, (4, 20, 20, 3), np.uint8), None),
    "MultiDiscrete": (None, MultiDiscrete([2, 3], start=[1, 0])),
    "MultiBinary": (None, MultiBinary(3)),
    "unbounded": (None, Box(-np.inf, np.inf, (2,), np.float32)),
    "a matrix": (None, Box(-1.0, 2.0, (2, 2), np.float32)),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_the_advice_for_a_space_with_no_way_in_works_as_it_stands(name: str) -> None:
    observation, action = (space or GOOD[k] for k, space in enumerate(NOT_TAKEN[name]))
    with pytest.raises(A2DError) as caught:
        make_environment(recorder(observation=observation, action=action), 1, 0)
    said = str(caught.value)
    assert said.startswith("mine.yaml: id: ")
    changes: dict[str, Any] = {"id": "Recorder-v0", "observation": "vectors"}
    if name in ("grey image", "floats beyond 0..1"):
        changes["observation"] = "pixels"
    if "import_module" in said:  # a wrapper that needs a function
        lines = said.splitlines()
        changes["id"] = lines[1].split("'")[1]
        exec("\n".join(line.strip() for line in lines[2:]), {})
    else:
        changes |= yaml.safe_load(said[said.index("wrappers: ") :])
    try:
        wrapped = card(options={"observation": observation, "action": action}, **changes)
        environment = make_environment(wrapped, 2, 0)
        environment.reset()
        for _ in range(20):
            environment.step(environment.action_space.sample())
    finally:
        if changes["id"] != "Recorder-v0":
            del gymnasium.registry[changes["id"]]
    if isinstance(action, (MultiDiscrete, MultiBinary)):
        count = int(environment.single_action_space.n)  # type: ignore[union-attr]
        environment.reset()
        given = environment.envs[0].unwrapped.actions  # type: ignore[attr-defined]
        given.clear()
        for number in range(count):
            environment.step(np.full(2, number))
        assert (
            len({tuple(one.tolist()) for one in given})
            == count
            == (6 if name == "MultiDiscrete" else 8)
        )
        assert all(action.contains(one.astype(action.dtype)) for one in given)


class Opaque(Space[Any]):
    """No wrapper of Gymnasium's takes this one."""


def test_a_space_that_no_wrapper_of_gymnasium_takes_is_still_advised() -> None:
    with pytest.raises(A2DError, match=r"(?s)should be a Box, are a Opaque.*wrapper of your own"):
        make_environment(recorder(observation=Opaque((1,), np.float32)), 1, 0)
