"""Layers and tape against PyTorch's layers in double precision and finite differences."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from a2d.algorithms.a2c import A2C, learning_rate
from a2d.algorithms.losses import weighted_sum
from a2d.algorithms.optimizers import forget_gradients
from a2d.algorithms.rollout import Collector
from a2d.environments import make_environment
from a2d.networks.agent import Agent
from a2d.networks.interface import build_agent, interface_of
from a2d.networks.layers import ONEDNN_PRODUCTS, Convolution, Dense, Tape
from a2d.networks.supernet import Gates
from a2d.search.gumbel import sample_gates
from a2d.specs.algorithm import A2CSettings, DistillationSettings
from a2d.specs.architecture import Architecture, CellSpace
from a2d.specs.task import load_task
from tests.checkout import ENVS
from tests.learners import supernet_agent, supernet_of
from tests.reference import by_torch

STEPS, COUNT = 3, 4
TASKS = [("tiny-catch", "vanilla"), ("minatar-breakout", "resnet14"), ("tiny-reach", "mlp16")]


def agent_of(task: str, network: str | CellSpace) -> Agent:
    torch.manual_seed(0)
    card = load_task(task, ENVS)
    interface = interface_of(make_environment(card, 1, 0), card.normalize_observations)
    if isinstance(network, CellSpace):
        agent = supernet_agent(network, interface)
    else:
        agent = build_agent(network, interface)
    for weight in agent.parameters():
        weight.data += 0.05 * torch.randn_like(
            weight
        )  # some start at zero, and zero hides mistakes
    return agent


def gradients_of(module: nn.Module) -> dict[str, Tensor]:
    return {
        name: weight.grad for name, weight in module.named_parameters() if weight.grad is not None
    }


def assert_close(
    found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-4
) -> None:
    """Compare tensors by norms: sums in another order differ where terms cancel."""
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert (found[name] - tensor).norm() <= tolerance * tensor.norm() + 1e-6, name


LAYERS = {
    "3x3": (Convolution(6, 8, 3, activation="relu"), (6, 10, 10)),
    "3x3 stride 2": (Convolution(6, 8, 3, 2), (6, 10, 10)),
    "1x1 stride 2": (Convolution(6, 8, 1, 2), (6, 10, 10)),
    "1x1 stride 2 along the width": (Convolution(6, 8, 1, (1, 2)), (6, 10, 7)),
    "3x5 stride 1 and 2": (Convolution(6, 8, (3, 5), (1, 2), activation="relu"), (6, 7, 12)),
    "depthwise 5x5 on one row": (Convolution(8, 8, 5, 2, groups=8), (8, 1, 9)),
    "1x1 stride 2, odd": (Convolution(6, 8, 1, 2, activation="relu"), (6, 5, 5)),
    "8x8 stride 4 without padding": (Convolution(4, 8, 8, 4, 0, activation="relu"), (4, 20, 20)),
    **{
        f"depthwise {kernel}x{kernel} stride {stride} on {size} pixels": (
            Convolution(16, 16, kernel, stride, groups=16, activation="relu"), (16, size, size),
        )
        for kernel in (3, 5) for stride in (1, 2) for size in (3, 5, 10, 11)
    },
    "dense": (Dense(7, 5, "tanh"), (7,)),
    "dense by oneDNN": (Dense(600, 400, "relu"), (600,)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("to_input", [True, False], ids=["inner", "first"])
@pytest.mark.parametrize("way", ["tape", "graph", "graph, contiguous"])
def test_a_layer_equals_torchs_layer(name: str, to_input: bool, way: str) -> None:
    layer, shape = LAYERS[name]
    assert isinstance(layer, (Convolution, Dense))
    assert (
        name != "dense by oneDNN"
        or COUNT * layer.weight.numel() < ONEDNN_PRODUCTS <= 12 * layer.weight.numel()
    )
    torch.manual_seed(0)
    layer = deepcopy(layer)
    found_x = torch.randn(STEPS * COUNT, *shape)
    if len(shape) == 3 and way != "graph, contiguous":
        layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
        found_x = found_x.contiguous(memory_format=torch.channels_last)
    expected_x = found_x.double().contiguous().requires_grad_(to_input)
    found_x.requires_grad_(to_input)
    by_torchs = by_torch(layer)
    expected = by_torchs(expected_x)
    slope = torch.randn_like(expected)
    (expected * slope).sum().backward()

    if way == "tape":
        tape = Tape(STEPS)
        for part in found_x.detach().split(COUNT):
            with tape.record():
                assert not layer(part).requires_grad
        with tape.replay():
            found = layer(found_x)
    else:
        found = layer(found_x)
        with torch.inference_mode():
            assert torch.equal(layer(found_x.detach()), found)
    assert found.dtype == torch.float32
    assert_close({"output": found}, {"output": expected})
    (found * slope).sum().backward()
    assert_close(
        {**gradients_of(layer), **({"x": found_x.grad} if found_x.grad is not None else {})},
        {
            **gradients_of(by_torchs),
            **({"x": expected_x.grad} if expected_x.grad is not None else {}),
        },
    )


@pytest.mark.parametrize(
    "layer",
    [
        Convolution(2, 4, 1, 2, activation="relu"),
        Convolution(2, 4, 1, (1, 2)),
        Convolution(2, 2, 5, 2, groups=2),
        Convolution(2, 2, 3, (2, 1), (0, 1), activation="relu"),
        Dense(3, 2, "tanh"),
    ],
    ids=str,
)
def test_gradients_by_finite_differences(layer: Convolution | Dense) -> None:
    torch.manual_seed(0)
    layer = deepcopy(layer).double()
    x = torch.randn(2, 3) if isinstance(layer, Dense) else torch.randn(2, 2, 5, 4)
    x = x.double().requires_grad_()
    add = torch.randn_like(layer(x)).requires_grad_()
    # Its weights are varied in place.
    assert torch.autograd.gradcheck(
        lambda x, add, *weights: layer(x, add), (x, add, *layer.parameters())
    )


SKIPS = Architecture(
    space="convolution", cells=CellSpace(cells=3, width=4), operators=("skip",) * 3
)


@pytest.mark.parametrize("design", ["resnet14", SKIPS], ids=["resnet14", "skips"])
def test_no_gradient_is_asked_for_that_writes_past_its_memory(design: str | Architecture) -> None:
    """The strided 1×1 convolutions of these networks are differentiated by one without strides."""
    environments = make_environment(load_task("minatar-breakout", ENVS), 1, 0)
    agent = build_agent(design, interface_of(environments, False))
    assert any(
        layer.kernel_size == (1, 1) and layer.stride == (2, 2) for layer in modules_of(agent)
    )
    with torch.autograd.profiler.profile(record_shapes=True) as profile:
        outputs, values = agent.heads(agent.preprocess(torch.rand(2, *agent.observation_shape)))
        (outputs.sum() + values.sum()).backward()
    asked = [
        event.input_shapes
        for event in profile.function_events
        if event.name == "aten::convolution_backward"
    ]
    pointwise = [(gradient[2:], x[2:]) for gradient, x, weight, *_ in asked if weight[2:] == [1, 1]]
    assert [5, 5] in [gradient for gradient, _ in pointwise]
    assert all(gradient == x for gradient, x in pointwise), "no strides"


def modules_of(agent: Agent) -> list[Convolution]:
    return [layer for layer in agent.modules() if isinstance(layer, Convolution)]


def test_a_gradients_gradient_is_refused() -> None:
    layer = Dense(2, 2, "tanh")
    with pytest.raises(RuntimeError, match="create_graph"):
        torch.autograd.grad(layer(torch.ones(1, 2)).sum(), layer.weight, create_graph=True)


def test_an_addition_comes_before_the_activation_and_has_its_gradient() -> None:
    layer = Dense(2, 2, "relu")
    layer.weight.data, layer.bias.data = torch.eye(2), torch.zeros(2)
    add = torch.tensor([[1.0, -5.0]], requires_grad=True)
    x = torch.tensor([[2.0, 3.0]])
    assert layer(x, add).tolist() == [[3.0, 0.0]]
    tape = Tape(1)
    with tape.record():
        layer(x, add)
    with tape.replay():
        output = layer(x, add)
    assert output.tolist() == [[3.0, 0.0]]
    output.sum().backward()
    assert add.grad is not None and add.grad.tolist() == [[1.0, 0.0]]


def test_a_replay_computes_no_product(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = agent_of("minatar-breakout", "resnet14")
    x = agent.preprocess(torch.rand(STEPS * COUNT, 4, 10, 10))
    tape = Tape(STEPS)
    for part in x.split(COUNT):
        with tape.record():
            agent.heads(part)
    for kind in (Convolution, Dense):
        monkeypatch.setattr(kind, "product", lambda *_: pytest.fail("a product was computed again"))
    with tape.replay():
        agent.heads(x)


@pytest.mark.parametrize("shortcut", ["none", "identity"])
@pytest.mark.parametrize("normalization", ["none", "group"])
@pytest.mark.parametrize("task", ["minatar-breakout", "tiny-reach"])
def test_a_supernet_has_torchs_gradients_replayed_or_not(
    task: str, normalization: str, shortcut: str
) -> None:
    # Of groups of two, normalised to about 1 and -1, little but rounding is left of the gradients.
    width = 16 if normalization == "group" else 8
    cells = CellSpace.model_validate(
        {"cells": 3, "width": width, "normalization": normalization, "shortcut": shortcut}
    )
    agent = agent_of(task, cells)
    x = agent.preprocess(torch.rand(STEPS * COUNT, *agent.observation_shape))
    for seed in range(8):  # a few of the architectures
        torch.manual_seed(seed)
        alpha = torch.randn(3, 9, requires_grad=True)
        gates = sample_gates(alpha, 2.0, 3)
        found = []
        supernet_of(agent).gates = Gates([[0]] * 3, None)  # without a graph, to be copied
        plain = by_torch(agent)
        supernet_of(agent).gates = supernet_of(plain).gates = gates
        for way in ("torch", "graph", "tape"):
            agent.zero_grad()
            forget_gradients([alpha])
            if way == "torch":
                outputs, values = plain.heads(x.double().contiguous())
            elif way == "tape":
                tape = Tape(STEPS)
                for part in x.split(COUNT):
                    with tape.record():
                        agent.heads(part)
                with tape.replay():
                    outputs, values = agent.heads(x)
            else:
                outputs, values = agent.heads(x)
            (outputs.square().sum() + values.square().sum()).backward(retain_graph=True)
            assert alpha.grad is not None
            gradients = gradients_of(plain if way == "torch" else agent)
            found.append({**gradients, "alpha": alpha.grad.clone(), "outputs": outputs.detach()})
        assert_close(found[2], found[1])
        assert_close(found[1], found[0], 1e-3)


@pytest.mark.parametrize(("task", "network"), TASKS)
def test_training_equals_the_usual_way_of_training(task: str, network: str) -> None:
    """The same rollouts; torch's layers and autograd, clipping and RMSProp: the same weights."""
    settings = A2CSettings(environments=COUNT)
    agent = agent_of(task, network)
    plain = by_torch(agent)
    learner = A2C(agent, settings, DistillationSettings(), None)
    reference = A2C(plain, settings, DistillationSettings(), None)  # for its loss terms alone
    optimizer = torch.optim.RMSprop(
        plain.parameters(), 0.0, settings.rmsprop_decay, settings.rmsprop_epsilon
    )
    card = load_task(task, ENVS)
    collector = Collector(make_environment(card, COUNT, 0), card, 0, settings.discount)
    for update in range(6):
        rollout = collector.collect(agent, STEPS)
        outputs, values = plain.heads(plain.preprocess(rollout.observations).double())
        assert_close(
            {"outputs": rollout.outputs, "values": rollout.values},
            {"outputs": outputs, "values": values},
        )
        doubled = rollout._replace(
            rewards=rollout.rewards.double(), last_values=rollout.last_values.double()
        )
        terms = reference.terms(doubled._replace(outputs=outputs, values=values))
        optimizer.zero_grad()
        weighted_sum(terms, reference.coefficients(0.0)).backward()
        nn.utils.clip_grad_norm_(plain.parameters(), settings.max_gradient_norm)
        optimizer.param_groups[0]["lr"] = learning_rate(settings, update / 6)
        optimizer.step()
        learner.update(rollout, update / 6)
        assert_close(dict(agent.named_parameters()), dict(plain.named_parameters()), 1e-3)
        plain.load_state_dict(agent.state_dict())  # or rounding would grow from update to update


