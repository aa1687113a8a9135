"""Servers that a killed foldline left behind, found by what only ours have and ended before the next start.

On Linux the kernel ends children with their parent, so there are none as a rule; elsewhere this is what cleans up. The
caller holds the home: whatever still runs on it belongs to nobody.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from foldline.errors import EmbeddedError

if TYPE_CHECKING:
    from psutil import Process

_CLEAN_END_WITHIN = 15.0
_FORCED_END_WITHIN = 5.0


def end_postgres(cluster: Path) -> None:
    """End every process of PostgreSQL that works in this directory."""

    def works_there(process: Process) -> bool:
        return process.name() in {"postgres", "initdb"} and process.cwd() == str(cluster)

    _end(works_there, signal.SIGQUIT, f"PostgreSQL on {cluster}")


def end_kafka(properties: Path) -> None:
    """End every JVM that was started with this properties file."""

    def started_with_it(process: Process) -> bool:
        return str(properties) in process.cmdline()

    _end(started_with_it, signal.SIGTERM, f"Kafka on {properties}")


def _end(belongs: Callable[[Process], bool], first: signal.Signals, what: str) -> None:
    import psutil  # noqa: PLC0415  # optional extra

    def found(process: Process) -> bool:
        with suppress(psutil.Error):  # gone, a zombie, or somebody else's
            return belongs(process)
        return False

    left = [process for process in psutil.process_iter() if found(process)]
    for sent, within in ((first, _CLEAN_END_WITHIN), (signal.SIGKILL, _FORCED_END_WITHIN)):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(sent)
        left = psutil.wait_procs(left, timeout=within)[1]
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise EmbeddedError(f"{what} still runs from an earlier time and does not end.", remedy=f"End process {pids}.")
