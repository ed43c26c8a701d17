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
Cells = Annotated[int, typer.Option(min=1, help="searchable cells; the paper has 14")]
Width = Annotated[int, typer.Option(min=4, help="channels of the first stage, or units of a layer")]
Shortcut = Annotated[
    Literal["none", "identity"],
    typer.Option(help="'none' is the paper's; 'identity' learns more easily"),
]
Log = Annotated[Path | None, typer.Option(help="folder for TensorBoard's event files")]
Root = Annotated[
    Path, typer.Option(help="the checkout that holds workflow/ and envs/", exists=True)
]
ScaleName = Annotated[str, typer.Option(help="a file's name in workflow/scales")]
Results = Annotated[Path, typer.Option(help="folder of the records")]
Runs = Annotated[Path, typer.Option(help="folder of the weights")]
