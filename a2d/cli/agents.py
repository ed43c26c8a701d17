"""Trained agents: export them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from a2d.cli.app import app

Agent = Annotated[Path, typer.Argument(help="folder of a trained agent", readable=False)]


@app.command()
def export(
    agent: Agent,
    out: Annotated[Path, typer.Option(help="the graph to write, e.g. policy.onnx")],
    steps: Annotated[
        int, typer.Option(min=1, help="observations on which it is compared with PyTorch")
    ] = 1000,
) -> None:
    """Write an agent as an ONNX graph that runs without PyTorch and without a2d.

    The graph takes the environment's raw observations and returns its own actions. A JSON file of
    the same name says how the task is made and which noise draws actions; without noise the graph
    gives the most likely one. docs/deploy.md has the lines that play it.
    """
    from a2d.deploy.export import export_agent

    check = export_agent(agent, out, steps)
    typer.echo(
        f"{out} and {out.with_suffix('.json')}: {check.observations:,} observations, "
        f"{check.episodes:,} episodes ended; largest difference from PyTorch "
        f"{check.largest_difference:.1e} ({check.outputs}), "
        f"{check.same_actions:,} of {check.observations:,} actions the same"
    )
