"""An agent that is shown something else than its task's observations says so, and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from a2d.errors import A2DError
from a2d.networks.interface import Interface, build_agent
from a2d.runs.execution import measure_network

BYTES = Interface(
    observation_shape=(4, 20, 16),
    bytes_observed=True,
    actions=3,
    continuous=False,
    normalized=False,
)
FLOATS = BYTES.model_copy(update={"bytes_observed": False})
VECTOR = FLOATS.model_copy(update={"observation_shape": (5,)})
NORMALIZED = VECTOR.model_copy(update={"normalized": True})


@pytest.mark.parametrize(
    ("interface", "shown", "problem"),
    [
        (
            BYTES,
            torch.zeros(2, 20, 16, 4, dtype=torch.uint8),
            "(2, 20, 16, 4): its channels are last",
        ),
        (BYTES, torch.zeros(20, 16, 4, dtype=torch.uint8), "(20, 16, 4): its channels are last"),
        (
            BYTES,
            torch.zeros(4, 20, 16, dtype=torch.uint8),
            "(4, 20, 16): give a batch, observation[None]",
        ),
        (BYTES, torch.zeros(2, 4, 20, 20, dtype=torch.uint8), "not one of shape (2, 4, 20, 20)"),
        (BYTES, torch.zeros(2, 4, 20, 16), "bytes, 0 to 255, not of torch.float32"),
        (
            BYTES,
            torch.zeros(2, 4, 20, 16, dtype=torch.float64),
            "bytes, 0 to 255, not of torch.float64",
        ),
        (
            FLOATS,
            torch.zeros(2, 4, 20, 16, dtype=torch.uint8),
            "floats within 0..1, not of torch.uint8",
        ),
        (BYTES, np.zeros((2, 4, 20, 16), np.uint8), "not a ndarray: give torch.from_numpy(array)"),
        (VECTOR, torch.zeros(2, 4), "(N, 5), not one of shape (2, 4)"),
        (VECTOR, torch.zeros(5), "(5,): give a batch, observation[None]"),
        (NORMALIZED, torch.zeros(2, 1), "(N, 5), not one of shape (2, 1)"),
        (NORMALIZED, [0.0] * 5, "not a list"),
    ],
)
def test_what_is_no_observation_is_refused_in_one_line(
    interface: Interface, shown: Any, problem: str
) -> None:
    agent = build_agent("vanilla" if len(interface.observation_shape) == 3 else "mlp8", interface)
    with pytest.raises(A2DError) as caught:
        agent(shown)
    text = str(caught.value)
    assert text.startswith("this agent sees ") and problem in text and "\n" not in text


@pytest.mark.parametrize("batched", [True, False])
def test_the_advice_for_channels_last_gives_the_same_answer(batched: bool) -> None:
    agent = build_agent("vanilla", BYTES)
    right = torch.randint(0, 256, (1, 4, 20, 16), dtype=torch.uint8)
    observation = right.permute(0, 2, 3, 1) if batched else right[0].permute(1, 2, 0)
    with pytest.raises(A2DError) as caught:
        agent(observation)
    advised = eval(str(caught.value).partition("give ")[2], {"observation": observation})
    assert torch.equal(agent(advised)[1], agent(right)[1])


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bool])
def test_other_numbers_that_mean_the_same_are_taken(kind: torch.dtype) -> None:
    agent = build_agent("vanilla", FLOATS)
    planes = torch.rand(3, 4, 20, 16) > 0.5
    assert torch.equal(agent(planes.to(kind))[1], agent(planes.float())[1])


def test_costs_are_measured_on_the_observations_of_the_task() -> None:
    for interface in (BYTES, FLOATS):
        assert measure_network(build_agent("vanilla", interface), interface, "vanilla").flops > 0
