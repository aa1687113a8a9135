"""PostgreSQL and Kafka with certificates, their roles, users and rights as docs/security.md says."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from acceptance.tls.certificates import Certificates, certificates
from acceptance.tls.kafka import TlsKafka, kafka_jars
from acceptance.tls.page import Places, block, rights, settings
from acceptance.tls.postgres import TlsPostgres
from acceptance.tls.running import DATABASE_CANARY, KAFKA_CANARY

_CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Secured:
    """Both servers. Each command's rights in Kafka are those of a user that is named by its last word."""

    postgres: TlsPostgres
    kafka: TlsKafka
    certificates: Certificates
    places: Places

    def settings(self, command: str) -> dict[str, str]:
        """What the page says to set for this command."""
        return settings(command, self.places)


@contextmanager
def secured_servers() -> Iterator[Secured]:
    """Started, and set up by the page's blocks; the schema and the topics are not made."""
    with tempfile.TemporaryDirectory(prefix="foldline-tls-") as name, ExitStack() as stack:
        root = Path(name).resolve()
        root.chmod(0o711)  # PostgreSQL's account passes through
        files, for_postgres, for_kafka = root / "files", root / "postgres", root / "kafka"
        for directory in (files, for_postgres, for_kafka):
            directory.mkdir()
        made = certificates(files)
        postgres = TlsPostgres(for_postgres, made)
        kafka = TlsKafka(for_kafka, made, kafka_jars())
        for server in (postgres, kafka):
            stack.callback(server.stop)
            server.start()
        servers = Secured(postgres, kafka, made, Places(postgres.address, kafka.address, files))
        _make_users(servers)
        yield servers


def _make_users(servers: Secured) -> None:
    superuser = {"PGPASSWORD": DATABASE_CANARY, "PATH": f"{servers.postgres.programs}:{os.environ['PATH']}"}
    with psycopg.connect(servers.postgres.superuser, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE postgres PASSWORD '{DATABASE_CANARY}'")
        roles = servers.places.put_into(block("bash", "roles.sql"))
        subprocess.run(["bash", "-euc", roles], cwd=_CHECKOUT, env=superuser, check=True, capture_output=True)
        connection.execute(block("sql", "CREATE ROLE worker"))
        users = connection.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper").fetchall()
        for (user,) in users:
            connection.execute(f"ALTER ROLE {user} PASSWORD '{DATABASE_CANARY}'")
    _write_private(servers.certificates["pgpass"], f"*:*:*:*:{DATABASE_CANARY}\n")
    _write_private(servers.certificates["kafka-password"], f"{KAFKA_CANARY}\n")
    for command, kind, names, operations in rights():
        user = command.split()[-1]
        servers.kafka.add_user(user, KAFKA_CANARY)
        servers.kafka.allow(user, kind, names, operations)


def _write_private(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
