"""The exported graph against the agent, the task's own environment, and a program without a2d."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from a2d.deploy.export import check_graph, export_agent, open_session, to_onnx
from a2d.deploy.policy import NativePolicy, native_spaces
from a2d.environments import make_environment
from a2d.environments.vector import independent_seeds
from a2d.errors import A2DError
from a2d.runs.agent_files import load_agent
from a2d.specs.architecture import Architecture
from a2d.specs.task import TaskCard
from tests.checkout import ROOT
from tests.commands import refusal
from tests.saved_agents import save_random_agent
from tests.users_tasks import card, shipped

SEARCHED = Architecture.model_validate(
    {"space": "convolution", "operators": ("inverted5_e3", "skip", "conv3")}
    | {"cells": {"cells": 3, "width": 8, "shortcut": "identity", "normalization": "group"}}
)
SEARCHED_DENSE = Architecture.model_validate(
    {"space": "dense", "operators": ("inverted_tanh_e3", "skip", "dense_relu")}
    | {"cells": {"cells": 3, "width": 8, "normalization": "group"}}
)
# What a program without a2d imports first, by family.
REGISTERED = {
    "tiny": "import a2d.environments.tiny",
    "minatar": "import minatar.gym; minatar.gym.register_envs()",
    "atari": "import ale_py",
}
TASKS: dict[str, str | Architecture] = {
    "tiny-catch": SEARCHED,
    "tiny-reach": SEARCHED_DENSE,
    "minatar-space_invaders": "vanilla",
    "mujoco-half_cheetah": "mlp16",
    "atari-pong": "vanilla",
}
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", TASKS)
def test_every_family_leaves_as_a_graph_of_the_same_outputs(task: str, tmp_path: Path) -> None:
    save_random_agent(tmp_path / "agent", shipped(task), TASKS[task])
    out = tmp_path / "policy.onnx"
    check = export_agent(tmp_path / "agent", out, steps=60)
    assert check.observations == 60 and check.same_actions == 60
    assert check.largest_difference < 1e-4
    batch = np.zeros((3, *json.loads(out.with_suffix(".json").read_text())["observation"]["shape"]))
    session = open_session(out)
    observation, noise = session.get_inputs()
    kind = {"tensor(float)": "f4", "tensor(double)": "f8", "tensor(uint8)": "u1"}
    seen = batch.astype(kind.get(observation.type, bool))
    actions = session.run(["action"], {"observation": seen, "noise": _zeros(3, noise.shape[1])})[0]
    assert len(actions) == 3, "a batch of any size"


def _zeros(count: int, size: int) -> Any:
    return np.zeros((count, size), np.float32)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.filterwarnings("ignore:.*out of date:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")  # of Gymnasium's checker about these tasks
def test_the_tasks_own_environment_gives_the_graph_what_training_saw(
    task: str, tmp_path: Path
) -> None:
    """Played side by side: the batch that training plays, and what `policy.json` makes."""
    card = shipped(task)
    agent = save_random_agent(tmp_path / "agent", card, TASKS[task])
    export_agent(tmp_path / "agent", tmp_path / "policy.onnx", steps=1)
    policy = json.loads((tmp_path / "policy.json").read_text(encoding="utf-8"))
    session = open_session(tmp_path / "policy.onnx")
    exec(REGISTERED.get(card.family, ""), {})
    native = gymnasium.make_vec(**policy["environment"], num_envs=1)
    batch = make_environment(card, 1, 0)
    seen, raw = batch.reset()[0], native.reset(seed=independent_seeds(0, 1)[0])[0]
    noise = _zeros(1, policy["outputs"])
    for _ in range(12):  # few, as MuJoCo's differences grow fast
        action, outputs = session.run(None, {"observation": raw, "noise": noise})
        with torch.inference_mode():
            wanted = agent.heads(agent.preprocess(torch.from_numpy(seen)))[0]
        assert np.allclose(outputs, wanted.numpy(), atol=1e-3)
        inner = wanted.argmax(1) if policy["noise"] == "gumbel" else wanted
        seen, reward, terminated, truncated, _ = batch.step(inner.numpy())
        raw, native_reward, *_ = native.step(action)
        assert native_reward == pytest.approx(reward, abs=1e-4)
        if (terminated | truncated).any():
            break
    batch.close()
    native.close()


def test_a_program_lays_the_cards_wrappers_around_its_environment(tmp_path: Path) -> None:
    named: list[Any] = [
        "TimeAwareObservation",
        {"RescaleAction": {"min_action": -3, "max_action": 3}},
    ]
    mine = card(id="Pendulum-v1", observation="vectors", wrappers=named)
    agent = save_random_agent(tmp_path / "agent", mine, "mlp8")
    export_agent(tmp_path / "agent", tmp_path / "policy.onnx", steps=1)
    policy = json.loads((tmp_path / "policy.json").read_text(encoding="utf-8"))
    native = gymnasium.make(**policy["environment"])
    for wrapper in policy["wrappers"]:
        native = getattr(gymnasium.wrappers, wrapper["name"])(native, **wrapper["arguments"])
    observation, _ = native.reset(seed=0)
    seen = np.asarray(observation)[None]
    inputs = {"observation": seen, "noise": _zeros(1, policy["outputs"])}
    action, outputs = open_session(tmp_path / "policy.onnx").run(None, inputs)
    with torch.inference_mode():
        wanted = agent.heads(agent.preprocess(torch.from_numpy(seen.astype("f4"))))[0]
    assert np.allclose(outputs, wanted.numpy(), atol=1e-5)
    assert native.action_space.contains(action[0])


@pytest.mark.parametrize(("more", "named"), [(-0.1, r"0\.1"), (np.nan, "nan"), (np.inf, "inf")])
def test_a_graph_of_other_weights_is_refused(more: float, named: str, tmp_path: Path) -> None:
    save_random_agent(tmp_path, shipped("tiny-catch"), "vanilla")
    agent, description = load_agent(tmp_path)
    policy = NativePolicy(agent.eval(), native_spaces(description))
    own = agent.actor.bias.data.clone()
    agent.actor.bias.data[1] += more
    graph = to_onnx(policy)
    agent.actor.bias.data.copy_(own)
    with pytest.raises(A2DError, match=rf"differs from the agent by {named} of logits"):
        check_graph(graph, policy, description, 8)


WITHOUT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "a2d"):
            raise ModuleNotFoundError(f"{name} is not here")

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, "")
exec(compile(open("lines.py").read(), "lines.py", "exec"))
assert not {"torch", "a2d"} & {name.partition(".")[0] for name in sys.modules}
"""
MINE = '''
import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete


class Count(gymnasium.Env):
    """Ten steps; the reward says whether the action was one of the space. Its space is `action`."""

    def __init__(self, action):
        self.observation_space = Box(-1.0, 1.0, (3,), np.float32)
        self.action_space = action

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 10
        return self.np_random.uniform(-1, 1, 3).astype(np.float32), {}

    def step(self, action):
        assert self.action_space.contains(np.asarray(action)) or action in self.action_space, action
        self.left -= 1
        observation = self.np_random.uniform(-1, 1, 3).astype(np.float32)
        return observation, 1.0, self.left == 0, False, {}


gymnasium.register("Count-v0", entry_point=lambda: Count(Discrete(3, start=4)))
ARM = Box(np.float32([2, -7]), np.float32([3, 0]))
gymnasium.register("Arm-v0", entry_point=lambda: Count(ARM))
'''


