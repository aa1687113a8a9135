"""Claiming back: only what the group still gives us, which may change while it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from foldline import facts
from foldline.core.batch import Partition
from foldline.custody import Custody
from foldline.ports import Unavailable
from harness import TRANSITIONS, WORKFLOWS, MemorySource, Projector, rows

pytestmark = pytest.mark.any_version

EPOCHS = "SELECT epoch FROM foldline_positions ORDER BY topic"
_LATER = 1000.0
_MOST_CLAIMS_A_MINUTE = 12


@dataclass
class _Asked(MemorySource):
    """A source whose group is asked: what it answers, or does before it answers."""

    when_asked: Callable[[], None] = field(default=lambda: None)

    def confirm_membership(self, partition: Partition, next_offset: int) -> None:
        del partition, next_offset
        self.when_asked()


def _refuse() -> None:
    raise Unavailable("The group does not answer.")


def _claimed_and_fenced(projector: Projector, source: _Asked, tables: object) -> Custody:
    custody = Custody(source, tables, projector.group_id, projector.announced.append)  # type: ignore[arg-type]
    custody.assigned([TRANSITIONS, WORKFLOWS])
    custody.claim_due(0.0)
    for partition in (TRANSITIONS, WORKFLOWS):
        custody.fenced(partition, "other:1", projector.group_id, 0.0)
    return custody


@pytest.fixture
def source() -> _Asked:
    return _Asked({TRANSITIONS: [], WORKFLOWS: []})


def test_what_the_group_takes_while_it_is_asked_is_not_claimed(projector: Projector, source: _Asked) -> None:
    tables = projector.tables()
    try:
        custody = _claimed_and_fenced(projector, source, tables)
        source.when_asked = lambda: custody.released([TRANSITIONS, WORKFLOWS])
        custody.claim_due(_LATER)
    finally:
        tables.close()
    assert custody.held == 0
    assert rows(projector.database_url, EPOCHS) == [(1,), (1,)]


def test_who_is_not_confirmed_asks_again_and_claims_once_it_is(projector: Projector, source: _Asked) -> None:
    tables = projector.tables()
    try:
        custody = _claimed_and_fenced(projector, source, tables)
        source.when_asked = _refuse
        custody.claim_due(_LATER)
        assert custody.held == 0
        source.when_asked = lambda: None
        custody.claim_due(2 * _LATER)
        assert custody.held == 2
    finally:
        tables.close()
    assert rows(projector.database_url, EPOCHS) == [(2,), (2,)]
    assert len(projector.heard(facts.PartitionClaimed)) == 4


def test_two_who_both_believe_to_be_the_owner_claim_ever_more_rarely(projector: Projector) -> None:
    """A minute of a duel, by a clock that the test turns: whoever is claimed from hears of it at once."""
    duellists = [Projector(projector.database_url, owner=f"duellist:{number}") for number in range(2)]
    tables = [each.tables() for each in duellists]
    source = MemorySource({TRANSITIONS: []})
    try:
        custodies = [
            Custody(source, of, each.group_id, each.announced.append)
            for each, of in zip(duellists, tables, strict=True)
        ]
        for custody in custodies:
            custody.assigned([TRANSITIONS])
        for tenth in range(600):
            for custody, other in (custodies, reversed(custodies)):
                had = custody.held
                custody.claim_due(tenth / 10)
                if custody.held > had and other.held:
                    other.fenced(TRANSITIONS, "the other", projector.group_id, tenth / 10)
    finally:
        for each in tables:
            each.close()
    assert all(2 <= len(each.heard(facts.PartitionClaimed)) <= _MOST_CLAIMS_A_MINUTE for each in duellists)
