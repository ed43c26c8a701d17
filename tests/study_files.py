"""A study's own files, changed as a user would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def edit(root: Path, name: str, *change: tuple[str, Any]) -> None:
    """Set keys, written with dots, in a YAML file of the checkout."""
    path = root / "workflow" / f"{name}.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, value in change:
        *parents, last = key.split(".")
        place = data
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
        if isinstance(place, list):
            place[int(last)] = value
        else:
            place[last] = value
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
