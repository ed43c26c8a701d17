"""The command line: a sub-command per stage, for single runs and for whole studies.

Heavy libraries are imported inside the commands, so that help and planning start at once.
"""

from __future__ import annotations

import faulthandler
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from a2d.console import CLOSED_PIPE, finish, prepare_streams, say
from a2d.errors import A2DError, Stopped
from a2d.runs.file_kinds import expect
from a2d.runs.stopping import stoppable

if TYPE_CHECKING:
    from a2d.runs.records import Record
    from a2d.specs.architecture import Architecture

FAILED, DIVERGED = 1, 3  # exit statuses; 2 is of wrong usage, 128 and more of signals

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Auto-Agent-Distiller: find a small, fast agent for a Gymnasium task, taught by a larger "
    "one. For your own task, write a card (see envs/), then: train a teacher, search with it, "
    "train the architecture that was found, evaluate. For the paper's study, use snakemake; plan "
    "and compare show its state.",
)

# ``expect`` checks paths instead of typer's `readable`, and answers in one line.
Task = Annotated[
    Path, typer.Option(help="the task's card, a YAML file as in envs/", readable=False)
]
Out = Annotated[Path, typer.Option(help="new folder for what the run leaves behind")]
Seed = Annotated[
    int, typer.Option(min=0, help="the run's seed; all its random streams come from it")
]
StepCount = Annotated[
    int, typer.Option(min=1, help="environment steps; a multiple of environments × 5")
]
Environments = Annotated[int, typer.Option(min=1, help="environments stepped side by side")]
Teacher = Annotated[
    Path | None, typer.Option(help="folder of a trained agent that teaches", readable=False)
]
Design = Annotated[
    Path | None,
    typer.Option(help="an arch.json instead, searched or written by hand", readable=False),
]
Mode = Annotated[
    Literal["none", "actor", "critic", "joint"],
    typer.Option(help="which of the teacher's heads teach"),
]
Log = Annotated[Path | None, typer.Option(help="folder for TensorBoard's event files")]
Root = Annotated[
    Path, typer.Option(help="the checkout that holds workflow/ and envs/", exists=True)
]
ScaleName = Annotated[str, typer.Option(help="a file's name in workflow/scales")]
Results = Annotated[Path, typer.Option(help="folder of the records")]
Runs = Annotated[Path, typer.Option(help="folder of the weights")]


@app.command()
def check(
    task: Annotated[Path | None, typer.Argument(help="the card to try", readable=False)] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="list the keys of a card, and what each is for")
    ] = False,
) -> None:
    """Try a task's card: build its environment, play at random for seconds, describe it."""
    from a2d.environments import check_card
    from a2d.specs.task import explain_card, load_card

    if explain:
        typer.echo(explain_card())
    elif task is None:
        raise A2DError("give the card to try, or --explain")
    if task is not None:
        found = check_card(load_card(expect(task, "card")))
        typer.echo("\n  ".join([f"{task}: good", *found]))


@app.command()
def train(
    task: Task,
    out: Out,
    network: Annotated[
        str, typer.Option(help="a manual network, e.g. resnet14, vanilla or mlp64")
    ] = "",
    architecture: Design = None,
    steps: StepCount = 1_000_000,
    seed: Seed = 0,
    environments: Environments = 64,
    teacher: Teacher = None,
    distill: Mode = "none",
    log: Log = None,
) -> None:
    """Train one agent from scratch: a teacher, a manual agent, or one that was searched.

    Exit status 3: the run diverged; what is left of it is kept.
    """
    from a2d.runs.folder import train_agent

    design = _design(network, architecture)
    record = train_agent(task, out, design, steps, seed, environments, teacher, distill, log)
    _refuse_diverged(record, out)
    typer.echo(f"score {record.score:.2f}, {record.network.flops:,} FLOPs; the agent is in {out}")


