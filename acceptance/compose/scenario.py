"""What is asked of the deployment, in order. Each step leaves what the next one needs, and says what it saw."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg

from acceptance.compose.stack import CHECKOUT, Container, Stack, wait_until
from acceptance.compose.tables import found, judged

_EXAMPLES = CHECKOUT / "examples"
_EXPECTED: dict[str, Any] = json.loads((_EXAMPLES / "expected.json").read_bytes())
_EXAMPLE_RECORDS = sum(_EXPECTED[kind]["records"] for kind in ("transitions", "workflows", "undecodable"))
_PARTITIONS = 8
_UID = 10001
_LATER = 400
_TOLD_TO_STOP = "import os, signal, foldline.__main__; os.kill(1, signal.SIGTERM)"
_TERMINATED = 143
_REFUSED = {
    "worker": [
        "INSERT INTO fsm_state_history SELECT * FROM fsm_state_history LIMIT 1",
        "DELETE FROM fsm_state_history",
        "UPDATE fsm_state_history SET to_state = 'X'",
        "TRUNCATE fsm_state",
        "DROP TABLE fsm_state",
        "CREATE TABLE public.mine ()",
    ],
    "reader": ["UPDATE fsm_state SET current_state = 'X'", "DELETE FROM foldline_dead_letters"],
}


def build(stack: Stack) -> str:
    """The file is valid, and the image can be built."""
    stack.compose("config", "--quiet")
    stack.compose("build")
    size = int(stack.docker("image", "inspect", "foldline", "--format", "{{.Size}}"))
    kept = stack.docker("image", "inspect", "foldline", "--format", "{{json .Config}}")
    assert not any(password in kept for password in stack.passwords.values())
    version = stack.docker("run", "--rm", "foldline", "--version").strip()
    return f"built: {version}, an image of {size / 1e6:.0f} MB"


def end_early(stack: Stack) -> str:
    """The first process of a container has to answer SIGTERM itself, also before it runs."""
    code = stack.python(_TOLD_TO_STOP)
    assert code == _TERMINATED, code
    return f"told to stop while it is loading, the program ends with exit code {code}"


def project(stack: Stack) -> str:
    """From nothing to the first projected event."""
    began, clock = time.monotonic(), datetime.now(UTC)
    stack.compose("up", "--detach", "--wait")
    up = time.monotonic() - began
    stack.publish((_EXAMPLES / "transitions.jsonl").read_bytes())
    applied = ""
    while not applied:
        batches = [batch for worker in _workers(stack) for batch in stack.logged(worker, "batch applied")]
        applied = min((batch["time"] for batch in batches if batch["applied"]), default="")
    seconds = (datetime.fromisoformat(applied) - clock).total_seconds()
    health = stack.compose("ps", "--format", "{{.Service}} {{.State}} {{.Health}}").split("\n")
    assert {"kafka running healthy", "postgres running healthy", "worker running healthy"} <= set(health), health
    return f"servers and workers healthy {up:.1f} s after `up`; first event projected {seconds:.1f} s after `up`"


def catch_up(stack: Stack) -> str:
    """The rest of the example log, from inside."""
    stack.foldline("publish", "-", given=(_EXAMPLES / "workflows.jsonl").read_bytes())
    stack.foldline("publish", "--raw", "-", given=(_EXAMPLES / "undecodable.jsonl").read_bytes())
    _wait_for_verdicts(stack, _EXAMPLE_RECORDS)
    lag = json.loads(stack.foldline("status", "--json"))["lag"]
    assert lag == 0, lag
    return f"all {_EXAMPLE_RECORDS:,} records of the example log have their verdict; lag {lag}"


def tables(stack: Stack) -> str:
    """Every count that examples/expected.json has."""
    seen = found(stack, _EXPECTED)
    assert seen == _EXPECTED, seen
    return f"the tables hold what examples/expected.json says: {json.dumps(seen['rows'])}"


def shared(stack: Stack) -> str:
    """Both workers project."""
    workers = _workers(stack)
    wait_until(lambda: stack.owners().keys() == {worker.owner for worker in workers}, "each has its partitions")
    owners = stack.owners()
    assert sum(owners.values()) == _PARTITIONS
    return "partitions: " + ", ".join(f"{worker.name} has {owners[worker.owner]}" for worker in workers)


def unprivileged(stack: Stack) -> str:
    """Neither root nor owner of anything."""
    for worker in _workers(stack):
        status = dict(
            line.split(":\t", 1) for line in stack.docker("exec", worker.name, "cat", "/proc/1/status").splitlines()
        )
        seen = (status["Name"], {int(uid) for uid in status["Uid"].split()}, int(status["CapBnd"], 16))
        assert seen == ("foldline", {_UID}, 0), seen
        assert status["NoNewPrivs"] == "1"
        mounts = stack.docker("exec", worker.name, "cat", "/proc/mounts").splitlines()
        (root,) = [line for line in mounts if line.split()[1] == "/"]
        assert "ro" in root.split()[3].split(","), root
    sessions = stack.rows("SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name ~ '^foldline worker'")
    assert sessions == [("worker",)], sessions
    groups = stack.rows(
        "SELECT array_agg(roleid::regrole::text), bool_or(rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls)"
        "  FROM pg_roles JOIN pg_auth_members ON member = pg_roles.oid WHERE rolname = 'worker'"
    )
    assert groups == [(["foldline_projector"], False)], groups
    return f"workers: uid {_UID}, no capability, read-only root; their sessions: user worker in foldline_projector only"


def refused(stack: Stack) -> str:
    """What the users of workers and readers may not do."""
    answers = [_refusal(stack, user, statement) for user, statements in _REFUSED.items() for statement in statements]
    return f"{len(answers)} statements refused; to {_REFUSED['worker'][0]!r} as worker: {answers[0]}"


def take_over(stack: Stack) -> str:
    """A worker that projects transitions is killed; the other one goes on with all partitions."""
    ((owner,),) = stack.rows(
        "SELECT owner FROM foldline_positions WHERE topic = 'fsm.transitions.v1' AND partition = 0"
    )
    victim, survivor = sorted(_workers(stack), key=lambda worker: worker.owner != owner)
    lost = stack.owners()[owner]
    stack.docker("kill", victim.name)
    began = time.monotonic()
    stack.publish(_events("killed"))
    _wait_for_verdicts(stack, _EXAMPLE_RECORDS + _LATER)
    seconds = time.monotonic() - began
    wait_until(lambda: stack.owners() == {survivor.owner: _PARTITIONS}, "all partitions are taken over")
    assert _started(stack, "killed") == _LATER
    (dead,) = [worker for worker in _workers(stack) if worker.id == victim.id]
    assert (dead.state, dead.exit_code) == ("exited", 137), dead
    return (
        f"killed {victim.name} with {lost} partitions; {survivor.name} took them over and had projected"
        f" {_LATER} more events {seconds:.1f} s later"
    )


def drain(stack: Stack) -> str:
    """Stopped in the midst of work, a worker ends what it is at."""
    (survivor,) = [worker for worker in _workers(stack) if worker.state == "running"]
    stack.publish(_events("stopped"))
    stack.compose("stop")
    (stopped,) = [worker for worker in _workers(stack) if worker.id == survivor.id]
    assert (stopped.state, stopped.exit_code) == ("exited", 0), stopped
    assert stack.logged(stopped, "worker stopped")
    (projected,) = [line for line in stack.log(stopped) if line.startswith("Projected ")]
    return f"`docker compose stop`: {stopped.name} ended with exit code {stopped.exit_code}: {projected}"


def go_on(stack: Stack) -> str:
    """Up again on the same volumes: nothing is lost, nothing is done twice."""
    stack.compose("up", "--detach", "--wait")
    _wait_for_verdicts(stack, _EXAMPLE_RECORDS + 2 * _LATER)
    assert _started(stack, "stopped") == _LATER
    history = stack.rows("SELECT count(*) FROM fsm_state_history")[0][0]
    assert history == _EXPECTED["rows"]["fsm_state_history"] + 2 * _LATER, history
    return f"up again on the same volumes: {history:,} rows of history, each event once"


def remove(stack: Stack) -> str:
    """Down with everything."""
    stack.remove()
    left = stack.left()
    assert not left, left
    return "down: no container, volume or network is left"


STEPS: tuple[Callable[[Stack], str], ...] = (
    build,
    end_early,
    project,
    catch_up,
    tables,
    shared,
    unprivileged,
    refused,
    take_over,
    drain,
    go_on,
    remove,
)


def _workers(stack: Stack) -> list[Container]:
    return stack.containers("worker")


def _wait_for_verdicts(stack: Stack, records: int) -> None:
    wait_until(lambda: judged(stack) >= records, f"{records} records have their verdict")
    assert judged(stack) == records


def _refusal(stack: Stack, user: str, statement: str) -> str:
    try:
        stack.rows(statement, user)
    except psycopg.errors.InsufficientPrivilege as error:
        return str(error).splitlines()[0]
    raise AssertionError(f"{user} could do: {statement}")


def _events(name: str) -> bytes:
    """The first event of so many entities."""
    events = [
        {
            "correlation_id": f"{name}-{number}",
            "event_id": f"{name}-{number}",
            "occurred_at": "2026-03-01T12:00:00Z",
            "fsm_type": "INGESTION",
            "entity_id": f"{name}-{number}",
            "action": "START_PROCESSING",
        }
        for number in range(_LATER)
    ]
    return "\n".join(json.dumps(event) for event in events).encode()


def _started(stack: Stack, name: str) -> int:
    ((count,),) = stack.rows(
        f"SELECT count(*) FROM fsm_state WHERE entity_id ~ '^{name}-' AND current_state = 'PROCESSING'"
    )
    return int(count)
