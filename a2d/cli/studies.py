"""Whole studies: what the workflow calls, how far it is, how it compares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from a2d.cli.app import app
from a2d.cli.options import Results, Root, Runs, ScaleName
from a2d.runs.file_kinds import expect
from a2d.study.options import DEFAULT_SCALE


@app.command()
def run(
    path: Annotated[
        str, typer.Argument(help="the record's path below the results folder, as `plan` prints it")
    ],
    record: Annotated[Path | None, typer.Option(help="write the record here instead")] = None,
    root: Root = Path(),
    results: Results = Path("results"),
    runs: Runs = Path("runs"),
) -> None:
    """Do one run of a study; this is what the workflow calls."""
    from a2d.study.study import load_study
    from a2d.study.worker import do_run
    from a2d.study.workspace import Workspace

    study = load_study(path.split("/")[0], root)
    do_run(study, study.find(path), Workspace(results, runs), record)


@app.command()
def plan(
    scale: ScaleName = DEFAULT_SCALE,
    every: Annotated[bool, typer.Option("--runs", help="list every run as well")] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="list those that are not done")
    ] = False,
    root: Root = Path(),
    results: Results = Path("results"),
) -> None:
    """Show how much of a scale is done, by task and stage, and what the rest will cost."""
    from a2d.study.forecast import cores_here, duration, summary, table
    from a2d.study.plan import make_plan
    from a2d.study.study import load_study
    from a2d.study.workspace import Workspace

    study = load_study(scale, root)
    found = make_plan(study, Workspace(results, Path("runs")), root / "results")
    typer.echo("\n".join([summary(found, study, cores_here()), *table(found, study)]))
    if not (every or missing):
        return
    for planned in found.runs:
        if planned.status != "done" or not missing:
            line = f"{planned.status:8} {planned.run.path}"
            if planned.hours is not None:
                line += f"  {duration(planned.hours)} of a core"
            typer.echo(line)
    for path in found.stale:
        typer.echo(f"stale    {path.relative_to(results)}")


@app.command()
def compare(
    fresh: Annotated[Path, typer.Argument(help="folder of fresh records", readable=False)],
    recorded: Annotated[Path, typer.Argument(help="folder of recorded ones", readable=False)],
) -> None:
    """Set fresh records against recorded ones, run by run; or one single run against another.

    Verdicts: 'identical' (all but timings), 'same within noise' (the scores), 'different' (the
    scores), 'another architecture' (the same was asked, another network was found), 'another run'
    (something else was asked: its keys are named), 'only fresh', 'only recorded', 'damaged'. Exit
    status 0 if every run is identical or the same within noise, 1 otherwise or without records.
    """
    from collections import Counter

    from a2d.reading.compare import REPEATED, compare_folders

    comparisons = compare_folders(expect(fresh, "records"), expect(recorded, "records"))
    for item in comparisons:
        detail = item.detail and f"  ({item.detail})"
        scores = f"{_score(item.fresh)} {_score(item.recorded)}"
        typer.echo(f"{item.verdict:20} {scores}  {item.path}{detail}")
    counts = Counter(item.verdict for item in comparisons)
    typer.echo(", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "no records")
    if "another run" in counts:
        typer.echo("another run: not the same was asked, so its scores repeat nothing")
    if counts.keys() - set(REPEATED) or not comparisons:
        raise typer.Exit(1)


def _score(score: float | None) -> str:
    if score is None:
        return f"{'--':>8}"
    return f"{score:8.2f}"
