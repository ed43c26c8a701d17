"""Task cards: the data that names an environment and how it is preprocessed (``envs/*.yaml``)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from a2d.errors import A2DError

MERGE = "tag:yaml.org,2002:merge"
Family = Literal["tiny", "minatar", "atari", "mujoco", "gymnasium"]
DEFAULT_EPISODE_LIMIT = 27_000  # agent steps: half an hour of Atari, as usual in the literature


class Frozen(BaseModel):
    """Base of all plain data here: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def later(default: Any, description: str) -> Any:
    """Return a field of a ``Frozen`` that was added after runs had been recorded.

    With its default it is left out of dumps, hence of records and keys, so that those written before it stay valid;
    set to anything else it counts like every other field.
    """
    return Field(default, exclude_if=lambda value: value == default, description=description)


@dataclass(frozen=True)
class Origin:
    """The file that a card was read from. Cards do not differ by it, and no record holds it."""

    path: Path | None = field(compare=False)


UNKNOWN = Origin(None)


class Score(Frozen):
    """A score from elsewhere, always with its source."""

    value: float = Field(description="mean unclipped return of an episode")
    source: str = Field(description="where the value is from")


class TaskCard(Frozen):
    """One task. A user adds a task by adding a card; the file's stem is the task's name."""

    name: str
    title: str = Field(description="for figures and tables")
    family: Family = Field(description="where the environment comes from; your own are of 'gymnasium'")
    id: str = Field(description="the environment's name within its family, e.g. a Gymnasium id")
    observation: Literal["pixels", "vectors"] = Field(
        "vectors", description="which networks fit: those for images, or those for vectors"
    )
    channels: Literal["first", "last"] | None = later(
        None, "an image's layout, (C, H, W) or (H, W, C); needed only where its shape leaves it open"
    )
    import_module: str | None = Field(
        None,
        description="a module to import first, because importing it registers the id; it is also looked for "
        "beside the card and in the working folder",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="keyword arguments of the environment's constructor"
    )
    max_episode_steps: int | None = Field(None, gt=0, description="truncate longer episodes (agent steps)")
    normalize_observations: bool = Field(
        False, description="standardise observations by a running mean and variance; vectors only"
    )
    clip_rewards: bool = Field(False, description="learn from the reward's sign; scores stay unclipped")
    life_loss_ends_return: bool = Field(
        False, description="while training, a lost life ends the return (not the episode)"
    )
    step_limit_s: float = Field(
        300,
        gt=0,
        le=86400,
        description="seconds that making, resetting or stepping all environments may take; then they hang",
    )
    random_score: Score | None = Field(None, description="what a uniform random policy gets: value, source")
    reference_score: Score | None = Field(None, description="what others report: value, source")
    _origin: Origin = PrivateAttr(default_factory=lambda: UNKNOWN)  # a default would be copied for every card

    @property
    def path(self) -> Path | None:
        """The card's file; None for the card of a saved agent or a record."""
        return self._origin.path

    def identity(self) -> dict[str, Any]:
        """Return what changes a result: everything but what only people, or the clock, read."""
        unread = {"name", "title", "step_limit_s", "random_score", "reference_score"}
        return self.model_dump(mode="json", exclude=unread)


def card_error(card: TaskCard, key: str, problem: str) -> A2DError:
    """Return the error that names the card's file, the key to change, its value and what is wrong with it."""
    file = f"{card.name}.yaml" if card.path is None else card.path.name
    return A2DError(f"{file}: {key}: {problem} (got {getattr(card, key)!r})")


def explain_card() -> str:
    """Return all keys of a card, a line each: name, what it may be, its default, and what it is for."""
    schema = TaskCard.model_json_schema()
    properties = {key: about for key, about in schema["properties"].items() if key != "name"}  # the file's name
    return "\n".join(
        f"{key} ({_kind(about)}{_default(key, about, schema)}): {about['description']}"
        for key, about in properties.items()
    )


def _kind(about: dict[str, Any]) -> str:
    kind = about["anyOf"][0] if "anyOf" in about else about  # the other is null
    if "enum" in kind:
        return " | ".join(kind["enum"])
    return str(kind.get("type", "object"))


def _default(key: str, about: dict[str, Any], schema: dict[str, Any]) -> str:
    if key in schema["required"]:
        return ", needed"
    default = about.get("default")
    return "" if default is None else f", default {json.dumps(default)}"


def describe_validation_error(error: ValidationError, source: str) -> A2DError:
    """Turn pydantic's report into one message that names the file, each key and its value."""
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"]) or "(the whole file)"
        if item["type"] == "missing":
            lines.append(f"{key}: is missing")
        elif item["type"] == "extra_forbidden":
            lines.append(f"{key}: is not a known key")
        else:
            # A whole section fails by a rule that names its own values; repeating all of it would drown them.
            value = "" if isinstance(item["input"], (dict, BaseModel)) else f" (got {item['input']!r})"
            lines.append(f"{key}: {item['msg']}{value}")
    return A2DError(f"{source}: " + "; ".join(lines))


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        "while reading a mapping", node.start_mark, f"found the key {key.value!r} twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; raise A2DError that names the file where it cannot be read as one."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506, RUF100  # a safe one
    except OSError as error:
        raise A2DError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: bytes or dates that are none
        raise A2DError(f"{path}: is not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise A2DError(f"{path}: should be a mapping of keys to values, is a {type(data).__name__}")
    return data


def load_card(path: Path) -> TaskCard:
    """Read and validate a task card. Raise A2DError naming file and key on any mistake."""
    data = read_yaml(path)
    if "name" in data:
        raise A2DError(f"{path}: name: is not a known key; the file's name is the task's name")
    try:
        json.dumps(data.get("options"), allow_nan=False)
    except (TypeError, ValueError) as error:
        # A record could not hold them, which would be found out only when it is written.
        problem = "should hold finite numbers, text, lists and mappings alone"
        raise A2DError(f"{path}: options: {problem} ({error})") from error
    try:
        card = TaskCard.model_validate({"name": path.stem, **data})
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error
    card._origin = Origin(path)
    return card


def load_task(name: str, folder: Path) -> TaskCard:
    """Return the card called ``name`` in ``folder``; the error lists the cards that exist."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(card.stem for card in folder.glob("*.yaml"))) or "none"
        raise A2DError(f"task {name!r}: there is no {path}; the cards there: {known}")
    return load_card(path)
