"""Partitions whose log cannot be folded again from where their tables began, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from foldline.core.batch import Partition
from foldline.lost_log import Loss, loss_of
from foldline.lost_log import Standing as Stand
from foldline.ports import LogFacts
from foldline.replay.cut import Cut, Standing


@dataclass(frozen=True, slots=True)
class Unread:
    """A partition that is left out, with all that lies in it.

    Attributes:
        topic: its topic.
        partition: its number.
        why: why it is.
    """

    topic: str
    partition: int
    why: str

    @property
    def key(self) -> Partition:
        """Which partition it is."""
        return Partition(self.topic, self.partition)


def unread(cut: Cut, topics: Collection[str], facts: Callable[[Partition], LogFacts]) -> list[Unread]:
    """Every partition that cannot be read whole. `facts` asks the broker."""
    skipped = {each.partition for each in cut.accepted if each.to_offset != each.from_offset}
    found = []
    for standing in cut.standings:
        why = _why(standing, topics, facts, skipped=standing.partition in skipped)
        if why is not None:
            found.append(Unread(standing.partition.topic, standing.partition.number, why))
    return found


def _why(
    standing: Standing, topics: Collection[str], facts: Callable[[Partition], LogFacts], *, skipped: bool
) -> str | None:
    partition = standing.partition
    if partition.topic not in topics:
        return f"{partition.topic} is neither in FOLDLINE_TRANSITION_TOPICS nor in FOLDLINE_WORKFLOW_TOPICS"
    if standing.incarnation > 0:
        return "somebody accepted another log in place of the first, which is gone"
    if skipped:
        return "somebody accepted that records were never judged"
    log = facts(partition)
    stand = Stand(partition, standing.next_offset, standing.topic_id, standing.compaction_accepted)
    match loss_of(stand, log):
        case Loss.CREATED_AGAIN:
            return "its topic was deleted and created again: this is another log"
        case Loss.CUT_OFF:
            return f"its log ends at {log.high}, before its position {standing.next_offset}"
        case _:
            pass
    if log.compacted or standing.compaction_accepted:
        is_or_was = "is" if log.compacted else "was"
        return f"its topic {is_or_was} compacted: records are gone that were judged"
    if log.low > standing.begun_at:
        return (
            f"its log begins at {log.low} now, but its tables at {standing.begun_at}: records are gone that were judged"
        )
    return None
