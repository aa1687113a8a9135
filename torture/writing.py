"""Writes the log of a seed while everything else is being broken: in its order, through outages of the broker.

One producer, idempotent and with one request on its way, for what is written plainly; another one for transactions.
Before either writes, the other has delivered all it had: so the order of the log is that of the story.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import KafkaException, Producer

from torture.log import Burst, Log, Sent

_SHARED = {
    "linger.ms": 2,
    "acks": "all",
    "enable.idempotence": True,
    "max.in.flight.requests.per.connection": 1,
    "message.timeout.ms": 60_000,
    "reconnect.backoff.max.ms": 500,
    "retry.backoff.max.ms": 500,
    "log_level": 0,
}
_PATIENCE_SECONDS = 60


class WritingError(RuntimeError):
    """The log could not be written: the seed proves nothing."""


@dataclass
class Writing:
    """How far the log is written. `failed` says what ended it early."""

    records: int = 0
    transactions: int = 0
    aborted: int = 0
    failed: BaseException | None = None


@contextmanager
def writing(log: Log, bootstrap_servers: str, *, per_second: float) -> Iterator[Writing]:
    """Write, in a thread, until the end of the block; then all that was begun is delivered.

    Raises:
        WritingError: it is not.
    """
    progress = Writing()
    stop = threading.Event()

    def write() -> None:
        try:
            _write(log, bootstrap_servers, per_second, stop, progress)
        except (KafkaException, WritingError) as error:
            progress.failed = error

    thread = threading.Thread(target=write, name="writing", daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        stop.set()
        thread.join(2 * _PATIENCE_SECONDS)
    if progress.failed is not None or thread.is_alive():
        raise WritingError(f"the log was not written to its end: {progress.failed or 'still at it'}")


def write_all(log: Log, bootstrap_servers: str, records: int) -> int:
    """Write so many records, or a few more, as fast as it goes; returns how many."""
    progress = Writing()
    pens = _Pens(bootstrap_servers)
    for burst in log.bursts():
        pens.write(burst, progress)
        if progress.records >= records:
            break
    pens.finish()
    return progress.records


def _write(log: Log, servers: str, per_second: float, stop: threading.Event, progress: Writing) -> None:
    pens = _Pens(servers)
    began = time.monotonic()
    for burst in log.bursts():
        ahead = progress.records / per_second - (time.monotonic() - began)
        if stop.wait(max(0.0, ahead)):
            break
        pens.write(burst, progress)
    pens.finish()


class _Pens:
    """The two producers."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._plain = Producer({"bootstrap.servers": bootstrap_servers, **_SHARED, "enable.gapless.guarantee": True})
        self._in_transactions = Producer(
            {"bootstrap.servers": bootstrap_servers, **_SHARED, "transactional.id": "torture"}
        )
        self._undelivered: KafkaException | None = None
        _insisting(lambda: self._in_transactions.init_transactions(5))

    def write(self, burst: Burst, progress: Writing) -> None:
        """Write the records of one burst. Those of a transaction are decided on when this returns."""
        if burst.committed is None:
            for sent in burst.records:
                self._send(self._plain, sent)
            self._plain.poll(0)
        else:
            self.finish()
            progress.transactions += 1
            progress.aborted += not burst.committed
            self._transaction(burst.records, commit=burst.committed)
        progress.records += len(burst.records)

    def finish(self) -> None:
        """Wait until everything is delivered."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while len(self._plain) and time.monotonic() < until:
            self._plain.poll(0.1)
        if self._undelivered is not None:
            raise self._undelivered
        if len(self._plain):
            raise WritingError(f"{len(self._plain)} records are not delivered after {_PATIENCE_SECONDS} s")

    def _transaction(self, records: tuple[Sent, ...], *, commit: bool) -> None:
        producer = self._in_transactions
        producer.begin_transaction()
        for sent in records:
            self._send(producer, sent)
        producer.flush(_PATIENCE_SECONDS)
        if commit:
            _insisting(lambda: producer.commit_transaction(5))
        else:
            _insisting(lambda: producer.abort_transaction(5))

    def _send(self, producer: Producer, sent: Sent) -> None:
        while True:
            try:
                producer.produce(
                    sent.topic,
                    sent.value,
                    sent.key,
                    sent.partition,
                    on_delivery=self._delivered,
                    headers=list(sent.headers),
                )
            except BufferError:
                producer.poll(0.1)
            else:
                return

    def _delivered(self, error: object, _message: object) -> None:
        if error is not None and self._undelivered is None:
            self._undelivered = KafkaException(error)


def _insisting(ask: Callable[[], object]) -> None:
    """Ask the coordinator until it answers: while the broker is away it does not."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            ask()
        except KafkaException as error:
            if not error.args[0].retriable() or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
