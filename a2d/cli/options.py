"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

# ``expect`` checks paths instead of typer's `readable`, and answers in one line.
Task = Annotated[
    Path, typer.Option(help="the task's card, a YAML file as in envs/", readable=False)
]
Out = Annotated[Path, typer.Option(help="new folder for what the run leaves behind")]
Seed = Annotated[
    int, typer.Option(min=0, help="the run's seed; all its random streams come from it")
]
StepCount = Annotated[
    int,
    typer.Option(
        min=1, help="environment steps, rounded up to a multiple of environments × rollout length"
    ),
]
Algorithm = Annotated[Literal["a2c", "ppo"], typer.Option(help="how the agent learns")]
Environments = Annotated[
    int | None,
    typer.Option(min=1, help="environments stepped side by side; if not given, 64 or ppo's 32"),
]
Teacher = Annotated[
    Path | None, typer.Option(help="folder of a trained agent that teaches", readable=False)
]
WeakTeacher = Annotated[
    bool,
    typer.Option(
        "--accept-weak-teacher",
        help="learn from a teacher even if a random policy may be as good",
    ),
]
Design = Annotated[
    Path | None,
    typer.Option(help="an arch.json instead, searched or written by hand", readable=False),
]
Mode = Annotated[
    Literal["none", "actor", "critic", "joint"],
    typer.Option(help="which of the teacher's heads teach"),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="any other setting, such as a2c.learning_rate=0.002, laid over all options; "
        "further ones may follow it. `a2d settings` lists them",
    ),
]
MoreSettings = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="further settings, after --set")
]
Cells = Annotated[int, typer.Option(min=1, help="searchable cells; the paper has 14")]
Width = Annotated[int, typer.Option(min=4, help="channels of the first stage, or units of a layer")]
Shortcut = Annotated[
    Literal["none", "identity"] | None,
    typer.Option(help="around every cell; the recipe's if not given: plus has 'identity'"),
]
Log = Annotated[Path | None, typer.Option(help="folder for TensorBoard's event files")]
Root = Annotated[
    Path, typer.Option(help="the checkout that holds workflow/ and envs/", exists=True)
]
ScaleName = Annotated[str, typer.Option(help="a file's name in workflow/scales")]
Results = Annotated[Path, typer.Option(help="folder of the records")]
Runs = Annotated[Path, typer.Option(help="folder of the weights")]
