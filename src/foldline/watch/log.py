"""Facts as log lines: JSON where a program reads them, a readable line on a terminal. Facts carry no secrets."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

import structlog

from foldline import facts
from foldline.printable import printable

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


_SAID: dict[type[facts.Fact], tuple[int, str]] = {
    facts.WorkerStarted: (logging.INFO, "worker started"),
    facts.WorkerStopped: (logging.INFO, "worker stopped"),
    facts.PartitionClaimed: (logging.INFO, "partition claimed"),
    facts.OwnerEnded: (logging.WARNING, "owner ended"),
    facts.PartitionReleased: (logging.INFO, "partition released"),
    facts.PartitionFenced: (logging.WARNING, "partition fenced"),
    facts.PartitionStopped: (logging.ERROR, "partition stopped"),
    facts.BatchApplied: (logging.INFO, "batch applied"),
    facts.BatchRetried: (logging.WARNING, "batch retried"),
    facts.ClaimPostponed: (logging.WARNING, "claim postponed"),
    facts.RecordRefused: (logging.ERROR, "record refused"),
    facts.EntityStrayed: (logging.ERROR, "entity strayed"),
    facts.BrokerTrouble: (logging.WARNING, "broker trouble"),
}
_DIGITS = 3


def _write(log: FilteringBoundLogger, fact: facts.Fact) -> None:
    """The fact's own fields under their own names; seconds to the millisecond, counts by reason as an object."""
    level, event = _SAID[type(fact)]
    log.log(level, event, **{name: _plain(value) for name, value in asdict(fact).items()})


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, tuple) and all(isinstance(each, tuple) for each in value):
        return dict(value)
    return value


def _escape(_log: object, _method: str, entry: EventDict) -> EventDict:
    """Names of entities come from the log: what does not print must not reach a terminal."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in entry.items()}
