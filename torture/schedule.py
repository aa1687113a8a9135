"""What is done to workers, to PostgreSQL and to Kafka, in which order: drawn from a seed, and from nothing else.

A step says what is to be done and to whom by a drawn number; who that is, when it is done, and what it meets is not
in the seed, for the interleaving of processes is not.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from torture.points import Point
from torture.proxy import Blow

SESSION_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Ambush:
    """Deal this blow when a worker comes to this point for the `after`-th time."""

    point: Point
    blow: Blow
    after: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """SIGSTOP wherever it is; SIGCONT when its session is long over."""


@dataclass(frozen=True, slots=True)
class Leave:
    """SIGTERM; another one joins."""


@dataclass(frozen=True, slots=True)
class RestartDatabase:
    """PostgreSQL stops as in a crash, and starts again."""


@dataclass(frozen=True, slots=True)
class EndSessions:
    """Every session of every worker is terminated."""


@dataclass(frozen=True, slots=True)
class KillBroker:
    """Kafka is killed, and started again so many seconds later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Deploy:
    """One more worker is told to leave, and comes back with the newer machines."""


@dataclass(frozen=True, slots=True)
class ChangeByHand:
    """The state of some entity is changed by SQL."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """`foldline deadletters redrive` of what was rejected for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Correct:
    """`foldline correct` of some entity."""


Mend = ChangeByHand | Redrive | Correct
Act = Ambush | Freeze | Leave | RestartDatabase | EndSessions | KillBroker | Deploy | Mend


@dataclass(frozen=True, slots=True)
class Step:
    """An act, the number that chooses its victim, and how long to wait before it."""

    act: Act
    victim: int
    pause: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a seed fixes for all of its workers."""

    protocol: str
    static: bool
    workers: int
    batch_size: int

    def __str__(self) -> str:
        membership = "static" if self.static else "dynamic"
        return f"{self.protocol}, {membership}, {self.workers} workers, batches of {self.batch_size}"


AMBUSHES: Sequence[tuple[Blow, Sequence[Point]]] = (
    (Blow.KILL, tuple(Point)),
    (Blow.FREEZE, (Point.CLAIMED, Point.ROWS, Point.BEGIN, Point.COPY_END, Point.FENCE, Point.REPEATS,
                   Point.IDENTITIES, Point.ENTITIES, Point.COMMIT, Point.COMMITTED)),
    (Blow.SWALLOW, (Point.COMMIT, Point.COMMIT, Point.COMMITTED, Point.COMMITTED, Point.COPY_END, Point.FENCE,
                    Point.CLAIMED, Point.LEDGER)),
    (Blow.TERMINATE, (Point.LEDGER, Point.COPY_END, Point.IDENTITIES, Point.COMMIT, Point.COMMITTED)),
    (Blow.DELAY, (Point.CLAIM, Point.FENCE, Point.COMMIT, Point.COMMITTED)),
)  # fmt: skip
RARE = (Point.CLAIM, Point.CLAIMED, Point.REPEATS)
"""What a worker does not come to in every turn."""
_GREAT_EVERY = 4
_GREAT: Sequence[Act] = (Leave(), Leave(), Freeze(), RestartDatabase(), EndSessions(), KillBroker(seconds=1.0))
_MEND_EVERY = 4
_MENDS: Sequence[Mend] = (ChangeByHand(), ChangeByHand(), ChangeByHand(), Correct(), Redrive("illegal_transition"),
                          Redrive("from_state_mismatch"), Redrive("illegal_workflow_event"))  # fmt: skip
_DEPLOYS = (3, 7, 11)
"""At which steps one more worker gets the newer machines: early, so that short seeds see it, too."""
_Card = TypeVar("_Card")


def conditions(seed: int) -> Conditions:
    """The conditions of a seed: in turn, so that a few seeds see all of them."""
    chance = random.Random(f"conditions {seed}")  # noqa: S311 - reproducible on purpose
    return Conditions(
        protocol=("consumer", "classic")[seed % 2],
        static=seed // 2 % 2 == 1,
        workers=3,
        batch_size=chance.choice((10, 20, 40)),
    )


def steps(seed: int) -> Iterator[Step]:
    """The schedule of a seed, without an end: every ambush comes once before any comes twice.

    It begins with what nothing but the fence withstands: whoever wakes ahead of it has a batch that collides with
    nothing else.
    """
    chance = random.Random(f"schedule {seed}")  # noqa: S311 - reproducible on purpose
    ambushes = _dealt(chance, [(point, blow) for blow, points in AMBUSHES for point in points])
    great: Iterator[Act] = _dealt(chance, _GREAT)
    mends: Iterator[Act] = _dealt(chance, _MENDS)
    yield Step(Ambush(Point.REPEATS, Blow.FREEZE, after=1), victim=0, pause=1.0)
    for number in itertools.count(1):
        act: Act
        if number in _DEPLOYS:
            act = Deploy()
        elif number % _GREAT_EVERY == 0:
            act = next(great)
        elif number % _MEND_EVERY == 2:
            act = next(mends)
        else:
            point, blow = next(ambushes)
            act = Ambush(point, blow, after=1 if point in RARE else chance.randint(1, 6))
        yield Step(act, chance.randrange(1 << 16), chance.uniform(0.1, 0.8))


def _dealt(chance: random.Random, cards: Sequence[_Card]) -> Iterator[_Card]:
    """The cards, shuffled, then shuffled again."""
    while True:
        deck = list(cards)
        chance.shuffle(deck)
        yield from deck
