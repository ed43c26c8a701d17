"""Says what the fields of plain data are for, from the models themselves."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from a2d.specs.data import Frozen


def inner_model(annotation: Any) -> type[Frozen] | None:
    """Return the model that a field holds; None where it holds something else, or may be None."""
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return annotation
    return None


def explain_fields(
    model: type[Frozen], prefix: str = "", skip: Collection[str] = (), inside: bool = True
) -> Iterator[str]:
    """Yield a line for each field: what it may be, its default, what it is for.

    Args:
        model: has the fields.
        prefix: of their names.
        skip: names, with the prefix, of fields to leave out.
        inside: give the fields of models inside it, instead of these.
    """
    schema = model.model_json_schema()
    for name, field in model.model_fields.items():
        inner = inner_model(field.annotation)
        if inside and inner is not None:
            yield from explain_fields(inner, f"{prefix}{name}.", skip)
        elif prefix + name not in skip:
            about = schema["properties"][name]
            text = f"{prefix}{name} ({_kind(about)}{_default(name, about, schema)})"
            yield f"{text}: {field.description}" if field.description else text


def _kind(about: dict[str, Any]) -> str:
    kind = about["anyOf"][0] if "anyOf" in about else about  # the other is null
    if "enum" in kind:
        return " | ".join(kind["enum"])
    return str(kind.get("type", "object"))


def _default(key: str, about: dict[str, Any], schema: dict[str, Any]) -> str:
    if key in schema.get("required", ()):
        return ", needed"
    default = about.get("default")
    if default is None:
        return ""
    return f", default {json.dumps(default)}"
