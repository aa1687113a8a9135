"""The program `foldline`: its commands, its global options, and the one place where an error becomes a line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from foldline.cli.local import demo, up
from foldline.cli.mend import correct, drop, export, redrive
from foldline.cli.operate import health, positions, run, status, verify
from foldline.cli.output import plain
from foldline.cli.setup import config, machines, migrate, topics
from foldline.cli.stories import deadletters, history, record, workflows
from foldline.cli.upstream import check, publish
from foldline.errors import FoldlineError

_INTERRUPTED = 130
_SHOWS_WHERE = "`foldline --debug` and the same words show where."

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
app.command()(config.config)
app.command()(status.status)
app.command()(health.health)
app.command()(verify.verify)
app.command()(history.history)
app.command()(correct.correct)
app.command()(record.record)
app.add_typer(positions.app)
app.add_typer(workflows.app)
deadletters.app.command()(redrive.redrive)
deadletters.app.command()(drop.drop)
deadletters.app.command()(export.export)
app.add_typer(deadletters.app)
app.add_typer(machines.app)


@dataclass
class _Options:
    """What the global options say; an error looks here when the command is over."""

    debug: bool = False


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run the command that `words` name, the program's own arguments if none are given; ends by SystemExit."""
    _open_closed_streams()
    options = _Options()
    command = typer.main.get_command(app)
    try:
        try:
            code = command.main(args=words, prog_name="foldline", standalone_mode=False, obj=options)
        finally:
            sys.stdout.flush()
    except FoldlineError as error:
        code = _say(_sentence(error.problem, error.remedy), debug=options.debug, code=error.exit_code)
    except typer.TyperException as error:
        code = _say_usage(error)
    except typer.Abort:
        code = _say("Nobody answered.", debug=False, code=1)
    except BrokenPipeError:
        _discard_output()
        code = 1
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except OSError as error:  # as a full disk under the output
        _discard_output()
        code = _say(_sentence(_reason(error), "" if options.debug else _SHOWS_WHERE), debug=options.debug, code=1)
    except Exception as error:  # noqa: BLE001 - the last one to see it
        problem = f"Unexpected {type(error).__name__}"
        code = _say(_sentence(problem, "" if options.debug else _SHOWS_WHERE), debug=options.debug, code=1)
    sys.exit(code)


def _open_closed_streams() -> None:
    """Whoever started us may have closed some of the standard streams: let nothing be read and output go nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we live


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


def _sentence(problem: str, remedy: str) -> str:
    problem = problem if problem.endswith((".", "!", "?")) else f"{problem}."
    return f"{problem} {remedy}".rstrip()


def _reason(error: OSError) -> str:
    said = error.strerror or type(error).__name__
    return said if error.filename is None else f"{error.filename}: {said}"


def _say_usage(error: typer.TyperException) -> int:
    """What is wrong with the words; the help alone, if there are none after a name that needs one."""
    problem = error.format_message().replace("Value error, ", "").replace(": Input should", ": should")
    if "\n" in problem:
        typer.echo(problem, err=True)
        return error.exit_code
    context = getattr(error, "ctx", None)
    remedy = f"See `{context.command_path if context else 'foldline'} --help`."
    if problem.startswith("No such option: --debug"):
        remedy = "It stands before the command: `foldline --debug` and the other words."
    return _say(_sentence(problem, remedy), debug=False, code=error.exit_code)


def _discard_output() -> None:
    """Let what is still buffered go nowhere: Python would try once more at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(line: str, *, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    typer.echo(f"foldline: {plain(line)}", err=True)
    return code
