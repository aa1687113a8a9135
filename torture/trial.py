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
from torture.operators import Change, Operators
from torture.proxy import Proxy, Switchboard
from torture.reading import Partition, read_log
from torture.schedule import Conditions, conditions, steps
from torture.siege import Siege
from torture.stories import MACHINES, NEWER, OLDER
from torture.survivors import left_behind
from torture.tables import by_hand, read_tables, reigns
from torture.verifying import seen, verified
from torture.workers import COMMAND, PRODUCT, TOO_OLD, Worker, crew, heard
from torture.writing import writing

RECORDS_PER_SECOND = 200
_LEFT_WITHIN_SECONDS = 60
_CAUGHT_UP_WITHIN_SECONDS = 300
_ALARMS = ("partition stopped", "record refused")
_ASKED = (0, -signal.SIGKILL, -signal.SIGTERM)  # the last of these before it has come to listen
_LAST, _DESK, _LATE = 9, 8, 7
_CHANGES = "SELECT fsm_type, entity_id, from_state, to_state FROM fsm_state_history WHERE action = 'MANUAL'"


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
    desk = Worker(_DESK, Proxy(0), place.settings(outcome.conditions, _DESK), directory, COMMAND, machines=NEWER)
    operators = Operators(place.database_url, desk, outcome.done)
    log = Log(seed, *place.topics)
    with watching(place.database_url) as watch:
        with crew([*places, operators.desk]):
            siege = Siege(places, running, place, operators, outcome.done)
            siege.begin()
            with writing(log, place.bootstrap_servers, per_second=RECORDS_PER_SECOND) as progress:
                siege.carry_out(steps(seed), seconds)
                siege.usurp()
            operators.settle()
            outcome.differences += left_behind(places, place)
            for worker in places:
                worker.leave()
            for worker in places:
                if worker.wait(_LEFT_WITHIN_SECONDS) is None:
                    outcome.differences.append(f"worker {worker.number} does not leave: {worker.abort()}")
        outcome.differences += catch_up(place, outcome.conditions, directory, words, machines=NEWER)
        outcome.differences += too_old(place, outcome.conditions, directory)
    outcome.transactions = progress.transactions
    outcome.looks = watch.looks
    outcome.done["ended by themselves"] = sum(code not in _ASKED for worker in places for code in worker.ended)
    listened = heard(places, is_alarm=_is_alarm)
    outcome.facts = listened.facts
    outcome.differences += watch.violations + listened.alarms
    records, found = compared(place)
    outcome.records = records
    outcome.differences += found
    outcome.differences += changed_otherwise(place, operators.changed)
    if not outcome.differences:
        by_hand = operators.changed.total()
        outcome.differences += verified(place, outcome.conditions, directory, by_hand=by_hand)
        outcome.differences += seen(place, outcome.conditions, directory, seed)
    outcome.seconds = time.monotonic() - began
    return outcome


def _is_alarm(fact: dict[str, object]) -> bool:
    """What must never be said; that a worker stands back whose machines are too old is what it should say."""
    return fact.get("event") in _ALARMS and TOO_OLD not in str(fact.get("problem"))


def catch_up(
    place: Installation,
    under: Conditions,
    directory: Path,
    words: Sequence[str] = PRODUCT,
    machines: Sequence[Path] = OLDER,
) -> list[str]:
    """Let one worker that nobody disturbs project the rest; says what is wrong if it does not."""
    last = Worker(_LAST, Proxy(0), place.settings(under, _LAST), directory, words, machines)
    code = _let_run(last)
    return [] if code == 0 else [f"the last worker did not catch up (code {code}): {last.last_words}"]


def too_old(place: Installation, under: Conditions, directory: Path) -> list[str]:
    """Start one whose machines are older than what has judged; says what is wrong if it is not refused."""
    late = Worker(_LATE, Proxy(0), place.settings(under, _LATE), directory)
    code = _let_run(late)
    return [] if late.refused else [f"machines that are too old are not refused (code {code}): {late.last_words}"]


def _let_run(worker: Worker) -> int | None:
    with crew([worker]):
        worker.start("--until-caught-up")
        return worker.wait(_CAUGHT_UP_WITHIN_SECONDS)


def changed_otherwise(place: Installation, changed: Counter[Change]) -> list[str]:
    """Where the history has other changes by hand than were made."""
    with psycopg.connect(place.database_url) as connection:
        found = Counter[Change](connection.execute(_CHANGES).fetchall())
    return [] if found == changed else [f"changes by hand: lost {changed - found}, made up {found - changed}"]


def compared(place: Installation) -> tuple[int, list[str]]:
    """How many records the log has, and every difference between the tables and what they come to."""
    projected, ends = judged(place)
    with psycopg.connect(place.database_url) as connection:
        found = list(differences(projected, ends, read_tables(connection)))
    return sum(counts.total() for counts in projected.counts.values()), found


def judged(place: Installation) -> tuple[Projected, dict[Partition, int]]:
    """The log as it lies in Kafka, judged by the oracle, and where each partition ends.

    What the log does not hold is taken from the tables: which machines judged, and what was changed by hand.
    """
    records, ends = read_log(place.bootstrap_servers, place.topics, PARTITIONS)
    with psycopg.connect(place.database_url) as connection:
        tables = read_tables(connection)
    projected = Projected(MACHINES, place.workflows, reigns(tables))
    projected.entities.by_hand = by_hand(tables)
    for record in records:
        projected.judge(record)
    return projected, ends


def _worker(
    number: int, place: Installation, under: Conditions, board: Switchboard, directory: Path, words: Sequence[str]
) -> Worker:
    proxy = board.proxy(place.database_port)
    return Worker(number, proxy, place.settings(under, number, proxy.port), directory, words)
