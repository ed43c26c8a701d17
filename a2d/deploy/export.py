"""An agent as an ONNX graph, checked against PyTorch on observations of real episodes."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import torch
from gymnasium.vector import VectorEnv

from a2d.deploy.policy import NativePolicy, native_spaces
from a2d.environments import open_environment
from a2d.environments.factory import native_arguments
from a2d.environments.vector import Array, NativeSpaces
from a2d.errors import A2DError
from a2d.files import write_atomically, write_text
from a2d.networks.agent import Agent
from a2d.runs.agent_files import Description, load_agent
from a2d.runs.evaluation import choose
from a2d.runs.file_kinds import expect
from a2d.seeds import seed_global_streams

OPSET = 18  # of 2022; read by ONNX Runtime 1.14 and later
ENVIRONMENTS = 4  # whose episodes the check plays
# Of the largest output, or of 1: sums of float32 products in another order differ far less.
TOLERANCE = 1e-3


class Check(NamedTuple):
    """How far the graph is from PyTorch: on how many observations, of how many episodes."""

    observations: int
    episodes: int
    outputs: str
    largest_difference: float
    same_actions: int


def to_onnx(policy: NativePolicy) -> bytes:
    """Return the graph from ``observation`` and ``noise`` to ``action`` and the network's outputs.

    All have a first axis of any length. See ``NativePolicy.forward``.
    """
    observation = np.zeros((1, *policy.spaces.observation.shape), policy.spaces.observation.dtype)
    noise = torch.zeros(1, policy.agent.actor.out_features)
    names = ["observation", "noise"], ["action", policy.outputs]
    file = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # Of the tracer, about checks of shapes; and that there is a newer exporter, which takes
        # ten times as long and two more packages.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            policy.eval(),
            (torch.from_numpy(observation), noise),
            file,  # type: ignore[arg-type]  # the annotation knows paths only
            input_names=names[0],
            output_names=names[1],
            dynamic_axes={name: {0: "batch"} for side in names for name in side},
            opset_version=OPSET,
            dynamo=False,
        )
    return file.getvalue()


def open_session(graph: bytes | Path) -> onnxruntime.InferenceSession:
    """Return a session of ONNX Runtime on one thread of the processor."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    source = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def describe_policy(policy: NativePolicy, description: Description) -> dict[str, Any]:
    """Return what a program needs beside the graph: how the task is made, and which noise draws."""
    spaces = policy.spaces
    return {
        "task": description.spec.task.title,
        "environment": native_arguments(description.spec.task),
        "wrappers": [wrapper.model_dump() for wrapper in description.spec.task.wrappers],
        "observation": {
            "shape": list(spaces.observation.shape),
            "dtype": str(spaces.observation.dtype),
        },
        "action": str(spaces.action),
        "noise": {"logits": "gumbel", "means": "normal"}[policy.outputs],
        "outputs": policy.agent.actor.out_features,
        "weights_sha256": description.weights_sha256,
    }


def export_agent(folder: Path, out: Path, steps: int = 1000) -> Check:
    """Write the agent in ``folder`` as an ONNX graph, and the JSON file of the same name beside it.

    Args:
        folder: of the agent.
        out: the graph's file, ``.onnx``.
        steps: at least so many observations are compared.

    Raises:
        A2DError: the agent cannot be read, or the graph does not compute what the agent does.
    """
    if out.suffix != ".onnx" or out.is_dir():
        raise A2DError(f"--out {out}: should be the name of a file that ends in .onnx")
    agent, description = load_agent(expect(folder, "agent"))
    policy = NativePolicy(agent.eval(), native_spaces(description))
    graph = to_onnx(policy)
    check = check_graph(graph, policy, description, steps)
    text = json.dumps(describe_policy(policy, description), indent=1, ensure_ascii=False) + "\n"
    write_atomically(out, lambda path: path.write_bytes(graph))
    write_text(out.with_suffix(".json"), text)
    return check


def check_graph(graph: bytes, policy: NativePolicy, description: Description, steps: int) -> Check:
    """Play episodes as in training, and compare the graph with the agent at every step.

    The agent sees what its environments here return; the graph sees the task's raw observations.

    Raises:
        A2DError: outputs differ by more than rounding.
    """
    run, generator = open_session(graph).run, np.random.default_rng(0)
    seed_global_streams(0)
    seen, ended, same, largest, scale = 0, 0, 0, 0.0, 1.0
    with open_environment(description.spec.task, ENVIRONMENTS, 0) as environments:
        observation = environments.reset(seed=0)[0]
        while seen < steps:
            noise = policy.draw_noise(len(observation), generator)
            raw = _raw(observation, policy.spaces)
            found = run(["action", policy.outputs], {"observation": raw, "noise": noise})
            actions, outputs = _wanted(policy, observation, raw, noise)
            close = np.isclose(found[0], actions, 1e-4, 1e-4).reshape(len(raw), -1)
            same += int(close.all(1).sum())
            # NumPy's maximum keeps what is no number, which Python's would lose.
            largest = float(np.maximum(largest, np.abs(found[1] - outputs).max()))
            scale = max(scale, float(np.abs(outputs).max()))
            seen += len(raw)
            observation, done = _advance(environments, policy.agent, observation)
            ended += done
    if not largest <= TOLERANCE * scale:
        raise A2DError(
            f"the exported graph differs from the agent by {largest:.2g} of {policy.outputs} up to "
            f"{scale:.2g}; nothing is written. Please report this with the agent's files"
        )
    return Check(seen, ended, policy.outputs, largest, same)


@torch.inference_mode()
def _wanted(
    policy: NativePolicy, observation: Array, raw: Array, noise: Array
) -> tuple[Array, Array]:
    """Return the policy's actions, and the outputs of the agent as training computes them."""
    actions, _ = policy(torch.from_numpy(raw), torch.from_numpy(noise))
    agent = policy.agent
    outputs, _ = agent.heads(agent.preprocess(torch.from_numpy(observation)))
    return actions.numpy(), outputs.numpy()


def _raw(observation: Array, spaces: NativeSpaces) -> Array:
    """Return a batch as the task's own environment gives it."""
    if spaces.channels_last:
        observation = observation.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(observation, spaces.observation.dtype)


def _advance(environments: VectorEnv, agent: Agent, observation: Array) -> tuple[Array, int]:
    """Take a drawn action in all environments; return what they are in then, and what ended."""
    actions = choose(agent, observation, "sampled")
    observation, _, terminated, truncated, _ = environments.step(actions)
    done = terminated | truncated
    if done.any():
        observation = environments.reset(options={"reset_mask": done})[0]
    return observation, int(done.sum())
