"""Teachers from elsewhere: agents that other libraries trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from a2d.cli.app import app
from a2d.cli.options import Task, WeakTeacher

teachers = typer.Typer(no_args_is_help=True, help="Teachers from elsewhere.")
app.add_typer(teachers, name="teacher")


@teachers.command("import")
def import_teacher(
    file: Annotated[
        Path,
        typer.Argument(
            help="a zip of stable-baselines3 (A2C, PPO; MlpPolicy, CnnPolicy), or an ONNX graph",
            readable=False,
        ),
    ],
    task: Task,
    out: Annotated[Path, typer.Option(help="new folder for the teacher, for --teacher")],
    normalizer: Annotated[
        Path | None,
        typer.Option(help="the npz of a VecNormalize's statistics, see below", readable=False),
    ] = None,
    accept_weak_teacher: WeakTeacher = False,
) -> None:
    """Make a teacher of an agent that another library trained, and measure its score.

    Nothing in the file is executed: of a zip, the tensors of policy.pth and plain JSON are read,
    and no pickle; of a graph, operators of the ONNX standard alone.

    An agent that was trained inside a VecNormalize, `venv`, needs its statistics:

        r, s = venv.obs_rms, venv.ret_rms.var if venv.norm_reward else 1

        numpy.savez("venv.npz", mean=r.mean, var=r.var, ret=s, clip=venv.clip_obs)

    A graph takes a batch of observations as the environment gives them, vectors (N, D) or images
    (N, C, H, W), and returns by name `logits` (N, A), or `mean` and `log_std` (N, A) in the
    environment's units of actions; and `value` (N,), without which only the actor can teach.
    """
    from a2d.runs.guards import describe_score
    from a2d.runs.scores import score_of
    from a2d.runs.teachers.importing import import_teacher

    spec, chance = import_teacher(file, task, out, normalizer, accept_weak_teacher)
    typer.echo(describe_score(score_of(spec.returns), chance))
    heads = "actor and critic" if spec.values else "the actor alone"
    typer.echo(f"{spec.source}, sha256 {spec.checksum[:16]}; {heads} can teach; it is in {out}")
