"""Plain data: frozen, validated, read from YAML, and able to grow without new keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from a2d.errors import A2DError

MERGE = "tag:yaml.org,2002:merge"


class Frozen(BaseModel):
    """Base of all plain data here: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def later(default: Any, description: str, gt: float | None = None) -> Any:
    """Return a field of a ``Frozen`` that was added after runs had been recorded.

    With its default it is left out of dumps, hence of records and keys, so that those written
    before it stay valid; set to anything else it counts like every other field.
    """
    return Field(default, exclude_if=lambda value: value == default, description=description, gt=gt)


def describe_validation_error(error: ValidationError, source: str) -> A2DError:
    """Turn pydantic's report into one message that names the file, each key and its value."""
    lines = []
    for item in error.errors():
        # Which of several models was tried, a tag in angle brackets, is no key of the file.
        keys = [str(part) for part in item["loc"] if not str(part).startswith("<")]
        key = ".".join(keys) or "(the whole file)"
        if item["type"] == "missing":
            lines.append(f"{key}: is missing")
        elif item["type"] == "extra_forbidden":
            lines.append(f"{key}: is not a known key")
        else:
            # A whole section fails by a rule that names its own values; repeating all of it would
            # drown them.
            value = (
                "" if isinstance(item["input"], (dict, BaseModel)) else f" (got {item['input']!r})"
            )
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
                        "while reading a mapping",
                        node.start_mark,
                        f"found the key {key.value!r} twice",
                        key.start_mark,
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; raise A2DError that names the file where it cannot be read as one."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506, RUF100  # a safe one
    except OSError as error:
        raise A2DError(f"{path}: cannot be read ({error.strerror})") from error
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as error:  # ValueError: bytes or dates that are none
        raise A2DError(f"{path}: is not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise A2DError(f"{path}: should be a mapping of keys to values, is a {type(data).__name__}")
    return data
