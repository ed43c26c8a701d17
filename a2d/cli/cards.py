"""What is asked before any run: whether a card works, and which settings there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from a2d.cli.app import app
from a2d.errors import A2DError
from a2d.runs.file_kinds import expect


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
def settings() -> None:
    """List every setting of `a2d train` and `a2d search` that --set takes, with its default.

    A search starts from its recipe's values (--recipe), and has 6 cells unless --cells says so.
    """
    from a2d.specs.settings import explain_settings

    typer.echo(explain_settings())
