"""A card's wrappers: laid in order, counted in the agent's steps, refused with what is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple

from a2d.environments import check_card, make_environment
from a2d.environments.wrappers import REFUSED
from a2d.errors import A2DError
from a2d.specs.run import ManualAgent, TrainSpec, key_of
from a2d.specs.task import load_card
from tests.checkout import ENVS
from tests.users_tasks import Recorder, card, register, shipped

IMAGE = Box(0, 255, (20, 16, 3), np.uint8)
TEXT = """title: T
family: gymnasium
id: CartPole-v1
wrappers: [FlattenObservation, TimeLimit: {max_episode_steps: 7}]
"""


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with register("Recorder-v0", lambda **options: Recorder(**options), max_episode_steps=40):
        yield


def length(environment: Any) -> int:
    """Return after how many of the agent's steps an episode is truncated."""
    environment.reset()
    steps, truncated = 0, np.zeros(environment.num_envs, bool)
    while not truncated.any():
        truncated = environment.step(environment.action_space.sample())[3]
        steps += 1
    return steps


def test_a_card_names_them_in_yaml_and_check_shows_the_spaces(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT, encoding="utf-8")
    found = check_card(load_card(path))
    assert "episodes: 7 steps long" in " ".join(found)
    (line,) = [line for line in found if line.startswith("after the wrappers")]
    assert "FlattenObservation, TimeLimit; the environment's own are Box(" in line


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (Dict({"a": Discrete(3), "b": Box(-1, 1, (2,))}), (5,)),
        (Tuple((Discrete(2), Box(0, 1, (3,)))), (5,)),
        (MultiDiscrete([2, 3]), (5,)),
        (Box(0.0, 1.0, (2, 2)), (4,)),
    ],
    ids=str,
)
def test_flattened_observations_are_gymnasiums_own(space: Any, shape: tuple[int, ...]) -> None:
    mine = card(id="Recorder-v0", options={"observation": space}, wrappers=["FlattenObservation"])
    environment = make_environment(mine, 1, 0)
    assert environment.single_observation_space.shape == shape
    observations, _ = environment.reset(seed=5)
    inner = environment.envs[0].unwrapped  # type: ignore[attr-defined]
    by_hand = gymnasium.wrappers.FlattenObservation(inner)
    generator_seed = environment.envs[0].unwrapped.np_random_seed  # type: ignore[attr-defined]
    assert np.allclose(observations[0], by_hand.reset(seed=generator_seed)[0])


def test_the_first_one_is_innermost() -> None:
    wrappers: list[Any] = [
        {"ReshapeObservation": {"shape": [20, 48]}}, {"ReshapeObservation": {"shape": [20, 16, 3]}},
        {"GrayscaleObservation": {"keep_dim": True}},
    ]  # fmt: skip
    mine = card(
        id="Recorder-v0", options={"observation": IMAGE}, wrappers=wrappers, observation="pixels"
    )
    assert make_environment(mine, 2, 0).single_observation_space.shape == (1, 20, 16)
    turned = mine.model_copy(update={"wrappers": mine.wrappers[::-1]})
    with pytest.raises(A2DError, match="wrappers: ReshapeObservation cannot be laid"):
        make_environment(turned, 2, 0)


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({"wrappers": [{"TimeLimit": {"max_episode_steps": 7}}]}, 7),
        ({"wrappers": [{"TimeLimit": {"max_episode_steps": 70}}]}, 40),
        ({"wrappers": [{"RepeatAction": {"num_repeats": 4}}]}, 10),
        ({"wrappers": [{"RepeatAction": {"num_repeats": 4}}], "max_episode_steps": 50}, 50),
        ({"wrappers": ["FlattenObservation"], "max_episode_steps": 9}, 9),
    ],
)
def test_a_registered_limit_counts_the_environments_steps_a_cards_the_agents(
    fields: dict[str, Any], steps: int
) -> None:
    assert length(make_environment(card(id="Recorder-v0", **fields), 2, 0)) == steps


def test_rescaled_actions_reach_the_environment() -> None:
    wrappers = [{"RescaleAction": {"min_action": [-2, -2], "max_action": 2}}]
    environment = make_environment(card(id="Recorder-v0", wrappers=wrappers), 1, 0)
    environment.reset()
    observations = environment.step(np.array([[1.0, 0.0]], np.float32))[0]
    assert np.allclose(observations[0], [4.0, 0.5])


@pytest.mark.parametrize(
    ("wrapper", "said"),
    [
        *((name, f"{name} is not taken: {reason[:20]}") for name, reason in REFUSED.items()),
        ("FlatenObservation", "no 'FlatenObservation'; the nearest: FlattenObservation, "),
        ("vector", "no 'vector'"),
        ("__class__", "no '__class__'; there are "),
        ("gymnasium", "no 'gymnasium'"),
        ({"TimeLimit": {"max_steps": 7}}, r"it takes \(max_episode_steps: 'int'\)"),
        ({"TimeLimit": {"max_episode_steps": -7}}, "positive, actually: -7; it takes"),
        ({"ResizeObservation": {"shape": [4, 4]}}, "requires a 2D or 3D image"),
        ({"TimeLimit": {"env": 1}}, "multiple values for argument 'env'"),
    ],
    ids=str,
)
def test_what_cannot_be_laid_is_refused_by_name(wrapper: Any, said: str) -> None:
    with pytest.raises(A2DError, match=rf"^mine\.yaml: wrappers: .*{said}") as caught:
        make_environment(card(id="Recorder-v0", wrappers=[wrapper]), 1, 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wrappers: [{A: {}, B: {}}]", r"wrappers\.0"),
        ("wrappers: FlattenObservation", "wrappers: Input should be a valid tuple"),
        ("wrappers: [{TimeLimit: {max_episode_steps: .inf}}]", "wrappers: should hold finite"),
        ("wrappers: [{TimeLimit: 7}]", r"wrappers\.0\.arguments"),
    ],
)
def test_a_wrong_list_is_refused_by_file_and_key(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"title: T\nfamily: gymnasium\nid: X-v0\n{text}\n", encoding="utf-8")
    with pytest.raises(A2DError, match=rf"mine\.yaml: {said}"):
        load_card(path)


@pytest.mark.parametrize("name", ["minatar-breakout", "atari-pong"])
def test_families_that_are_not_gymnasiums_take_none(name: str) -> None:
    wrapped = shipped(name, wrappers=card(id="X-v0", wrappers=["FlattenObservation"]).wrappers)
    with pytest.raises(A2DError, match="is not Gymnasium's, and takes none"):
        make_environment(wrapped, 1, 0)


def test_they_are_in_a_runs_key_only_where_there_are_any() -> None:
    plain = load_card(ENVS / "tiny-catch.yaml")
    wrapped = plain.model_copy(update={"wrappers": card(id="X-v0", wrappers=["A"]).wrappers})
    assert "wrappers" not in plain.model_dump()

    def key(task: Any) -> str:
        return key_of(TrainSpec(task=task, steps=320, seed=0, agent=ManualAgent(network="x")))

    assert key(plain) != key(wrapped)
    again = TrainSpec(task=wrapped, steps=320, seed=0, agent=ManualAgent(network="x"))
    assert TrainSpec.model_validate_json(again.model_dump_json()) == again
