"""Every family of environments, on the real thing: resets, seeds, rewards, and what a wrong card is told."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode

from a2d.environments import BatchedEnvironment, check_card, make_environment
from a2d.environments.vector import independent_seeds
from a2d.errors import A2DError
from a2d.tasks import TaskCard, load_card

ENVS = Path(__file__).parent.parent / "envs"
FAMILIES = [
    "tiny-catch",
    "tiny-reach",
    "gymnasium-cartpole",
    "minatar-breakout",
    "minatar-seaquest",
    "mujoco-hopper",
    "atari-pong",
]
MINATAR = ["asterix", "breakout", "freeway", "seaquest", "space_invaders"]


def shipped(name: str, **changes: Any) -> TaskCard:
    return load_card(ENVS / f"{name}.yaml").model_copy(update=changes)


def card(**fields: Any) -> TaskCard:
    return TaskCard.model_validate({"name": "mine", "title": "T", "family": "gymnasium", **fields})


def random_actions(environment: BatchedEnvironment, steps: int, seed: int = 0) -> list[np.ndarray]:
    environment.action_space.seed(seed)
    return [environment.action_space.sample() for _ in range(steps)]


def advance(environment: BatchedEnvironment, actions: np.ndarray) -> list[np.ndarray]:
    """Take a step, reset what ended; return all that was seen, the current observations last."""
    observations, rewards, terminated, truncated, _ = environment.step(actions)
    done = terminated | truncated
    current = environment.reset(options={"reset_mask": done})[0] if done.any() else observations
    return [observations, rewards, terminated, truncated, current]


def play(environment: BatchedEnvironment, steps: int, **reset: Any) -> list[np.ndarray]:
    """Return everything that is seen in so many random steps."""
    seen = [environment.reset(**reset)[0]]
    for actions in random_actions(environment, steps):
        seen += advance(environment, actions)
    environment.close()
    return seen


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", FAMILIES)
def test_contract_of_shapes_and_dtypes(name: str) -> None:
    environment = make_environment(shipped(name), 3, seed=0)
    assert environment.metadata["autoreset_mode"] is AutoresetMode.DISABLED
    before, _ = environment.reset()
    kept = before.copy()
    for actions in random_actions(environment, 3):
        observations, rewards, terminated, truncated, info = environment.step(actions)
        assert rewards.shape == (3,) and rewards.dtype == np.float32
        assert terminated.shape == truncated.shape == (3,) and terminated.dtype == truncated.dtype == bool
        assert environment.observation_space.contains(observations)
        assert observations.dtype == (np.uint8 if name.startswith("atari") else np.float32)
        assert observations.ndim in (2, 4)
        assert ("lost_life" in info) == name.startswith("atari")
    assert np.array_equal(before, kept), "a later step wrote into an observation returned earlier"
    environment.close()


@pytest.mark.parametrize("name", FAMILIES)
def test_same_seed_same_trajectory_and_other_seeds_differ(name: str) -> None:
    steps = 80 if name == "atari-pong" else 120

    def run(seed: int) -> list[np.ndarray]:
        return play(make_environment(shipped(name), 2, seed), steps)

    first = run(0)
    assert same(first, run(0)), "seed 0 is a seed like any other"
    assert not same(first, run(1))


@pytest.mark.parametrize("name", FAMILIES)
def test_seeded_reset_equals_construction_and_starts_over(name: str) -> None:
    constructed = play(make_environment(shipped(name), 2, seed=5), 30)
    environment = make_environment(shipped(name), 2, seed=6)
    environment.reset()
    for actions in random_actions(environment, 10, seed=1):
        advance(environment, actions)
    assert same(constructed, play(environment, 30, seed=5))


def test_independent_seeds() -> None:
    seeds = [set(independent_seeds(seed, 64)) for seed in range(20)]
    assert all(len(some) == 64 for some in seeds)
    assert len(set.union(*seeds)) == 20 * 64, "adjacent seeds share nothing"
    assert independent_seeds(7, 3) == independent_seeds(7, 9)[:3]
    assert all(0 < seed < 2**31 for some in seeds for seed in some)


@pytest.mark.parametrize("name", FAMILIES)
def test_copies_start_apart_and_an_unseeded_reset_continues_the_stream(name: str) -> None:
    environment = make_environment(shipped(name), 8, seed=0)
    starts = [environment.reset()[0] for _ in range(3)]
    if name == "minatar-seaquest":  # always starts the same, its randomness comes later
        assert np.array_equal(starts[0], starts[1])
    else:
        assert not all(np.array_equal(starts[0][0], other) for other in starts[0][1:])
        assert not np.array_equal(starts[0], starts[1])
    environment.close()


@pytest.mark.parametrize("name", FAMILIES)
def test_partial_reset_touches_only_the_masked(name: str) -> None:
    environment = make_environment(shipped(name), 4, seed=3)
    untouched = make_environment(shipped(name), 4, seed=3)
    environment.reset()
    untouched.reset()
    mask = np.array([True, False, True, False])
    actions = random_actions(environment, 14)
    for action in actions[:6]:
        before = advance(environment, action)[-1]
        advance(untouched, action)
    after, _ = environment.reset(options={"reset_mask": mask})
    assert np.array_equal(after[~mask], before[~mask])
    assert not np.array_equal(after[mask], before[mask])
    for action in actions[6:]:
        for ours, theirs in zip(advance(environment, action), advance(untouched, action), strict=True):
            assert np.array_equal(ours[~mask], theirs[~mask])
    environment.close()
    untouched.close()


def test_reset_mask_is_not_consumed_and_is_checked() -> None:
    environment = make_environment(shipped("tiny-reach"), 2, seed=0)
    options = {"reset_mask": np.array([True, False])}
    with pytest.raises(ResetNeeded, match="first reset"):
        environment.reset(options=options)
    with pytest.raises(ResetNeeded):
        environment.step(np.zeros((2, 2)))
    environment.reset()
    environment.reset(options=options)
    assert "reset_mask" in options
    with pytest.raises(ValueError, match="reset_mask"):
        environment.reset(options={"reset_mask": np.array([1, 0])})


def test_reach_truncates_with_its_final_observation() -> None:
    environment = make_environment(shipped("tiny-reach"), 2, seed=0)
    observations, _ = environment.reset()
    push = np.ones((2, 2), dtype=np.float32)
    for step in range(1, 26):
        observations, _, terminated, truncated, _ = environment.step(push)
        assert not terminated.any() and truncated.all() == (step == 25)
    assert np.allclose(observations[:, :2], 1.0), "the pushed point, not a fresh start"
    with pytest.raises(ResetNeeded, match=r"\[0, 1\]"):
        environment.step(push)
    first = environment.reset(options={"reset_mask": np.array([True, False])})[0]
    assert np.array_equal(first[1], observations[1]) and not np.array_equal(first[0], observations[0])
    with pytest.raises(ResetNeeded, match=r"\[1\]"):
        environment.step(push)


def test_cartpole_terminates_when_it_falls_and_truncates_at_the_limit() -> None:
    environment = make_environment(shipped("gymnasium-cartpole"), 1, seed=0)
    observations, _ = environment.reset()
    done = np.array([False])
    while not done.any():
        observations, _, done, truncated, _ = environment.step(np.ones(1, dtype=np.int64))
    assert abs(observations[0, 2]) > 0.2095 and not truncated.any()  # 12 degrees: the pole that fell
    short = make_environment(shipped("gymnasium-cartpole", max_episode_steps=3), 1, seed=0)
    short.reset()
    flags = [short.step(np.array([i % 2]))[2:4] for i in range(3)]
    assert [(bool(a[0]), bool(b[0])) for a, b in flags] == [(False, False), (False, False), (False, True)]


def test_termination_at_the_limit_is_not_a_truncation() -> None:
    environment = make_environment(shipped("tiny-catch", max_episode_steps=35), 1, seed=0)
    environment.reset()
    for _ in range(35):  # five balls of seven steps
        _, rewards, terminated, truncated, _ = environment.step(np.ones(1, dtype=np.int64))
    assert terminated.all() and not truncated.any() and abs(rewards[0]) == 1.0


@pytest.mark.parametrize(("name", "options"), [("minatar-seaquest", {}), ("atari-pong", {"noop_max": 5})])
def test_card_limit_truncates_after_that_many_agent_steps(name: str, options: dict[str, Any]) -> None:
    environment = make_environment(shipped(name, max_episode_steps=7, options=options), 2, seed=0)
    environment.reset()
    stay = np.zeros(2, dtype=np.int64)
    truncations = [environment.step(stay)[3] for _ in range(4)]
    environment.reset(options={"reset_mask": np.array([False, True])})
    truncations += [environment.step(stay)[3] for _ in range(3)]
    assert not np.any(truncations[:-1]) and truncations[-1].tolist() == [True, False]
    environment.close()


def test_tiny_tasks_reward_what_they_promise() -> None:
    catch = make_environment(shipped("tiny-catch"), 4, seed=0)
    observations, _ = catch.reset()
    total = np.zeros(4)
    for _ in range(35):
        ball, paddle = (observations[:, channel].max(axis=1).argmax(axis=1) for channel in (0, 1))
        observations, rewards, terminated, _, _ = catch.step(np.sign(ball - paddle) + 1)
        total += rewards
    assert terminated.all() and (total == 5).all()
    reach = make_environment(shipped("tiny-reach"), 4, seed=0)
    observations, _ = reach.reset()
    for _ in range(25):
        observations, rewards, *_ = reach.step((observations[:, 2:] - observations[:, :2]) * 5)
    assert np.allclose(rewards, 0, atol=1e-5)


@pytest.mark.parametrize("game", MINATAR)
def test_minatar_equals_the_packages_own_environment(game: str) -> None:
    theirs_of = importlib.import_module("minatar").Environment
    ours = make_environment(shipped(f"minatar-{game}"), 2, seed=4)
    theirs = [theirs_of(game) for _ in range(2)]
    for env, seed in zip(theirs, independent_seeds(4, 2), strict=True):
        env.seed(seed)
        env.reset()
    observations, _ = ours.reset()
    for actions in random_actions(ours, 600):
        states = np.stack([env.state() for env in theirs])
        assert np.array_equal(observations, states.transpose(0, 3, 1, 2))
        observations, rewards, terminated, _, _ = ours.step(actions)
        results = [env.act(int(action)) for env, action in zip(theirs, actions, strict=True)]
        assert rewards.tolist() == [reward for reward, _ in results]
        assert terminated.tolist() == [done for _, done in results]
        if terminated.any():
            for i in np.flatnonzero(terminated):
                theirs[i].reset()
            observations, _ = ours.reset(options={"reset_mask": terminated})


def test_minatar_needs_no_plotting_library() -> None:
    code = (
        "import sys; from pathlib import Path; from a2d.environments import make_environment;"
        "from a2d.tasks import load_card;"
        f"make_environment(load_card(Path({str(ENVS / 'minatar-breakout.yaml')!r})), 1, 0);"
        "assert not {'matplotlib', 'seaborn', 'ale_py', 'mujoco', 'torch'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ENVS.parent)


def test_breakout_tells_lost_lives_and_plays_on() -> None:
    environment = make_environment(shipped("atari-breakout"), 8, seed=0)
    environment.reset()
    lost = np.zeros(8, dtype=int)
    alive = np.ones(8, dtype=bool)
    for actions in random_actions(environment, 1200):
        _, _, terminated, truncated, info = environment.step(actions)
        lost += info["lost_life"] & alive
        assert not (info["lost_life"] & terminated).any() and not truncated.any()
        alive &= ~terminated
        if terminated.any():
            environment.reset(options={"reset_mask": terminated})
        if not alive.any():
            break
    assert (lost[~alive] == 4).all() and not alive.any(), "five lives: four lost on the way, the fifth ends it"
    environment.close()


def test_ale_rewards_are_not_clipped() -> None:
    environment = make_environment(shipped("atari-qbert"), 4, seed=0)
    environment.reset()
    rewards = np.concatenate([advance(environment, actions)[1] for actions in random_actions(environment, 60)])
    assert set(rewards.tolist()) >= {0.0, 25.0}, "a cube of another colour is worth 25"
    environment.close()


@pytest.mark.parametrize("name", ["tiny-reach", "mujoco-hopper"])
def test_continuous_actions_are_clipped(name: str) -> None:
    def one_step(action: float) -> np.ndarray:
        environment = make_environment(shipped(name), 1, seed=0)
        environment.reset()
        observations = environment.step(np.full_like(environment.action_space.sample(), action))[0]
        environment.close()
        return observations

    assert np.array_equal(one_step(1.0), one_step(7.0)) and np.array_equal(one_step(-1.0), one_step(-9.0))
    assert not np.array_equal(one_step(1.0), one_step(0.5))


class Recorder(gymnasium.Env[Any, Any]):
    """A user's environment with any spaces; its observation is the last action it was given."""

    def __init__(self, observation: Any = None, action: Any = None, broken: bool = False) -> None:
        self.observation_space = observation or Box(-9.0, 9.0, (2,), np.float64)
        self.action_space = action or Box(np.array([-4.0, 0.0]), np.array([4.0, 1.0]), dtype=np.float64)
        self.broken = broken

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        if self.broken:
            raise RuntimeError("it broke")
        observation = self.observation_space.sample()
        if self.observation_space.shape == np.shape(action):
            observation = action
        return observation, 100 * float(np.sum(action)), False, False, {}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    gymnasium.register("Recorder-v0", entry_point=lambda **options: Recorder(**options))
    yield
    del gymnasium.registry["Recorder-v0"]


