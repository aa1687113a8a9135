"""Facts as log lines: JSON where a program reads them, a readable line on a terminal. Facts carry no secrets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TextIO, assert_never

import structlog

from foldline import facts

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor


def log_listener(stream: TextIO, *, least: int = logging.INFO) -> facts.Announce:
    """Write one line per fact to `stream`, of those whose level is `least` at least (a level of `logging`)."""
    rendering: list[Processor] = (
        [_escape, structlog.dev.ConsoleRenderer(colors=True)]
        if stream.isatty()
        else [structlog.processors.JSONRenderer()]
    )
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            *rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        context_class=dict,
    )
    return lambda fact: _write(log, fact)


def _write(log: FilteringBoundLogger, fact: facts.Fact) -> None:
    match fact:
        case facts.WorkerStarted():
            log.info("worker started", group=fact.group_id, owner=fact.owner, topics=list(fact.topics))
        case facts.WorkerStopped():
            log.info("worker stopped", owner=fact.owner)
        case facts.PartitionClaimed():
            log.info("partition claimed", partition=fact.partition, epoch=fact.epoch, next_offset=fact.next_offset)
        case facts.PartitionReleased():
            log.info("partition released", partition=fact.partition)
        case facts.PartitionFenced():
            log.warning("partition fenced", partition=fact.partition, owner=fact.owner, group=fact.group_id)
        case facts.PartitionStopped():
            log.error("partition stopped", partition=fact.partition, problem=fact.problem, remedy=fact.remedy)
        case facts.BatchApplied():
            log.info("batch applied", **_batch(fact))
        case facts.BatchRetried():
            log.warning(
                "batch retried",
                partition=fact.partition,
                problem=fact.problem,
                attempt=fact.attempt,
                delay_seconds=round(fact.delay_seconds, 3),
            )
        case facts.RecordRefused():
            log.error("record refused", partition=fact.partition, offset=fact.offset, detail=fact.detail)
        case facts.EntityStrayed():
            log.error("entity strayed", partition=fact.partition, entity=fact.entity)
        case facts.BrokerTrouble():
            log.warning("broker trouble", problem=fact.problem)
        case _:
            assert_never(fact)


def _escape(_log: object, _method: str, entry: EventDict) -> EventDict:
    """Names of entities come from the log: what does not print must not reach a terminal."""
    return {name: _printable(value) if isinstance(value, str) else value for name, value in entry.items()}


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _batch(fact: facts.BatchApplied) -> dict[str, object]:
    return {
        "partition": fact.partition,
        "next_offset": fact.next_offset,
        "applied": fact.applied,
        "duplicate": fact.duplicate,
        "rejected": fact.rejected,
        "undecodable": fact.undecodable,
        "ms": round(fact.seconds * 1000),
    }
