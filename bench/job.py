"""What a contestant is given. Each run is a process of its own, so that none inherits another's garbage or caches."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.meter import ServerProcesses
from bench.workload import Workload

TOPIC = "fsm.transitions.v1"
OTHER_TOPIC = "workflow.executions.v1"


@dataclass(frozen=True)
class Job:
    """One run: which servers, which log, how long at most."""

    database_url: str = field(repr=False)
    bootstrap_servers: str
    servers: ServerProcesses
    workload: Workload
    group_id: str
    seconds: float


class RanTooLongError(Exception):
    """A run did not come to its end in the time it has."""
