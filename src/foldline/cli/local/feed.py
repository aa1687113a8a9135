"""A live stream: lines published at an even pace, from a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from typing import Self

from foldline.app import Place
from foldline.errors import FoldlineError
from foldline.kafka.publisher import Publisher, Routed, routes


class Feed:
    """A context manager: publishes in it, and stops early at its end.

    Args:
        place: whose brokers, and whose first topic of either kind.
        lines: sent as they are, events or not.
        seconds: how long all of them take.
    """

    def __init__(self, place: Place, lines: Sequence[bytes], *, seconds: float) -> None:
        self.total = len(lines)
        self.sent = 0
        self._place = place
        self._lines = lines
        self._seconds = seconds
        self._stop = Event()
        self._fault: FoldlineError | None = None
        self._thread = Thread(target=self._publish, name="foldline-feed")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Publish nothing more; what was sent has arrived when this returns."""
        self._stop.set()
        self._thread.join()

    @property
    def finished(self) -> bool:
        """Whether all that is to be published has arrived. Raises what kept it from that."""
        if self._thread.is_alive():
            return False
        if self._fault is not None:
            raise self._fault
        return True

    def _publish(self) -> None:
        settings = self._place.settings
        records = routes(
            enumerate(self._lines, start=1),
            transition_topic=settings.transition_topics[0],
            workflow_topic=settings.workflow_topics[0],
            raw=True,
        )
        try:
            with Publisher(self._place.kafka_properties) as publisher:
                publisher.publish(self._paced(records))
        except FoldlineError as error:
            self._fault = error

    def _paced(self, records: Iterator[Routed]) -> Iterator[Routed]:
        began = time.monotonic()
        for number, record in enumerate(records):
            due = began + self._seconds * number / self.total
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            yield record
            self.sent = number + 1
