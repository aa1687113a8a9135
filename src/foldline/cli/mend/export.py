"""`foldline deadletters export`: dead letters as lines to be edited and published."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from foldline.cli.here import here
from foldline.cli.mend.selecting import Entity, Everything, Ids, Since, WithReason, all_of_those_named, selected
from foldline.cli.output import counted, note
from foldline.cli.stories.deadletters import Status
from foldline.core.one_line import line_of
from foldline.errors import PublishError
from foldline.kafka.lines import route
from foldline.postgres.letters import Letters


def export(
    *,
    ids: Ids = None,
    entity: Entity = None,
    reason: WithReason = None,
    since: Since = None,
    everything: Everything = False,
    status: Annotated[
        Status | None, typer.Option(help="Only those with this status.  [default: open; any of those named by --id]")
    ] = None,
) -> None:
    """Print dead letters as JSON lines, one event a line, in the order of the log, for `foldline publish` to take back.

    Line breaks within an event and its record's key are lost; CloudEvents come structured. An event keeps its identity:
    published again as it is, it is a duplicate, so give it a new event_id, or redrive it instead. What is no event, so
    that publish would not take it back, is counted on stderr.
    """
    statuses = (status,) if status is not None else tuple(Status) if ids else (Status.OPEN,)
    asked = selected(ids, entity, reason, since, everything=everything, statuses=statuses)
    letters = Letters(here(database=True).database_url)
    sys.stdout.flush()
    left_out, named = 0, set[int]()
    for page in letters.pages(asked):
        for letter in page:
            named |= {letter.id}.intersection(asked.ids or ())
            line = line_of(letter.value, letter.headers)
            if line is None or not _taken_back(line):
                left_out += 1
            else:
                sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
    if left_out:
        note(
            f"{counted(left_out, 'dead letter')} left out: no event, so publish would not take it back."
            " `foldline deadletters show` with --json prints one as it came, to be mended; redrive sends it as it is."
        )
    all_of_those_named(letters, asked, named, "exported")


def _taken_back(line: bytes) -> bool:
    try:
        route(line, transition_topic="", workflow_topic="", raw=False)
    except PublishError:
        return False
    return True
