"""From a task to a small agent, in one command."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from a2d.cli.app import app
from a2d.cli.options import MoreSettings, Seed, Settings, Task, Teacher, WeakTeacher
from a2d.errors import A2DError

DEFAULT_BUDGET = "30min"


@app.command()
def distill(
    task: Task,
    out: Annotated[Path, typer.Option(help="new folder for the answer, its agent and all runs")],
    teacher: Teacher = None,
    budget: Annotated[
        str,
        typer.Option(help=f"time for everything, such as 90s, 2h; {DEFAULT_BUDGET} if not given"),
    ] = "",
    steps: Annotated[
        str,
        typer.Option(
            help="in place of a budget: environment steps of the searched student, such as 240k; "
            "a search has a sixth of them, the other students as many as both, a teacher that is "
            "trained here four times as many, all rounded up to whole updates"
        ),
    ] = "",
    seeds: Annotated[int, typer.Option(min=1, help="students of every network")] = 3,
    max_flops: Annotated[
        str,
        typer.Option(help="of a decision, such as 250k; a quarter of the teacher's if not given"),
    ] = "",
    max_ms: Annotated[
        float | None,
        typer.Option(help="in place of FLOPs: deployed latency of a decision on this machine"),
    ] = None,
    points: Annotated[
        int, typer.Option(min=1, help="searches below ever smaller limits: a front of agents")
    ] = 1,
    algorithm: Annotated[
        Literal["a2c", "ppo"] | None,
        typer.Option(help="how agents learn; a2c of images and ppo of vectors if not given"),
    ] = None,
    mode: Annotated[
        Literal["actor", "critic", "joint"],
        typer.Option("--distill", help="which of the teacher's heads teach the students"),
    ] = "actor",
    seed: Seed = 0,
    cores: Annotated[
        int | None, typer.Option(min=1, help="runs side by side; all cores if not given")
    ] = None,
    accept_weak_teacher: WeakTeacher = False,
    settings: Settings = None,
    more_settings: MoreSettings = None,
) -> None:
    """Find a small agent for a task, and say what it keeps of its teacher.

    Trains a teacher (or takes one), searches an architecture below a limit of cost, and trains it
    under the teacher. Beside it, by the same teacher and for as many steps altogether, what an
    honest answer needs: random architectures of the same cost, and networks made by hand. It ends
    with a table, a plain sentence, OUT/report.html, OUT/result.json and the agent, OUT/agent, with
    an ONNX graph.

    Stopped or killed, the same command resumes.
    """
    from a2d.distill.distilling import distill as run
    from a2d.distill.quantities import read_count, read_duration
    from a2d.distill.report import describe
    from a2d.distill.request import DistillRequest
    from a2d.runs.request import read_card
    from a2d.study.forecast import cores_here

    if budget and steps:
        raise A2DError("give either --budget or --steps")
    if max_flops and max_ms is not None:
        raise A2DError("give either --max-flops or --max-ms")
    if max_ms is not None and not 0 < max_ms < math.inf:
        raise A2DError(f"--max-ms {max_ms:g}: should be milliseconds above 0, such as 0.3")
    read_card(task)  # refused before anything else
    request = DistillRequest(
        task=str(task.resolve()),
        teacher=None if teacher is None else str(teacher.resolve()),
        budget_s=None if steps else read_duration("--budget", budget or DEFAULT_BUDGET),
        steps=read_count("--steps", steps) if steps else None,
        seeds=seeds,
        points=points,
        max_flops=read_count("--max-flops", max_flops) if max_flops else None,
        max_ms=max_ms,
        algorithm=algorithm,
        distill=mode,
        seed=seed,
        settings=(*(settings or ()), *(more_settings or ())),
        accept_weak_teacher=accept_weak_teacher,
    )
    answer = run(request, out, cores or cores_here())
    typer.echo(describe(answer, out))
