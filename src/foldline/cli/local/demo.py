"""`foldline demo`: embedded servers, a worker, a live stream, and a board that shows what becomes of it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from foldline import facts
from foldline.app import Place, Projection, machines_of, projection
from foldline.cli.local.feed import Feed
from foldline.cli.local.glances import Glances
from foldline.cli.local.own_servers import foldline_command, own_servers, psql_command, while_running
from foldline.cli.operate.tally import Tally
from foldline.cli.output import counted, line_out, note
from foldline.cli.signals import draining, interruptible
from foldline.embedded import RunningServers
from foldline.errors import UnfinishedError
from foldline.example import LiveStream, live_stream, read_first_of
from foldline.machines import load_machines
from foldline.postgres.reports import Reports
from foldline.settings import load_settings
from foldline.watch import board

_QUERIES = """\
SELECT current_state, COUNT(*) FROM fsm_state WHERE fsm_type = 'INGESTION' GROUP BY current_state;
SELECT from_state, to_state, action, transitioned_at, duration_ms FROM fsm_state_history
 WHERE fsm_type = 'INGESTION' AND entity_id = '{entity_id}' ORDER BY transitioned_at DESC;
SELECT * FROM find_stuck_workflows(1);
"""
_SECONDS = 30.0
_FRAMES_PER_SECOND = 4
_UNBOUNDED = 1_000


def demo(
    *,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long the stream takes.")] = _SECONDS,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete what the embedded servers kept so far.")] = False,
) -> None:
    """Start PostgreSQL and Kafka on this machine and watch a live stream being projected; needs nothing else.

    Some of the events are illegal, duplicated, stale or no events at all. On a terminal the servers stay until Ctrl-C.
    """
    settings = load_settings().model_copy(update={"shipped_machines": "on"})
    machines = machines_of(settings)
    shipped = load_machines([])
    with interruptible(), own_servers(settings, fresh=fresh, command="demo") as (place, running):
        mark = _mark(place)
        stream = live_stream(datetime.now(UTC), mark=mark)
        tally = Tally()
        feed = Feed(place, stream.lines, seconds=seconds)
        glances = Glances(place, [machines[fsm_type] for fsm_type in shipped], feed, tally)
        with draining() as asked, projection(place, facts.heard_by(tally.hear, glances.hear)) as ours:
            with feed, glances, _shown(glances):
                whole = _follow(ours, running, feed, asked)
                glances.look()
            _tell(stream, tally, whole=whole, as_shipped=all(machines[each] == shipped[each] for each in shipped))
            staying = whole and sys.stdout.isatty()
            _tell_next(place, running, read_first_of(mark), staying=staying)
            if staying:
                ours.worker.run(while_running(running, asked))


def _mark(place: Place) -> str:
    """What tells the entities of this run from those of earlier ones: nothing the first time, else the time of day."""
    return f"{datetime.now(UTC):%H%M%S}" if Reports(place.database_url).states() else ""


def _follow(ours: Projection, running: RunningServers, feed: Feed, asked: Callable[[], bool]) -> bool:
    """Project until the stream has ended and everything is caught up; False when asked to stop before that."""
    stopped = while_running(running, asked)
    reached: Callable[[], bool] | None = None
    whole = False

    def stopping() -> bool:
        nonlocal reached, whole
        if stopped():
            return True
        if reached is None and feed.finished:
            reached = ours.until_caught_up()
        whole = reached is not None and reached()
        return whole

    ours.worker.run(stopping)
    return whole


@contextmanager
def _shown(glances: Glances) -> Iterator[None]:
    """Keep the board on the terminal. Elsewhere only its last picture is printed."""
    console = Console(highlight=False)
    if not console.is_terminal:
        note("a live stream runs; on a terminal you would see it.")
        yield
        console.print(board(glances.view(), rows=_UNBOUNDED))
        return
    with Live(
        console=console,
        get_renderable=lambda: board(glances.view(), rows=console.height),
        refresh_per_second=_FRAMES_PER_SECOND,
        vertical_overflow="visible",
    ):
        yield


def _tell(stream: LiveStream, tally: Tally, *, whole: bool, as_shipped: bool) -> None:
    line_out()
    line_out(f"Projected {tally.line}.")
    others = tally.verdicts.total() - len(stream.lines)
    if not whole:
        line_out("Stopped before the end of the stream.")
    elif others > 0:
        line_out(f"{counted(others, 'record')} of these came from somebody else.")
    elif not as_shipped:
        line_out("Judged by a machine of yours in place of a shipped one, so there is nothing to compare it with.")
    elif tally.verdicts == Counter(stream.verdicts):
        line_out("That is what was planted: every record has the verdict that it had to get.")
    else:
        planted = ", ".join(f"{count:,} {verdict}" for verdict, count in stream.verdicts.items())
        raise UnfinishedError(f"Other verdicts were planted: {planted}.", remedy="This is a defect: please report it.")


def _tell_next(place: Place, running: RunningServers, entity_id: str, *, staying: bool) -> None:
    foldline = foldline_command(place.settings)
    line_out()
    if staying:
        line_out(
            "Both servers and the worker go on until Ctrl-C. In another terminal, read what happened to one document,"
        )
    else:
        line_out(f"With `{foldline} up` in one terminal, read in another what happened to one document,")
    line_out("with a failure, a retry and a rejection in it; then what was not applied, and how far everything is:")
    line_out(f"  {foldline} history INGESTION {entity_id}")
    line_out(f"  {foldline} deadletters list")
    line_out(f"  {foldline} status")
    line_out("Or ask the tables themselves:")
    line_out(f"  {psql_command(running)}")
    for line in _QUERIES.format(entity_id=entity_id).splitlines():
        line_out(f"  {line}")
    line_out(f"What they hold is kept: `{foldline} up` and the next demo find it again, with --fresh it is deleted.")
