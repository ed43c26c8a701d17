"""Single runs: try a card, train, search, evaluate, measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from a2d.cli.app import DIVERGED, app
from a2d.cli.options import (
    Cells,
    Design,
    Environments,
    Log,
    Mode,
    Out,
    Seed,
    Shortcut,
    StepCount,
    Task,
    Teacher,
    Width,
)
from a2d.console import say
from a2d.errors import A2DError
from a2d.runs.file_kinds import expect

if TYPE_CHECKING:
    from a2d.runs.records import Record
    from a2d.specs.architecture import Architecture


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
    cells: Cells = 6,
    width: Width = 16,
    shortcut: Shortcut = "identity",
    cost: Annotated[
        float | None,
        typer.Option(min=0, help="gumbel: lambda, how much cost counts; 0.01 if not given"),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option(
            help="a table of `a2d latency-table`: cost is milliseconds, not FLOPs", readable=False
        ),
    ] = None,
    largest_cost: Annotated[
        float | None,
        typer.Option(
            help="single_path, evolution: upper limit of the cells' cost, as a fraction of the "
            "most expensive architecture's"
        ),
    ] = None,
    log: Log = None,
) -> None:
    """Search an architecture; writes OUT/arch.json, which `train --architecture` takes.

    Exit status 3: the run diverged; what is left of it is kept.
    """
    from a2d.runs.folder import search_architecture, searcher_settings
    from a2d.specs.cost_table import read_cost_table

    space = {"cells": cells, "width": width, "shortcut": shortcut}
    given = {"train_mode": train_mode, "cost_coefficient": cost, "largest_cost": largest_cost}
    settings = searcher_settings(searcher, given) | {"space": space}
    if costs is not None:
        settings["costs"] = read_cost_table(costs)
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
    """Print a network's FLOPs, parameters and latencies on a task.

    Eager: in PyTorch. Deployed: in ONNX Runtime, as `a2d export` writes it.
    """
    from a2d.deploy.latency import ROUNDS, measure_costs
    from a2d.specs.task import load_card

    design = _design(network, architecture)
    found = measure_costs(load_card(expect(task, "card")), design)
    typer.echo(
        f"{found.flops:,} FLOPs, {found.parameters:,} parameters, a decision takes "
        f"{found.eager.median_ms:.3f} ms eager, {found.deployed.median_ms:.3f} ms deployed "
        f"(batch 1, one thread; medians of {ROUNDS} rounds)"
    )
