"""The command line: a sub-command per stage, for single runs and for whole studies.

Heavy libraries are imported inside the commands, so that help and planning start at once.
"""

from __future__ import annotations

import faulthandler
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from a2d.errors import A2DError, Stopped

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Auto-Agent-Distiller: find a small, fast agent for a Gymnasium task, taught by a larger one. "
    "For your own task, write a card (see envs/), then: train a teacher, search with it, train what was "
    "found, evaluate. For the paper's study, use snakemake; plan and compare look at it.",
)

Task = Annotated[Path, typer.Option(help="the task's card, a YAML file as in envs/", exists=True, dir_okay=False)]
Out = Annotated[Path, typer.Option(help="new folder for what the run leaves behind")]
Seed = Annotated[int, typer.Option(min=0, help="the run's seed; all its random streams come from it")]
StepCount = Annotated[int, typer.Option(min=1, help="environment steps; a multiple of environments × 5")]
Environments = Annotated[int, typer.Option(min=1, help="environments stepped side by side")]
Teacher = Annotated[Path | None, typer.Option(help="folder of a trained agent that teaches")]
Mode = Annotated[Literal["none", "actor", "critic", "joint"], typer.Option(help="which of the teacher's heads teach")]
Log = Annotated[Path | None, typer.Option(help="folder for TensorBoard's event files")]
Root = Annotated[Path, typer.Option(help="the checkout that holds workflow/ and envs/", exists=True)]
ScaleName = Annotated[str, typer.Option(help="a file's name in workflow/scales")]
Results = Annotated[Path, typer.Option(help="folder of the records")]
Runs = Annotated[Path, typer.Option(help="folder of the weights")]


@app.command()
def check(task: Annotated[Path, typer.Argument(help="the card to try", exists=True, dir_okay=False)]) -> None:
    """Try a task's card: build its environment, reset it and take a step."""
    from a2d.environments import check_card
    from a2d.tasks import load_card

    check_card(load_card(task))
    typer.echo(f"{task}: good")


@app.command()
def train(
    task: Task,
    out: Out,
    network: Annotated[str, typer.Option(help="a manual network, e.g. resnet14, vanilla or mlp64")] = "",
    architecture: Annotated[
        Path | None, typer.Option(help="an arch.json instead, searched or written by hand", exists=True)
    ] = None,
    steps: StepCount = 1_000_000,
    seed: Seed = 0,
    environments: Environments = 64,
    teacher: Teacher = None,
    distill: Mode = "none",
    log: Log = None,
) -> None:
    """Train one agent from scratch: a teacher, a manual agent, or one that was searched."""
    from a2d.architecture import load_architecture
    from a2d.single import train_agent

    if bool(network) == (architecture is not None):
        raise A2DError("give either --network or --architecture")
    design = network if architecture is None else load_architecture(architecture)
    record = train_agent(task, out, design, steps, seed, environments, teacher, distill, log)
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
    train_mode: Annotated[
        Literal["one-level", "bi-level"], typer.Option(help="weights and alpha together, or in turn")
    ] = "one-level",
    cells: Annotated[int, typer.Option(min=1, help="searchable cells; the paper has 14")] = 6,
    width: Annotated[int, typer.Option(min=4, help="channels of the first stage, or units of a layer")] = 16,
    shortcut: Annotated[
        Literal["none", "identity"], typer.Option(help="'none' is the paper's; 'identity' learns more easily")
    ] = "identity",
    cost: Annotated[float, typer.Option(min=0, help="lambda: how much FLOPs count against the score")] = 0.01,
    log: Log = None,
) -> None:
    """Search an architecture; writes OUT/arch.json, which `train --architecture` takes."""
    from a2d.single import search_architecture

    space = {"cells": cells, "width": width, "shortcut": shortcut}
    settings = {"train_mode": train_mode, "space": space, "cost_coefficient": cost}
    record = search_architecture(task, out, steps, seed, environments, teacher, distill, settings, log)
    assert record.search is not None
    typer.echo(f"{' '.join(record.search.architecture.operators)}: {out / 'arch.json'}")


@app.command("random")
def random_architecture(
    task: Task,
    like: Annotated[Path, typer.Option(help="the arch.json whose FLOPs to match", exists=True)],
    out: Annotated[Path, typer.Option(help="the arch.json to write")],
    seed: Seed = 0,
) -> None:
    """Draw a random architecture of the same space at matched FLOPs: the control of every search."""
    from a2d.architecture import load_architecture
    from a2d.single import draw_architecture

    drawn = draw_architecture(task, load_architecture(like), out, seed)
    typer.echo(f"{' '.join(drawn.operators)}: {out}")


