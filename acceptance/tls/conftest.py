"""Servers with certificates, and foldline as each of the page's users."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.tls.running import Foldline
from acceptance.tls.servers import Secured, secured_servers


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Both servers, with the schema and the topics that foldline made over TLS."""
    with secured_servers() as servers:
        here = tmp_path_factory.mktemp("here")
        migrated = Foldline(here, servers.settings("foldline migrate"))("migrate")
        assert migrated.code == 0, migrated.err
        creator = Foldline(here, servers.settings("foldline run")).but(FOLDLINE_KAFKA__SASL_USERNAME="create")
        created = creator("topics", "create")
        assert created.code == 0, created.err
        yield servers


@pytest.fixture
def deploy(secured: Secured, tmp_path: Path) -> Foldline:
    """With the page's settings for migrations."""
    return Foldline(tmp_path, secured.settings("foldline migrate"))


@pytest.fixture
def dashboard(secured: Secured, tmp_path: Path) -> Foldline:
    """With the page's settings for reports."""
    return Foldline(tmp_path, secured.settings("foldline status"))


@pytest.fixture
def worker(secured: Secured, tmp_path: Path) -> Foldline:
    """With the page's settings for workers."""
    return Foldline(tmp_path, secured.settings("foldline run")).but(FOLDLINE_KAFKA__SASL_USERNAME="run")


@pytest.fixture
def publisher(worker: Foldline) -> Foldline:
    """With a worker's settings and the Kafka user that may publish."""
    return worker.but(FOLDLINE_KAFKA__SASL_USERNAME="publish")
