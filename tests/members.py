"""Members of a group: workers that turn in threads of their own while a test waits for what they announce."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public by documentation, not by its types
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from clusters import Cluster
from foldline import facts
from foldline.app import Place, projection
from foldline.errors import FoldlineError

_PATIENCE_SECONDS = 60
_SHORT_SESSION_MS = "2000"
_SHORT_HEARTBEAT_MS = "300"
PROTOCOLS = ("classic", "consumer")


def short_sessions(cluster: Cluster, protocol: str, group_id: str | None = None) -> dict[str, str]:
    """The Kafka properties of members of this protocol whose sessions are short: its own group's, unless named."""
    group_id = group_id or cluster.topics.transitions
    if protocol == "classic":
        return {"session.timeout.ms": _SHORT_SESSION_MS, "heartbeat.interval.ms": _SHORT_HEARTBEAT_MS}
    shortened = {
        "consumer.session.timeout.ms": _SHORT_SESSION_MS,
        "consumer.heartbeat.interval.ms": _SHORT_HEARTBEAT_MS,
    }
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in shortened.items()
    ]
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    group = ConfigResource(ResourceType.GROUP, group_id, incremental_configs=entries)
    for answer in admin.incremental_alter_configs([group]).values():
        answer.result(_PATIENCE_SECONDS)
    return {"group.protocol": "consumer"}


class Member:
    """A worker in a thread of its own; `heard` is what it has announced so far, `news` is told of that."""

    def __init__(self, news: threading.Condition, cluster: Cluster, **changes: object) -> None:
        self.heard: list[facts.Fact] = []
        self.held: Callable[[], int] = lambda: 0
        self._place = Place(cluster.settings(**changes), None)
        self._news = news
        self._leaving = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="member")
        self._life = self._thread.submit(self._live)

    def wait_until(self, reached: Callable[[], bool], what: str = "it") -> None:
        """Wait, looking again at every fact that a member announces; this one must not have ended before."""
        with self._news:
            came = self._news.wait_for(lambda: reached() or self._life.done(), _PATIENCE_SECONDS)
        assert came, f"{what} did not come within a minute; heard {self.heard}"
        assert reached(), f"the worker ended before {what} came: {self._life.exception()}; heard {self.heard}"

    def wait_for(self, kind: type[facts.Fact], times: int = 1) -> None:
        """Wait until it has announced so many facts of a kind."""
        self.wait_until(lambda: len(self.all(kind)) >= times, f"{times} of {kind.__name__}")

    def wait_to_hold(self, partitions: int) -> None:
        """Wait until it has claimed so many partitions."""
        self.wait_until(lambda: self.held() == partitions, f"holding {partitions}")

    def all(self, kind: type[facts.Fact]) -> list[facts.Fact]:
        """What it announced of a kind."""
        return [fact for fact in self.heard if isinstance(fact, kind)]

    def leave(self) -> None:
        """Drain and leave the group."""
        self._leaving.set()
        self._life.result(_PATIENCE_SECONDS)

    def end(self) -> FoldlineError:
        """What it ended with by itself."""
        error = self._life.exception(_PATIENCE_SECONDS)
        assert isinstance(error, FoldlineError), error
        return error

    def close(self) -> None:
        """Leave if it has not ended; whatever it ended with is for others to look at."""
        self._leaving.set()
        self._life.exception(_PATIENCE_SECONDS)
        self._thread.shutdown()

    def _live(self) -> None:
        try:
            with projection(self._place, self._hear) as ours:
                self.held = lambda: ours.custody.held
                ours.worker.run(self._leaving.is_set)
        finally:
            with self._news:
                self._news.notify_all()

    def _hear(self, fact: facts.Fact) -> None:
        with self._news:
            self.heard.append(fact)
            self._news.notify_all()


Join = Callable[..., Member]


@contextmanager
def membership() -> Iterator[Join]:
    """Gives a function that lets a worker join; all of them have left at the end of the block."""
    joined: list[Member] = []
    news = threading.Condition()

    def join(cluster: Cluster, **changes: object) -> Member:
        joined.append(Member(news, cluster, **changes))
        return joined[-1]

    try:
        yield join
    finally:
        for member in joined:
            member.close()
