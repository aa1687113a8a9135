"""One seed, from an empty database to its verdict."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from foldline.embedded.servers import RunningServers
from oracle.projection import Projected
from torture.comparison import differences
from torture.installation import Installation, installed
from torture.invariants import watching
from torture.log import PARTITIONS, Log
from torture.proxy import Proxy, Switchboard
from torture.reading import Partition, read_log
from torture.schedule import Conditions, conditions, steps
from torture.siege import Siege
from torture.stories import MACHINES
from torture.survivors import left_behind
from torture.tables import read_tables
from torture.workers import PRODUCT, Worker, crew, heard
from torture.writing import writing

RECORDS_PER_SECOND = 200
_LEFT_WITHIN_SECONDS = 60
_CAUGHT_UP_WITHIN_SECONDS = 300
_ALARMS = ("partition stopped", "record refused")
_ASKED = (0, -signal.SIGKILL, -signal.SIGTERM)  # the last of these before it has come to listen
_LAST = 9


@dataclass
class Outcome:
    """What became of one seed."""

    seed: int
    conditions: Conditions
    records: int = 0
    transactions: int = 0
    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    differences: list[str] = field(default_factory=list)


def try_seed(
    running: RunningServers,
    board: Switchboard,
    seed: int,
    seconds: float,
    directory: Path,
    words: Sequence[str] = PRODUCT,
) -> Outcome:
    """Write the log of the seed, carry its schedule out meanwhile, and compare what is left."""
    began = time.monotonic()
    outcome = Outcome(seed, conditions(seed))
    place = installed(running.servers.database_url, running.servers.bootstrap_servers, f"torture_{seed}")
    places = [
        _worker(number, place, outcome.conditions, board, directory, words)
        for number in range(outcome.conditions.workers)
    ]
    log = Log(seed, *place.topics)
    with watching(place.database_url) as watch:
        with crew(places):
            siege = Siege(places, running, place, outcome.done)
            siege.begin()
            with writing(log, place.bootstrap_servers, per_second=RECORDS_PER_SECOND) as progress:
                siege.carry_out(steps(seed), seconds)
                siege.usurp()
            outcome.differences += left_behind(places, place)
            for worker in places:
                worker.leave()
            for worker in places:
                if worker.wait(_LEFT_WITHIN_SECONDS) is None:
                    outcome.differences.append(f"worker {worker.number} does not leave: {worker.abort()}")
        outcome.differences += catch_up(place, outcome.conditions, directory, words)
    outcome.transactions = progress.transactions
    outcome.looks = watch.looks
    outcome.done["ended by themselves"] = sum(code not in _ASKED for worker in places for code in worker.ended)
    listened = heard(places, is_alarm=lambda fact: fact.get("event") in _ALARMS)
    outcome.facts = listened.facts
    outcome.differences += watch.violations + listened.alarms
    records, found = compared(place)
    outcome.records, outcome.seconds = records, time.monotonic() - began
    outcome.differences += found
    return outcome


def catch_up(place: Installation, under: Conditions, directory: Path, words: Sequence[str] = PRODUCT) -> list[str]:
    """Let one worker that nobody disturbs project the rest; says what is wrong if it does not."""
    last = Worker(_LAST, Proxy(0), place.settings(under, _LAST), directory, words)
    with crew([last]):
        last.start("--until-caught-up")
        code = last.wait(_CAUGHT_UP_WITHIN_SECONDS)
    if code == 0:
        return []
    said = last.logs[-1].read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return [f"the last worker did not catch up (code {code}): {said[-1:]}"]


def compared(place: Installation) -> tuple[int, list[str]]:
    """How many records the log has, and every difference between the tables and what they come to."""
    projected, ends = judged(place)
    with psycopg.connect(place.database_url) as connection:
        found = list(differences(projected, ends, read_tables(connection)))
    return sum(counts.total() for counts in projected.counts.values()), found


def judged(place: Installation) -> tuple[Projected, dict[Partition, int]]:
    """The log as it lies in Kafka, judged by the oracle, and where each partition ends."""
    records, ends = read_log(place.bootstrap_servers, place.topics, PARTITIONS)
    projected = Projected(MACHINES, place.workflows)
    for record in records:
        projected.judge(record)
    return projected, ends


def _worker(
    number: int, place: Installation, under: Conditions, board: Switchboard, directory: Path, words: Sequence[str]
) -> Worker:
    proxy = board.proxy(place.database_port)
    return Worker(number, proxy, place.settings(under, number, proxy.port), directory, words)
