"""Servers that are away, secrets, and what nobody foresaw: one line on stderr, exit 1."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from commands import Commands
from harness import Projector, rows

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


def test_an_unreachable_broker_is_one_line_without_its_password(
    foldline: Commands, database_url: str, closed_port: int
) -> None:
    (foldline.directory / "events.jsonl").write_bytes(b'{"workflow_id": 1}\n')
    foldline.set(
        DATABASE_URL=database_url,
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{closed_port}",
        FOLDLINE_KAFKA__SECURITY_PROTOCOL="SASL_PLAINTEXT",
        FOLDLINE_KAFKA__SASL_MECHANISM="PLAIN",
        FOLDLINE_KAFKA__SASL_USERNAME="user",
        FOLDLINE_KAFKA__SASL_PASSWORD=CANARY,
    )
    with ExitStack() as stack:  # each waits for as long as a broker may take to answer, so they wait together
        waiting = [
            stack.enter_context(foldline.process("--debug", *words.split()))
            for words in ("topics", "publish events.jsonl --raw", "run")
        ]
        for process in waiting:
            answer = process.end()
            assert (answer.code, answer.out) == (1, ""), answer
            assert answer.err.splitlines()[-1].startswith(
                f"foldline: Kafka at 127.0.0.1:{closed_port} cannot be reached"
            )
            assert CANARY not in answer.err


def test_a_database_without_tables_names_the_remedy(foldline: Commands, empty_database_url: str) -> None:
    foldline.set(DATABASE_URL=empty_database_url)
    answer = foldline("history", "INGESTION", "doc-1")
    assert answer.code == 1
    assert "`foldline migrate`" in answer.err


def test_a_database_that_is_not_migrated_or_not_there_names_the_remedy(
    on_cluster: Commands, empty_database_url: str
) -> None:
    on_cluster.set(DATABASE_URL=empty_database_url)
    ran = on_cluster("run", "--until-caught-up")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith("foldline: The database lacks 001_")
    assert "Run `foldline migrate`." in ran.err
    on_cluster.set(DATABASE_URL=make_conninfo(empty_database_url, dbname="no_such_database"))
    gone = on_cluster("status")
    assert (gone.code, gone.err.count("\n")) == (1, 1)
    assert 'database "no_such_database" does not exist' in gone.err


def test_a_role_without_rights_is_told_so(foldline: Commands, database_url: str) -> None:
    role = f"{conninfo_to_dict(database_url)['dbname']}_reader"
    rows(database_url, f"CREATE ROLE {role} LOGIN PASSWORD '{CANARY}'")
    try:
        foldline.set(DATABASE_URL=make_conninfo(database_url, user=role, password=CANARY))
        for words in (
            ["status"],
            ["history", "INGESTION", "doc-1"],
            ["migrate"],
            ["migrate", "--rollback", "1", "--yes"],
        ):
            answer = foldline(*words)
            assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1), answer.err
            assert "42501" in answer.err
            assert CANARY not in answer.err
    finally:
        rows(database_url, f"DROP OWNED BY {role}")
        rows(database_url, f"DROP ROLE {role}")


def test_an_argument_that_is_no_text_is_bad_usage(foldline: Commands, database_url: str) -> None:
    foldline.set(DATABASE_URL=database_url)
    for words in (["history", "INGESTION", "\udcff"], ["workflows", "show", "\udcff"]):
        answer = foldline(*words)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == "foldline: An argument is no UTF-8, and so nothing that the tables hold.\n"


def test_what_nobody_foresaw_is_one_line_that_names_debug(foldline: Commands, projector: Projector) -> None:
    projector.project(b"no event")
    rows(projector.database_url, """UPDATE foldline_dead_letters SET headers = '["by", "hand"]'""")
    foldline.set(DATABASE_URL=projector.database_url)
    words = ("deadletters", "show", "1")
    answer = foldline(*words)
    assert (answer.code, answer.out) == (1, "")
    assert "`foldline --debug` and the same words" in answer.err
    assert answer.err.count("\n") == 1
    assert "Traceback" in foldline("--debug", *words).err


def test_a_full_disk_under_the_output_is_one_line(foldline: Commands) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "foldline", "config", "--json"],
            env=foldline.environment,
            cwd=foldline.directory,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == b"foldline: No space left on device. `foldline --debug` and the same words show where.\n"


def test_closed_streams_are_no_trouble(foldline: Commands) -> None:
    command = f"{sys.executable} -m foldline"
    script = f"{command} config <&- >&- 2>&-; {command} migrate --rollback 1 <&-"
    ended = subprocess.run(
        ["bash", "-c", script], env=foldline.environment, cwd=foldline.directory, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr.count(b"\n"), ended.stdout) == (2, 1, b"")
    assert b"--yes" in ended.stderr


def test_ctrl_c_ends_a_command_that_waits_for_its_server(foldline: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        foldline.set(DATABASE_URL=f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/db?sslmode=disable")
        with foldline.process("migrate", "--status") as waiting, silent.accept()[0] as connection:
            connection.recv(1)
            waiting.signal(signal.SIGINT)
            ended = waiting.end()
    assert (ended.code, ended.out, ended.err) == (130, "", "")
