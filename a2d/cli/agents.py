"""Trained agents leave and are watched: export, latency, video, curves."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Annotated, Literal

import typer

from a2d.cli.app import app
from a2d.cli.options import Cells, Results, Root, ScaleName, Seed, Shortcut, Task, Width
from a2d.errors import A2DError
from a2d.study.options import DEFAULT_SCALE

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


@app.command()
def latency(
    scale: ScaleName = DEFAULT_SCALE,
    root: Root = Path(),
    results: Results = Path("results"),
) -> None:
    """Measure the latency of every network that a scale has recorded, eager and deployed.

    All networks take turns on one thread, at batch 1, with random weights: nothing is trained. The
    result is a file of this kind of processor, RESULTS/SCALE/latency/PROCESSOR.json, from which
    tables take their latencies. Let nothing else run meanwhile.
    """
    import os

    from a2d.deploy.latency import measure_networks
    from a2d.reading.results import load_results, network_of
    from a2d.runs.latencies import latency_path, write_latencies
    from a2d.study.study import load_study

    records = load_results(load_study(scale, root), results).records.values()
    networks = {network_of(record): record for record in records}
    if not networks:
        raise A2DError(f"{results / scale}: has no record of this scale; `a2d plan` lists its runs")
    busy = os.getloadavg()[0]
    found = measure_networks(
        (networks[name].spec.task, networks[name].network.design) for name in sorted(networks)
    )
    path = latency_path(results / scale, found.processor)
    write_latencies(path, found)
    deployed = [network.deployed for network in found.networks]
    spread = median((each.high_ms - each.low_ms) / each.median_ms for each in deployed)
    typer.echo(
        f"{path}: {len(found.networks)} networks; half of a network's {found.rounds} rounds lie "
        f"within {100 * spread:.0f} % of the median (load of the machine before: {busy:.1f})"
    )


@app.command("latency-table")
def latency_table(
    task: Task,
    out: Annotated[Path, typer.Option(help="the table to write, e.g. table.json")],
    runtime: Annotated[
        Literal["onnx", "eager"], typer.Option(help="ONNX Runtime, or eager PyTorch")
    ] = "onnx",
    cells: Cells = 6,
    width: Width = 16,
    shortcut: Shortcut = None,
) -> None:
    """Measure what every operator of every cell adds to a network's latency on a task.

    `a2d search --costs TABLE` then pays for milliseconds of this machine in place of FLOPs, with
    the same --cells, --width and --shortcut. Let nothing else run meanwhile.
    """
    from a2d.deploy.operator_latency import cell_space, measure_operators
    from a2d.runs.request import read_card
    from a2d.specs.cost_table import write_cost_table

    space = cell_space(cells, width, shortcut or "identity")  # as the recipe plus has it
    table = measure_operators(read_card(task), space, runtime)
    write_cost_table(out, table)
    dearest = sum(max(cell.values()) for cell in table.cells)
    typer.echo(
        f"{out}: {len(table.cells)} cells; the dearest architecture takes {table.rest_ms:.3f} ms "
        f"and {dearest:.3f} ms for its cells"
    )


@app.command()
def play(
    agent: Agent,
    video: Annotated[Path, typer.Option(help="the film to write, e.g. out.mp4")],
    episodes: Annotated[int, typer.Option(min=1, help="episodes, one after the other")] = 1,
    steps: Annotated[
        int, typer.Option(min=1, help="frames at most; the last episode is cut")
    ] = 2000,
    seed: Seed = 0,
    mode: Annotated[
        bool, typer.Option("--mode", help="most likely actions; without it, actions are drawn")
    ] = False,
) -> None:
    """Play a trained agent's task and write a video of it.

    A frame is what the environment renders (`render_mode` rgb_array) or, where it renders nothing,
    the image that the agent sees: MinAtar's layers in colours, Atari's newest frame. Needs
    pip install 'a2d[video]'.
    """
    from a2d.deploy.video import record_video

    played = record_video(agent, video, episodes, steps, seed, mode)
    returns = ", ".join(f"{value:.2f}" for value in played.returns)
    typer.echo(f"{video}: {played.frames:,} frames, return of every episode: {returns}")


@app.command()
def plot(
    runs: Annotated[
        list[Path],
        typer.Argument(help="folders of runs, records, or folders of records", exists=True),
    ],
    out: Annotated[Path, typer.Option(help="the figure to write: .png, and .pdf and .txt beside")],
) -> None:
    """Draw the learning curves of finished runs, a line for every group, and alpha's of searches.

    Runs that were asked the same but for their seeds are one group: from three on it is shown as a
    mean with its 95 % interval, fewer as one line each. `a2d search --log` shows alpha of a search
    that still runs.
    """
    from a2d.reading.rendering.figures import save_figure
    from a2d.reading.rendering.learning_curves import draw, read_groups

    if out.suffix != ".png":
        raise A2DError(f"--out {out}: should be the name of a file that ends in .png")
    groups = read_groups(runs)
    save_figure(draw(groups), out)
    typer.echo(f"{out}: {sum(len(group.records) for group in groups)} runs, {len(groups)} groups")
