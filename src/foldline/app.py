"""The composition root: settings in, a wired worker out. The one module that knows every other room."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from foldline import facts
from foldline.caught_up import until_caught_up
from foldline.core.breaker import Breaker
from foldline.core.machine import Machines
from foldline.custody import Custody
from foldline.embedded import Servers, default_home, running_servers
from foldline.ending import ending
from foldline.engine import Worker
from foldline.errors import FoldlineError, LogError, SettingError
from foldline.folding import Folding
from foldline.kafka.log import LogReader
from foldline.kafka.names import unknown
from foldline.kafka.properties import broker_assigns, left_to_broker
from foldline.kafka.rereading import Rereading
from foldline.kafka.source import KafkaSource
from foldline.machines import Survey, load_machines, restored, survey
from foldline.postgres.backlog import open_letters
from foldline.postgres.claims import Claimant
from foldline.postgres.lanes import Bounds
from foldline.postgres.migrations import Runner
from foldline.postgres.reports import Reports
from foldline.postgres.snapshot import Snapshot
from foldline.postgres.tables import PostgresTables
from foldline.replay.asked import Asked, Progress
from foldline.replay.report import Verification
from foldline.replay.verify import verify
from foldline.settings import Fault, Origin, SettingFaults, Settings, kafka_variable, spelt_like
from foldline.watch import Address, Backlog, Endpoint, Limits, Watching, extra_installed, traces_wanted


@dataclass(frozen=True, slots=True)
class Place:
    """Where the servers are. `embedded`: those of a running `foldline up`, for want of a setting."""

    settings: Settings
    servers: Servers | None

    @property
    def database_url(self) -> str:
        """The database, with its password.

        Raises:
            SettingError: there is no setting and no `foldline up` on this machine.
        """
        if self.settings.database_url is not None:
            return self.settings.database_url.get_secret_value()
        if self.servers is not None:
            return self.servers.database_url
        raise self._unset("DATABASE_URL", "postgresql://user:password@host:5432/database")

    @property
    def bootstrap_servers(self) -> str:
        """The brokers. Raises as `database_url` does."""
        if self.settings.kafka_bootstrap_servers is not None:
            return self.settings.kafka_bootstrap_servers
        if self.servers is not None:
            return self.servers.bootstrap_servers
        raise self._unset("KAFKA_BOOTSTRAP_SERVERS", "host:9092")

    @property
    def kafka_properties(self) -> dict[str, str]:
        """The librdkafka properties that the user set, and where the brokers are.

        Raises:
            SettingError: as `bootstrap_servers`, or librdkafka has no property of such a name, or refuses it.
        """
        servers = self.bootstrap_servers
        if faults := property_faults(self.settings):
            raise SettingFaults(faults)
        return {**self.kafka_defaults, **self.settings.kafka_properties(servers)}

    @property
    def kafka_defaults(self) -> dict[str, str]:
        """What stands beneath the user's properties. A worker killed on this machine need not be waited for long."""
        embedded = self.settings.kafka_bootstrap_servers is None and self.servers is not None
        ours = embedded and not broker_assigns(self.settings.kafka_properties(None))
        return {"session.timeout.ms": "6000"} if ours else {}

    def _unset(self, name: str, example: str) -> SettingError:
        meant = self.settings.near_miss(name)
        return SettingError(
            f"{name} is not set, and no `foldline up` runs in {self.settings.home or default_home()}.",
            remedy=f"{meant} looks like it: correct its name."
            if meant
            else f"Set it, as in {name}={example}, or run `foldline up` in another terminal.",
        )


def property_faults(settings: Settings) -> list[Fault]:
    """What is wrong with the names of the Kafka properties: librdkafka has none like that, or not with another."""
    faults = []
    for name, meant in unknown(settings.kafka).items():
        origin = _origin(settings, name)
        remedy = f"Did you mean {spelt_like(origin, kafka_variable(meant))}?" if meant else "Remove it."
        faults.append(Fault(origin, " is no property of librdkafka", remedy))
    for name, remedy in left_to_broker(settings.kafka_properties(None)).items():
        faults.append(Fault(_origin(settings, name), " cannot be set with group.protocol=consumer", remedy))
    return faults


def _origin(settings: Settings, name: str) -> Origin:
    return settings.origin(kafka_variable(name)) or Origin(kafka_variable(name), "settings")


def place(settings: Settings) -> Place:
    """Find the servers: the settings, else those of a running `foldline up`."""
    return Place(settings, running_servers(settings.home or default_home()))


def machines_of(settings: Settings) -> Machines:
    """Load the machines that the settings name. Raises MachineFaults with everything that is wrong with them."""
    return load_machines(settings.machines, shipped=settings.shipped_machines == "on")


def survey_of(settings: Settings) -> Survey:
    """Read the machines that the settings name, and what is wrong with them."""
    return survey(settings.machines, shipped=settings.shipped_machines == "on")


@dataclass(frozen=True, slots=True)
class Projection:
    """A wired worker and what its runner may ask of it."""

    worker: Worker
    custody: Custody
    until_caught_up: Callable[[], Callable[[], bool]]


