"""What tables call networks, searches and agents, so that their rows can be told apart."""

from __future__ import annotations

import re

from tests.recount.plan import Scale

TAUGHT_BY = {
    "none": "No teacher",
    "actor": "Actor only",
    "critic": "Critic only",
    "joint": "Actor and critic (joint)",
}
KINDS = {"resnet": "ResNet", "mlp": "MLP", "conv": "Conv"}


def network_name(network: str) -> str:
    """Return 'ResNet-14, width 8' for resnet14_w8."""
    if network == "vanilla":
        return "Vanilla CNN"
    first, *others = network.split("_")
    kind, size = re.match(r"([a-z]+)(\d+)", first).groups()  # type: ignore[union-attr]
    words = [f"width {word[1:]}" if word[0] == "w" else word for word in others]
    return ", ".join([f"{KINDS.get(kind, kind)}-{size}", *words])


def search_name(scale: Scale, method: str, recipe: str) -> str:
    """Return 'A2D (joint)', 'A2D+' or 'Vanilla NAS, recipe A2D+'."""
    title, name = scale.methods[method]["title"], scale.recipes[recipe]["title"]
    if recipe == "paper":
        return str(title)
    return str(name) if (method, recipe) == ("joint", "plus") else f"{title}, recipe {name}"


def agent_name(scale: Scale, method: str, recipe: str, mode: str) -> str:
    """Return what an agent is called that a search derived."""
    name = search_name(scale, method, recipe)
    if method == "joint" and recipe in ("paper", "plus"):
        name = {"paper": "A2D"}.get(recipe, name)
        name = name if mode == "joint" else f"{name} search, plain training"
    elif mode != "none":
        name += ", distilled training"
    own = (scale.a2d["search"], scale.a2d["recipe"], "joint")
    claimed = (method, recipe, mode) == own and name != "A2D"
    return name + " (A2D in the claims)" * claimed


def random_name(mode: str, budget: str) -> str:
    """Return what random architectures are called."""
    name = "Random architecture" + ", distilled training" * (mode != "none")
    return name + ", equal steps" * (budget == "total")
