"""Members of a group that die, or freeze beyond their session: the others take over, who wakes up stands back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clusters import Cluster
from growing import Log
from members import PROTOCOLS, short_sessions
from worker_processes import Process


@contextmanager
def _processes(cluster: Cluster, count: int, kafka: dict[str, str]) -> Iterator[list[Process]]:
    started = [Process(cluster, kafka=kafka) for _ in range(count)]
    try:
        yield started
    finally:
        for each in started:
            each.kill()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_dead_and_the_frozen_held_is_taken_over_and_the_frozen_one_comes_back(
    cluster: Cluster, protocol: str
) -> None:
    log = Log(cluster)
    with _processes(cluster, 3, short_sessions(cluster, protocol)) as (survivor, dead, frozen):
        for each in (survivor, dead, frozen):
            each.wait_for("partition claimed")
        log.grow()
        log.wait_until_passed()
        before = log.written // 4
        frozen.popen.send_signal(signal.SIGSTOP)
        dead.kill()
        log.grow()
        log.wait_until_passed()
        frozen.popen.send_signal(signal.SIGCONT)
        log.grow()
        log.wait_until_passed()
        until_it_heard = frozen.wait_for("partition lost")
        assert all(entry.get("next_offset", 0) <= before for entry in until_it_heard), "it wrote what it had lost"
        frozen.wait_for("partition claimed")
        survivor.popen.terminate()
        survivor.finish()
        log.grow()
        log.wait_until_passed()
        frozen.popen.terminate()
        frozen.finish()
    log.check()
