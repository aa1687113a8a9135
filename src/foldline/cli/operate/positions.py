"""`foldline positions`: where each partition stands, and an operator's answer to one that has stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from foldline.app import Place
from foldline.cli.here import here
from foldline.cli.output import AsJson, instant, json_out, line_out, lists, plain, table_out
from foldline.cli.reasons import sound_why
from foldline.cli.shapes import prints
from foldline.cli.who import who
from foldline.core.batch import Partition
from foldline.errors import AbsentError, UnfinishedError
from foldline.kafka.log import LogReader
from foldline.kafka.truncation import diverges_at
from foldline.lost_log import Acceptance, Loss, Standing, accepted, loss_of
from foldline.postgres.acceptances import accept_position
from foldline.postgres.reports import AcceptanceEntry, Position, Reports

app = typer.Typer(name="positions", help="Where each partition stands, and answers to those that have stopped.")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stopped partition that goes on.

    Attributes:
        topic: the topic.
        partition: the number of the partition.
        problem: why it had stopped.
        from_offset: where it stood.
        to_offset: where it goes on.
        another_log: whether that is another log under the same name.
    """

    topic: str
    partition: int
    problem: str
    from_offset: int
    to_offset: int
    another_log: bool


@app.callback(invoke_without_command=True)
@prints(list[Position])
def positions(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Print where each partition stands and who claimed it last."""
    if not lists(ctx, as_json=as_json):
        return
    found = Reports(here(database=True).database_url).positions()
    if as_json:
        json_out(found)
        return
    table_out(
        ["partition", "next offset", "begun at", "epoch", "group", "owner", "claimed", "moved", "stopped"],
        [
            [
                each.key,
                each.next_offset,
                each.begun_at,
                each.epoch,
                each.group_id,
                each.owner,
                each.claimed_at,
                instant(each.moved_at),
                each.stopped_reason or "",
            ]
            for each in found
        ],
    )


@app.command()
@prints(list[Accepted])
def accept(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Whose partitions go on.")],
    partition: Annotated[
        int | None, typer.Argument(metavar="PARTITION", min=0, help="Only this one.  [default: all that stopped]")
    ] = None,
    *,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept with the answer.")],
    as_json: AsJson = False,
) -> None:
    """Let partitions go on that stopped: without records that are gone, in a topic that was created again, and so on.

    Where each goes on follows from what its log is now. It is recorded with who said so and why; a worker that has the
    partition notices within seconds.
    """
    why = sound_why(why)
    place = here(database=True, kafka=True)
    given = []
    for position in _stopped(place, topic, partition):
        acceptance = _acceptance(place, position)
        if not accept_position(place.database_url, position, acceptance, why=why, who=who()):
            raise UnfinishedError(f"{position.key} is no longer as it was.", remedy="Look at `foldline positions`.")
        given.append(_said(position, acceptance))
        if not as_json:
            line_out(f"{position.key} {_told(position, acceptance)}")
    if as_json:
        json_out(given)


@app.command(name="accepted")
@prints(list[AcceptanceEntry])
def accepted_before(*, as_json: AsJson = False) -> None:
    """Print what was accepted about partitions that had stopped, by whom and why."""
    found = Reports(here(database=True).database_url).acceptances()
    if as_json:
        json_out(found)
        return
    table_out(
        ["partition", "from", "to", "by", "at", "why", "problem"],
        [
            [
                each.key,
                each.from_offset,
                each.to_offset,
                each.accepted_by,
                each.accepted_at,
                plain(each.why),
                each.problem,
            ]
            for each in found
        ],
    )


def _stopped(place: Place, topic: str, partition: int | None) -> list[Position]:
    of_topic = [each for each in Reports(place.database_url).positions() if each.topic == topic]
    asked = [each for each in of_topic if partition in (None, each.partition)]
    name = topic if partition is None else str(Partition(topic, partition))
    if not asked:
        raise AbsentError(f"{name} has no position.", remedy="`foldline positions` lists those that have.")
    stopped = [each for each in asked if each.stopped_reason is not None]
    if not stopped:
        raise AbsentError(f"Nothing of {name} has stopped.", remedy="There is nothing to accept.")
    return stopped


def _acceptance(place: Place, position: Position) -> Acceptance:
    """What there is to accept, which the log says."""
    partition = position.key
    log = LogReader(place.kafka_properties).facts(partition)
    standing = Standing(partition, position.next_offset, position.topic_id, position.compaction_accepted)
    loss = loss_of(standing, log)
    if loss is None and (read_to := position.read_to) is not None and read_to.offset >= log.low:
        end = diverges_at(place.kafka_properties, partition, read_to, position.next_offset)
        if end is not None:
            loss, log = Loss.CUT_OFF, log.ending_at(end)
    return accepted(loss, standing, log)


def _said(position: Position, acceptance: Acceptance) -> Accepted:
    assert position.stopped_reason is not None, "only what has stopped is answered"
    return Accepted(
        position.topic,
        position.partition,
        position.stopped_reason,
        position.next_offset,
        acceptance.next_offset,
        acceptance.another_log,
    )


def _told(position: Position, acceptance: Acceptance) -> str:
    if acceptance.another_log:
        return f"goes on at {acceptance.next_offset} of another log; it stood at {position.next_offset}."
    gone = acceptance.next_offset - position.next_offset
    if gone:
        return f"goes on at {acceptance.next_offset}, without the {gone} offsets before it that are gone."
    return f"goes on at {acceptance.next_offset}, where it stood."
