"""`foldline check`: what would become of the lines of a file, without publishing them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import typer

from foldline.app import machines_of
from foldline.cli.from_tables import start_from_tables
from foldline.cli.here import here
from foldline.cli.output import AsJson
from foldline.cli.shapes import prints
from foldline.cli.upstream.checked import Checked, CheckReport, Totals, tell, tell_json
from foldline.cli.upstream.publish import STDIN
from foldline.core.batch import Decoded
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Record, Undecodable, Verdict
from foldline.dryrun import DryFold
from foldline.errors import CheckError
from foldline.kafka.lines import read_lines, routes
from foldline.postgres.reports import Reports
from foldline.settings import Settings, load_settings

_ASKED_AT_ONCE = 1_000


@prints(CheckReport)
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="JSON lines, gzip or not; - is stdin.")],
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the lines that would not be applied.")] = False,
    from_tables: Annotated[
        bool, typer.Option("--from-tables", help="Start from what the database holds, not from nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what would become of each line if the file were published, and what to do about those not applied.

    Nothing is sent, and no server is asked (but with --from-tables the database, read-only). Lines that are no event,
    at which `foldline publish` would stop, are judged as with its --raw. Exits 0 if every line would be applied or is a
    duplicate, else 1.
    """
    place = here(database=True) if from_tables else None
    settings = place.settings if place is not None else load_settings()
    fold = DryFold(machines_of(settings), place="line", payloads=False)
    totals = Totals()
    checked = _judged(_begun(_lines(file, settings)), fold, Reports(place.database_url) if place is not None else None)
    shown = (each for each in totals.counting(checked) if not quiet or each.judgment.verdict is not Verdict.APPLIED)
    (tell_json if as_json else tell)(shown, totals, fold)
    if (fault := totals.fault) is not None:
        raise CheckError(fault, remedy="What to do about each stands with its line.")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line as the record that publishing makes of it."""

    topic: str
    decoded: Decoded


def _lines(file: Path, settings: Settings) -> Iterator[_Line]:
    """The lines that are not blank, each with the topic that `foldline publish` chooses; numbers serve as offsets."""
    transitions, workflows = settings.transition_topics[0], settings.workflow_topics[0]
    numbered = read_lines(sys.stdin.buffer if file == STDIN else file)
    for routed in routes(numbered, transition_topic=transitions, workflow_topic=workflows, raw=True):
        assert routed.line is not None, "read_lines numbers them"
        decode = decode_workflow if routed.topic == workflows else decode_transition
        record = Record(routed.line, routed.key, routed.value, routed.headers)
        yield _Line(routed.topic, Decoded(record, decode(record.value, record.headers)))


def _begun(lines: Iterator[_Line]) -> Iterator[_Line]:
    """The same lines, the first of them read: a file that cannot be has its error before anything is printed."""
    return chain(list(islice(lines, 1)), lines)


def _judged(lines: Iterable[_Line], fold: DryFold, tables: Reports | None) -> Iterator[Checked]:
    for line in lines if tables is None else _known_first(lines, fold, tables):
        yield Checked(line.topic, fold.judge(line.decoded))


def _known_first(lines: Iterable[_Line], fold: DryFold, tables: Reports) -> Iterator[_Line]:
    """The same lines; before each is passed on, the fold starts from what the tables hold of it."""
    waiting = iter(lines)
    while chunk := list(islice(waiting, _ASKED_AT_ONCE)):
        start_from_tables(
            fold, tables, [event for line in chunk if not isinstance(event := line.decoded.event, Undecodable)]
        )
        yield from chunk
