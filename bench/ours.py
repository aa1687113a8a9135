"""foldline: one worker, wired as `foldline worker` wires it, with default settings and all of its duties."""

from __future__ import annotations

import os
import time

from bench.job import OTHER_TOPIC, TOPIC, Job, RanTooLongError
from bench.meter import Measured, Meter
from foldline import facts
from foldline.app import Place, projection
from foldline.settings import load_settings


class _Watch:
    """Starts the meter when the first partition is ours, and stops it when the last event is committed."""

    def __init__(self, meter: Meter, events: int) -> None:
        self._meter = meter
        self._left = events
        self._events = events
        self.measured: Measured | None = None

    def hear(self, fact: facts.Fact) -> None:
        match fact:
            case facts.PartitionClaimed() if not self._meter.started:
                self._meter.start()
            case facts.BatchApplied(applied=applied):
                self._left -= applied
                if self._left == 0:
                    self.measured = self._meter.stop(self._events)
            case _:
                pass


def run(job: Job) -> Measured:
    """Project the whole log."""
    os.environ.update(
        DATABASE_URL=job.database_url,
        KAFKA_BOOTSTRAP_SERVERS=job.bootstrap_servers,
        FOLDLINE_TRANSITION_TOPICS=TOPIC,
        FOLDLINE_WORKFLOW_TOPICS=OTHER_TOPIC,
        FOLDLINE_GROUP_ID=job.group_id,
    )
    settings = load_settings()
    watch = _Watch(Meter(job.database_url, job.servers), job.workload.events)
    deadline = time.monotonic() + job.seconds
    with projection(Place(settings, None), watch.hear) as ours:
        ours.worker.run(lambda: watch.measured is not None or time.monotonic() > deadline)
    if watch.measured is None:
        raise RanTooLongError(f"foldline did not apply the log in {job.seconds:.0f} s")
    return watch.measured
