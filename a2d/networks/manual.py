"""Manually designed backbones: the vanilla three-convolution network, ResNets and an MLP family.

Sizes: Mnih et al. (2015) for the vanilla network; Young and Tian (2019) for one convolution of
sixteen channels; He et al. (2016, CIFAR) for the ResNets, whose
depth is 6n + 2 with n basic blocks in each of three stages. Without batch normalisation, as
on-policy agents usually are; every residual branch starts at zero instead, so that deep networks
start as shallow ones (Zhang et al. 2019, "Fixup").
"""

from __future__ import annotations

from torch import Tensor, nn

from a2d.errors import A2DError
from a2d.networks.layers import Convolution, Dense
from a2d.specs.architecture import (
    CONVOLUTION_CHANNELS,
    MANUAL_NETWORKS,
    MLP_UNITS,
    RESNETS,
    STAGE_WIDTHS,
    ResNet,
)

HIDDEN_UNITS = 256
ImageSize = tuple[int, int]  # height and width
LARGE_SIDE = 40  # pixels, from which a side is shrunk fast
# Strides of the stem and of the three stages.
LARGE_STRIDES, SMALL_STRIDES = (2, 2, 2, 2), (1, 1, 2, 2)
# Kernel, stride and padding of each convolution along a side.
DQN_SHAPES = ((8, 4, 0), (4, 2, 0), (3, 1, 0))
SMALL_SHAPES = ((3, 1, 1), (3, 2, 1), (3, 2, 1))  # where 8 pixels are too many


def stage_strides(size: ImageSize) -> list[tuple[int, int]]:
    """Return the strides of the stem and of the three stages, along each side by its own length.

    84×84 images shrink to 6×6, 10×10 images to 3×3, 84×10 images to 6×3.
    """
    along_height, along_width = ((LARGE_STRIDES, SMALL_STRIDES)[side < LARGE_SIDE] for side in size)
    return list(zip(along_height, along_width, strict=True))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions around a shortcut (He et al. 2016)."""

    def __init__(self, channels_in: int, channels: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.first = Convolution(channels_in, channels, 3, stride, activation="relu")
        self.second = Convolution(channels, channels, 3, activation="relu")
        self.shortcut: nn.Module = nn.Identity()
        if stride != (1, 1) or channels_in != channels:
            self.shortcut = Convolution(channels_in, channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C_in, H, W) to (N, C, H / stride, W / stride)."""
        return self.second(self.first(x), add=self.shortcut(x))


class AveragePool(nn.Module):
    """Averages every channel over the image."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C)."""
        return x.mean(dim=(2, 3))


def resnet(channels: int, size: ImageSize, shape: ResNet) -> nn.Sequential:
    """Build stem and three stages; widths ``shape.width`` × 1, 2, 4."""
    stem_stride, *strides = stage_strides(size)
    width = shape.width
    layers: list[nn.Module] = [Convolution(channels, width, 3, stem_stride, activation="relu")]
    channels = width
    for factor, stride in zip(STAGE_WIDTHS, strides, strict=True):
        for _ in range(shape.blocks):
            layers.append(BasicBlock(channels, width * factor, stride))
            channels, stride = width * factor, (1, 1)
    if shape.pooled:
        layers.append(AveragePool())
    return nn.Sequential(*layers)


def one_convolution(channels: int, width: int) -> nn.Sequential:
    """Build a 3×3 convolution that keeps the image's size."""
    return nn.Sequential(Convolution(channels, width, 3, activation="relu"))


def vanilla(channels: int, size: ImageSize) -> nn.Sequential:
    """Build the DQN network's convolutions, with smaller kernels along short sides."""
    sides = ((DQN_SHAPES, SMALL_SHAPES)[side < LARGE_SIDE] for side in size)
    layers: list[nn.Module] = []
    for width, *shapes in zip((32, 64, 64), *sides, strict=True):
        kernel, stride, padding = zip(*shapes, strict=True)
        layers.append(Convolution(channels, width, kernel, stride, padding, activation="relu"))
        channels = width
    return nn.Sequential(*layers)


def mlp(inputs: int, units: int) -> nn.Sequential:
    """Build two hidden tanh layers, the usual shape for continuous control."""
    return nn.Sequential(Dense(inputs, units, "tanh"), Dense(units, units, "tanh"))


def manual_backbone(network: str, observation_shape: tuple[int, ...]) -> nn.Module:
    """Build the network called ``network`` for (C, H, W) images or (D,) vectors.

    Raises:
        A2DError: the name is unknown, or the network does not fit this shape of observation.
    """
    known = MANUAL_NETWORKS[{1: "vectors", 3: "pixels"}[len(observation_shape)]]
    if network not in known:
        raise A2DError(
            f"network {network!r} does not fit observations of shape {observation_shape}; "
            f"the networks that do: {', '.join(known)}"
        )
    if network in MLP_UNITS:
        return mlp(observation_shape[0], MLP_UNITS[network])
    channels, height, width = observation_shape
    size = (height, width)
    if network == "vanilla":
        return vanilla(channels, size)
    if network in CONVOLUTION_CHANNELS:
        return one_convolution(channels, CONVOLUTION_CHANNELS[network])
    return resnet(channels, size, RESNETS[network])
