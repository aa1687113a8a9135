from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from foldline.embedded import Servers
from torture.installation import Installation, installed

_numbers = itertools.count()


@pytest.fixture
def place(servers: Servers) -> Iterator[Installation]:
    """Topics and a migrated database of this test's own, with nothing in them, as a seed has them."""
    name = f"torture_test_{next(_numbers)}"
    yield installed(servers.database_url, servers.bootstrap_servers, name)
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
