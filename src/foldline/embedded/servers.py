"""PostgreSQL and Kafka together: started in the shortest time, stopped in order, and found by other processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from foldline.embedded import kafka as broker
from foldline.embedded.extra import require_extra
from foldline.embedded.home import forget_running, held_home, read_running, tell_running, wipe
from foldline.embedded.jars import JarCache, locked_jars
from foldline.embedded.java import find_java
from foldline.embedded.kafka import Kafka
from foldline.embedded.ports import Ports
from foldline.embedded.postgres import Postgres

Announce = Callable[[str], None]
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers of a home are. The URL holds a password, so it is not part of the representation."""

    database_url: str = field(repr=False)
    bootstrap_servers: str
    home: Path


@dataclass(frozen=True, slots=True)
class RunningServers:
    """The two servers while they are ours."""

    servers: Servers
    postgres: Postgres
    kafka: Kafka

    def check(self) -> None:
        """Raise EmbeddedError when one of them ended by itself."""
        self.postgres.check()
        self.kafka.check()


def _unheard(_line: str) -> None:
    """Announce to nobody."""


@contextmanager
def embedded_servers(
    home: Path,
    *,
    fresh: bool = False,
    postgres_major: int = 18,
    optimising_jvm: bool = False,
    broker_settings: Mapping[str, str] | None = None,
    cache: Path | None = None,
    announce: Announce = _unheard,
) -> Iterator[RunningServers]:
    """Hold `home`, start both servers there, stop them at the end: Kafka first. From the main thread only.

    Args:
        home: Where everything they keep lies; made if need be.
        fresh: Delete what they kept so far.
        postgres_major: 16 or 18.
        optimising_jvm: For benchmarks; starts more slowly.
        broker_settings: Properties of the broker beside, or in place of, those it has anyway.
        cache: Where the Kafka jars lie; `~/.cache/foldline` when not given.
        announce: Told in single lines what happens.

    Raises:
        EmbeddedError: The home is in use or not ours, something is missing, or a server does not start.
    """
    require_extra()
    java = find_java()
    jars = JarCache(cache or Path.home() / ".cache/foldline", locked_jars())
    with held_home(home) as root, ExitStack() as stack:
        ports = Ports(root)
        postgres = Postgres(root, ports, major=postgres_major)
        if fresh:
            postgres.end_orphans()
            broker.end_orphans(root)
            wipe(root)
        announce(f"PostgreSQL {postgres_major} and Kafka start; they keep their files in {root}.")
        stack.callback(postgres.stop)
        with _fetching(jars, announce) as fetched:
            postgres.start()
            class_path = fetched()
        kafka = Kafka(root, ports, java, class_path, optimising=optimising_jvm, settings=broker_settings)
        stack.callback(kafka.stop)
        kafka.start()
        servers = Servers(postgres.url, kafka.bootstrap_servers, root)
        tell_running(root, {"database_url": servers.database_url, "bootstrap_servers": servers.bootstrap_servers})
        stack.callback(forget_running, root)
        yield RunningServers(servers, postgres, kafka)


def running_servers(home: Path) -> Servers | None:
    """The servers that a live process of this machine runs on `home` and lets us use; None when there are none."""
    told = read_running(home)
    if told is None:
        return None
    return Servers(told["database_url"], told["bootstrap_servers"], home.expanduser().resolve())


@contextmanager
def _fetching(jars: JarCache, announce: Announce) -> Iterator[Callable[[], list[Path]]]:
    """Fetch the jars in a thread; what is yielded waits for them. Children stay with the main thread."""
    missing = jars.missing()
    if missing:
        size = sum(jar.size for jar in missing) / _MEGABYTE
        announce(f"{len(missing)} jars of Kafka ({size:.0f} MB) are fetched, this once, into {jars.directory}.")
    stop = Event()
    with ThreadPoolExecutor(1, thread_name_prefix="jars") as thread:
        future = thread.submit(jars.complete, stop)
        try:
            yield future.result
        finally:
            stop.set()
