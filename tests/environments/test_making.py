"""From a card to environments: what is found, what is refused, and that nothing stays open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

from a2d.deploy.latency import measure_costs
from a2d.environments import check_card, make_environment, open_environment
from a2d.errors import A2DError
from a2d.runs.folder import train_agent
from a2d.runs.request import RunRequest
from a2d.runs.saved_agents import evaluate_saved_agent
from a2d.specs.task import TaskCard, load_card
from tests.checkout import ENVS
from tests.users_tasks import Recorder, Walk, card, recorder, register, shipped


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with register("Recorder-v0", lambda **options: Recorder(**options)):
        yield


def test_a_users_module_registers_their_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    assert truncations == [False, False, False, True], (
        "without a limit of the card's, the registered one holds"
    )


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
        (recorder(observation=Box(0, 255, (20, 20, 20), np.uint8)), "channels", "(20, 20, 20)"),
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
        (
            shipped("atari-pong", options={"reward_clipping": True}),
            "options",
            "repeat_action_probability",
        ),
        (shipped("atari-pong", options={"noop_max": "many"}), "options", "refuses"),
    ],
    ids=str,
)
def test_wrong_card_names_file_and_key(wrong: TaskCard, key: str, problem: str) -> None:
    for build in (check_card, lambda wrong: make_environment(wrong, 1, seed=0)):
        with pytest.raises(A2DError) as caught:
            build(wrong)
        assert str(caught.value).startswith(f"{wrong.name}.yaml: {key}: ") and problem in str(
            caught.value
        )


@pytest.mark.parametrize(
    ("name", "package"),
    [("minatar-breakout", "minatar"), ("atari-pong", "ale_py"), ("mujoco-hopper", "mujoco")],
)
def test_missing_package_is_named(name: str, package: str) -> None:
    code = (
        "import sys; from pathlib import Path; from a2d.environments import check_card\n"
        "from a2d.specs.task import load_card; from a2d.errors import A2DError\n"
        f"sys.modules[{package!r}] = None  # importing it fails as if it were not installed\n"
        f"try: check_card(load_card(Path({str(ENVS / name)!r} + '.yaml')))\n"
        "except A2DError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ENVS.parent
    )
    assert done.stdout.startswith(f"{name}.yaml: "), done.stderr
    assert package.replace("_", "-") in done.stdout.replace("_", "-")


class Counted(Walk):
    """Counts those that are open."""

    open = 0

    def __init__(self, fail_at: int = 99, closes: bool = True, space: Box | None = None) -> None:
        super().__init__(space=space)
        self.closes = closes
        if Counted.open == fail_at:
            raise OSError("no more windows")
        Counted.open += 1

    def close(self) -> None:
        Counted.open -= 1
        if not self.closes:
            raise OSError("the window is gone")


@pytest.fixture
def counted() -> Iterator[None]:
    Counted.open = 0
    with register("Counted-v0", lambda **options: Counted(**options)):
        yield


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(
    "wrong",
    [
        card(id="Counted-v0", options={"fail_at": 2}),
        card(id="Counted-v0", observation="pixels"),
        card(id="Counted-v0", channels="last"),
        card(id="Counted-v0", options={"space": Box(0, 1, (4, 4, 4))}),
    ],
    ids=["one cannot be made", "another kind", "no image", "no layout"],
)
def test_what_is_refused_leaves_no_environment_open(wrong: TaskCard) -> None:
    with pytest.raises(A2DError):
        make_environment(wrong, 3, 0)
    assert Counted.open == 0


@pytest.mark.usefixtures("counted")
def test_every_environment_is_closed_and_one_that_cannot_be_is_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with open_environment(card(id="Counted-v0", options={"closes": False}), 3, 0):
        assert Counted.open == 3
    assert Counted.open == 0
    said = capsys.readouterr().err
    assert said == "a2d: closing the environments failed with OSError: the window is gone\n"


@pytest.mark.usefixtures("counted")
def test_a_command_leaves_no_probe_open(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("title: T\nfamily: gymnasium\nid: Counted-v0\n", encoding="utf-8")
    assert measure_costs(load_card(path), "mlp8").flops > 0
    assert Counted.open == 0
    request = RunRequest(path, tmp_path / "agent", steps=20, environments=4)
    record = train_agent(request, "mlp8")
    assert record.evaluation is not None and Counted.open == 0
    assert len(evaluate_saved_agent(tmp_path / "agent", 6, 0, environments=3)) == 6
    assert Counted.open == 0


TASKS = (
    "import gymnasium\nfrom gymnasium.envs.classic_control import CartPoleEnv\n"
    "gymnasium.register('own/Pole-v0', CartPoleEnv)\n"
)
# As the installed script: the working folder is not on Python's path.
COMMAND = "import sys; sys.path.remove(''); from a2d.cli import main; main()"


def a2d(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = [sys.executable, "-c", COMMAND, *arguments]
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ENVS.parent)}
    return subprocess.run(
        code, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("beside", ["card", "here"])
def test_a_module_beside_the_card_or_in_the_working_folder_is_found(
    tmp_path: Path, beside: str
) -> None:
    cards, here = tmp_path / "cards", tmp_path / "here"
    for folder in (cards, here):
        folder.mkdir()
    module = (cards if beside == "card" else here) / "own_tasks.py"
    module.write_text(TASKS, encoding="utf-8")
    text = (
        "title: T\nfamily: gymnasium\nid: own/Pole-v0\nimport_module: own_tasks\n"
        "max_episode_steps: 20\n"
    )
    (cards / "pole.yaml").write_text(text, encoding="utf-8")
    done = a2d(here, "check", "../cards/pole.yaml")
    assert done.returncode == 0 and done.stdout.startswith("../cards/pole.yaml: good\n"), (
        done.stderr
    )
    if beside == "here":  # a saved agent knows no card's folder
        out = ("--out", "agent", "--network", "mlp8", "--steps", "20", "--environments", "2")
        assert a2d(here, "train", "--task", "../cards/pole.yaml", *out).returncode == 0
        done = a2d(here, "evaluate", "agent", "--episodes", "4", "--environments", "2")
        assert done.returncode == 0 and " 4 episodes), actions drawn\n" in done.stdout, done.stderr
        done = a2d(here, "evaluate", "agent", "--episodes", "4", "--environments", "3")
        assert done.returncode == 1 and "--episodes 4: must be a multiple of 3" in done.stderr
        done = a2d(cards, "evaluate", "../here/agent", "--episodes", "4")
        assert done.returncode == 1 and f"in the working folder, {cards}" in done.stderr


def test_a_module_in_the_working_folder_hides_none_that_is_installed(tmp_path: Path) -> None:
    (tmp_path / "own_tasks.py").write_text(TASKS, encoding="utf-8")
    (tmp_path / "minatar.py").write_text("raise RuntimeError('hidden')", encoding="utf-8")
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('hidden')", encoding="utf-8")
    with (tmp_path / "own_tasks.py").open("a") as module:
        module.write("import colorsys, minatar\n")
    text = "title: T\nfamily: gymnasium\nid: own/Pole-v0\nimport_module: own_tasks\n"
    (tmp_path / "pole.yaml").write_text(text, encoding="utf-8")
    done = a2d(tmp_path, "check", "pole.yaml")
    assert done.returncode == 0, done.stderr


def test_errors_name_the_cards_own_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text("title: T\nfamily: gymnasium\nid: Nonsense-v0\n", encoding="utf-8")
    with pytest.raises(A2DError, match=r"^mine\.yml: id: "):
        make_environment(load_card(path), 1, 0)


def test_channels_are_for_environments_whose_layout_is_not_known() -> None:
    for name in ("atari-pong", "minatar-breakout"):
        with pytest.raises(A2DError, match=rf"^{name}\.yaml: channels: .* one layout"):
            make_environment(shipped(name, channels="first"), 1, 0)
