"""A partition that nobody goes on with is said, although a worker that is new would go on with it."""

from __future__ import annotations

from pathlib import Path

from torture.installation import Installation
from torture.log import PARTITIONS, Log
from torture.proxy import Proxy
from torture.schedule import Conditions
from torture.survivors import left_behind
from torture.workers import Worker, crew
from torture.writing import write_all


def test_what_nobody_goes_on_with_is_said(place: Installation, tmp_path: Path) -> None:
    write_all(Log(1, *place.topics), place.bootstrap_servers, 200)
    conditions = Conditions("consumer", static=False, workers=1, batch_size=40)
    with crew([Worker(0, Proxy(0), place.settings(conditions, 0), tmp_path)]) as workers:
        workers[0].start()
        workers[0].freeze()
        found = left_behind(workers, place, seconds=0.0)
        assert len(found) == len(place.topics) * PARTITIONS
        assert all(said.startswith("nobody goes on with ") for said in found)
        workers[0].thaw()
        assert left_behind(workers, place) == []