@app.command()
def search(
    task: Task,
    out: Out,
    steps: StepCount = 1_000_000,
    seed: Seed = 0,
    environments: Environments = 64,
    teacher: Teacher = None,
    distill: Mode = "none",
    searcher: Annotated[
        str,
        typer.Option(
            help="gumbel (the paper's), single_path (shared weights, then trials of paths) or "
            "evolution (trials from scratch)"
        ),
    ] = "gumbel",
    train_mode: Annotated[
        Literal["one-level", "bi-level"] | None,
        typer.Option(help="gumbel: weights and alpha together (if not given), or in turn"),
    ] = None,
    cells: Annotated[int, typer.Option(min=1, help="searchable cells; the paper has 14")] = 6,
    width: Annotated[
        int, typer.Option(min=4, help="channels of the first stage, or units of a layer")
    ] = 16,
    shortcut: Annotated[
        Literal["none", "identity"],
        typer.Option(help="'none' is the paper's; 'identity' learns more easily"),
    ] = "identity",
    cost: Annotated[
        float | None,
        typer.Option(min=0, help="gumbel: lambda, how much FLOPs count; 0.01 if not given"),
    ] = None,
    largest_cost: Annotated[
        float | None,
        typer.Option(
            help="single_path, evolution: upper limit of the cells' FLOPs, as a fraction of the "
            "most expensive architecture's"
        ),
    ] = None,
    log: Log = None,
) -> None:
    """Search an architecture; writes OUT/arch.json, which `train --architecture` takes.

    Exit status 3: the run diverged; what is left of it is kept.
    """
    from a2d.runs.folder import search_architecture, searcher_settings

    space = {"cells": cells, "width": width, "shortcut": shortcut}
    given = {"train_mode": train_mode, "cost_coefficient": cost, "largest_cost": largest_cost}
    settings = searcher_settings(searcher, given) | {"space": space}
    record = search_architecture(
        task, out, steps, seed, environments, teacher, distill, settings, log
    )
    _refuse_diverged(record, out)
    assert record.search is not None
    typer.echo(f"{' '.join(record.search.architecture.operators)}: {out / 'arch.json'}")


def _design(network: str, architecture: Path | None) -> str | Architecture:
    from a2d.runs.folder import read_design

    if bool(network) == (architecture is not None):
        raise A2DError("give either --network or --architecture")
    if architecture is None:
        return network
    return read_design(architecture)


def _refuse_diverged(record: Record, out: Path) -> None:
    """End with an exit status that no script takes for a success."""
    from a2d.runs.folder import describe_divergence

    if record.status == "diverged":
        say(f"{out}: {describe_divergence(record)}")
        raise typer.Exit(DIVERGED)


@app.command("random")
def random_architecture(
    task: Task,
    like: Annotated[Path, typer.Option(help="the arch.json whose FLOPs to match", readable=False)],
    out: Annotated[Path, typer.Option(help="the arch.json to write")],
    seed: Seed = 0,
) -> None:
    """Draw a random architecture of the same space at matched FLOPs, as a search's control."""
    from a2d.runs.folder import draw_architecture, read_design

    drawn = draw_architecture(task, read_design(like), out, seed)
    typer.echo(f"{' '.join(drawn.operators)}: {out}")


@app.command()
def evaluate(
    agent: Annotated[Path, typer.Argument(help="folder of a trained agent", readable=False)],
    episodes: Annotated[int, typer.Option(min=1, help="test episodes")] = 30,
    seed: Seed = 0,
    environments: Annotated[
        int | None,
        typer.Option(
            min=1, help="played side by side; 10, or fewer for fewer episodes, if not given"
        ),
    ] = None,
) -> None:
    """Play test episodes with a trained agent and print its score."""
    from a2d.runs.folder import evaluate_saved_agent

    returns = evaluate_saved_agent(agent, episodes, seed, environments)
    typer.echo(f"mean return {sum(returns) / len(returns):.2f} over {len(returns)} episodes")


@app.command()
def costs(
    task: Task,
    network: Annotated[str, typer.Option(help="a manual network")] = "",
    architecture: Design = None,
) -> None:
    """Print a network's FLOPs, parameters and latency on a task."""
    from a2d.networks.costs import LATENCY_ROUNDS
    from a2d.runs.folder import measure_costs

    found = measure_costs(task, _design(network, architecture))
    typer.echo(
        f"{found.flops:,} FLOPs, {found.parameters:,} parameters, "
        f"{found.latency_median_ms:.3f} ms a decision "
        f"(batch 1, one thread; the fastest of {LATENCY_ROUNDS} rounds)"
    )


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
    scale: ScaleName = "laptop",
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
    """Set fresh records against recorded ones, run by run.

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
    if counts.keys() - set(REPEATED) or not comparisons:
        raise typer.Exit(1)


def _score(score: float | None) -> str:
    if score is None:
        return f"{'--':>8}"
    return f"{score:8.2f}"


def main() -> None:
    """Run the command line; a mistake that a person can correct is one line, not a traceback."""
    prepare_streams()
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)  # shows where native code crashes, an environment's say
    sys.exit(finish(_status()))


def _status() -> int:
    """Run the command and return its exit status."""
    try:
        with stoppable("stopped; the same command continues"):
            app()
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):
            return CLOSED_PIPE
        if isinstance(left.code, int):
            return left.code
    except A2DError as error:
        say(str(error))
    except OSError as error:  # of a path that an option names
        say(f"{error.filename or 'a stream or file'}: {error.strerror or error}")
    except Stopped as stopped:
        say(str(stopped))
        return 128 + stopped.signal
    return FAILED
