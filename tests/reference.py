"""Networks as PyTorch computes them in double precision and contiguous memory, which is safe.

In single precision and channels-last memory, the gradient of a strided 1×1 convolution may write
past its memory: https://github.com/uxlfoundation/oneDNN/issues/6035.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from a2d.networks.layers import Convolution, Dense

Module = TypeVar("Module", bound=nn.Module)


def by_torch(module: Module) -> Module:
    """Return a copy for float64 inputs, whose layers are left to PyTorch's autograd."""
    copy = deepcopy(module).double()
    for weight in copy.parameters():
        weight.data = weight.data.contiguous()
    for layer in copy.modules():
        if isinstance(layer, (Convolution, Dense)):
            layer.forward = partial(_forward, layer)  # type: ignore[method-assign]
    return copy


def _forward(layer: Convolution | Dense, x: Tensor, add: Tensor | None = None) -> Tensor:
    x = x.contiguous()
    if isinstance(layer, Convolution):
        product = functional.conv2d(
            x, layer.weight, layer.bias, layer.stride, layer.padding, 1, layer.groups
        )
    else:
        product = functional.linear(x, layer.weight, layer.bias)
    if add is not None:
        product = product + add
    return {"relu": torch.relu, "tanh": torch.tanh, "none": torch.clone}[layer.activation](product)
