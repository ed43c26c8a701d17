"""One colour, one marker and one name for everything that is shown, so that figures agree.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; markers and line styles say
the same again in greyscale. Colour follows the teaching: orange without a teacher, blue for A2D.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from a2d.specs.architecture import Operator
from a2d.study.definitions import Methods

GREY, LIGHT, INK = "#6e6e6e", "#d5d5d5", "#222222"
PAPER = "paper"
PLUS = "plus"  # has a name of its own, A2D+


@dataclass(frozen=True)
class Look:
    """How a method is drawn; ``filled`` if its final training was distilled."""

    color: str
    marker: str
    line: Any = "-"
    filled: bool = True

    @property
    def size(self) -> int:
        """Of the marker, in points; a star looks smaller than the others."""
        return {"*": 9}.get(self.marker, 7)

    @property
    def face(self) -> str:
        if self.filled:
            return self.color
        return "white"


MANUAL = Look(GREY, "P", (0, (1, 1)))
RANDOM = Look("#a1887f", "X", (0, (1, 2)))
# Darker: trained for as many steps as a search and the training of its result together.
MANUAL_LONGER, RANDOM_LONGER = replace(MANUAL, color=INK), replace(RANDOM, color="#4e342e")
SEARCHES = {
    "vanilla": Look("#e69f00", "s", (0, (5, 2))),
    "bilevel": Look("#cc79a7", "D", (0, (1, 1))),
    "actor": Look("#56b4e9", "^", (0, (5, 1, 1, 1))),
    "critic": Look("#009e73", "v", (0, (3, 1, 1, 1, 1, 1))),
    "joint": Look("#0072b2", "o", "-"),
    "cost_only": Look("#7a7a1f", "X", (0, (1, 3))),
    "single_path": Look("#cc6677", ">", (0, (4, 1))),
    "single_path_joint": Look("#332288", "<", (0, (6, 2))),
    "imitation": Look("#882255", "*", (0, (2, 1))),
}

VERDICTS = {
    "supported": "#009e73",
    "contradicted": "#d55e00",
    "equivalent": "#0072b2",
    "inconclusive": GREY,
}

MODE_NAMES = {
    "none": "No teacher",
    "actor": "Actor only",
    "critic": "Critic only",
    "joint": "Actor and critic (joint)",
}
MODES = {mode: SEARCHES.get(mode, SEARCHES["vanilla"]) for mode in MODE_NAMES}
# A2D+ has looks of its own; under any other recipe a method keeps its hue and marker, darker.
PLUS_LOOKS = {
    "joint": Look("#d55e00", "*", (0, (8, 1))),
    "vanilla": Look("#8a5a00", "h", (0, (2, 2))),
}
SPARE = (
    Look("#661100", "p", (0, (4, 1))),
    Look("#999933", "8", (0, (6, 2))),
    Look("#44aa99", "d", (0, (2, 1))),
)
DARKER = 0.7  # of a method's own colour, where its recipe has no look of its own

# Skip is pale, convolutions blue, inverted residuals from yellow to red with their expansion.
SKIP_COLOR = "#f2f2f2"
SMALL_KERNEL = 3
OPERATOR_COLORS: dict[tuple[str, int | None], tuple[str, str]] = {  # by kind and expansion
    ("convolution", None): ("#9ecae1", "#3182bd"),
    ("dense", None): ("#9ecae1", "#3182bd"),
    ("inverted", 1): ("#fee391", "#fec44f"),
    ("inverted", 3): ("#fdae6b", "#e6762b"),
    ("inverted", 5): ("#e9967a", "#a63603"),
}
OTHER_OPERATORS = ("#c7e9c0", "#41ab5d")


def search_look(method: str, recipe: str) -> Look:
    """Return the look of a search method under a recipe; one that is new here gets a spare one."""
    if recipe == PLUS and method in PLUS_LOOKS:
        return PLUS_LOOKS[method]
    look = SEARCHES.get(method, SPARE[sum(map(ord, method)) % len(SPARE)])
    if recipe == PAPER:
        return look
    return replace(look, color=_darker(look.color))


def _darker(color: str) -> str:
    return "#" + "".join(f"{round(DARKER * part):02x}" for part in _parts(color))


def _parts(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue


def agent_look(method: str, recipe: str, mode: str) -> Look:
    """Return a derived agent's look: hollow if its final training had no teacher."""
    return replace(search_look(method, recipe), filled=mode != "none")


