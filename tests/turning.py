"""A worker that lives on while a test looks on and meddles: it keeps its connections and what it has cached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from foldline.core.batch import Partition
from foldline.core.events import Record
from harness import TRANSITIONS, MemorySource, Projector, records

Turn = Callable[..., None]


@contextmanager
def turning(projector: Projector, partition: Partition = TRANSITIONS) -> Iterator[Turn]:
    """Gives a function that appends events to the worker's log and returns once they are projected."""
    source = MemorySource({partition: []})
    tables = projector.tables()
    worker, _ = projector.worker(source, tables)

    def turn(*events: dict[str, Any] | bytes | Record | None) -> None:
        log = source.logs[partition]
        log += records(events, start=len(log))
        worker.turn()
        while not source.idle:
            worker.turn()
        worker.settle()

    try:
        yield turn
    finally:
        tables.close()
