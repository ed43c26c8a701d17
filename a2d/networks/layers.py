"""The two layers that every network is made of, and the tape that keeps their outputs.

An actor-critic runs its network once to act, and would run it again to learn. Here the layers keep
their outputs while the agent acts, step after step and without gradients; ``Tape.replay`` then
builds one graph over the whole rollout, in which every layer returns what it kept. Learning thus
costs a backward pass alone, over all T·N observations at a time, on which convolutions are fastest.
Product, addition and activation are one layer: only what the next layer reads is ever written to
memory, which bounds the speed of small networks on a processor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["none", "relu", "tanh"]
Gradients = tuple[Tensor | None, ...]
Sides = int | tuple[int, int]

ONEDNN = torch.backends.mkldnn.is_available()
# From so many multiply-accumulates on, oneDNN's matrix product is faster than MKL's.
ONEDNN_PRODUCTS = 2**21
IN_PLACE = {"none": lambda x: x, "relu": torch.relu_, "tanh": torch.tanh_}


class Tape:
    """What the layers computed in the steps of one rollout, in the order of their calls.

    Args:
        length: T, steps of the rollout.
    """

    active: ClassVar[Tape | None] = None

    def __init__(self, length: int) -> None:
        self.length = length
        self.replaying = False
        # The calls of a step, each with what all steps keep, (T·N, ...).
        self._calls: list[tuple[Layer, Tensor]] = []
        self._step = -1
        self._call = 0

    @contextmanager
    def record(self) -> Iterator[None]:
        """Keep what the layers compute in the next step, without gradients."""
        self._step += 1
        with torch.no_grad(), self._running(self):
            yield

    @contextmanager
    def replay(self) -> Iterator[None]:
        """Let layers, called with the inputs of all steps, (T·N, ...), return what they kept."""
        self.replaying = True
        with self._running(self):
            yield

    @classmethod
    @contextmanager
    def aside(cls) -> Iterator[None]:
        """Compute something that is on no tape, without gradients."""
        with torch.no_grad(), cls._running(None):
            yield

    @classmethod
    @contextmanager
    def _running(cls, tape: Tape | None) -> Iterator[None]:
        before, cls.active = cls.active, tape
        if tape is not None:
            tape._call = 0
        try:
            yield
        finally:
            cls.active = before

    def place_for(self, layer: Layer, output: Tensor) -> Tensor:
        """Return the memory, (N, ...), for what ``layer`` makes of its product ``output``."""
        if self._step == 0:
            layout = torch.contiguous_format
            if output.ndim == 4:
                layout = torch.channels_last
            shape = (self.length * len(output), *output.shape[1:])
            whole = torch.empty(
                shape, dtype=output.dtype, device=output.device, memory_format=layout
            )
            self._calls.append((layer, whole))
        return self.give_back(layer).narrow(0, self._step * len(output), len(output))

    def give_back(self, layer: Layer) -> Tensor:
        """Return what ``layer`` kept of all steps in this call, (T·N, ...).

        Raises:
            RuntimeError: in the first step it was another layer's turn.
        """
        caller, whole = self._calls[self._call]
        if caller is not layer:
            raise RuntimeError(f"call {self._call} of the network was {caller}, and is now {layer}")
        self._call += 1
        return whole


class Layer(nn.Module, ABC):
    """``activation(product(x) + add)``: a product with weights; the addition is optional."""

    weight: Tensor
    bias: Tensor
    activation: Activation

    def forward(self, x: Tensor, add: Tensor | None = None) -> Tensor:
        """Map (N, inputs, ...) to (N, outputs, ...); ``add`` has the output's shape."""
        if torch.is_grad_enabled():
            apply: Any = _Differentiable.apply
            return apply(x, self.weight, self.bias, add, self)
        return self.output(x, add)

    def output(self, x: Tensor, add: Tensor | None = None) -> Tensor:
        """Return the same as ``forward`` without a graph, from a tape that is replayed if any."""
        tape = Tape.active
        if tape is not None and tape.replaying:
            return tape.give_back(self)
        output = self.product(x)
        if add is not None:
            output += add
        if tape is None:
            return _activate(output, self.activation, output)
        return _activate(output, self.activation, tape.place_for(self, output))

    @abstractmethod
    def product(self, x: Tensor) -> Tensor:
        """Return the new tensor of the product with weights and bias."""

    @abstractmethod
    def product_gradients(self, gradient: Tensor, x: Tensor, to_input: bool) -> Gradients:
        """Return the product's gradients by input (None if not wanted), weight and bias."""


def _activate(x: Tensor, activation: Activation, place: Tensor) -> Tensor:
    """Write the activation of ``x`` to ``place``, which may be ``x`` itself."""
    if place is x:
        return IN_PLACE[activation](x)
    match activation:
        case "relu":
            return torch.clamp_min(x, 0.0, out=place)
        case "tanh":
            return torch.tanh(x, out=place)
    return place.copy_(x)


def _activation_gradient(gradient: Tensor, output: Tensor, activation: Activation) -> Tensor:
    match activation:
        case "relu":
            return torch.ops.aten.threshold_backward(gradient, output, 0)
        case "tanh":
            return torch.ops.aten.tanh_backward(gradient, output)
    return gradient