def search_name(methods: Methods, method: str, recipe: str) -> str:
    """Return a search's name: 'A2D (joint)', 'A2D+', or 'Vanilla NAS, recipe A2D+'."""
    title = methods.search[method].title
    if recipe == PAPER:
        return title
    name = methods.recipes[recipe].title
    if (method, recipe) == ("joint", PLUS):
        return name
    return f"{title}, recipe {name}"


def agent_name(methods: Methods, method: str, recipe: str, mode: str) -> str:
    """Return a derived agent's name.

    'A2D' and 'A2D+' are joint in search and training, by the recipes of these names; others say
    how they were searched and trained.
    """
    if method != "joint" or recipe not in (PAPER, PLUS):
        return _trained(search_name(methods, method, recipe), mode)
    name = {PAPER: "A2D", PLUS: methods.recipes[PLUS].title}[recipe]
    if mode == "joint":
        return name
    return f"{name} search, plain training"


def random_name(mode: str, budget: str) -> str:
    """Return a random architecture's name."""
    name = _trained("Random architecture", mode)
    if budget == "train":
        return name
    return f"{name}, equal steps"


def _trained(name: str, mode: str) -> str:
    if mode == "none":
        return name
    return f"{name}, distilled training"


def network_name(network: str) -> str:
    """Return a manual network's name: 'ResNet-14', 'ResNet-14, width 8', 'MLP-64'."""
    name, *parts = network.split("_")
    names = {"resnet": "ResNet", "mlp": "MLP", "conv": "Conv", "vanilla": "Vanilla CNN"}
    match = re.fullmatch(r"([a-z]+?)(\d+)", name)
    if match:
        name = f"{names.get(match[1], match[1])}-{match[2]}"
    words = [re.sub(r"^w(\d+)$", r"width \1", part) for part in parts]
    return ", ".join([names.get(name, name), *words])


def upright_name(network: str) -> str:
    """Return a manual network's name in short lines, to be written upright in a panel."""
    return network_name(network).replace(", ", ",\n")


def operator_color(operator: Operator) -> str:
    """Return an operator's colour: paler for the smaller kernel, or for the first activation."""
    if operator.kind == "skip":
        return SKIP_COLOR
    shades = OPERATOR_COLORS.get((operator.kind, operator.expansion), OTHER_OPERATORS)
    return shades[operator.activation == "tanh" or (operator.kernel or 0) > SMALL_KERNEL]


def ink_on(color: str) -> str:
    """Return black or white, whichever reads better on a '#rrggbb' colour (ITU-R BT.601 luma)."""
    red, green, blue = _parts(color)
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


def operator_name(operator: Operator) -> str:
    """Return an operator's full name, as 'inverted residual 3×3, expansion 5'."""
    name = {"inverted": "inverted residual"}.get(operator.kind, operator.kind)
    if operator.kernel is not None:
        name += f" {operator.kernel}×{operator.kernel}"
    elif operator.activation is not None:
        name += f" {operator.activation}"
    return name if operator.expansion is None else f"{name}, expansion {operator.expansion}"


def operator_sign(operator: Operator) -> str:
    """Return an operator's sign inside a cell: 'C3', 'I5·3' (kernel 5, expansion 3), '–'."""
    if operator.kind == "skip":
        return "–"
    shape = operator.kernel or (operator.activation or "")[:1].upper()
    sign = f"{operator.kind[0].upper()}{shape}"
    return sign if operator.expansion is None else f"{sign}·{operator.expansion}"
