"""JSON files that hold the checksum of their own content, so that damage and edits are noticed."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from a2d.errors import A2DError
from a2d.files import digest, write_text

JSON = TypeAdapter(dict[str, Any])  # parses at twice the speed of json.loads
CHECKSUM = "sha256"
# SHA-256 of the bytes of files that were found whole. To see that again, a file's content would be
# serialised once more: a third of the time of reading a record.
_WHOLE: set[str] = set()


def write_sealed(path: Path, data: dict[str, Any]) -> None:
    """Write plain data and its checksum, atomically."""
    text = json.dumps({**data, CHECKSUM: digest(data)}, indent=1, allow_nan=False)
    write_text(path, text + "\n")


def read_sealed(path: Path, kind: str, remedy: str) -> dict[str, Any]:
    """Return the data of a sealed file, not yet validated.

    Args:
        path: of the file.
        kind: what it should hold, for errors.
        remedy: what to do where it is damaged, for errors.

    Raises:
        A2DError: it cannot be read, or its checksum is not that of its content.
    """
    try:
        content = path.read_bytes()
        data = JSON.validate_json(content)
    except OSError as error:
        raise A2DError(f"{path}: cannot be read ({error.strerror}); it should be {kind}") from error
    except ValueError as error:
        raise A2DError(f"{path}: cannot be read as {kind}: {error}") from error
    if CHECKSUM not in data:
        raise A2DError(f"{path}: is not {kind}, which would have a checksum; if it was, {remedy}")
    stated, of_bytes = data.pop(CHECKSUM), hashlib.sha256(content).hexdigest()
    if of_bytes not in _WHOLE:
        if stated != digest(data):
            raise A2DError(f"{path}: its checksum does not match its content; {remedy}")
        _WHOLE.add(of_bytes)
    return data


def list_whole(path: Path) -> None:
    """Write which files this process has found whole, for others to believe."""
    write_text(path, "".join(f"{of_bytes}\n" for of_bytes in sorted(_WHOLE)))


def believe(path: Path) -> None:
    """Take a list of files that were found whole, if it can be read; it only spares time."""
    with suppress(OSError, ValueError):
        _WHOLE.update(path.read_text(encoding="utf-8").split())
