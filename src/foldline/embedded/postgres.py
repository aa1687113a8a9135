"""The embedded PostgreSQL: one cluster in the home, reachable on 127.0.0.1 with a password of its own."""

from __future__ import annotations

import os
import secrets
import signal
from pathlib import Path

import psycopg

from foldline.embedded import orphans
from foldline.embedded.child import Child, Command
from foldline.embedded.home import remove, write_private
from foldline.embedded.ports import Ports
from foldline.embedded.server import Server
from foldline.embedded.wheel import postgres_account, postgres_programs, refuse_unreachable
from foldline.errors import EmbeddedError

_USER = "foldline"
_DATABASE = "foldline"
_BUILTIN_LOCALES_SINCE = 17
_LONGEST_SOCKET_DIRECTORY = 85
_CONNECT_TIMEOUT = 2
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}  # not the caller's: its locale may not exist, its PG* variables not apply


class Postgres(Server):
    """A PostgreSQL of the wheel. Text sorts by code point on every machine."""

    name = "PostgreSQL"

    def __init__(self, root: Path, ports: Ports, *, major: int) -> None:
        super().__init__()
        self.cluster = root / "postgres"
        self._root = root
        self._ports = ports
        self._major = major
        self._port = 0
        self._sockets = root / "run"
        self._password_file = root / "postgres.password"
        self._account = postgres_account()
        refuse_unreachable(root, self._account)
        self._programs = postgres_programs(root, major, self._account)

    @property
    def programs(self) -> Path:
        """The directory with psql and the other programs."""
        return self._programs

    @property
    def url(self) -> str:
        """Of the database; with the password, so never to be printed whole."""
        return self._url(_DATABASE)

    def end_orphans(self) -> None:
        """End what an earlier foldline left running on this cluster."""
        orphans.end_postgres(self.cluster)

    def _spawn(self) -> Child:
        self.end_orphans()
        if not self._made.exists():
            self._make_cluster()
        self._refuse_other_major()
        self._clear_stale()
        (self._port,) = self._ports.take("postgres")
        # The address of a socket has about 107 bytes; TCP is there in any case.
        sockets = self._sockets if len(os.fsencode(self._sockets)) < _LONGEST_SOCKET_DIRECTORY else ""
        settings = ("listen_addresses=127.0.0.1", "unix_socket_permissions=0700")
        words: list[str | Path] = ["-D", self.cluster, "-p", str(self._port), "-k", sockets]
        words += [word for setting in settings for word in ("-c", setting)]
        return Child(self._command("postgres", words, stop_signal=signal.SIGINT))  # SIGTERM would wait for clients

    def _await(self, child: Child) -> None:
        child.wait_until(self._answers)
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone()
            if exists is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")

    @property
    def _made(self) -> Path:
        """The mark that initdb came to its end; a cluster without it is the rest of a killed first start."""
        return self.cluster / "foldline.ok"

    def _make_cluster(self) -> None:
        remove(self.cluster)
        self.cluster.mkdir(mode=0o700)
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        write_private(self._password_file, secrets.token_urlsafe(24))
        for path in (self.cluster, self._sockets, self._password_file):
            self._give_away(path)
        locale = ["--locale=C"]
        if self._major >= _BUILTIN_LOCALES_SINCE:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        words: list[str | Path] = [
            "-D",
            self.cluster,
            "-U",
            _USER,
            "--pwfile",
            self._password_file,
            "--encoding=UTF8",
            *locale,
        ]
        words += ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"]
        # It is not to clean up when we die: that could go on while the next start is making the cluster again.
        Child(self._command("initdb", words, stop_signal=signal.SIGKILL)).finish()
        if self._account is not None:
            os.chown(self._password_file, os.geteuid(), os.getegid())
        self._made.touch()

    def _give_away(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _refuse_other_major(self) -> None:
        found = (self.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != str(self._major):
            raise EmbeddedError(
                f"{self.cluster} was made by PostgreSQL {found}, not {self._major}.",
                remedy=f"Use PostgreSQL {found}, name another home, or start afresh, which deletes it.",
            )

    def _clear_stale(self) -> None:
        """A pid file stops the next start while that pid is a zombie or belongs to another process by now."""
        for file in (self.cluster / "postmaster.pid", *self._sockets.glob(".s.PGSQL.*")):
            file.unlink(missing_ok=True)

    def _command(self, program: str, words: list[str | Path], *, stop_signal: signal.Signals) -> Command:
        return Command(
            name=self.name if program == "postgres" else program,
            words=[self._programs / program, *words],
            log=self._root / "postgres.log",
            stop_signal=stop_signal,
            environment=_ENVIRONMENT,
            directory=self.cluster,  # where `orphans` looks for them
            account=self._account,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=_CONNECT_TIMEOUT).close()
        except psycopg.OperationalError:
            return False
        return True

    def _url(self, database: str) -> str:
        try:
            password = self._password_file.read_text(encoding="ascii")
        except FileNotFoundError as error:
            raise EmbeddedError(
                f"{self._password_file} is gone, and with it the way into the database.",
                remedy="Put it back, or start afresh, which deletes the data.",
            ) from error
        return f"postgresql://{_USER}:{password}@127.0.0.1:{self._port}/{database}"
