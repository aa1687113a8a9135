"""Servers that are away, secrets, and what nobody foresaw: one line on stderr, exit 1."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from commands import Commands

CANARY = "c4n4ry"
READS_DATABASE = [
    ["migrate"],
    ["migrate", "--status"],
    ["migrate", "--rollback", "1", "--yes"],
    ["status"],
    ["positions"],
    ["history", "INGESTION", "doc-1"],
    ["workflows"],
    ["workflows", "show", "wf-1"],
    ["deadletters", "list"],
    ["deadletters", "show", "1"],
    ["run"],
]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nobody listens: taken, so that nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("words", READS_DATABASE, ids=" ".join)
@pytest.mark.parametrize("debug", [[], ["--debug"]], ids=["plain", "debug"])
def test_an_unreachable_database_is_one_line_without_its_password(
    foldline: Commands, closed_port: int, words: list[str], debug: list[str]
) -> None:
    foldline.set(
        DATABASE_URL=f"postgresql://user:{CANARY}@127.0.0.1:{closed_port}/db",
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{closed_port}",
        FOLDLINE_KAFKA__SASL_PASSWORD=CANARY,
    )
    answer = foldline(*debug, *words)
    assert (answer.code, answer.out) == (1, "")
    assert CANARY not in answer.err
    lines = answer.err.splitlines()
    assert lines[-1].startswith("foldline: PostgreSQL cannot be reached at db on 127.0.0.1:")
    assert debug or len(lines) == 1


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{CANARY}@{CANARY}@127.0.0.1/db",
        f"postgresql://user:1/{CANARY}@127.0.0.1/db",
        f"postgresql://user:%zz{CANARY}@127.0.0.1/db",
        f"postgresql://user:{CANARY}@127.0.0.1/db?nonsense={CANARY}",
        f"postgres//user:{CANARY}@127.0.0.1/db",
        f"password={CANARY} nonsense",
    ],
)
def test_a_url_that_cannot_be_read_is_not_repeated(foldline: Commands, url: str) -> None:
    foldline.set(DATABASE_URL=url)
    answer = foldline("--debug", "status")
    assert (answer.code, answer.out) == (1, "")
    assert "foldline: DATABASE_URL" in answer.err
    assert CANARY not in answer.err


def test_a_refused_password_is_not_repeated(foldline: Commands, server_url: str) -> None:
    foldline.set(DATABASE_URL=f"{server_url}?user=nobody&password={CANARY}")
    answer = foldline("--debug", "migrate")
    assert answer.code == 1
    assert CANARY not in answer.err


@pytest.mark.parametrize("words", [["topics"], ["publish", "events.jsonl"]], ids=" ".join)
def test_an_unreachable_broker_is_one_line_without_its_password(
    foldline: Commands, closed_port: int, words: list[str]
) -> None:
    (foldline.directory / "events.jsonl").write_bytes(b'{"workflow_id": 1}\n')
    foldline.set(
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{closed_port}",
        FOLDLINE_KAFKA__SECURITY_PROTOCOL="SASL_PLAINTEXT",
        FOLDLINE_KAFKA__SASL_MECHANISM="PLAIN",
        FOLDLINE_KAFKA__SASL_USERNAME="user",
        FOLDLINE_KAFKA__SASL_PASSWORD=CANARY,
    )
    answer = foldline("--debug", *words, *(["--raw"] if words[0] == "publish" else []))
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines()[-1].startswith(f"foldline: Kafka at 127.0.0.1:{closed_port} cannot be reached")
    assert CANARY not in answer.err


def test_a_database_without_tables_names_the_remedy(foldline: Commands, empty_database_url: str) -> None:
    foldline.set(DATABASE_URL=empty_database_url)
    answer = foldline("history", "INGESTION", "doc-1")
    assert answer.code == 1
    assert "`foldline migrate`" in answer.err


def test_what_nobody_foresaw_is_one_line_that_names_debug(foldline: Commands, database_url: str) -> None:
    foldline.set(DATABASE_URL=database_url)
    answer = foldline("history", "INGESTION", "\udcff")  # no text that PostgreSQL could be asked for
    assert (answer.code, answer.out) == (1, "")
    assert "--debug" in answer.err
    assert answer.err.count("\n") == 1
    assert "Traceback" in foldline("--debug", "history", "INGESTION", "\udcff").err
