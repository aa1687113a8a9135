"""A PostgreSQL with TLS, set up as docs/security.md says. The embedded one is built without; Debian's will do."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from acceptance.tls.certificates import HOST, Certificates
from acceptance.tls.page import Places, block
from foldline.embedded.child import Child, Command
from foldline.embedded.ports import Ports
from foldline.embedded.server import Server
from foldline.embedded.wheel import postgres_account

_INSTALLATIONS = Path("/usr/lib/postgresql")
_LIMIT_SECONDS = 30


def postgres_programs() -> Path:
    """The directory of a PostgreSQL with TLS; fails with instructions if there is none."""
    named = os.environ.get("TLS_POSTGRES_PROGRAMS")
    directories = (
        [Path(named)] if named else sorted(_INSTALLATIONS.glob("*/bin"), key=lambda path: int(path.parent.name))
    )
    found = [path for path in directories if (path / "postgres").exists() and _has_tls(path / "postgres")]
    assert found, (
        "No PostgreSQL with TLS. Install Debian's (apt-get install postgresql-15), or name the directory of another's"
        " programs in TLS_POSTGRES_PROGRAMS."
    )
    return found[-1]


def _has_tls(program: Path) -> bool:
    return b"libssl" in program.read_bytes()


class TlsPostgres(Server):
    """One cluster below `root`, with a database `foldline`."""

    name = "PostgreSQL with TLS"

    def __init__(self, root: Path, certificates: Certificates) -> None:
        super().__init__()
        self.programs = postgres_programs()
        self._root = root
        self._cluster = root / "data"
        self._certificates = certificates
        self._account = postgres_account()
        self._port = 0

    @property
    def address(self) -> str:
        return f"{HOST}:{self._port}"

    @property
    def log(self) -> str:
        return (self._root / "log").read_text(encoding="utf-8")

    @property
    def superuser(self) -> str:
        """By the socket, for setting up and for looking on."""
        return make_conninfo(host=str(self._root), port=self._port, user="postgres", dbname="foldline")

    @contextmanager
    def configured(self, **settings: str) -> Iterator[None]:
        """With other settings, for new connections, until the end of the block."""
        before = self._configure(settings)
        try:
            yield
        finally:
            self._configure(before)

    def _configure(self, settings: dict[str, str]) -> dict[str, str]:
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            before = {name: _shown(connection, name) for name in settings}
            for name, value in settings.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")
            deadline = time.monotonic() + _LIMIT_SECONDS
            while any(_shown(connection, name) != value for name, value in settings.items()):
                assert time.monotonic() < deadline, f"not taken over: {settings}"
            return before

    def _spawn(self) -> Child:
        (self._port,) = Ports(self._root).take("postgres")
        self._cluster.mkdir(mode=0o700)
        self._give_away(self._root, self._cluster)
        words = ("-D", self._cluster, "-U", "postgres", "--auth=reject", "--encoding=UTF8", "--locale=C")
        Child(self._command("initdb", *words)).finish()
        for name in ("ca.pem", "server.pem", "server.key", "expired.pem", "expired.key"):
            self._give_away(Path(shutil.copy(self._certificates[name], self._cluster)))
        places = Places("", "", files=self._cluster)
        with (self._cluster / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(places.put_into(block("text", "ssl_cert_file")))
        hba = f"local all postgres trust\n{block('text', 'hostssl')}"
        (self._cluster / "pg_hba.conf").write_text(hba, encoding="utf-8")
        settings = ("listen_addresses=127.0.0.1", "log_connections=on", f"unix_socket_directories={self._root}")
        options = [word for setting in settings for word in ("-c", setting)]
        return Child(self._command("postgres", "-D", self._cluster, "-p", str(self._port), *options))

    def _await(self, child: Child) -> None:
        child.wait_until(self._answers)
        with psycopg.connect(self.superuser, dbname="postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE foldline")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.superuser, dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _give_away(self, *paths: Path) -> None:
        if self._account is not None:
            for path in paths:
                os.chown(path, self._account.uid, self._account.gid)

    def _command(self, program: str, *words: str | Path) -> Command:
        return Command(
            name=program,
            words=[self.programs / program, *words],
            log=self._root / "log",
            stop_signal=signal.SIGINT,
            environment={"LC_ALL": "C", "TZ": "UTC"},
            directory=self._root,
            account=self._account,
        )


def _shown(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])
