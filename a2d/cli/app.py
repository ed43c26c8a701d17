"""The application that every command joins, and how it ends."""

from __future__ import annotations

import faulthandler
import sys
from typing import Annotated

import typer

import a2d
from a2d.console import CLOSED_PIPE, finish, prepare_streams, say
from a2d.errors import A2DError, Diverged, Stopped
from a2d.runs.stopping import stoppable

FAILED, DIVERGED = 1, 3  # exit statuses; 2 is of wrong usage, 128 and more of signals

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Auto-Agent-Distiller: find a small, fast agent for a Gymnasium task, taught by a larger "
    "one. For your own task, write a card (see envs/), then: check, distill. Or step by step: "
    "train a teacher, search with it, train the architecture that was found, evaluate. For the "
    "paper's study, use snakemake; plan and compare show its state.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"a2d {a2d.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="print the version", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Options of no command."""


def main() -> None:
    """Run the command line; a mistake that a person can correct is one line, not a traceback."""
    prepare_streams()
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)  # shows where native code crashes, an environment's say
    sys.exit(finish(_status()))


def _status() -> int:
    """Run the command and return its exit status."""
    try:
        with stoppable("stopped; the same command continues"):
            app()
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):
            return CLOSED_PIPE
        if isinstance(left.code, int):
            return left.code
    except A2DError as error:
        say(str(error))
    except Diverged as reason:  # apart from any run, whose record would say it
        say(
            f"diverged: {reason}; try the task with `a2d check`, and if that finds nothing, look "
            "at the settings"
        )
        return DIVERGED
    except OSError as error:  # of a path that an option names
        say(f"{error.filename or 'a stream or file'}: {error.strerror or error}")
    except Stopped as stopped:
        say(str(stopped))
        return 128 + stopped.signal
    return FAILED
