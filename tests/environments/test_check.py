"""``a2d check`` tries a task and says what it is, or what is wrong with it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box

from a2d.environments import check_card
from a2d.errors import A2DError
from a2d.specs.task import load_card
from tests.checkout import ENVS
from tests.users_tasks import Recorder, Walk, card, recorder, register


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with register("Recorder-v0", lambda **options: Recorder(**options)):
        yield


@pytest.mark.parametrize("path", sorted(ENVS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_cards_can_be_used(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    check_card(load_card(path))
    assert not list(tmp_path.iterdir()), "MuJoCo's log of warnings is not left behind"
    printed = capfd.readouterr()
    assert printed.out == "" and all(
        line.startswith("a2d: mujoco: ") for line in printed.err.splitlines()
    )


def test_check_card_takes_a_step() -> None:
    with pytest.raises(
        A2DError, match=r"mine\.yaml: id: fails when tried: .* RuntimeError: it broke"
    ):
        check_card(recorder(broken=True))


def checked(**options: Any) -> list[str]:
    pixels = len(options.get("space", Walk.observation_space).shape) == 3
    with register("Walk-v0", lambda **options: Walk(**options)):
        return check_card(
            card(id="Walk-v0", options=options, observation="pixels" if pixels else "vectors")
        )


def refused(**options: Any) -> str:
    with pytest.raises(A2DError, match=r"^mine\.yaml: id: fails when tried: ") as caught:
        checked(**options)
    return str(caught.value)


def test_what_a_task_is_is_said() -> None:
    found = checked()
    assert found == [
        "observation: a vector of 3 numbers",
        "actions: 2 discrete",
        "episodes: 8 steps long, 125 seen in 1,000 random steps",
    ]
    found = checked(space=Box(0, 255, (20, 16, 3), np.uint8))
    assert found[0] == "observation: an image, 3 channels of 20 × 16 uint8"
    found = check_card(load_card(ENVS / "tiny-reach.yaml"))
    assert found[1:] == [
        "actions: 2 continuous",
        "episodes: 25 steps long, 40 seen in 1,000 random steps",
    ]
    found = check_card(load_card(ENVS / "gymnasium-cartpole.yaml"))
    assert found[2].startswith("episodes: ") and " to " in found[2]


def test_where_no_end_is_seen_the_key_that_sets_one_is_named() -> None:
    endless = checked(steps=None)[2]
    assert endless.startswith(
        "episodes: no end was seen in 1,000 random steps; if there is none, set max_episode_steps"
    )
    with register("Walk-v0", lambda **options: Walk(**options), max_episode_steps=3_000):
        limited = check_card(card(id="Walk-v0", options={"steps": None}))[2]
    assert limited.endswith("they are truncated after 3,000 (max_episode_steps)")


def test_a_slow_task_is_tried_for_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("a2d.environments.check.SECONDS", 0.0)
    assert "in 0 random steps" in checked()[2]


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"observation": lambda x: x + 1.5}, r"step 0: the environment's observation [0] is "),
        ({"observation": lambda x: x[:1]}, "observation should be an array (3,) of float32"),
        ({"observation": lambda x: np.full(3, random.random(), np.float32)}, "self.np_random"),
        (
            {"observation": lambda x: x.astype(np.float64)},
            "observation is of float64, declared is float32",
        ),
        ({"step": lambda r: (*r[:4], None)}, "info should be a dict, but it gave None"),
    ],
    ids=["bounds", "shape", "global generator", "types", "info"],
)
def test_what_is_wrong_is_said_by_the_tasks_name(fault: dict[str, Any], problem: str) -> None:
    assert problem in refused(**fault)


def test_bounds_are_looked_at_after_the_first_steps_too() -> None:
    looks = iter(range(10**6))
    said = refused(observation=lambda x: x * 0 + (5.5 if next(looks) == 300 else 0.5))
    assert "the environment's observation [0] is 5.5, declared are -1 to 1" in said


def test_observations_that_are_overwritten_later_are_no_fault() -> None:
    shared = np.zeros(3, dtype=np.float32)

    def view(observation: np.ndarray) -> np.ndarray:
        shared[:] = observation
        return shared

    assert checked(observation=view) == checked()


def test_seeds_that_change_nothing_are_noted() -> None:
    def ignore(result: tuple[Any, ...]) -> Any:
        return np.zeros(3, dtype=np.float32), result[1]

    found = checked(reset=ignore, observation=lambda x: x * 0)
    assert (
        "note: 100 steps with seeds 0 and 1 were the same; "
        "this is right only if nothing in the task is random" in found
    )


def test_what_only_gymnasiums_checker_finds_is_said_as_its_finding() -> None:
    class Own(Walk):
        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            self.taken = 0
            if seed is not None:
                self.own = np.random.default_rng(seed)
            return self._look(), {}

        def _look(self) -> Any:
            return self.own.uniform(0, 1, 3).astype(np.float32)

    with (
        register("Walk-v0", lambda **options: Own(**options)),
        pytest.raises(
            A2DError,
            match=r"^mine\.yaml: id: .* Gymnasium's checker refuses it: .*super\(\)\.reset",
        ),
    ):
        check_card(card(id="Walk-v0"))


def test_gymnasiums_warnings_are_notes_in_plain_text() -> None:
    found = checked(space=Box(0, 100, (20, 16, 3), np.uint8))
    notes = [line for line in found if line.startswith("note: ")]
    assert notes and all("\x1b" not in note and "WARN" not in note for note in notes)
    assert not [line for line in checked() if line.startswith("note: ")]


def test_check_makes_one_environment_and_closes_it() -> None:
    counts = {"made": 0, "closed": 0}

    class Counted(Walk):
        def __init__(self) -> None:
            super().__init__()
            counts["made"] += 1

        def close(self) -> None:
            counts["closed"] += 1

    with register("Walk-v0", lambda **options: Counted(**options)):
        check_card(card(id="Walk-v0"))
    assert counts == {"made": 1, "closed": 1}
