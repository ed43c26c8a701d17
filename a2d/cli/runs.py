"""Single runs: train, search, evaluate, measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from a2d.cli.app import DIVERGED, app
from a2d.cli.options import (
    Algorithm,
    Cells,
    Design,
    Environments,
    Log,
    Mode,
    MoreSettings,
    Out,
    Seed,
    Settings,
    Shortcut,
    StepCount,
    Task,
    Teacher,
    WeakTeacher,
    Width,
)
from a2d.console import say
from a2d.errors import A2DError

if TYPE_CHECKING:
    from a2d.runs.evaluation import Choice
    from a2d.runs.records import Record
    from a2d.specs.architecture import Architecture

ACTIONS: dict[Choice, str] = {"sampled": "actions drawn", "mode": "the likeliest actions"}


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
    algorithm: Algorithm = "a2c",
    environments: Environments = None,
    teacher: Teacher = None,
    distill: Mode = "none",
    accept_weak_teacher: WeakTeacher = False,
    settings: Settings = None,
    more_settings: MoreSettings = None,
    log: Log = None,
) -> None:
    """Train one agent from scratch: a teacher, a manual agent, or one that was searched.

    Exit status 3: the run diverged; what is left of it is kept.
    """
    from a2d.runs.folder import train_agent
    from a2d.runs.guards import describe_score
    from a2d.runs.request import RunRequest
    from a2d.runs.scores import random_score, score_of

    request = RunRequest(
        task=task,
        out=out,
        steps=steps,
        seed=seed,
        algorithm=algorithm,
        environments=environments,
        teacher=teacher,
        distill=distill,
        settings=(*(settings or ()), *(more_settings or ())),
        log=log,
        accept_weak_teacher=accept_weak_teacher,
    )
    record = train_agent(request, _design(network, architecture))
    _refuse_diverged(record, out)
    assert record.evaluation is not None  # it has not diverged
    chance = random_score(record.spec.task, out)
    typer.echo(describe_score(score_of(record.evaluation.returns), chance))
    typer.echo(f"{record.network.flops:,} FLOPs; the agent is in {out}")


@app.command()
def search(
    task: Task,
    out: Out,
    steps: StepCount = 1_000_000,
    seed: Seed = 0,
    algorithm: Algorithm = "a2c",
    environments: Environments = None,
    teacher: Teacher = None,
    distill: Mode = "none",
    accept_weak_teacher: WeakTeacher = False,
    searcher: Annotated[
        str,
        typer.Option(
            help="gumbel (the paper's), single_path (shared weights, then trials of paths), "
            "evolution (trials from scratch) or imitation (trials learn from what the teacher saw)"
        ),
    ] = "gumbel",
    recipe: Annotated[
        Literal["paper", "plus"],
        typer.Option(
            help="plus (A2D+): a shortcut around every cell, a faster alpha, stronger "
            "distillation that fades; paper: as far as the paper's is known"
        ),
    ] = "plus",
    train_mode: Annotated[
        Literal["one-level", "bi-level"] | None,
        typer.Option(help="gumbel: weights and alpha together (if not given), or in turn"),
    ] = None,
    cells: Cells = 6,
    width: Width = 16,
    shortcut: Shortcut = None,
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
            help="all but gumbel: upper limit of the cells' cost, as a fraction of the "
            "most expensive architecture's"
        ),
    ] = None,
    settings: Settings = None,
    more_settings: MoreSettings = None,
    log: Log = None,
) -> None:
    """Search an architecture; writes OUT/arch.json, which `train --architecture` takes.

    Exit status 3: the run diverged; what is left of it is kept.
    """
    from a2d.runs.designs import task_interface
    from a2d.runs.folder import search_architecture
    from a2d.runs.guards import describe_search
    from a2d.runs.request import SearchRequest
    from a2d.runs.scores import random_score
    from a2d.specs.cost_table import read_cost_table

    space: dict[str, int | str] = {"cells": cells, "width": width}
    if shortcut is not None:
        space["shortcut"] = shortcut
    request = SearchRequest(
        task=task,
        out=out,
        steps=steps,
        seed=seed,
        algorithm=algorithm,
        environments=environments,
        teacher=teacher,
        distill=distill,
        settings=(*(settings or ()), *(more_settings or ())),
        log=log,
        accept_weak_teacher=accept_weak_teacher,
        searcher=searcher,
        recipe=recipe,
        options={
            "space": space,
            "train_mode": train_mode,
            "cost_coefficient": cost,
            "largest_cost": largest_cost,
            "costs": None if costs is None else read_cost_table(costs),
        },
    )
    record = search_architecture(request)
    _refuse_diverged(record, out)
    assert record.search is not None
    typer.echo(f"{' '.join(record.search.architecture.operators)}: {out / 'arch.json'}")
    chance = random_score(record.spec.task, out)
    typer.echo("\n".join(describe_search(record, task_interface(task), chance)))


def _design(network: str, architecture: Path | None) -> str | Architecture:
    from a2d.runs.designs import read_design

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
    like: Annotated[Path, typer.Option(help="the arch.json whose cost to match", readable=False)],
    out: Annotated[Path, typer.Option(help="the arch.json to write")],
    seed: Seed = 0,
) -> None:
    """Draw a random architecture of the same space and cost, as a search's control.

    Candidates and costs (FLOPs, or the table of --costs) are those of the search whose record lies
    beside the arch.json; of one that no search has left, the paper's operators and FLOPs.
    """
    from a2d.runs.designs import draw_architecture

    drawn = draw_architecture(task, like, out, seed)
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
    mode: Annotated[
        bool, typer.Option("--mode", help="play the likeliest actions as well, beside drawn ones")
    ] = False,
) -> None:
    """Play test episodes with a trained agent and print its score beside a random policy's.

    That one is the card's random_score or, where it has none, measured once over 30 episodes and
    kept in the agent's folder. Intervals are of 95 %, by Student's t.
    """
    from a2d.runs.saved_agents import evaluate_saved_agent, task_of
    from a2d.runs.scores import random_score, score_of

    choices: list[Choice] = ["sampled", "mode"] if mode else ["sampled"]
    for choice in choices:
        returns = evaluate_saved_agent(agent, episodes, seed, environments, choice)
        typer.echo(f"mean return {score_of(returns)}, {ACTIONS[choice]}")
    typer.echo(f"random policy {random_score(task_of(agent), agent)}")


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
    from a2d.runs.request import read_card

    design = _design(network, architecture)
    found = measure_costs(read_card(task), design)
    typer.echo(
        f"{found.flops:,} FLOPs, {found.parameters:,} parameters, a decision takes "
        f"{found.eager.median_ms:.3f} ms eager, {found.deployed.median_ms:.3f} ms deployed "
        f"(batch 1, one thread; medians of {ROUNDS} rounds)"
    )
