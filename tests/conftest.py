"""Servers for every tier: those that TEST_DATABASE_URL and TEST_KAFKA_BOOTSTRAP_SERVERS name, else embedded ones, or
containers with TEST_CONTAINERS=1.

Each is started once a session, by the first test that needs it; every test has a database of its own, copied from a
migrated template, and topics of its own. A server that cannot be had fails the test: nothing is skipped.
"""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TypeVar

import hypothesis
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from clusters import Cluster, Topics, topics_made
from containers import containers
from foldline.embedded import Servers
from foldline.embedded.jars import JarCache, locked_jars
from foldline.embedded.java import find_java
from foldline.embedded.kafka import Kafka
from foldline.embedded.ports import Ports
from foldline.embedded.postgres import Postgres
from foldline.embedded.server import Server
from foldline.postgres.migrations import Runner
from harness import Projector
from roles import Users, drop_roles, users_on

_numbers = itertools.count()
_MAJOR = int(os.environ.get("TEST_POSTGRES_MAJOR", "18"))
_Server = TypeVar("_Server", bound=Server)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background: processes of tests would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("untimed", deadline=None)  # machines are shared: no test asserts a time
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def servers_home() -> Iterator[Path]:
    """Where embedded servers keep what they have."""
    # As root, PostgreSQL runs as an account that must be able to pass through; pytest's own directories are private.
    with tempfile.TemporaryDirectory(prefix="foldline-tests-") as name:
        Path(name).chmod(0o711)
        yield Path(name).resolve()


@pytest.fixture(scope="session")
def contained() -> Iterator[tuple[str, str]]:
    """PostgreSQL and Kafka in containers."""
    with containers(postgres_major=_MAJOR) as ours:
        yield ours


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The PostgreSQL server; for tests that make databases of their own."""
    if named := os.environ.get("TEST_DATABASE_URL"):
        yield named
    elif os.environ.get("TEST_CONTAINERS"):
        yield request.getfixturevalue("contained")[0]
    else:
        root = request.getfixturevalue("servers_home")
        with _running(Postgres(root, Ports(root), major=_MAJOR)) as server:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")  # the machine stays, whatever a test kills
                connection.execute("SELECT pg_reload_conf()")
            yield server.url


@pytest.fixture(scope="session")
def bootstrap_servers(request: pytest.FixtureRequest) -> Iterator[str]:
    """The broker."""
    if named := os.environ.get("TEST_KAFKA_BOOTSTRAP_SERVERS"):
        yield named
    elif os.environ.get("TEST_CONTAINERS"):
        yield request.getfixturevalue("contained")[1]
    else:
        root = request.getfixturevalue("servers_home")
        jars = JarCache(Path.home() / ".cache/foldline", locked_jars()).complete(Event())
        with _running(Kafka(root, Ports(root), find_java(), jars, optimising=False)) as server:
            yield server.bootstrap_servers


@pytest.fixture(scope="session")
def servers(server_url: str, bootstrap_servers: str, servers_home: Path) -> Servers:
    """Both."""
    return Servers(server_url, bootstrap_servers, servers_home)


@contextmanager
def _running(server: _Server) -> Iterator[_Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    with _database(server_url) as url:
        Runner(url).apply()
        yield url


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database of this test's own."""
    with _database(server_url, template=template) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database that a whole module shares."""
    with _database(server_url, template=template) as url:
        yield url


@pytest.fixture
def second_database_url(server_url: str, template: str) -> Iterator[str]:
    """Another migrated database of this test's own."""
    with _database(server_url, template=template) as url:
        yield url


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database of this test's own with nothing in it."""
    with _database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def _roles_are_dropped(server_url: str) -> Iterator[None]:
    yield
    drop_roles(server_url)


@pytest.fixture
def users(database_url: str, _roles_are_dropped: None) -> Users:
    """A user of each of foldline's roles on this test's database."""
    return users_on(database_url)


@pytest.fixture(scope="module")
def shared_users(shared_database_url: str, _roles_are_dropped: None) -> Users:
    """The same on a database that a whole module shares."""
    return users_on(shared_database_url)


@pytest.fixture
def projector(database_url: str) -> Projector:
    """A worker on this test's database, fed from memory."""
    return Projector(database_url)


@pytest.fixture
def topic_name() -> Callable[[], str]:
    """Makes names of topics that no other test uses."""
    return lambda: f"test.{os.getpid()}.{next(_numbers)}"


@pytest.fixture
def topics(bootstrap_servers: str, topic_name: Callable[[], str]) -> Iterator[Topics]:
    """Two topics of four partitions each."""
    with topics_made(bootstrap_servers, Topics(topic_name(), topic_name())) as made:
        yield made


@pytest.fixture
def cluster(database_url: str, bootstrap_servers: str, topics: Topics) -> Cluster:
    """Workers on the real broker and on this test's database."""
    return Cluster(database_url, bootstrap_servers, topics)


@contextmanager
def _database(server_url: str, template: str | None = None) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    source = "template1" if template is None else psycopg.conninfo.conninfo_to_dict(template)["dbname"]
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE {name} TEMPLATE "{source}"')
        try:
            yield make_conninfo(server_url, dbname=name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
