"""How a script of ``tables/`` or ``figures/`` runs: ``python figures/pareto.py --scale laptop``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from a2d.errors import A2DError
from a2d.reading.rendering import cautions
from a2d.reading.rendering.manifest import describe, write_manifest
from a2d.reading.rendering.tables import Table, save_table
from a2d.reading.results import Results, load_results
from a2d.runs.records import without_collector
from a2d.runs.sealed import believe
from a2d.study.options import DEFAULT_SCALE
from a2d.study.study import Study, load_study
from a2d.study.workspace import Workspace

if TYPE_CHECKING:
    from a2d.reading.rendering.figures import Drawing


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return the options that every script takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--scale", default=DEFAULT_SCALE, help="a file's name in workflow/scales")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="folder of the records"
    )
    parser.add_argument(
        "--root", type=Path, default=Path(), help="the checkout that holds workflow/ and envs/"
    )
    parser.add_argument(
        "--manifest", type=Path, help="file to list in what was rendered; the workflow reads it"
    )
    parser.add_argument(
        "--whole", type=Path, help="list of files found whole before, which the workflow writes"
    )
    return parser


def load(options: argparse.Namespace) -> Results:
    """Return the results that the options ask for."""
    if options.whole is not None:
        believe(options.whole)
    return load_results(load_study(options.scale, options.root), options.results)


def write_given_manifest(options: argparse.Namespace, study: Study, artifact: str) -> None:
    """Write of which records and code a rendering is, where ``--manifest`` says."""
    if options.manifest is not None:
        workspace = Workspace(options.results, Path("runs"))
        write_manifest(options.manifest, describe(study, workspace, options.root, artifact))


def _render(script: str, description: str | None, save: Callable[[Results, Path], None]) -> None:
    path = Path(script)
    parser = arguments(description)
    parser.add_argument(
        "--out", type=Path, help="folder for the renderings, made if it is not there"
    )
    options = parser.parse_args()
    out = options.out or Path(path.parent.name) / options.scale
    try:
        with without_collector():
            results = load(options)
            save(results, out / path.stem)
        write_given_manifest(options, results.study, f"{path.parent.name}/{path.stem}")
    except A2DError as error:
        sys.exit(f"a2d: {error}")


def figure_command(
    script: str, draw: Callable[[Results], Drawing], description: str | None
) -> None:
    """Draw and write NAME.pdf, NAME.png and NAME.txt, the caption."""
    from a2d.reading.rendering.figures import save_figure  # tables do without matplotlib

    def save(results: Results, path: Path) -> None:
        drawing = draw(results)
        caption = " ".join(filter(None, (drawing.caption, cautions.tuned(results))))
        save_figure(replace(drawing, caption=caption), path)

    _render(script, description, save)


def table_command(script: str, make: Callable[[Results], Table], description: str | None) -> None:
    """Make and write NAME.csv, NAME.md, NAME.tex and NAME.html, a fragment for the page."""

    def save(results: Results, path: Path) -> None:
        table = make(results)
        notes = (*table.notes, *filter(None, [cautions.tuned(results)]))
        save_table(replace(table, notes=notes), path)

    _render(script, description, save)
