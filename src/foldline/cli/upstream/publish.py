"""`foldline publish`: JSON lines into Kafka, in order, each to the topic of its kind."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from foldline.cli.here import here
from foldline.cli.output import AsJson, counted, json_out, line_out, listed
from foldline.cli.shapes import prints
from foldline.kafka.publisher import Publisher, Routed, read_lines, routes
from foldline.settings import Settings

STDIN = Path("-")
_TELL_EVERY = 500


@dataclass(frozen=True, slots=True)
class Published:
    """What was sent and acknowledged.

    Attributes:
        published: how many records.
        topics: how many of them to which topic.
    """

    published: int
    topics: dict[str, int]


@prints(Published)
def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="JSON lines, gzip or not; - is stdin.")],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Send each line as it is, also what is no event.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish events, one per line: transitions and workflow events each to their topic."""
    place = here(kafka=True)
    with Publisher(place.kafka_properties) as publisher:
        sent = publish_file(publisher, file, place.settings, raw=raw)
    if as_json:
        json_out(Published(sent.total(), sent))
    else:
        line_out(published(sent))


def published(sent: Counter[str]) -> str:
    """How many records went where, in a sentence."""
    return f"Published {counted(sent.total(), 'record')}: {listed((f'to {topic}', sent[topic]) for topic in sent)}."


def publish_file(publisher: Publisher, file: Path, settings: Settings, *, raw: bool) -> Counter[str]:
    """Publish the lines of one file; returns how many went to which topic."""
    sent: Counter[str] = Counter()
    lines = read_lines(sys.stdin.buffer if file == STDIN else file)
    records = routes(
        lines, transition_topic=settings.transition_topics[0], workflow_topic=settings.workflow_topics[0], raw=raw
    )
    with _shown(_size(file)) as passing:
        publisher.publish(_counting(passing(records), sent))
    return sent


def _counting(records: Iterable[Routed], sent: Counter[str]) -> Iterator[Routed]:
    for record in records:
        sent[record.topic] += 1
        yield record


def _size(file: Path) -> int | None:
    """The bytes to go, where they can be known."""
    return file.stat().st_size if file.is_file() and file.suffix != ".gz" else None


@contextmanager
def _shown(size: int | None) -> Iterator[Callable[[Iterable[Routed]], Iterator[Routed]]]:
    """Show on a terminal how far the records that pass have come; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield iter
        return
    with Progress(
        SpinnerColumn(),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[records]:,} records"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("", total=size, records=0)

        def passing(records: Iterable[Routed]) -> Iterator[Routed]:
            octets = 0
            for number, record in enumerate(records, start=1):
                octets += record.octets + 1
                if number % _TELL_EVERY == 0:
                    progress.update(task, completed=octets, records=number)
                yield record

        yield passing
