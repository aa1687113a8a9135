"""A topic that is subscribed to and not there: said now and then, for nothing else would tell."""

from __future__ import annotations

from collections.abc import Callable

from clusters import Topics
from foldline.kafka.log import LogReader
from foldline.kafka.watching import TopicWatch

_TURNS = 400


def test_a_topic_that_is_not_there_is_told_and_one_that_is_is_not(
    bootstrap_servers: str, topics: Topics, topic_name: Callable[[], str]
) -> None:
    absent = topic_name()
    watch = TopicWatch(LogReader({"bootstrap.servers": bootstrap_servers}), [topics.transitions, absent])
    told = [name for turn in range(_TURNS) for name in _gone_after_a_while(watch, 100.0 + turn)]
    assert set(told) == {absent}
    assert len(told) <= _TURNS / 10 + 1


def _gone_after_a_while(watch: TopicWatch, now: float) -> list[str]:
    """What is gone by then; the answers need a moment of real time."""
    found = watch.gone(now)
    for question in list(watch._unread.values()):  # noqa: SLF001 - to wait for a signal and not for a time
        question.described.exception(timeout=30)
    return found
