"""Facts as log lines: JSON where a program reads them, a readable line on a terminal. Facts carry no secrets."""

from __future__ import annotations

import dataclasses
import logging
import re
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
    return lambda fact: _write(log, least, fact)


_LEVELS: dict[facts.Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_DIGITS = 3


def event_of(kind: type[facts.Fact]) -> str:
    """The name of a fact in the log: `partition claimed` for `PartitionClaimed`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()


def logged_fields(kind: type[facts.Fact]) -> list[str]:
    """The fields of a fact that its log line has, under their own names."""
    fields = [each.name for each in dataclasses.fields(kind) if each.metadata.get("logged", True)]
    return [*fields, "reasons"] if kind is facts.BatchApplied else fields


def _write(log: FilteringBoundLogger, least: int, fact: facts.Fact) -> None:
    """The fact's own fields; seconds to the millisecond."""
    level = _LEVELS[fact.level]
    if level >= least:
        kind = type(fact)
        log.log(level, event_of(kind), **{name: _plain(getattr(fact, name)) for name in logged_fields(kind)})


def _plain(value: object) -> object:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dataclasses.asdict(value) if isinstance(value, facts.Standing) else value


def _escape(_log: object, _method: str, entry: EventDict) -> EventDict:
    """Names of entities come from the log: what does not print must not reach a terminal."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in entry.items()}
