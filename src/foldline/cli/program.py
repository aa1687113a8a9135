"""The program `foldline`: its commands, its global options, and the one place where an error becomes a line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from foldline.cli import (
    check,
    deadletters,
    demo,
    history,
    machines,
    migrate,
    publish,
    run,
    status,
    topics,
    up,
    workflows,
)
from foldline.cli.output import plain
from foldline.errors import FoldlineError

_INTERRUPTED = 130

app = typer.Typer(
    name="foldline",
    help="Projects FSM transition and workflow events from Kafka into PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they can show local variables, and so passwords
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(up.up)
app.command()(demo.demo)
app.command()(migrate.migrate)
app.command()(topics.topics)
app.command()(run.run)
app.command()(publish.publish)
app.command()(check.check)
app.command()(status.status)
app.command()(status.positions)
app.command()(history.history)
app.add_typer(workflows.app)
app.add_typer(deadletters.app)
app.add_typer(machines.app)


@dataclass
class _Options:
    """What the global options say; an error looks here when the command is over."""

    debug: bool = False


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run the command that `words` name, the program's own arguments if none are given; ends by SystemExit."""
    options = _Options()
    try:
        try:
            app(args=words, prog_name="foldline", obj=options)
        finally:
            sys.stdout.flush()
    except FoldlineError as error:
        code = _say(_sentence(error), debug=options.debug, code=error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        code = 1
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last one to see it
        remedy = "" if options.debug else " `foldline --debug` and the same words show where."
        code = _say(f"Unexpected {type(error).__name__}.{remedy}", debug=options.debug, code=1)
    else:
        code = 0
    sys.exit(code)


def _tell(asked: bool) -> None:
    if asked:
        typer.echo(f"foldline {version('foldline')}")
        raise typer.Exit


@app.callback()
def _global(
    ctx: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_tell)
    ] = False,
) -> None:
    ctx.obj.debug = debug


def _sentence(error: FoldlineError) -> str:
    problem = error.problem if error.problem.endswith((".", "!", "?")) else f"{error.problem}."
    return f"{problem} {error.remedy}".rstrip()


def _say(line: str, *, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"foldline: {plain(line)}\n")
    return code