class _Differentiable(torch.autograd.Function):
    """A layer in a graph, with its own gradients: some of PyTorch's corrupt memory."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, add: Tensor | None, layer: Layer
    ) -> Tensor:
        output = layer.output(x, add)
        ctx.save_for_backward(x, output)
        ctx.layer = layer
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Gradients:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the gradients of A2D's layers have no gradients themselves (create_graph)"
            )
        x, output = ctx.saved_tensors
        to_input, _, _, to_add, _ = ctx.needs_input_grad
        gradient = _activation_gradient(gradient, output, ctx.layer.activation)
        by_input, by_weight, by_bias = ctx.layer.product_gradients(gradient, x, to_input)
        by_add = None
        if to_add:
            by_add = gradient
        return by_input, by_weight, by_bias, by_add, None


class Convolution(Layer, nn.Conv2d):  # type: ignore[misc]  # always with a bias
    """A convolution of (N, C, H, W); its default padding keeps H and W at stride 1.

    ``kernel``, ``stride`` and ``padding`` are one number for both sides, or (of H, of W).
    """

    padding: tuple[int, int]  # of nn.Conv2d, which knows words too

    def __init__(
        self, inputs: int, outputs: int, kernel: Sides, stride: Sides = 1,
        padding: Sides | None = None, groups: int = 1, activation: Activation = "none",
    ) -> None:  # fmt: skip
        if padding is None:
            height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
            padding = (height // 2, width // 2)
        nn.Conv2d.__init__(self, inputs, outputs, kernel, stride, padding, groups=groups)
        self.activation = activation

    def product(self, x: Tensor) -> Tensor:
        return nn.Conv2d.forward(self, x)

    def product_gradients(self, gradient: Tensor, x: Tensor, to_input: bool) -> Gradients:
        if x.is_cpu and self.kernel_size == (1, 1) and self.stride != (1, 1):
            return self._pointwise_gradients(gradient, x, to_input)
        if x.is_cpu and self.groups > 1 and self.kernel_size == (5, 5):
            by_input = None
            if to_input:
                by_input = self._gradients(gradient, x, (True, False, False))[0]
            return by_input, self._depthwise_gradient(gradient, x), gradient.sum((0, 2, 3))
        return self._gradients(gradient, x, (to_input, True, True))

    def _gradients(self, gradient: Tensor, x: Tensor, wanted: tuple[bool, bool, bool]) -> Gradients:
        return _convolution_backward(
            gradient, x, self.weight, self.stride, self.padding, self.groups, wanted
        )

    def _pointwise_gradients(self, gradient: Tensor, x: Tensor, to_input: bool) -> Gradients:
        """Leave out the pixels that strides pass over, in a third of oneDNN's time.

        oneDNN's strided product also writes past its memory where inputs are few:
        https://github.com/uxlfoundation/oneDNN/issues/6035.
        """
        seen = (..., slice(None, None, self.stride[0]), slice(None, None, self.stride[1]))
        read = x[seen].contiguous(memory_format=torch.channels_last)
        by_read, by_weight, by_bias = _convolution_backward(
            gradient, read, self.weight, (1, 1), (0, 0), 1, (to_input, True, True)
        )
        if not to_input:
            return None, by_weight, by_bias
        assert by_read is not None
        by_input = torch.zeros_like(x)
        by_input[seen] = by_read
        return by_input, by_weight, by_bias

    def _depthwise_gradient(self, gradient: Tensor, x: Tensor) -> Tensor:
        """Return a 5×5 kernel's gradient from those of its columns 0 to 2 and 2 to 4.

        oneDNN's depthwise code knows kernels up to three wide, on images no smaller than the
        kernel; for others it computes a dense product, at up to twenty times the time.
        """
        by_weight = torch.empty_like(self.weight)
        border_above, border_left = self.padding
        above = border_above
        if x.shape[2] >= self.kernel_size[0]:
            above = 0
        width = (gradient.shape[3] - 1) * self.stride[1] + 3
        for first in (0, 2):
            left = border_left - first
            columns = functional.pad(x, (left, width - left - x.shape[3], above, above))
            by_columns = _convolution_backward(
                gradient, columns.contiguous(memory_format=torch.channels_last),
                by_weight[..., :3], self.stride, (border_above - above, 0), self.groups,
                (False, True, False),
            )[1]  # fmt: skip
            assert by_columns is not None
            by_weight[..., first : first + 3] = by_columns
        return by_weight


def _convolution_backward(
    gradient: Tensor, x: Tensor, weight: Tensor,
    stride: tuple[int, ...], padding: tuple[int, ...], groups: int,
    wanted: tuple[bool, bool, bool],
) -> Gradients:  # fmt: skip
    return torch.ops.aten.convolution_backward(
        gradient,
        x,
        weight,
        [weight.shape[0]],
        stride,
        padding,
        (1, 1),
        False,
        (0, 0),
        groups,
        wanted,
    )


class Dense(Layer, nn.Linear):  # type: ignore[misc]  # always with a bias
    """A fully connected layer of (N, D)."""

    def __init__(self, inputs: int, outputs: int, activation: Activation = "none") -> None:
        nn.Linear.__init__(self, inputs, outputs)
        self.activation = activation

    def product(self, x: Tensor) -> Tensor:
        if Tape.active is None:
            return nn.Linear.forward(self, x)
        return _linear(x, self.weight, self.bias)

    def product_gradients(self, gradient: Tensor, x: Tensor, to_input: bool) -> Gradients:
        by_input = None
        if to_input:
            by_input = _linear(gradient, self.weight.t())
        return by_input, _linear(gradient.t(), x.t()), gradient.sum(0)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x @ weight.T + bias without a graph, by oneDNN where it is faster (up to twice)."""
    if (
        x.is_cpu
        and x.dtype == torch.float32
        and ONEDNN
        and x.shape[0] * weight.numel() >= ONEDNN_PRODUCTS
    ):
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return functional.linear(x, weight, bias)