@app.command()
def evaluate(
    agent: Annotated[Path, typer.Argument(help="folder of a trained agent", exists=True, file_okay=False)],
    episodes: Annotated[int, typer.Option(min=1, help="test episodes")] = 30,
    seed: Seed = 0,
) -> None:
    """Play test episodes with a trained agent and print its score."""
    from a2d.single import evaluate_bundle

    returns = evaluate_bundle(agent, episodes, seed)
    typer.echo(f"mean return {sum(returns) / len(returns):.2f} over {len(returns)} episodes")


@app.command()
def costs(
    task: Task,
    network: Annotated[str, typer.Option(help="a manual network")] = "",
    architecture: Annotated[Path | None, typer.Option(help="an arch.json instead", exists=True)] = None,
) -> None:
    """Print a network's FLOPs, parameters and latency on a task."""
    from a2d.architecture import load_architecture
    from a2d.costs import LATENCY_ROUNDS
    from a2d.single import measure_costs

    if bool(network) == (architecture is not None):
        raise A2DError("give either --network or --architecture")
    found = measure_costs(task, network if architecture is None else load_architecture(architecture))
    typer.echo(
        f"{found.flops:,} FLOPs, {found.parameters:,} parameters, "
        f"{found.latency_median_ms:.3f} ms a decision (batch 1, one thread; the calmest of {LATENCY_ROUNDS} rounds)"
    )


@app.command()
def run(
    path: Annotated[str, typer.Argument(help="the record's path below the results folder, as `plan` prints it")],
    record: Annotated[Path | None, typer.Option(help="write the record here instead")] = None,
    root: Root = Path(),
    results: Results = Path("results"),
    runs: Runs = Path("runs"),
) -> None:
    """Do one run of a study; this is what the workflow calls."""
    from a2d.single import do_run
    from a2d.study import load_study
    from a2d.workspace import Workspace

    study = load_study(path.split("/")[0], root)
    do_run(study, study.find(path), Workspace(results, runs), record)


@app.command()
def plan(
    scale: ScaleName = "laptop",
    missing: Annotated[bool, typer.Option("--missing", help="list only what is not done")] = False,
    root: Root = Path(),
    results: Results = Path("results"),
) -> None:
    """List every run of a scale: done, missing or stale, and what the rest will cost."""
    from a2d.plan import make_plan
    from a2d.study import load_study
    from a2d.workspace import Workspace

    found = make_plan(load_study(scale, root), Workspace(results, Path("runs")))
    for planned in found.runs:
        if not (missing and planned.status == "done"):
            hours = "" if planned.hours is None else f"  {planned.hours:.3f} core-hours"
            typer.echo(f"{planned.status:8} {planned.run.path}{hours}")
    for path in found.stale:
        typer.echo(f"stale    {path.relative_to(results)}")
    typer.echo(
        f"{found.count('done')} done, {found.count('missing')} missing, {found.count('damaged')} damaged, "
        f"{len(found.stale)} stale; about {found.hours:.1f} core-hours to do"
        + (f", and {found.unknown} runs of unknown speed" if found.unknown else "")
    )


@app.command()
def compare(
    fresh: Annotated[Path, typer.Argument(help="folder of fresh records", exists=True, file_okay=False)],
    recorded: Annotated[Path, typer.Argument(help="folder of recorded ones", exists=True, file_okay=False)],
) -> None:
    """Set fresh records against recorded ones, run by run.

    Verdicts: 'identical' (all but timings), 'same within noise' (the scores), 'different' (the scores), 'another
    architecture' (the same was asked, another network was found), 'another run' (something else was asked: its keys
    are named), 'only fresh', 'only recorded', 'damaged'. Exit status 0 if every run is identical or the same within
    noise, 1 otherwise or without records.
    """
    from collections import Counter

    from a2d.compare import REPEATED, compare_folders

    comparisons = compare_folders(fresh, recorded)
    for item in comparisons:
        scores = " ".join("      --" if score is None else f"{score:8.2f}" for score in (item.fresh, item.recorded))
        typer.echo(f"{item.verdict:20} {scores}  {item.path}" + (f"  ({item.detail})" if item.detail else ""))
    counts = Counter(item.verdict for item in comparisons)
    typer.echo(", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "no records")
    if counts.keys() - set(REPEATED) or not comparisons:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; a mistake a person can mend is one message, not a traceback."""
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)  # a crash in native code, of an environment say, tells where
    try:
        app()
    except A2DError as error:
        print(f"a2d: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:  # of a path that an option names
        print(f"a2d: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    except Stopped as stopped:
        print(f"a2d: {stopped}", file=sys.stderr)
        sys.exit(128 + stopped.signal)
