"""What must hold at every moment, seen from a session of its own: positions never go back, history never changes.

When all is quiet, every entity is in the state that its last hop led to. That history is the fold of the log, and that
every record has exactly one verdict, is `comparison.py`'s to say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

_POSITIONS = "SELECT topic, partition, next_offset, epoch FROM foldline_positions"
_HISTORY = "SELECT id, hashtextextended(history::text, 0) FROM fsm_state_history AS history"
_LAST_HOPS = """
SELECT state.fsm_type, state.entity_id, state.current_state, hop.to_state
  FROM fsm_state AS state
  LEFT JOIN LATERAL (
       SELECT to_state FROM fsm_state_history AS history
        WHERE (history.fsm_type, history.entity_id) = (state.fsm_type, state.entity_id) AND success
        ORDER BY id DESC LIMIT 1) AS hop ON true
 WHERE hop.to_state IS DISTINCT FROM state.current_state"""
_LOOK_EVERY_SECONDS = 0.2
_READ_HISTORY_EVERY = 20


@dataclass
class Watch:
    """What was seen so far, and what must not have been."""

    looks: int = 0
    violations: list[str] = field(default_factory=list)
    _positions: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    _history: dict[int, int] = field(default_factory=dict)

    def look(self, connection: psycopg.Connection[Any], *, history: bool) -> None:
        """Look once. `history` reads all of it, and so is for now and then."""
        self.looks += 1
        for topic, partition, next_offset, epoch in connection.execute(_POSITIONS).fetchall():
            before = self._positions.get((topic, partition), (0, 0))
            if next_offset < before[0] or epoch < before[1]:
                self.violations.append(f"{topic}[{partition}] went back: {before} to {(next_offset, epoch)}")
            self._positions[topic, partition] = (next_offset, epoch)
        if history:
            now = dict(connection.execute(_HISTORY).fetchall())
            changed = [number for number, digest in self._history.items() if now.get(number) != digest]
            if changed:
                self.violations.append(f"rows of history changed or went: {changed[:5]}")
            self._history = now

    def settle(self, connection: psycopg.Connection[Any]) -> None:
        """Look for the last time, when all is quiet."""
        self.look(connection, history=True)
        for fsm_type, entity_id, state, last in connection.execute(_LAST_HOPS).fetchall():
            self.violations.append(f"{fsm_type} {entity_id} is in {state}, its last hop led to {last}")


@contextmanager
def watching(database_url: str) -> Iterator[Watch]:
    """Look, in a thread, until the end of the block; once more when it has ended well."""
    watch = Watch()
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(watch, database_url, stop), name="watching", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join(30)
    with psycopg.connect(database_url, autocommit=True) as connection:
        watch.settle(connection)


def _watch(watch: Watch, database_url: str, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with psycopg.connect(database_url, autocommit=True, connect_timeout=2) as connection:
                for number in range(1, 1_000_000):
                    watch.look(connection, history=number % _READ_HISTORY_EVERY == 0)
                    if stop.wait(_LOOK_EVERY_SECONDS):
                        return
        except psycopg.OperationalError:  # the database is being restarted: look again when it is there
            time.sleep(_LOOK_EVERY_SECONDS)
