"""Partitions that the group gives to somebody else while a transaction for them is in flight, one case at a time."""

from __future__ import annotations

import pytest

from foldline import facts
from happenings import happen
from harness import TRANSITIONS
from model_store import Guards
from world import LONGER_THAN_ANY_DELAY, PARTITIONS, World


@pytest.fixture
def world() -> World:
    """Two workers that hold what the group gave them, one of them with a transaction in flight."""
    world = World(Guards(), happen)
    for _ in range(2):
        world.start(1)
    world.give_away_what_is_free()
    for living in world.living * 2:
        world.turn(living)
    world.append(TRANSITIONS, [0])
    world.turn(world.living[0])
    assert world.living[0].tables.in_flight is not None
    return world


def _turn_all(world: World, times: int) -> None:
    for living in world.living * times:
        world.turn(living)
        world.pass_time(LONGER_THAN_ANY_DELAY)


def test_a_worker_that_lost_a_partition_and_is_fenced_in_flight_lets_it_go_and_lives_on(world: World) -> None:
    replaced, successor = world.living
    assert world.replace(replaced, 0) is successor
    world.turn(successor, 2)
    world.turn(replaced)
    _turn_all(world, 6)
    assert all(world.is_settled(partition) for partition in PARTITIONS)
    assert world.store.positions[TRANSITIONS].counts.total == 1
    assert not [fact for fact in world.announced if isinstance(fact, facts.PartitionFenced)]
    lost = [fact for fact in world.announced if isinstance(fact, facts.PartitionLost | facts.PartitionReleased)]
    assert facts.PartitionLost(str(TRANSITIONS), 0) in lost
    assert not [fact for fact in lost if isinstance(fact, facts.PartitionReleased)]


def test_a_zombie_is_fenced_in_flight_and_stays_away_until_the_group_confirms_it(world: World) -> None:
    zombie, successor = world.living
    zombie.source.deaf = True
    world.replace(zombie, 0)
    world.turn(successor, 2)
    _turn_all(world, 6)
    assert all(world.is_settled(partition) for partition in PARTITIONS)
    assert TRANSITIONS not in zombie.source.reading
    assert world.store.positions[TRANSITIONS].counts.total == 1
    assert len([fact for fact in world.announced if isinstance(fact, facts.PartitionFenced)]) == 1


def test_what_is_in_flight_when_a_partition_is_revoked_is_committed_before_the_hand_over(world: World) -> None:
    owner, successor = world.living
    world.log.revoke(TRANSITIONS)
    world.turn(owner)
    assert TRANSITIONS not in world.log.owners
    assert world.store.positions[TRANSITIONS].next_offset == world.log.acknowledged[TRANSITIONS] == 1
    gone = [fact for fact in world.announced if isinstance(fact, facts.PartitionLost | facts.PartitionReleased)]
    assert gone == [facts.PartitionReleased(str(TRANSITIONS), 1)]
    world.log.assign(TRANSITIONS, successor.source)
    _turn_all(world, 2)
    assert world.is_settled(TRANSITIONS)


def test_a_transaction_left_behind_by_the_dead_is_committed_before_the_claim_or_never(world: World) -> None:
    dead, successor = world.living
    world.bury(dead)
    world.give_away_what_is_free()
    (late,) = world.adrift()
    world.turn(successor, 2)
    late.run()
    _turn_all(world, 4)
    assert world.is_settled(TRANSITIONS)
    assert world.store.positions[TRANSITIONS].counts.total == 1
