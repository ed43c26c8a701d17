"""Agents of other libraries, as their users leave them: trained, saved, exported."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecNormalize

import a2d.environments.tiny  # noqa: F401  # registers Reach
from tests.checkout import ROOT

REACH_STEPS = 4_096
RECIPE = re.compile(r"^(r, s = .*|numpy\.savez.*)$", re.MULTILINE)  # in the document


class ImportsNothing:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def train_reach(folder: Path) -> tuple[PPO, VecNormalize]:
    """Train PPO inside a VecNormalize on Reach; leave ``reach.zip`` and ``venv.npz``."""
    venv = VecNormalize(make_vec_env(lambda: gymnasium.make("a2d/Reach-v0"), n_envs=8), gamma=0.9)
    model = PPO(
        "MlpPolicy", venv, n_steps=64, batch_size=128, gamma=0.9, learning_rate=1e-3, seed=0,
        policy_kwargs={"net_arch": [32]}, device="cpu",
    )  # fmt: skip
    model.set_logger(Logger(None, []))  # its own leaves a folder in /tmp
    model.learn(REACH_STEPS)
    model.save(folder / "reach.zip")
    recipe = RECIPE.findall((ROOT / "docs" / "teachers.md").read_text(encoding="utf-8"))
    assert len(recipe) == 2, "it is of two lines"
    with contextlib.chdir(folder):
        exec("\n".join(recipe), {"venv": venv, "numpy": np})
    return model, venv


def with_member(path: Path, name: str, content: bytes, out: Path) -> Path:
    """Copy a zip with one member in another's place."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for each in old.namelist():
            new.writestr(each, content if each == name else old.read(each))
    return out


def pickled(thing: object) -> bytes:
    """Return what ``torch.save`` writes of any object."""
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def linear_graph(
    path: Path,
    weights: dict[str, np.ndarray],
    batch: int | str = "N",
    shape: tuple[int, ...] = (),
    **changes: Any,
) -> Path:
    """Write a graph that multiplies flat observations (N, D) by a matrix (D, A) for every output.

    ``shape`` is that of one observation, where it is not flat.
    """
    nodes, outputs = [helper.make_node("Flatten", ["observation"], ["flat"])], []
    for name in weights:
        nodes.append(helper.make_node("MatMul", ["flat", f"w_{name}"], [name], **changes))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    size = shape or next(iter(weights.values())).shape[:1]
    seen = helper.make_tensor_value_info("observation", TensorProto.FLOAT, [batch, *size])
    tensors = [
        numpy_helper.from_array(each.astype(np.float32), f"w_{name}")
        for name, each in weights.items()
    ]
    graph = helper.make_graph(nodes, "policy", [seen], outputs, tensors)
    domains = {"", *({changes["domain"]} if "domain" in changes else ())}
    imports = [helper.make_opsetid(domain, 17 if domain == "" else 1) for domain in domains]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)
    return path
