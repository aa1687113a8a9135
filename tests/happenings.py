"""What may happen to a worker, or beside it, before any call that it makes of a port. A number says to what or whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from model_tables import Fate
from world import PARTITIONS, Killed, Living, World

Happening = Callable[[World, Living, int], None]

_KEYS = [("FREE", "a"), ("FREE", "b"), ("STRICT", "a")]
_STATES = ["NEW", "OPEN", "DONE", "BROKEN"]


def happen(world: World, living: Living, happening: str, number: int) -> None:
    """Let it happen, unless it would have to wait for rows that a worker has locked."""
    if happening not in _WAIT_FOR_LOCKS or not world.locked:
        _HAPPENINGS[happening](world, living, number)


def _commits(_: World, living: Living, __: int) -> None:
    """Its transaction is done before it asks."""
    if living.tables.in_flight is not None:
        living.tables.in_flight.run()


def _adrift_commits(world: World, _: Living, number: int) -> None:
    """One that nobody waits for is done."""
    adrift = world.adrift()
    if adrift:
        adrift[number % len(adrift)].run()


def _another_turns(world: World, living: Living, number: int) -> None:
    others = [other for other in world.living if other is not living]
    if others:
        world.turn(others[number % len(others)], 1 + number % 3)


def _by_hand(world: World, _: Living, number: int) -> None:
    since = datetime(2026, 1, 31, 12, 0, number % 7, tzinfo=UTC)
    world.store.change_by_hand(_KEYS[number % 3], _STATES[number // 3 % 4], since)


def _deleted(world: World, _: Living, number: int) -> None:
    world.store.delete_by_hand(_KEYS[number % 3])


def _done_by_a_tool(world: World, _: Living, number: int) -> None:
    """Somebody projects one record beside the owner and under its epoch, as a tool for repairs may."""
    world.project_beside(PARTITIONS[number % 3])


def _appended(world: World, _: Living, number: int) -> None:
    world.append(PARTITIONS[number % 3], [number // 3])


def _revoked(world: World, _: Living, number: int) -> None:
    world.log.revoke(PARTITIONS[number % 3])


def _assigned(world: World, living: Living, number: int) -> None:
    if (partition := PARTITIONS[number % 3]) not in world.log.owners:
        world.log.assign(partition, living.source)


def _expelled(world: World, living: Living, _: int) -> None:
    """Its session ends."""
    world.log.expel(living.source)


def _replaced(world: World, living: Living, number: int) -> None:
    """Its session ends while it is busy; perhaps it does not hear of it for long."""
    living.source.deaf = number % 2 == 0
    world.replace(living, number // 2)


def _taken_over(world: World, living: Living, number: int) -> None:
    """Its session ends, and its successor is at work before it hears of it."""
    living.source.deaf = number % 2 == 0
    successor = world.replace(living, number // 2)
    if successor is not None:
        world.turn(successor, 2 + number // 2 % 2)


def _deaf(_: World, living: Living, __: int) -> None:
    """It hears nothing of the group any more."""
    living.source.deaf = True


def _hears(_: World, living: Living, __: int) -> None:
    living.source.deaf = False


def _away(_: World, living: Living, number: int) -> None:
    """Its next calls do not reach the database."""
    living.tables.away = 1 + number % 4


def _fated(fate: Fate) -> Happening:
    def fated(_: World, living: Living, __: int) -> None:
        living.tables.fate = fate

    return fated


def _interrupted(_: World, living: Living, number: int) -> None:
    """The broker cannot deliver one of its partitions for now, which the client says while it polls."""
    living.source.news.append(("interrupted", PARTITIONS[number % 3]))


def _claimed_by_the_dying(world: World, _: Living, number: int) -> None:
    """A worker that no longer is a member claims, and dies before it does anything."""
    held = world.store.positions.get(PARTITIONS[number % 3])
    if held is not None:
        world.store.take_over(PARTITIONS[number % 3], 0, held.topic_id, held.group_id, held.owner)


def _killed(_: World, __: Living, ___: int) -> None:
    raise Killed


_HAPPENINGS: dict[str, Happening] = {
    "commits": _commits,
    "by hand": _by_hand,
    "deleted": _deleted,
    "another turns": _another_turns,
    "adrift commits": _adrift_commits,
    "done by a tool": _done_by_a_tool,
    "appended": _appended,
    "revoked": _revoked,
    "assigned": _assigned,
    "expelled": _expelled,
    "replaced": _replaced,
    "taken over": _taken_over,
    "deaf": _deaf,
    "hears": _hears,
    "away": _away,
    "answer lost": _fated(Fate.ANSWER_LOST),
    "lost": _fated(Fate.LOST),
    "left behind": _fated(Fate.LEFT_BEHIND),
    "claimed by the dying": _claimed_by_the_dying,
    "interrupted": _interrupted,
    "killed": _killed,
}
HAPPENINGS = list(_HAPPENINGS)
"""Plainest first: a counterexample shrinks towards them."""
_WAIT_FOR_LOCKS = {"commits", "by hand", "deleted", "another turns", "adrift commits", "done by a tool", "taken over"}
