"""`foldline run`: one worker, until it is told to stop or has caught up."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from foldline import facts
from foldline.app import Place, Projection, projection
from foldline.cli.here import here
from foldline.cli.operate.tally import Tally, Verdicts
from foldline.cli.output import AsJson, json_out, line_out
from foldline.cli.shapes import prints
from foldline.cli.signals import draining
from foldline.errors import FoldlineError, UnfinishedError, UsageError
from foldline.postgres.reports import Reports
from foldline.watch import log_listener


@dataclass(frozen=True, slots=True)
class Projected:
    """What one worker came to.

    Attributes:
        verdicts: its records by verdict.
        dead_letters: how many of them became dead letters for which reason.
    """

    verdicts: Verdicts
    dead_letters: dict[str, int]


@prints(Projected)
def run(
    *,
    until_caught_up: Annotated[
        bool, typer.Option("--until-caught-up", help="Stop once everything that is in the log now is projected.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Project until SIGTERM or Ctrl-C, which let it finish what it is at. Logs to stderr."""
    place = here(database=True, kafka=True)
    _refuse_half(place)
    tally = Tally()
    fault: FoldlineError | None = None
    with draining() as asked, projection(place, facts.heard_by(tally.hear, log_listener(sys.stderr))) as ours:
        if until_caught_up:
            caught_up = run_until_caught_up(ours, asked)
            fault = unfinished(place, ours, caught_up=caught_up)
        else:
            ours.worker.run(asked)
    if as_json:
        json_out(Projected(Verdicts(**tally.verdicts), tally.reasons))
    else:
        line_out(f"Projected {tally.line}.")
    if fault is not None:
        raise fault


def _refuse_half(place: Place) -> None:
    """The records of one installation must not end in the tables of another."""
    ours = {
        "DATABASE_URL": place.settings.database_url is not None,
        "KAFKA_BOOTSTRAP_SERVERS": place.settings.kafka_bootstrap_servers is not None,
    }
    if place.servers is not None and any(ours.values()) and not all(ours.values()):
        unset = next(name for name, is_set in ours.items() if not is_set)
        raise UsageError(
            f"{unset} is not set, the other one is: a worker would mix your servers with those of `foldline up`.",
            remedy=f"Set {unset}, too, or neither.",
        )


def run_until_caught_up(ours: Projection, asked: Callable[[], bool]) -> bool:
    """Run until everything is projected, or until asked to stop; returns whether it came to the end."""
    reached = ours.until_caught_up()
    done = False

    def stopping() -> bool:
        nonlocal done
        if asked():  # first: `reached` asks the database, which may be why somebody wants us to stop
            return True
        done = reached()
        return done

    ours.worker.run(stopping)
    return done


def unfinished(place: Place, ours: Projection, *, caught_up: bool) -> FoldlineError | None:
    """What keeps the log from being projected to its end, None if nothing does; ask before the worker has left."""
    for partition, fault in ours.custody.stopped.items():
        return UnfinishedError(f"{partition} was stopped: {fault.problem}", remedy=fault.remedy)
    for position in Reports(place.database_url).positions():
        if position.stopped_reason and position.topic in place.settings.topics:
            return UnfinishedError(f"{position.key} was stopped by {position.owner}: {position.stopped_reason}")
    if not caught_up:
        return UnfinishedError(
            "The worker was stopped before it had caught up.", remedy="Run it again: it goes on where it stands."
        )
    return None