def test_layers_are_replayed_in_the_order_of_their_calls_or_not_at_all() -> None:
    first, second = Dense(2, 2), Dense(2, 2)
    x = torch.ones(1, 2)
    tape = Tape(1)
    with tape.record():
        second(first(x))
    with pytest.raises(RuntimeError, match="call 0"), tape.replay():
        second(x)


def test_the_tape_ends_with_its_block_even_by_an_error() -> None:
    layer = Dense(2, 2)
    with pytest.raises(RuntimeError), Tape(1).record():
        layer(torch.ones(1, 3))  # three inputs are not two
    assert Tape.active is None
    assert layer(torch.ones(1, 2)).requires_grad


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize(("task", "network"), TASKS)
def test_a_gpu_gives_the_same_gradients(
    monkeypatch: pytest.MonkeyPatch, task: str, network: str
) -> None:
    """The same rollout's loss on both devices; policies draw from streams of their own."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    agent = agent_of(task, network).to("cuda")
    card = load_task(task, ENVS)
    generator = torch.Generator("cuda").manual_seed(0)
    collector = Collector(make_environment(card, COUNT, 0), card, 0, 0.99, generator)
    learner = A2C(agent, A2CSettings(environments=COUNT), DistillationSettings(), None)
    rollout = collector.collect(agent, STEPS)
    sum(learner.terms(rollout).values(), start=torch.zeros((), device="cuda")).backward()
    found = {name: gradient.cpu() for name, gradient in gradients_of(agent).items()}
    plain = deepcopy(agent).cpu()
    plain.zero_grad()
    moved = type(rollout)(*(part.detach().cpu() for part in rollout))
    outputs, values = plain.heads(plain.preprocess(moved.observations))
    reference = A2C(plain, A2CSettings(environments=COUNT), DistillationSettings(), None)
    terms = reference.terms(moved._replace(outputs=outputs, values=values))
    sum(terms.values(), start=torch.zeros(())).backward()
    assert_close(found, gradients_of(plain))
