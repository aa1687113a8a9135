"""What people do to a projection while it is being tortured: dead letters redriven, entities corrected, SQL by hand.

Commands are processes of the product, one at a time, that nobody waits for before the end; that they fail while a
server is down is no difference. What is changed by hand is kept, to be compared with what the history says of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import assert_never

import psycopg

from torture.schedule import ChangeByHand, Correct, Mend, Redrive
from torture.stories import MACHINES, STRAYING
from torture.workers import Worker

_COMMAND_SECONDS = 60
_SOME_ENTITY = """
SELECT fsm_type, entity_id, current_state FROM fsm_state WHERE fsm_type <> %s
 ORDER BY md5(entity_id || %s) LIMIT 1"""
_CHANGE = """
UPDATE fsm_state SET current_state = %s WHERE fsm_type = %s AND entity_id = %s AND current_state = %s
RETURNING fsm_type, entity_id"""
Change = tuple[str, str, str, str]
"""Type and id of an entity, the state that it was in, and the one that it was set to."""


@dataclass
class Operators:
    """Whoever sits at the terminal. `desk` runs the commands."""

    database_url: str = field(repr=False)
    desk: Worker
    done: Counter[str]
    changed: Counter[Change] = field(default_factory=Counter)
    _asked: str = ""

    def mend(self, act: Mend, drawn: int) -> None:
        """What somebody holds to be mending."""
        match act:
            case ChangeByHand():
                self._change_by_hand(drawn)
            case Redrive(reason=reason):
                self._ask("redriven", "deadletters", "redrive", "--reason", reason)
            case Correct():
                self._correct(drawn)
            case _:
                assert_never(act)

    def settle(self) -> None:
        """Wait for the command under way."""
        if self._asked:
            code = self.desk.wait(_COMMAND_SECONDS)
            self.done[self._asked if code == 0 else f"not {self._asked}"] += 1
            self._asked = ""

    def _change_by_hand(self, drawn: int) -> None:
        """Set some entity to some other state of its machine."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.database_url) as connection:
            connection.execute("SET lock_timeout = '1s'")  # whoever is frozen may hold it
            entity = self._some_entity(connection, drawn)
            if entity is None:
                return
            fsm_type, entity_id, state = entity
            others = sorted(MACHINES[fsm_type].states.keys() - {state, "ARCHIVED"})  # of every version
            wanted = others[drawn % len(others)]
            if connection.execute(_CHANGE, (wanted, fsm_type, entity_id, state)).fetchone() is not None:
                connection.commit()
                self.changed[fsm_type, entity_id, state, wanted] += 1
                self.done["changed by hand"] += 1

    def _correct(self, drawn: int) -> None:
        """Correct some entity, by the command."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.database_url) as connection:
            entity = self._some_entity(connection, drawn)
            if entity is not None:
                fsm_type, entity_id, _ = entity
                to = MACHINES[fsm_type].initial
                words = ("correct", fsm_type, entity_id, "--to", to, "--why", "tortured", "--wait", "20")
                self._ask("corrected", *words)

    def _ask(self, done: str, *words: str) -> None:
        if self.desk.alive:
            self.done["missed"] += 1
            return
        self.settle()
        self.desk.start(*words)
        self._asked = done

    def _some_entity(self, connection: psycopg.Connection, drawn: int) -> Sequence[str] | None:
        return connection.execute(_SOME_ENTITY, (STRAYING, str(drawn))).fetchone()
