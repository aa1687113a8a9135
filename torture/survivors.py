"""When nothing is done to them any more, whoever is left has to come to the end of every partition without help.

A partition that its owner gave up and that nobody claims again is as good as any other to a worker that is new: so this
is asked of the old ones, before they are let go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import psycopg

from torture.installation import Installation
from torture.log import PARTITIONS
from torture.reading import Partition, read_log
from torture.workers import Worker

_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.2
_POSITIONS = "SELECT topic, partition, next_offset FROM foldline_positions"


def left_behind(workers: Sequence[Worker], place: Installation, seconds: float = _SECONDS) -> list[str]:
    """The partitions whose end is not reached within so many seconds. A worker is started only if there is none."""
    if not any(worker.alive for worker in workers):
        workers[0].start()
    _, ends = read_log(place.bootstrap_servers, place.topics, PARTITIONS)
    until = time.monotonic() + seconds
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        while True:
            behind = list(_behind(connection, ends))
            if not behind or time.monotonic() > until:
                return [f"nobody goes on with {said}, {seconds:.0f} s after the last fault" for said in behind]
            time.sleep(_LOOK_EVERY_SECONDS)


def _behind(connection: psycopg.Connection[tuple[str, int, int]], ends: Mapping[Partition, int]) -> Iterator[str]:
    stand = {(topic, number): offset for topic, number, offset in connection.execute(_POSITIONS).fetchall()}
    for (topic, number), end in ends.items():
        if stand.get((topic, number)) != end:
            yield f"{topic}[{number}]: it stands at {stand.get((topic, number))} of {end}"
