"""The running standardisation against numpy over everything that was seen."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from a2d.networks.normalizer import Normalizer


@given(st.integers(0, 1000), st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_statistics_equal_numpys_whatever_the_batches(seed: int, sizes: list[int]) -> None:
    generator = np.random.default_rng(seed)
    batches = [generator.normal(3.0, 5.0, (size, 3)).astype(np.float32) for size in sizes]
    normalizer = Normalizer(3)
    for batch in batches:
        normalizer.update(torch.from_numpy(batch))
    seen = np.concatenate(batches).astype(np.float64)
    assert normalizer.count.item() == len(seen)
    assert np.allclose(normalizer.mean.numpy(), seen.mean(axis=0))
    assert np.allclose(normalizer.variance.numpy(), seen.var(axis=0))


def test_standardised_values_and_their_bounds() -> None:
    normalizer = Normalizer(2)
    normalizer.update(torch.tensor([[0.0, 10.0], [4.0, 10.0]]))
    found = normalizer.standardize(torch.tensor([[6.0, 10.0], [1e6, -1e6]]))
    assert found.dtype == torch.float32
    assert torch.allclose(found, torch.tensor([[2.0, 0.0], [10.0, -10.0]]))


def test_nothing_seen_changes_nothing() -> None:
    observation = torch.tensor([[0.5, -2.0]])
    assert torch.allclose(Normalizer(2).standardize(observation), observation)


def test_a_large_offset_and_many_observations_lose_no_precision() -> None:
    normalizer = Normalizer(1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        normalizer.update(1000 + torch.randn(500, 1, generator=generator))
    normalizer.count = normalizer.count * 1000  # as if a hundred million had been seen
    before = normalizer.count.item()
    normalizer.update(torch.full((1, 1), 1000.0))
    assert normalizer.count.item() == before + 1
    assert abs(normalizer.mean.item() - 1000) < 0.02 and abs(normalizer.variance.item() - 1) < 0.02


def test_standardising_never_updates_and_the_state_is_saved() -> None:
    normalizer = Normalizer(2)
    normalizer.update(torch.randn(50, 2) * 3 + 1)
    before = {name: value.clone() for name, value in normalizer.state_dict().items()}
    normalizer.train().standardize(torch.full((9, 2), 100.0))
    assert all(torch.equal(value, before[name]) for name, value in normalizer.state_dict().items())
    copy = Normalizer(2)
    copy.load_state_dict(before)
    x = torch.randn(5, 2)
    assert torch.equal(copy.standardize(x), normalizer.standardize(x))
    assert not list(normalizer.parameters()), (
        "statistics are no weights: no optimizer may touch them"
    )


def test_an_update_leaves_an_earlier_graph_alone() -> None:
    normalizer = Normalizer(1)
    normalizer.update(torch.tensor([[1.0], [3.0]]))
    observation = torch.tensor([[2.5]], requires_grad=True)
    standardised = normalizer.standardize(observation)
    normalizer.update(torch.tensor([[100.0]]))
    standardised.sum().backward()
    assert observation.grad is not None and torch.allclose(observation.grad, torch.ones(1, 1))
