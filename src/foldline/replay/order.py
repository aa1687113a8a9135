"""In which order an entity met its events and the changes by hand.

One partition orders its events by itself. Where a change by hand belongs among them, and how the events of an entity
that lies on several partitions followed each other, is in no log: the ids of the rows that were written then tell it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from foldline.replay.told import Event, Ref, Told

Step = TypeVar("Step")


def in_order(
    told: Sequence[Told[Event]], met: Iterable[tuple[int, Ref | None, Step | None]]
) -> Iterator[Told[Event] | Step]:
    """Every event, and every change by hand at its place.

    Args:
        told: the events of one entity, of each partition in the order of offsets.
        met: what the tables say that it met: the number, and a record, or a change by hand with the record that had
            moved it before, if one had. Events that became dead letters say their numbers themselves.
    """
    waiting: dict[int, deque[Told[Event]]] = defaultdict(deque)
    numbered: list[tuple[int, Ref | None, Step | None]] = list(met)
    for each in told:
        waiting[each.source].append(each)
        if each.letter is not None and each.letter.judged_as is not None:
            numbered.append((each.letter.judged_as, each.ref, None))
    numbered.sort(key=lambda entry: entry[0])
    for _, ref, by_hand in numbered:
        if ref is not None:
            queue = waiting[ref[0]]
            while queue and queue[0].offset <= ref[1]:
                yield queue.popleft()
        if by_hand is not None:
            yield by_hand
    for _, queue in sorted(waiting.items()):
        yield from queue
