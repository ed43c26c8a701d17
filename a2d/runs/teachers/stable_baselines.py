"""A2C and PPO agents of stable-baselines3, read from the zip that ``model.save`` writes.

Of the zip, ``policy.pth`` is read as tensors alone (``weights_only``), and ``data`` as JSON; the
pickles inside that JSON, and all other members, are never touched. The networks are those of its
documentation: ``MlpPolicy``, and ``CnnPolicy`` with NatureCNN (Mnih et al. 2015).
"""

from __future__ import annotations

import io
import json
import math
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from a2d.errors import A2DError

MOST_BYTES = {"policy.pth": 2**30, "data": 2**26}
ACTIVATIONS = {"Tanh": nn.Tanh, "ReLU": nn.ReLU, "ELU": nn.ELU, "GELU": nn.GELU, "SiLU": nn.SiLU}
STRIDES = (4, 2, 1)  # of NatureCNN
STATISTICS = ("mean", "var", "ret", "clip")  # ret: variance of returns, 1 where rewards were left
EPSILON = 1e-8  # of a VecNormalize; another one may be in its npz, as epsilon


def read_policy(path: Path, normalizer: Path | None) -> StableBaselinesPolicy:
    """Read an agent, and the statistics of the VecNormalize that it was trained with.

    Raises:
        A2DError: it is no zip of an A2C or PPO agent, or of a policy that is not known here.
    """
    try:
        with zipfile.ZipFile(path) as file:
            data = json.loads(_member(file, "data"))
            content = io.BytesIO(_member(file, "policy.pth"))
            tensors = torch.load(content, weights_only=True, map_location="cpu")
        _check_settings(data)
        if not isinstance(tensors, dict) or not all(
            isinstance(each, Tensor) for each in tensors.values()
        ):
            raise A2DError("policy.pth holds something else than tensors by name")
        statistics = None if normalizer is None else read_statistics(normalizer)
        policy = StableBaselinesPolicy(tensors, _activation(data), statistics)
        policy.discount = float(data["gamma"])
        return policy
    except pickle.UnpicklingError as error:
        raise A2DError(f"{path}: policy.pth holds more than tensors, and is not read") from error
    except (zipfile.BadZipFile, ValueError, RuntimeError, KeyError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise A2DError(f"{path}: is no readable agent of stable-baselines3: {reason}") from error
    except A2DError as error:
        raise A2DError(f"{path}: {error}") from error


def _member(file: zipfile.ZipFile, name: str) -> bytes:
    if name not in file.namelist():
        raise A2DError(f"has no {name}: it is not what model.save of stable-baselines3 writes")
    if file.getinfo(name).file_size > MOST_BYTES[name]:
        raise A2DError(f"{name} is larger than {MOST_BYTES[name]:,} bytes")
    return file.read(name)


def _check_settings(data: Any) -> None:
    if not isinstance(data, dict):
        raise A2DError("data is not a mapping")
    kwargs = data.get("policy_kwargs") or {}
    if data.get("use_sde"):
        raise A2DError("its exploration depends on the state (use_sde), which is not known here")
    for name, known in (("squash_output", False), ("normalize_images", True)):
        if kwargs.get(name, known) is not known:
            raise A2DError(f"its policy has {name}={kwargs[name]}, which is not known here")


def _activation(data: dict[str, Any]) -> type[nn.Module]:
    """Return the hidden layers' activation, whose name the JSON gives beside its pickle."""
    said = (data.get("policy_kwargs") or {}).get("activation_fn", "Tanh'>")
    found = re.search(r"(\w+)'>$", str(said))
    if found is None or found[1] not in ACTIVATIONS:
        raise A2DError(f"its activation {said} is not one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[found[1]]


def read_statistics(path: Path) -> dict[str, Tensor]:
    """Read the statistics of a VecNormalize from an npz, without pickles.

    Raises:
        A2DError: it is something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {"epsilon": EPSILON, **{name: file[name] for name in file.files}}
            found = {
                name: torch.from_numpy(np.asarray(arrays[name], dtype=np.float64))
                for name in (*STATISTICS, "epsilon")
            }
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise A2DError(f"{path}: should be an npz of {', '.join(STATISTICS)}: {error}") from error
    if not all(each.isfinite().all() for each in found.values()):
        raise A2DError(f"{path}: holds numbers that are not finite")
    return found


class StableBaselinesPolicy(nn.Module):
    """The networks of an ActorCriticPolicy, with the normalisation that stood before them.

    Args:
        tensors: of ``policy.pth``, by name.
        activation: of the hidden layers.
        statistics: of its VecNormalize; None where it had none.
    """

    log_std: Tensor
    discount: float | None = None

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        activation: type[nn.Module],
        statistics: Mapping[str, Tensor] | None,
    ) -> None:
        super().__init__()
        left = dict(tensors)
        self.activation = activation
        shared = _nature_cnn(left, "features_extractor.")
        self.actor_features = _nature_cnn(left, "pi_features_extractor.") or shared
        self.critic_features = _nature_cnn(left, "vf_features_extractor.") or shared
        self.actor = self._layers(left, "mlp_extractor.policy_net.", "action_net.")
        self.critic = self._layers(left, "mlp_extractor.value_net.", "value_net.")
        self.continuous = "log_std" in left
        self.register_buffer("log_std", left.pop("log_std", torch.zeros(0)))
        self.normalized = statistics is not None
        for name, statistic in (statistics or {}).items():
            self.register_buffer(name, statistic)
        if left:
            raise A2DError(f"its policy has parts that are not known here: {', '.join(left)}")
        self.requires_grad_(False)

    def _layers(self, left: dict[str, Tensor], hidden: str, last: str) -> nn.Sequential:
        """Take a head's layers out of the tensors that are left."""
        layers: list[nn.Module] = []
        while f"{hidden}{len(layers)}.weight" in left:  # activations are counted as well
            layers += [_dense(left, f"{hidden}{len(layers)}."), self.activation()]
        return nn.Sequential(*layers, _dense(left, last))

    @property
    def inputs(self) -> int | None:
        """How many numbers it sees at once; None where it sees images."""
        first = self.actor[0]
        assert isinstance(first, nn.Linear)
        return first.in_features if self.actor_features is None else None

    def forward(self, observations: Tensor) -> dict[str, Tensor]:
        """Map raw observations (N, D) or (N, C, H, W) to logits, or mean and log_std, and value."""
        x = self._normalize(observations)
        output = self.actor(_features(self.actor_features, x))
        value = self.critic(_features(self.critic_features, x)).squeeze(-1)
        if self.normalized:  # rewards were divided by the deviation of returns
            value = value * (self.get_buffer("ret") + self.get_buffer("epsilon")).sqrt()
        if not self.continuous:
            return {"logits": output, "value": value}
        return {"mean": output, "log_std": self.log_std, "value": value}

    def _normalize(self, observations: Tensor) -> Tensor:
        if not self.normalized:
            is_image = observations.ndim == 4 and observations.dtype == torch.uint8
            return observations.float() / 255 if is_image else observations.float()
        names = ("mean", "var", "clip", "epsilon")
        mean, variance, clip, epsilon = (self.get_buffer(name) for name in names)
        scaled = (observations.double() - mean) / (variance + epsilon).sqrt()
        return scaled.clamp(-clip, clip).float()


def _features(extractor: nn.Module | None, x: Tensor) -> Tensor:
    if extractor is None:
        return x.flatten(start_dim=1)
    features: Tensor = extractor(x)
    return features


def _dense(left: dict[str, Tensor], prefix: str) -> nn.Linear:
    weight, bias = left.pop(f"{prefix}weight"), left.pop(f"{prefix}bias")
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _nature_cnn(left: dict[str, Tensor], prefix: str) -> nn.Sequential | None:
    """Take NatureCNN out of the tensors that are left; None where there is none."""
    if f"{prefix}cnn.0.weight" not in left:
        return None
    layers: list[nn.Module] = []
    for index, stride in enumerate(STRIDES):
        name = f"{prefix}cnn.{2 * index}."
        weight, bias = left.pop(f"{name}weight"), left.pop(f"{name}bias")
        layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], stride)
        layer.load_state_dict({"weight": weight, "bias": bias})
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), _dense(left, f"{prefix}linear.0."), nn.ReLU())


def check_fit(policy: StableBaselinesPolicy, shape: tuple[int, ...]) -> None:
    """Raise A2DError where an agent's first layer does not take observations of a shape."""
    if policy.inputs is not None and policy.inputs != math.prod(shape):
        raise A2DError(
            f"the teacher sees {policy.inputs} numbers, the task has {math.prod(shape)}; "
            "the card's wrappers may bring them together"
        )
