"""What a rendering was made of: the checksums of its records and of the code that draws it.

The workflow compares a rendering's manifest with what is there now. Where they differ it asks for
the next one, a file that is missing; so no file's time decides. Nothing here imports plots.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from a2d.benchmark.table import PUBLISHED
from a2d.files import checksum, write_text
from a2d.reading.published import PUBLISHED_SCORES
from a2d.reading.rendering.artifacts import runs_of
from a2d.runs.latencies import latency_files
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace

PACKAGE = Path(__file__).parents[2]
# What no rendering imports: its code decides what is recorded, which the records' checksums show.
UNREAD = ("algorithms", "cli", "deploy", "distill", "environments", "networks")
PAGE = "page"  # shows every run of a study


def shown_by(study: Study, artifact: str) -> list[Run]:
    """Return the runs that an artifact, or the page, shows."""
    if artifact == PAGE:
        return list(study.runs.values())
    return runs_of(study, artifact)


def describe(study: Study, workspace: Workspace, root: Path, artifact: str) -> str:
    """Return a manifest of what there is now: a line a file, its SHA-256 and its name.

    Args:
        study: whose records are shown.
        workspace: where they lie.
        root: the checkout, with the script of the artifact.
        artifact: as in ``figures/pareto``, or ``page``.
    """
    machines, shown = latency_files(workspace.results / study.name), shown_by(study, artifact)
    looked_up = any(run.key in study.on_bench for run in shown)
    tables = [PUBLISHED] * (looked_up and PUBLISHED.exists())
    records = (workspace.find(run) for run in shown)
    lines = [_line(path, path.name) for path in (*records, *machines, *tables) if path is not None]
    lines += [_line(path, path.name) for path in _definitions(study, root, artifact)]
    lines += [_line(path, path.relative_to(PACKAGE).as_posix()) for path in _code()]
    return "".join(lines)


def _definitions(study: Study, root: Path, artifact: str) -> Iterator[Path]:
    """Yield the files of a checkout that say what an artifact shows, and how."""
    workflow = root / "workflow"
    yield workflow / "scales" / f"{study.name}.yaml"
    yield workflow / "methods.yaml"
    yield root / PUBLISHED_SCORES
    yield from sorted((workflow / "experiments").glob("*.yaml"))
    yield from (root / "envs" / f"{task}.yaml" for task in study.tasks)
    if artifact != PAGE:
        yield root / f"{artifact}.py"


def _code() -> Iterable[Path]:
    """Return all files of the package that reading and drawing records may use."""
    read = (path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".html", ".css"))
    return sorted(path for path in read if path.relative_to(PACKAGE).parts[0] not in UNREAD)


@cache  # many artifacts show the same records
def _line(path: Path, name: str) -> str:
    return f"{checksum(path)}  {name}\n"


def find_manifest(study: Study, workspace: Workspace, root: Path, artifact: str) -> Path:
    """Return the newest manifest of a rendering if it describes what there is now.

    Or else the next one, which is not there. They are called 1.txt, 2.txt and so on.
    """
    folder = workspace.runs / "manifests" / study.name / artifact
    numbers = [int(path.stem) for path in folder.glob("*.txt") if path.stem.isdecimal()]
    newest = max(numbers, default=0)
    path = folder / f"{newest}.txt"
    if newest and path.read_bytes() == describe(study, workspace, root, artifact).encode():
        return path
    return folder / f"{newest + 1}.txt"


def write_manifest(path: Path, text: str) -> None:
    """Write a manifest, and remove the older ones beside it."""
    write_text(path, text)
    for other in path.parent.glob("*.txt"):
        if other != path:
            other.unlink(missing_ok=True)
