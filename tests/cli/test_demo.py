"""`foldline demo` on a machine that has nothing: into a pipe, then on a terminal, where the servers stay.

As `make demo` in docs/first-hour.md.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

from commands import Commands
from foldline.example import example_log

DEMO = ("demo", "--seconds", "2")


def _on_a_terminal(commands: Commands, *words: str, until: str) -> tuple[int, str]:
    """Run it on a terminal, press Ctrl-C once it has said `until`, and return how it ended and what it said."""
    ours, theirs = pty.openpty()
    said = b""
    with subprocess.Popen(
        [sys.executable, "-m", "foldline", *words],
        env=commands.environment | {"TERM": "xterm", "COLUMNS": "100", "LINES": "50"},
        cwd=commands.directory,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        while True:
            try:
                octets = os.read(ours, 65_536)
            except OSError:  # the last writer has gone
                break
            said += octets
            if until.encode() in said:
                process.send_signal(signal.SIGINT)
        os.close(ours)
    return process.returncode, said.decode()


def test_it_projects_the_stream_as_planted_and_says_where_to_look_next(alone: Commands) -> None:
    log = example_log()
    expected = sum(planted.verdict == "applied" for planted in log.records)
    with alone.process(*DEMO) as run:
        told = run.end()
    assert told.code == 0, told.err
    assert f"{len(log.records) + 10:,} records: {expected:,} applied" in told.out
    assert "That is what was planted" in told.out
    assert "╭──────────╮╭────────╮" in told.out
    assert "history INGESTION doc-0007" in told.out
    assert "find_stuck_workflows" in told.out

    code, said = _on_a_terminal(alone, *DEMO, until="with --fresh it is deleted")
    assert code == 0, said
    assert "That is what was planted" in said  # under other ids: nothing of it is a duplicate of the first run
    assert "go on until Ctrl-C" in said
    assert f"of {len(log.records) + 10:,} records published" in said
    password = (Path(alone.settings["FOLDLINE_HOME"]) / "postgres.password").read_text(encoding="ascii")
    assert password not in said + told.out + told.err


def test_other_servers_are_refused(alone: Commands) -> None:
    alone.set(DATABASE_URL="postgresql://u:secret-canary@nowhere/db")
    refused = alone("demo")
    assert (refused.code, refused.out) == (2, "")
    assert "`foldline demo` only uses servers of its own" in refused.err
    assert "canary" not in refused.err
