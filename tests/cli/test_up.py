"""`foldline up` on a machine that has nothing: the example from files to history, twice, and others at its servers."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from commands import Commands

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPECTED = json.loads((EXAMPLES / "expected.json").read_bytes())
ONCE = (
    *("up", "--once", str(EXAMPLES / "transitions.jsonl"), str(EXAMPLES / "workflows.jsonl")),
    *("--once-raw", str(EXAMPLES / "undecodable.jsonl")),
)


def test_the_example_is_projected_once_then_known_and_then_served(alone: Commands) -> None:
    with alone.process(*ONCE) as first:
        told = first.end()
    assert told.code == 0, told.err
    rejected = sum(sum(EXPECTED[kind]["rejected"].values()) for kind in ("transitions", "workflows"))
    applied = EXPECTED["transitions"]["applied"] + EXPECTED["workflows"]["applied"]
    assert f"{applied:,} applied" in told.out
    assert f"{rejected} rejected, {EXPECTED['undecodable']['records']} undecodable" in told.out
    assert "History of INGESTION doc-0007" in told.out
    password = (Path(alone.settings["FOLDLINE_HOME"]) / "postgres.password").read_text(encoding="ascii")
    assert password not in told.out + told.err

    with alone.process(*ONCE, "--json") as second:
        again = second.end().json
    assert again["nothing_new"]
    assert again["verdicts"]["applied"] == 0
    assert again["dead_letters"] == {"invalid": 6, "malformed": 4}
    states = {(each["fsm_type"], each["state"]): each["entities"] for each in again["states"]}
    assert states == {(f, s): count for f, each in EXPECTED["states"].items() for s, count in each.items()}

    with alone.process("up") as serving:
        serving.wait_for("partition claimed", times=8)
        status = alone("status", "--json")
        assert status.json["lag"] == 0
        assert "using the running `foldline up`" in status.err
        refused = alone("up")
        assert (refused.code, "is in use by process" in refused.err) == (1, True)
        alone.set(DATABASE_URL="postgresql://u:canary@127.0.0.1:1/elsewhere")
        half = alone("run", "--until-caught-up")
        assert (half.code, half.out) == (2, "")
        assert "KAFKA_BOOTSTRAP_SERVERS is not set, the other one is" in half.err
        del alone.settings["DATABASE_URL"]
        serving.signal(signal.SIGTERM)
        ended = serving.end()
    assert ended.code == 0, ended.err
    assert "postgresql://foldline@127.0.0.1:" in ended.out
    assert password not in ended.out + ended.err + status.out + status.err
    assert alone("status").code == 1


def test_a_file_that_holds_no_events_ends_it_with_the_name_of_the_file(alone: Commands) -> None:
    path = alone.directory / "poison.jsonl"
    path.write_bytes(b"poison\n")
    with alone.process("up", "--once", str(path)) as run:
        ended = run.end()
    assert ended.code == 1
    assert f"foldline: {path}: Line 1: " in ended.err.splitlines()[-1]
    assert "--once-raw" in ended.err
