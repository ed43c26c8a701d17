"""Recognises files and folders, to refuse a wrong one by what it is and what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import yaml

from a2d.errors import A2DError
from a2d.runs.agent_checks import DESCRIPTION, IMPORTED

Kind = Literal["card", "architecture", "agent", "teacher", "records"]

ARCHITECTURE_FILE = "arch.json"
MOST_BYTES = 2**20  # more text than any card, architecture or record of ours has
EXPECTED: dict[Kind, str] = {
    "card": "a task's card, a YAML file as in envs/",
    "architecture": f"an architecture, a file such as the {ARCHITECTURE_FILE} of `a2d search`",
    "agent": f"the folder that `a2d train` writes, with {DESCRIPTION} in it",
    "teacher": f"the folder that `a2d train` writes, with {DESCRIPTION} in it, or "
    f"`a2d teacher import`, with {IMPORTED}",
    "records": "a folder of records, such as results/laptop",
}
FOLDERS = ("agent", "teacher", "records")
MARKS: dict[str, tuple[str, ...]] = {"agent": (DESCRIPTION,), "teacher": (DESCRIPTION, IMPORTED)}
# By keys that only they have: the most telling ones first.
CONTENTS: dict[str, tuple[str, ...]] = {
    "an agent's description": ("weights_sha256",),
    "a run's record": ("key", "spec", "status"),
    "an architecture": ("space", "operators"),
    "a task's card": ("family", "id"),
    "a study's scale": ("tasks", "seeds", "steps"),
    "a study's experiment": ("question", "groups"),
    "a study's methods": ("search", "recipes"),
}
OWN = {"card": "a task's card", "architecture": "an architecture"}


def expect(path: Path, kind: Kind) -> Path:
    """Return the path, unless it is recognised as something else.

    Raises:
        A2DError: it is missing, unreadable, empty or of another kind; it says what was expected.
    """
    found = _found(path, kind)
    if found is None:
        return path
    raise A2DError(f"{path}: {found}; expected is {EXPECTED[kind]}{_hint(path, kind)}")


def _found(path: Path, kind: Kind) -> str | None:
    """Say what is wrong with the path; None where nothing is seen."""
    try:
        if not path.exists():
            return "there is no such file or folder"
        if path.is_dir():
            return _found_folder(path, kind)
        if not path.is_file():
            return None  # a pipe, which can be read only once
        if kind in FOLDERS:
            return f"is a file ({_content(path) or 'of some other kind'})"
        content = _content(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if content in (OWN[kind], None):
        return None
    return f"is {content}"


def _found_folder(path: Path, kind: Kind) -> str | None:
    if kind == "records" or any((path / name).exists() for name in MARKS.get(kind, ())):
        return None
    if (path / IMPORTED).exists():
        return "is an imported teacher's folder"
    if any(path.iterdir()):
        return "is a folder"
    return "is an empty folder"


def _content(path: Path) -> str | None:
    """Name what a file holds; None where that is not known."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES)
    if not data.strip():
        return "an empty file"
    if data.startswith(b"PK\x03\x04"):
        return "a zip file"
    if b"\0" in data:
        return "a binary file"
    keys = _keys(data)
    return next((name for name, marks in CONTENTS.items() if keys.issuperset(marks)), None)


def _keys(data: bytes) -> set[Any]:
    for read in (json.loads, yaml.safe_load):
        try:
            parsed = read(data)
        except (ValueError, yaml.YAMLError, RecursionError):
            continue
        if isinstance(parsed, dict):
            return set(parsed)
        break
    return set()


def _hint(path: Path, kind: Kind) -> str:
    """Name the path that may be meant, or what leads to one."""
    searched = path / ARCHITECTURE_FILE
    if kind == "architecture" and searched.is_file():
        return f": {searched}"
    if kind in MARKS and path.is_file() and (path.parent / DESCRIPTION).is_file():
        return f": {path.parent}"
    if kind in MARKS and path.suffix in (".zip", ".onnx"):
        return f". Make a teacher of it: `a2d teacher import {path}`"
    if kind in MARKS and searched.is_file():
        return f". It holds a search's result: train that, `a2d train --architecture {searched}`"
    if kind == "card" and path.with_name(f"{path.name}.yaml").is_file():
        return f": {path}.yaml"
    return ""