def twelve_lines() -> str:
    (block,) = re.findall(r"## Twelve lines.*?```python\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


def test_the_page_says_how_many_lines_there_are() -> None:
    assert len([line for line in twelve_lines().splitlines() if line]) == 12


@pytest.mark.parametrize(
    ("card", "design", "module"),
    [
        ({"id": "Count-v0", "import_module": "mine"}, "mlp8", MINE),
        ({"id": "Arm-v0", "import_module": "mine"}, "mlp8", MINE),
        ({"id": "CartPole-v1"}, "mlp8", ""),
        ("mujoco-hopper", "mlp8", ""),
        pytest.param("minatar-breakout", SEARCHED, REGISTERED["minatar"], marks=pytest.mark.slow),
        pytest.param("atari-pong", "vanilla", REGISTERED["atari"], marks=pytest.mark.slow),
    ],
    ids=["own-start", "own-bounds", "cartpole", "mujoco", "minatar", "atari"],
)
def test_the_twelve_lines_play_where_torch_and_a2d_are_not(
    card: str | dict[str, Any],
    design: str | Architecture,
    module: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(module, encoding="utf-8")
    (tmp_path / "lines.py").write_text(twelve_lines(), encoding="utf-8")
    if isinstance(card, str):
        task = shipped(card)
    else:
        task = TaskCard(name="mine", title="Mine", family="gymnasium", **card)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    for name in ("Count-v0", "Arm-v0"):
        gymnasium.registry.pop(name, None)
    save_random_agent(tmp_path / "agent", task, design)
    export_agent(tmp_path / "agent", tmp_path / "policy.onnx", steps=4)
    command = [sys.executable, "-c", WITHOUT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    score = float(done.stdout.splitlines()[-1])
    assert score == 10 or not str(task.id).startswith(("Count", "Arm"))


def test_another_name_than_a_graphs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_random_agent(tmp_path / "agent", shipped("tiny-reach"), "mlp8")
    words = ["export", tmp_path / "agent", "--out", tmp_path / "policy.pt"]
    assert "should be the name of a file that ends in .onnx" in refusal(words, monkeypatch, capsys)
    words = ["export", tmp_path, "--out", tmp_path / "policy.onnx"]
    assert "agent.json" in refusal(words, monkeypatch, capsys)
