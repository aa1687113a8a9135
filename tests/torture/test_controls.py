"""The proof can fail: without the fence, without the identities, without the revisions, it finds what went wrong.

Each control is a worker that is blind to one guard (torture/blind.py replaces one SQL text) on a log like every other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from foldline.postgres import queries
from torture.blind import GUARDS, blinded
from torture.installation import Installation
from torture.invariants import Watch
from torture.log import Log
from torture.points import Point
from torture.proxy import Blow, Proxy, Switchboard, Trap, switchboard
from torture.schedule import Conditions
from torture.trial import catch_up, compared
from torture.workers import PRODUCT, Worker, blind, crew
from torture.writing import write_all, writing

_CONDITIONS = Conditions("consumer", static=False, workers=1, batch_size=10)
_RECORDS = 900
_PATIENCE_SECONDS = 30


@pytest.fixture
def board() -> Iterator[Switchboard]:
    with switchboard() as board:
        yield board


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_is_one_place_in_one_statement_or_two(guard: str, tmp_path: Path) -> None:
    before = queries.DIRECTORY
    try:
        blinded(guard, tmp_path)
        changed = [
            file.name for file in sorted(tmp_path.iterdir()) if file.read_text() != (before / file.name).read_text()
        ]
        assert changed == sorted(f"{name}.sql" for name in GUARDS[guard])
    finally:
        queries.DIRECTORY = before


def test_without_identities_what_comes_late_a_second_time_is_judged_again(place: Installation, tmp_path: Path) -> None:
    write_all(Log(1, *place.topics), place.bootstrap_servers, _RECORDS)
    assert catch_up(place, _CONDITIONS, tmp_path, blind("identities")) == []
    _, found = compared(place)
    assert any(said.startswith("position") and "duplicate is" in said for said in found)
    assert any(said.startswith("history of") for said in found)


def test_without_revisions_an_entity_on_two_partitions_loses_a_hop(place: Installation, tmp_path: Path) -> None:
    alive = Worker(0, Proxy(0), place.settings(_CONDITIONS, 0), tmp_path, blind("revision"))
    with crew([alive]):
        alive.start()
        alive.wait_for("partition claimed", after=0, seconds=_PATIENCE_SECONDS)
        with writing(Log(1, *place.topics), place.bootstrap_servers, per_second=_RECORDS / 2) as progress:
            while progress.records < _RECORDS and progress.failed is None:
                alive.wait_for("batch applied", after=len(alive.log), seconds=_PATIENCE_SECONDS)
        alive.leave()
        assert alive.wait(_PATIENCE_SECONDS) == 0
    assert catch_up(place, _CONDITIONS, tmp_path, blind("revision")) == []
    _, found = compared(place)
    assert any("which strays" in said and "starts from" in said for said in found)
    assert all("CAROUSEL" in said for said in found)


def test_without_the_fence_a_worker_that_was_frozen_moves_the_position_back(
    place: Installation, board: Switchboard, tmp_path: Path
) -> None:
    watch, _ = frozen_and_overtaken(place, board, tmp_path, blind("fence"))
    _, found = compared(place)
    assert any(said.startswith("position") and "duplicate is" in said for said in found)
    assert any("went back" in said for said in watch.violations)


def test_with_all_guards_the_same_leaves_no_trace(place: Installation, board: Switchboard, tmp_path: Path) -> None:
    watch, problems = frozen_and_overtaken(place, board, tmp_path, PRODUCT)
    _, found = compared(place)
    assert (found, watch.violations, problems) == ([], [], [])


def frozen_and_overtaken(
    place: Installation, board: Switchboard, directory: Path, words: Sequence[str]
) -> tuple[Watch, list[str]]:
    """A worker is frozen ahead of a fence; another one, of another group, projects everything; the first goes on.

    Returns what was seen of the positions meanwhile, and what a last worker has to say that is to catch up.
    """
    write_all(Log(1, *place.topics), place.bootstrap_servers, _RECORDS)
    proxy = board.proxy(place.database_port)
    trap = Trap(Point.REPEATS, Blow.FREEZE)
    proxy.set(trap)
    settings = {**place.settings(_CONDITIONS, 0, proxy.port), "FOLDLINE_GROUP_ID": f"{place.transitions}.other"}
    watch = Watch()
    with (
        crew([Worker(0, proxy, settings, directory, words)]) as (frozen,),
        psycopg.connect(place.database_url, autocommit=True) as connection,
    ):
        frozen.start()
        assert trap.sprung.wait(_PATIENCE_SECONDS), "no batch of nothing but duplicates"
        assert catch_up(place, _CONDITIONS, directory, words) == []
        watch.look(connection, history=True)
        so_far = len(frozen.log)
        frozen.thaw()
        frozen.wait_for("batch applied", "partition fenced", after=so_far, seconds=_PATIENCE_SECONDS)
        watch.look(connection, history=True)
        frozen.leave()
        frozen.wait(_PATIENCE_SECONDS)
    problems = catch_up(place, _CONDITIONS, directory, words)
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        watch.settle(connection)
    return watch, problems
