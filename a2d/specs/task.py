"""Task cards: the data that names an environment and how it is preprocessed (``envs/*.yaml``)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from a2d.errors import A2DError
from a2d.specs.data import Frozen, describe_validation_error, later, read_yaml
from a2d.specs.explain import explain_fields

Family = Literal["tiny", "minatar", "atari", "mujoco", "gymnasium"]
NAMED_CARDS = 5  # where one is looked for in vain
DEFAULT_EPISODE_LIMIT = 27_000  # agent steps: half an hour of Atari, as usual in the literature


@dataclass(frozen=True)
class Origin:
    """The file that a card was read from. Cards do not differ by it, and no record holds it."""

    path: Path | None = field(compare=False)


UNKNOWN = Origin(None)


class Score(Frozen):
    """A score from elsewhere, always with its source."""

    value: float = Field(description="mean unclipped return of an episode")
    source: str = Field(description="where the value is from")


class Wrapper(Frozen):
    """One of Gymnasium's wrappers; a card writes it as ``Name``, or as ``Name: {argument: value}``.

    Arguments are those of its constructor, after the environment.
    """

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def read(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"name": given}
        if isinstance(given, dict) and len(given) == 1 and "name" not in given:
            ((name, arguments),) = given.items()
            return {"name": name, "arguments": {} if arguments is None else arguments}
        return given


class TaskCard(Frozen):
    """One task. A user adds a task by adding a card; the file's stem is the task's name."""

    name: str
    title: str = Field(description="for figures and tables")
    family: Family = Field(
        description="where the environment comes from; your own are of 'gymnasium'"
    )
    id: str = Field(description="the environment's name within its family, e.g. a Gymnasium id")
    observation: Literal["pixels", "vectors"] = Field(
        "vectors", description="which networks fit: those for images, or those for vectors"
    )
    channels: Literal["first", "last"] | None = later(
        None,
        "an image's layout, (C, H, W) or (H, W, C); needed only where its shape leaves it open",
    )
    import_module: str | None = Field(
        None,
        description="a module to import first, because importing it registers the id; "
        "it is also looked for beside the card and in the working folder",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="keyword arguments of the environment's constructor"
    )
    wrappers: tuple[Wrapper, ...] = later(
        (),
        "a list of Gymnasium's wrappers laid around the environment, the first one innermost: "
        "'FlattenObservation', or 'ResizeObservation: {shape: [42, 42]}'",
    )
    max_episode_steps: int | None = Field(
        None, gt=0, description="truncate longer episodes (agent steps)"
    )
    normalize_observations: bool = Field(
        False, description="standardise observations by a running mean and variance; vectors only"
    )
    clip_rewards: bool = Field(
        False, description="learn from the reward's sign; scores stay unclipped"
    )
    reward_scale: float = later(
        1.0, "learn from rewards multiplied by this; scores stay as they are", gt=0
    )
    life_loss_ends_return: bool = Field(
        False, description="while training, a lost life ends the return (not the episode)"
    )
    step_limit_s: float = Field(
        300,
        gt=0,
        le=86400,
        description="seconds that making, resetting or stepping all environments may take",
    )
    random_score: Score | None = Field(
        None, description="what a uniform random policy gets: value, source"
    )
    reference_score: Score | None = Field(None, description="what others report: value, source")
    _origin: Origin = PrivateAttr(
        default_factory=lambda: UNKNOWN
    )  # a default would be copied for every card

    @property
    def path(self) -> Path | None:
        """The card's file; None for the card of a saved agent or a record."""
        return self._origin.path

    def identity(self) -> dict[str, Any]:
        """Return what changes a result: everything but what only people, or the clock, read."""
        unread = {"name", "title", "step_limit_s", "random_score", "reference_score"}
        return self.model_dump(mode="json", exclude=unread)


def card_error(card: TaskCard, key: str, problem: str) -> A2DError:
    """Return the error that names the card's file, the key, its value and what is wrong."""
    file = f"{card.name}.yaml" if card.path is None else card.path.name
    return A2DError(f"{file}: {key}: {problem} (got {getattr(card, key)!r})")


def explain_card() -> str:
    """Return all keys of a card, a line each: what it may be, its default, what it is for."""
    return "\n".join(explain_fields(TaskCard, skip=("name",), inside=False))  # the file's name


def load_card(path: Path) -> TaskCard:
    """Read and validate a task card. Raise A2DError naming file and key on any mistake."""
    data = read_yaml(path)
    if "name" in data:
        raise A2DError(f"{path}: name: is not a known key; the file's name is the task's name")
    for key in ("options", "wrappers"):
        try:
            json.dumps(data.get(key), allow_nan=False)
        except (TypeError, ValueError) as error:
            # A record could not hold them, which would be found out only when it is written.
            problem = "should hold finite numbers, text, lists and mappings alone"
            raise A2DError(f"{path}: {key}: {problem} ({error})") from error
    try:
        card = TaskCard.model_validate({"name": _name(path), **data})
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error
    card._origin = Origin(path)
    return card


def _name(path: Path) -> str:
    """Return a card's name; in an ASCII locale, Python holds other letters as no record can."""
    return os.fsencode(path.stem).decode("utf-8", "replace")


def load_task(name: str, folder: Path) -> TaskCard:
    """Return the card called ``name`` in ``folder``; the error names those that are like it."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(card.stem for card in folder.glob("*.yaml"))
        alike = get_close_matches(name, known, NAMED_CARDS) or known[:NAMED_CARDS]
        raise A2DError(
            f"task {name!r}: there is no {path}; nearest of the {len(known)} cards there: "
            f"{', '.join(alike) or 'none'}"
        )
    return load_card(path)