def recorder(**options: Any) -> TaskCard:
    return card(id="Recorder-v0", options=options)


def test_continuous_actions_are_rescaled_to_the_tasks_bounds() -> None:
    environment = make_environment(recorder(), 3, seed=0)
    assert environment.single_action_space == Box(-1.0, 1.0, (2,), np.float32)
    environment.reset()
    observations, rewards, *_ = environment.step(np.array([[-1, -1], [0.5, 0.5], [3, 3]], dtype=np.float32))
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


def test_a_users_module_registers_their_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import gymnasium\nfrom gymnasium.envs.classic_control import CartPoleEnv\n"
        "gymnasium.register('users/Pole-v0', entry_point=CartPoleEnv, max_episode_steps=4)\n"
    )
    (tmp_path / "users_tasks.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    theirs = card(id="users/Pole-v0", import_module="users_tasks")
    check_card(theirs)
    environment = make_environment(theirs, 1, seed=0)
    environment.reset()
    truncations = [bool(environment.step(np.array([i % 2]))[3][0]) for i in range(4)]
    assert truncations == [False, False, False, True], "without a limit of the card's, the registered one holds"


@pytest.mark.parametrize("path", sorted(ENVS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_cards_can_be_used(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    check_card(load_card(path))
    assert not list(tmp_path.iterdir()), "MuJoCo's log of warnings is not left behind"
    printed = capfd.readouterr()
    assert printed.out == "" and all(line.startswith("mujoco: ") for line in printed.err.splitlines())


@pytest.mark.parametrize(
    ("wrong", "key", "problem"),
    [
        (card(id="Nonsense-v0"), "id", "'Nonsense-v0'"),
        (card(id="CartPole-v77"), "id", "v77"),
        (card(id="not an id"), "id", "not an id"),
        (card(id="no_such_module:X-v0"), "id", "package that is missing"),
        (card(id="X-v0", import_module="no_such_module"), "import_module", "no_such_module"),
        (card(id="CartPole-v1", options={"colour": 1}), "options", "colour"),
        (recorder(observation=Dict({"a": Discrete(2)})), "id", "Dict"),
        (recorder(observation=Discrete(2)), "id", "Discrete"),
        (recorder(observation=Box(0, 255, (20, 20), np.uint8)), "id", "(20, 20)"),
        (recorder(observation=Box(0, 255, (20, 20, 20), np.uint8)), "id", "(20, 20, 20)"),
        (recorder(observation=Box(-5.0, 5.0, (20, 20, 3), np.float32)), "id", "0..1"),
        (recorder(action=MultiDiscrete([2, 3])), "id", "MultiDiscrete"),
        (recorder(action=Box(-1.0, 1.0, (2, 2))), "id", "(2, 2)"),
        (recorder(action=Box(-np.inf, np.inf, (2,))), "id", "bounded"),
        (shipped("tiny-catch", normalize_observations=True), "normalize_observations", "images"),
        (shipped("atari-pong", normalize_observations=True), "normalize_observations", "images"),
        (shipped("tiny-catch", life_loss_ends_return=True), "life_loss_ends_return", "atari"),
        (shipped("minatar-breakout", id="tetris"), "id", "space_invaders"),
        (shipped("minatar-breakout", options={"sticky": 1}), "options", "sticky_action_prob"),
        (shipped("atari-pong", id="Pong"), "id", "no such game"),
        (shipped("atari-pong", options={"reward_clipping": True}), "options", "repeat_action_probability"),
        (shipped("atari-pong", options={"noop_max": "many"}), "options", "refuses"),
    ],
    ids=str,
)
def test_wrong_card_names_file_and_key(wrong: TaskCard, key: str, problem: str) -> None:
    for build in (check_card, lambda wrong: make_environment(wrong, 1, seed=0)):
        with pytest.raises(A2DError) as caught:
            build(wrong)
        assert str(caught.value).startswith(f"{wrong.name}.yaml: {key}: ") and problem in str(caught.value)


def test_check_card_takes_a_step() -> None:
    with pytest.raises(A2DError, match=r"mine\.yaml: id: fails at its first steps: .* RuntimeError: it broke"):
        check_card(recorder(broken=True))


@pytest.mark.parametrize(
    ("name", "package"),
    [("minatar-breakout", "minatar"), ("atari-pong", "ale_py"), ("mujoco-hopper", "mujoco")],
)
def test_missing_package_is_named(name: str, package: str) -> None:
    code = (
        "import sys; from pathlib import Path; from a2d.environments import check_card\n"
        "from a2d.tasks import load_card; from a2d.errors import A2DError\n"
        f"sys.modules[{package!r}] = None  # importing it fails as if it were not installed\n"
        f"try: check_card(load_card(Path({str(ENVS / name)!r} + '.yaml')))\n"
        "except A2DError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ENVS.parent)
    assert done.stdout.startswith(f"{name}.yaml: "), done.stderr
    assert package.replace("_", "-") in done.stdout.replace("_", "-")
