"""The settings of a run by dotted names: listed, and given as ``a2c.learning_rate=0.01``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import yaml

from a2d.errors import A2DError
from a2d.specs.algorithm import A2CSettings, DistillationSettings, PPOSettings
from a2d.specs.data import Frozen
from a2d.specs.explain import explain_fields, inner_model
from a2d.specs.run import EvaluationSettings
from a2d.specs.search import SETTINGS

Sections = Mapping[str, type[Frozen]]

ALGORITHMS: dict[str, type[A2CSettings | PPOSettings]] = {"a2c": A2CSettings, "ppo": PPOSettings}
COMMON: Sections = {"distillation": DistillationSettings, "evaluation": EvaluationSettings}
# What decides which settings there are, or what else a run needs, has an option of its own.
OPTIONS = {"distillation.mode": "--distill", "search.kind": "--searcher"}


def sections_of(algorithm: str, searcher: str | None = None) -> Sections:
    """Return a run's settings by section; ``searcher`` is None for training.

    Raises:
        A2DError: there is no such algorithm or searcher.
    """
    if algorithm not in ALGORITHMS:
        raise A2DError(f"--algorithm {algorithm}: should be one of {', '.join(ALGORITHMS)}")
    if searcher is not None and searcher not in SETTINGS:
        raise A2DError(f"--searcher {searcher}: should be one of {', '.join(SETTINGS)}")
    search: Sections = {} if searcher is None else {"search": SETTINGS[searcher]}
    return {algorithm: ALGORITHMS[algorithm], **COMMON, **search}


def keys_of(model: type[Frozen], prefix: str) -> Iterator[str]:
    """Yield the dotted names of a model's fields, those of models inside it included."""
    for name, field in model.model_fields.items():
        inner = inner_model(field.annotation)
        if inner is not None:
            yield from keys_of(inner, f"{prefix}.{name}")
        elif f"{prefix}.{name}" not in OPTIONS:
            yield f"{prefix}.{name}"


def read_settings(texts: Sequence[str], sections: Sections) -> dict[str, Any]:
    """Return settings given as ``section.key=value`` as nested data; values are YAML.

    Raises:
        A2DError: a key is unknown or given twice, or a value is no YAML.
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise A2DError(f"{text}: should be KEY=VALUE, such as a2c.learning_rate=0.002")
        _check_key(key, sections)
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise A2DError(f"--set {text}: the value is not valid YAML") from error
        *parents, last = key.split(".")
        place = found
        for parent in parents:
            place = place.setdefault(parent, {})
        if last in place:
            raise A2DError(f"--set {key}: is given twice")
        place[last] = parsed
    return found


def _check_key(key: str, sections: Sections) -> None:
    if key in OPTIONS:
        raise A2DError(f"--set {key}: has an option of its own, {OPTIONS[key]}")
    known = [name for section, model in sections.items() for name in keys_of(model, section)]
    if key in known:
        return
    section = key.split(".")[0]
    if section in ALGORITHMS and section not in sections:
        raise A2DError(f"--set {key}: is for --algorithm {section}")
    own = [name for name in known if name.startswith(f"{section}.")]
    meant = get_close_matches(key, known, n=2)
    hint = f"; did you mean {' or '.join(meant)}?" if meant else "."
    if own:
        keys = ", ".join(name.removeprefix(f"{section}.") for name in own)
        raise A2DError(f"--set {key}: is not a known key{hint} {section} has {keys}")
    raise A2DError(
        f"--set {key}: is not a known key{hint} The sections: {', '.join(sections)}; "
        "`a2d settings` lists their keys"
    )


def lay(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested data with other data laid over it, key by key."""
    found = dict(under)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = lay(found[key], value) if both else value
    return found


def explain_settings() -> str:
    """Return all settings of a run, a line each: kind, default, what it is for."""
    parts: list[tuple[str, str, type[Frozen]]] = [
        *((name, f"--algorithm {name}", model) for name, model in ALGORITHMS.items()),
        *((name, "all runs", model) for name, model in COMMON.items()),
        *(("search", f"a2d search --searcher {kind}", each) for kind, each in SETTINGS.items()),
    ]
    return "\n\n".join(
        "\n".join([f"# {name} ({used})", *explain_fields(model, f"{name}.", skip=OPTIONS)])
        for name, used, model in parts
    )
