"""The configuration of the embedded broker, and its JVM's: one node that is broker and controller, quick to start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def broker_properties(logs: Path, *, port: int, controller_port: int, also: Mapping[str, str] | None = None) -> str:
    """The properties file of a broker on 127.0.0.1 that keeps its partitions in `logs`; `also` has the last word."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": logs.as_posix(),
        "auto.create.topics.enable": "false",
        # One broker: nothing can be replicated, and small internal topics are made fast.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A worker that was killed on this machine need not be waited for long, whichever its group protocol; what a
        # group asks for may be shorter still.
        "group.min.session.timeout.ms": "1000",
        "group.consumer.min.session.timeout.ms": "1000",
        "group.consumer.session.timeout.ms": "6000",
        "group.consumer.min.heartbeat.interval.ms": "100",
        "group.consumer.heartbeat.interval.ms": "1000",
        # A killed broker waits out its own old registration: 12 s by default, 3.5 s with these.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": "4194304",
        **(also or {}),
    }
    return "".join(f"{name}={_escaped(text)}\n" for name, text in settings.items())


def jvm_flags(*, optimising: bool) -> list[str]:
    """A small heap and a quick start; the optimising compiler costs 0.5 s of it and is worth that in a benchmark."""
    flags = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"]
    if not optimising:
        flags.append("-XX:TieredStopAtLevel=1")
    return [*flags, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dlog4j2.StatusLogger.level=OFF"]


def _escaped(text: str) -> str:
    """Properties are Latin-1; their escapes for everything else, and for a backslash, are those of JSON."""
    return json.dumps(text)[1:-1]