@contextmanager
def projection(place: Place, announce: facts.Announce) -> Iterator[Projection]:
    """A worker that has joined its group; leaves it at the end of the block.

    Raises:
        FoldlineError: what would make a worker wait for ever or judge wrongly is refused here.
    """
    settings = place.settings
    machines = machines_of(settings)
    Runner(place.database_url).check()
    log = LogReader(place.kafka_properties)
    _topics_exist(log, place)
    owner = f"{platform.node()}:{os.getpid()}"
    workflow_topics = frozenset(settings.workflow_topics)
    with ExitStack() as stack:
        announce = facts.heard_by(announce, *stack.enter_context(_watched(place)))
        tracing = stack.enter_context(_traced(announce))
        announce = facts.heard_by(announce, *tracing)
        tables = PostgresTables(
            place.database_url,
            claimant=Claimant(
                settings.group_id,
                owner,
                workflow_topics,
                start_anywhere=settings.start == "earliest",
                breaker=settings.breaker_percent > 0,
            ),
            machines=machines,
            bounds=Bounds(settings.database_seconds, settings.grace_seconds),
            announce=announce,
        )
        stack.callback(tables.close)
        tables.check_rights()
        tables.check_machines()
        source = KafkaSource(
            place.kafka_properties,
            group_id=settings.group_id,
            topics=settings.topics,
            batch_size=_batch_size(settings),
            announce=announce,
        )
        breaker = Breaker(settings.breaker_percent, settings.breaker_records)
        custody = Custody(source, tables, settings.group_id, announce, breaker)
        folding = Folding(tables, machines, workflow_topics)
        worker = Worker(source, tables, custody, folding, announce, time.monotonic, traced=bool(tracing))
        source.listen(worker)
        announce(facts.WorkerStarted(settings.group_id, owner, settings.topics))
        stack.push(ending(owner, announce))
        stack.callback(source.close)
        _calm_collector()
        yield Projection(
            worker, custody, lambda: until_caught_up(log, Reports(place.database_url), settings.topics, custody)
        )


@contextmanager
def _watched(place: Place) -> Iterator[list[facts.Announce]]:
    """Whoever has to hear of the worker so that others can ask how it is; nobody, unless a setting says so."""
    settings = place.settings
    if settings.http_listen is None:
        yield []
        return
    watching = Watching(
        Limits(settings.live_seconds, settings.progress_seconds),
        lambda: _backlog(place.database_url),
        monotonic=time.monotonic,
        wall=time.time,
    )
    with Endpoint(Address.parse(settings.http_listen), watching.answers):
        yield [watching.hear]


@contextmanager
def _traced(announce: facts.Announce) -> Iterator[list[facts.Announce]]:
    """Whoever makes spans of batches; nobody, and nothing is imported, unless it is wanted and the extra is there."""
    if not traces_wanted(os.environ):  # these variables are OpenTelemetry's, and no settings of ours
        yield []
    elif not extra_installed():
        announce(facts.TracingTrouble("OTEL_ variables ask for traces, and the extra `otel` is not installed."))
        yield []
    else:
        from foldline.watch.tracing import tracing  # noqa: PLC0415 - who does not trace does not need the extra

        with tracing(announce, time.time) as hear:
            yield [hear]


def _backlog(database_url: str) -> Backlog:
    try:
        letters = open_letters(database_url)
    except FoldlineError as error:
        return Backlog(problem=error.problem)
    if letters is None:
        return Backlog()
    counted = tuple((each.verdict, each.reason, each.count) for each in letters)
    return Backlog(letters=counted, oldest_seconds=max((each.oldest_seconds for each in letters), default=0.0))


def _batch_size(settings: Settings) -> int:
    """Records in a batch: with the breaker on, no more than it looks back over, for a batch is judged whole."""
    return min(settings.batch_size, settings.breaker_records) if settings.breaker_percent else settings.batch_size


def _topics_exist(log: LogReader, place: Place) -> None:
    topics = place.settings.topics
    there = {partition.topic for partition in log.partitions(topics)}
    missing = [topic for topic in topics if topic not in there]
    if not missing:
        return
    begun = {position.topic for position in Reports(place.database_url).positions()}
    if missing[0] in begun:
        raise LogError(
            f"Topic {missing[0]} does not exist any more, and was projected already.",
            remedy="Restore it. Created again it is another log: its partitions stop until somebody accepts that.",
        )
    raise LogError(f"Topic {missing[0]} does not exist.", remedy="Run `foldline topics create`.")


def _calm_collector() -> None:
    """What a worker makes is acyclic and short-lived: full collections would only cost it time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def verified(
    place: Place, *, share: float, most: int, processes: int | None = None, announce: Callable[[Progress], None]
) -> Verification:
    """Compare the tables with what the log makes of them.

    Args:
        place: where the servers are.
        share: which part of the entities and workflows, from 0 to 1.
        most: how many differences are listed.
        processes: how many fold and compare at once; None: as many as pay.
        announce: told how far it is.

    Raises:
        FoldlineError: a server does not answer, or there is no room on the local disk.
    """
    settings = place.settings
    asked = Asked(settings.transition_topics, settings.workflow_topics, share, most, processes=processes)
    Runner(place.database_url).check()
    _calm_collector()
    with Rereading(place.kafka_properties) as log:
        return verify(Snapshot(place.database_url), log, restored, asked, announce)
