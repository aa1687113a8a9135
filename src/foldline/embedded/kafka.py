"""The embedded Kafka: one broker in the home, formatted once, on ports of 127.0.0.1."""

from __future__ import annotations

import base64
import os
import signal
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from foldline.embedded import orphans
from foldline.embedded.child import Child, Command
from foldline.embedded.home import remove
from foldline.embedded.java import Java
from foldline.embedded.kafka_settings import broker_properties, jvm_flags
from foldline.embedded.ports import Ports, answers
from foldline.embedded.server import Server

_METADATA_TIMEOUT = 2.0
_TOUCHED_GROUP = "foldline"
# Java knows non-ASCII paths by its locale; its own option variables would change what we start.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}


class Kafka(Server):
    """An Apache Kafka broker on jars of the cache."""

    name = "Kafka"

    def __init__(
        self,
        root: Path,
        ports: Ports,
        java: Java,
        jars: Sequence[Path],
        *,
        optimising: bool,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._root = root
        self._ports = ports
        self._port = 0
        self._logs = root / "kafka"
        self._formatted = self._logs / "foldline.ok"
        self._properties = properties_file(root)
        self._java: list[str | Path] = [java.program, *java.flags(), *jvm_flags(optimising=optimising)]
        self._java += ["-cp", os.pathsep.join(map(str, jars))]
        self._admin: AdminClient | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Where clients start."""
        return f"127.0.0.1:{self._port}"

    def stop(self) -> None:
        """SIGTERM: a clean stop, after which the broker's own exit code is 143."""
        self._admin = None
        super().stop()

    def _spawn(self) -> Child:
        end_orphans(self._root)
        self._port, controller_port = self._ports.take("kafka", "controller")
        settings = broker_properties(self._logs, port=self._port, controller_port=controller_port, also=self._settings)
        self._properties.write_text(settings, encoding="ascii")
        if not self._formatted.exists():
            self._format()
        return Child(self._command("kafka.Kafka", self._properties))

    def _await(self, child: Child) -> None:
        child.wait_until(lambda: answers(self._port))
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0, "reconnect.backoff.ms": 20})
        child.wait_until(lambda: _has_brokers(admin))
        # The first group ever waits seconds for its coordinator's topic: have it made now, and wait for nothing.
        # By describing a group, not by asking for its offsets: that crashes the process while the coordinator is
        # loading (librdkafka issue 5040, seen with 2.16).
        admin.describe_consumer_groups([_TOUCHED_GROUP])
        self._admin = admin  # its answer needs it alive

    def _format(self) -> None:
        """By Kafka's own tool: a hand-written meta.properties would leave features such as new groups off."""
        remove(self._logs)
        words = ("kafka.tools.StorageTool", "format", "-t", new_cluster_id(), "-c", self._properties)
        Child(self._command(*words)).finish()
        self._formatted.touch()

    def _command(self, *words: str | Path) -> Command:
        return Command(
            name=self.name,
            words=[*self._java, *words],
            log=self._root / "kafka.log",
            stop_signal=signal.SIGTERM,
            environment=_ENVIRONMENT,
            directory=self._root,
        )


def end_orphans(root: Path) -> None:
    """End a broker that an earlier foldline left running on this home."""
    orphans.end_kafka(properties_file(root))


def properties_file(root: Path) -> Path:
    """The one file that every broker of this home, and no other, is started with."""
    return root / "kafka.properties"


def new_cluster_id() -> str:
    """A random UUID in URL-safe base64 that no command takes for an option; Kafka itself makes them so."""
    while (identifier := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return identifier


def _has_brokers(admin: AdminClient) -> bool:
    try:
        return bool(admin.list_topics(timeout=_METADATA_TIMEOUT).brokers)
    except KafkaException:
        return False
