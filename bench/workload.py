"""The log that all contestants are measured on: the same bytes for the same size, from no clock and no environment.

Every entity walks through its shipped machine in 3 to 5 hops (mostly the usual way, now and then by a failure and a
retry). Its hops lie about `gap` records apart, so that a batch holds few hops of one entity.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID

from foldline.core.machine import Machine, Machines
from foldline.machines import load_machines

_SEED = 20260101
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_BETWEEN_RECORDS = timedelta(milliseconds=40)
_HOPS = (3, 4, 5)
_FAILS_ONE_IN = 20
_PREFIXES = {"INGESTION": "doc", "PATTERN_LEARNING": "pattern", "QUALITY_ASSESSMENT": "asset"}


@dataclass(frozen=True, slots=True)
class Event:
    """One transition: what the limit stores without looking, and what the others must decode and judge."""

    key: str
    fsm_type: str
    from_state: str
    to_state: str
    action: str
    at: datetime
    correlation_id: str
    event_id: str
    error_message: str | None
    metadata: str

    @property
    def value(self) -> bytes:
        """The event as its record holds it."""
        failed = f'"error_message":"{self.error_message}",' if self.error_message else ""
        return (
            f'{{"event_id":"{self.event_id}","correlation_id":"{self.correlation_id}",'
            f'"occurred_at":"{self.at:%Y-%m-%dT%H:%M:%S.%fZ}","fsm_type":"{self.fsm_type}","entity_id":"{self.key}",'
            f'"action":"{self.action}","from_state":"{self.from_state}","to_state":"{self.to_state}",{failed}'
            f'"metadata":{self.metadata}}}'
        ).encode()


@dataclass(frozen=True, slots=True)
class _Hop:
    entity: int
    from_state: str
    to_state: str
    action: str


@dataclass(frozen=True)
class Workload:
    """The log of one benchmark. `older` entities have a row before the first event comes."""

    events: int
    older: int
    gap: int

    def log(self) -> Iterator[Event]:
        """Every event, in the order in which it is published."""
        chance = random.Random(_SEED)  # noqa: S311 - reproducible on purpose
        for number, hop in enumerate(self._order):
            machine = self._machine(hop.entity)
            yield Event(
                key=f"{_PREFIXES[machine.fsm_type]}-{hop.entity:010d}",
                fsm_type=machine.fsm_type,
                from_state=hop.from_state,
                to_state=hop.to_state,
                action=hop.action,
                at=_FIRST + number * _BETWEEN_RECORDS + timedelta(microseconds=chance.randrange(1000)),
                correlation_id=str(UUID(int=random.Random(hop.entity).getrandbits(128), version=4)),  # noqa: S311 - as above
                event_id=str(UUID(int=chance.getrandbits(128), version=4)),
                error_message="worker lost: no heartbeat for 30 s" if machine.states[hop.to_state].error else None,
                metadata=_metadata(chance),
            )

    def final_states(self) -> dict[tuple[str, str], int]:
        """How many entities of the log end in each state, by fsm_type and state."""
        last = {hop.entity: hop for hop in self._order}
        return dict(Counter((self._machine(hop.entity).fsm_type, hop.to_state) for hop in last.values()))

    @cached_property
    def _machines(self) -> Machines:
        return load_machines((), shipped=True)

    def _machine(self, entity: int) -> Machine:
        return self._machines[sorted(self._machines)[entity % len(self._machines)]]

    @cached_property
    def _order(self) -> list[_Hop]:
        """Every hop, by a drawn place in the log."""
        chance = random.Random(_SEED + 1)  # noqa: S311 - reproducible on purpose
        placed: list[tuple[float, int, _Hop]] = []
        for entity in itertools.count():
            if len(placed) >= self.events:
                break
            at = chance.uniform(0, self.events)
            for hop in _walk(entity, self._machine(entity), chance.choice(_HOPS), chance):
                placed.append((at, len(placed), hop))
                at += self.gap * chance.uniform(0.5, 1.5)
        return [hop for _, _, hop in sorted(placed[: self.events], key=lambda each: each[:2])]


def _walk(entity: int, machine: Machine, hops: int, chance: random.Random) -> Iterator[_Hop]:
    state = machine.initial
    for _ in range(hops):
        ways = {action: way for (at, action), way in machine.transitions.items() if at == state}
        usual = [action for action, way in ways.items() if not machine.states[way.to].error]
        fails = len(usual) < len(ways) and chance.randrange(_FAILS_ONE_IN) == 0
        action = "FAIL" if fails else usual[0]
        yield _Hop(entity, state, ways[action].to, action)
        state = ways[action].to


def _metadata(chance: random.Random) -> str:
    """About 170 bytes, a few values shared by many and a few of its own."""
    return json.dumps(
        {
            "source": f"s3://archive-inbox/{chance.choice(('invoices', 'contracts', 'letters', 'reports'))}",
            "worker": f"worker-{chance.randrange(12)}",
            "bytes": chance.randrange(18_000, 9_400_000),
            "confidence": round(chance.random(), 4),
            "checksum": f"{chance.getrandbits(128):032x}",
            "language": chance.choice(("de", "en", "fr", "pl")),
        },
        separators=(",", ":"),
    )
