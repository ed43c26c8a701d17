"""The benchmark: searches judged by a table of trained architectures, and the table itself."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Annotated

import typer

from a2d.cli.app import app
from a2d.cli.options import Out, Results, Root, Runs

TablePath = Annotated[
    Path | None, typer.Option(help="a published table; the checkout's own if not given")
]
TRAININGS = 100  # a budget, where none is given

tables = typer.Typer(no_args_is_help=True, help="The table that `a2d bench` plays searches on.")
app.add_typer(tables, name="bench-table")


@app.command()
def bench(
    searcher: Annotated[
        list[str] | None,
        typer.Option(
            help="random, evolution, halving, surrogate, optuna, or your own as module:Class; "
            "may be given several times"
        ),
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="of the table; all if not given")] = None,
    seeds: Annotated[
        int,
        typer.Option(min=1, help="simulations of every search, as many for each training seed"),
    ] = 100,
    budget: Annotated[
        int | None,
        typer.Option(min=1, help=f"environment steps; {TRAININGS} trainings if not given"),
    ] = None,
    table: TablePath = None,
) -> None:
    """Play architecture searches on a table of trained architectures, in seconds.

    Prints regret and percentile of what a search would keep after parts of its budget.

    Without --searcher it says what the table holds, and how far its seeds agree; docs/benchmark.md
    says more.
    """
    from a2d.benchmark.searchers import load_searcher
    from a2d.benchmark.table import PUBLISHED, PUBLISHED_LONGER, open_table
    from a2d.reading.bench import describe_searches, describe_table

    path = table or PUBLISHED
    opened = open_table(path)
    if not searcher:
        beside = path.with_name(PUBLISHED_LONGER.name)
        longer = open_table(beside) if beside.exists() and beside != path else None
        typer.echo("\n".join(describe_table(opened, longer)))
        return
    makers = {name: load_searcher(name) for name in searcher}
    for name in task or opened.tasks:
        steps = budget or TRAININGS * opened.steps
        for line in describe_searches(opened, name, makers, seeds, steps):
            typer.echo(line)


@tables.command()
def fill(
    group: Annotated[str, typer.Argument(help="of trainings, as the workflow names it")],
    root: Root = Path(),
    results: Results = Path("results"),
    runs: Runs = Path("runs"),
) -> None:
    """Train one group of the table; this is what workflow/benchmark.smk calls.

    Stopped, the same command goes on where it was.
    """
    from a2d.study.bench import filling
    from a2d.study.bench.definition import ROWS, load_benchmark
    from a2d.study.workspace import Workspace

    filling.fill(load_benchmark(root).group(group), results / ROWS, Workspace(results, runs))


@tables.command()
def publish(root: Root = Path(), results: Results = Path("results")) -> None:
    """Write all trainings so far as one Parquet file, with its description in Croissant."""
    from a2d.study.bench import publishing
    from a2d.study.bench.definition import FOLDER, ROWS, load_benchmark

    benchmark, folder = load_benchmark(root), results / FOLDER
    count = publishing.publish(benchmark, results / ROWS, folder)
    asked = sum(len(group.rows) for group in benchmark.every_group())
    typer.echo(f"{folder}: published {count:,} of {asked:,} trainings")


@tables.command()
def latency(root: Root = Path(), results: Results = Path("results")) -> None:
    """Measure the deployed latency of every network of the table, which `publish` then adds.

    The result is a file of this kind of processor, RESULTS/bench/latency/PROCESSOR.json. Let
    nothing else run meanwhile.
    """
    from a2d.deploy.latency import measure_networks
    from a2d.runs.latencies import latency_path, write_latencies
    from a2d.study.bench.definition import FOLDER, load_benchmark

    found = measure_networks(load_benchmark(root).networks().values())
    path = latency_path(results / FOLDER, found.processor)
    write_latencies(path, found)
    typer.echo(f"{path}: {len(found.networks)} networks")


@tables.command()
def retrain(
    architecture: Annotated[str, typer.Argument(help="as in conv3-skip-skip-conv3")],
    task: Annotated[str, typer.Argument(help="of the table")],
    seed: Annotated[int, typer.Argument(min=0, help="of the table")],
    out: Out,
    longer: Annotated[bool, typer.Option("--longer", help="a row of the longer trainings")] = False,
    root: Root = Path(),
    results: Results = Path("results"),
    runs: Runs = Path("runs"),
) -> None:
    """Train one row again as an ordinary run, and compare it with what the table holds.

    Exit status 1 where it is neither identical nor the same within noise, as `a2d compare` has it.
    """
    from a2d.reading.bench import compare_with_row
    from a2d.reading.compare import REPEATED
    from a2d.study.bench.definition import ROWS, load_benchmark
    from a2d.study.bench.filling import train_again
    from a2d.study.bench.journal import entry_of, find_entry
    from a2d.study.workspace import Workspace

    benchmark = load_benchmark(root)
    if longer:
        benchmark = benchmark.longer_or_refuse()
    row = benchmark.row(architecture, task, seed)
    recorded = find_entry(results / ROWS, benchmark.groups(), row)
    fresh = entry_of(row, train_again(row, out, Workspace(results, runs)))
    if recorded is None:
        typer.echo(f"{out}: is trained; the table does not hold this row yet")
        return
    verdict = compare_with_row(fresh, recorded)
    scores = (f"{fmean(each.returns):.2f}" for each in (fresh, recorded) if each.returns)
    typer.echo(f"{verdict}: mean test returns now and in the table: {', '.join(scores)}")
    if verdict not in REPEATED:
        raise typer.Exit(1)


@tables.command()
def lookup(
    task: Annotated[str, typer.Argument(help="of the table")],
    records: Annotated[
        list[Path], typer.Argument(help="records of `a2d search` in the table's space", exists=True)
    ],
    root: Root = Path(),
    table: TablePath = None,
) -> None:
    """Look up what searches have derived that were really run in the table's space.

    Prints the percentile of every derived architecture, and how well what the search thought of
    architectures (alpha, or scores with shared weights) ranks them as trained alone.
    """
    from a2d.benchmark.table import PUBLISHED, open_table
    from a2d.reading.lookups import describe_lookups
    from a2d.runs.records import read_record
    from a2d.study.bench.definition import load_benchmark

    found = {str(path): read_record(path) for path in records}
    opened = open_table(table or PUBLISHED)
    typer.echo("\n".join(describe_lookups(load_benchmark(root), opened, task, found)))
