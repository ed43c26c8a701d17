"""How a script of ``tables/`` or ``figures/`` runs: ``python figures/pareto.py --scale laptop``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from a2d.errors import A2DError
from a2d.files import fingerprint, write_atomically
from a2d.reading.rendering.artifacts import runs_of
from a2d.reading.rendering.figures import Drawing, save_figure
from a2d.reading.rendering.tables import Table, save_table
from a2d.reading.results import Results, load_results
from a2d.study.study import Run, load_study
from a2d.study.workspace import Workspace


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return the options that every script takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--scale", default="laptop", help="a file's name in workflow/scales")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="folder of the records"
    )
    parser.add_argument(
        "--stamp", type=Path, help="file to tell the workflow in which records were rendered"
    )
    parser.add_argument(
        "--root", type=Path, default=Path(), help="the checkout that holds workflow/ and envs/"
    )
    return parser


def write_stamp(options: argparse.Namespace, runs: Iterable[Run]) -> None:
    """Say of which records a rendering is, so that it is made again when others are in their place."""
    if options.stamp is not None:
        workspace = Workspace(options.results, Path("runs"))
        text = fingerprint(path for path in map(workspace.find, runs) if path is not None)
        write_atomically(
            options.stamp, lambda temporary: temporary.write_text(text, encoding="utf-8")
        )


def _render(script: str, description: str | None, save: Callable[[Results, Path], None]) -> None:
    path = Path(script)
    parser = arguments(description)
    parser.add_argument(
        "--out", type=Path, help="folder for the renderings, made if it is not there"
    )
    options = parser.parse_args()
    out = options.out or Path(path.parent.name) / options.scale
    try:
        results = load_results(load_study(options.scale, options.root), options.results)
        save(results, out / path.stem)
        write_stamp(options, runs_of(results.study, f"{path.parent.name}/{path.stem}"))
    except A2DError as error:
        sys.exit(f"a2d: {error}")


def figure_command(
    script: str, draw: Callable[[Results], Drawing], description: str | None
) -> None:
    """Draw and write NAME.pdf, NAME.png and NAME.txt, the caption."""
    _render(script, description, lambda results, path: save_figure(draw(results), path))


def table_command(script: str, make: Callable[[Results], Table], description: str | None) -> None:
    """Make and write NAME.csv, NAME.md, NAME.tex and NAME.html, a fragment for the page."""
    _render(script, description, lambda results, path: save_table(make(results), path))
