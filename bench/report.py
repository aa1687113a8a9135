"""What is printed: the machine, every run as it ends, and the table."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.contest import CONTESTANTS, Run
from bench.meter import Measured
from bench.workload import Workload

_LIBRARIES = ("confluent-kafka", "psycopg", "pydantic", "msgspec")
_TARGET = 4.0
_UNDISTURBED_CORES = 0.1


def machine(postgres: str, kafka: str) -> str:
    """Where this was measured, in one line."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{len(os.sched_getaffinity(0))} cores for everything ({_processor()}), {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}, PostgreSQL {postgres}, Kafka {kafka}, {libraries}"
    )


def describe(workload: Workload, sizes: Sequence[int]) -> str:
    """What was projected, in one line."""
    return (
        f"{workload.events:,} events of {sum(sizes) / len(sizes):.0f} bytes about"
        f" {sum(workload.final_states().values()):,} entities, an entity's hops {workload.gap:,} records apart;"
        f" {workload.older:,} older entities"
    )


def line(run: Run) -> str:
    """One run."""
    measured = run.measured
    return (
        f"pass {run.number + 1}  {run.name:<17} {measured.rate:>9,.0f} events/s  client {measured.client_us:6.1f} µs"
        f"  PostgreSQL {measured.postgres_us:6.1f} µs  WAL {measured.wal:7,.0f} B  others {measured.others:.1f} cores"
    )


def table(runs: Sequence[Run]) -> Table:
    """All contestants."""
    found = Table(
        title="per event: CPU in µs, of the client's process and of the whole PostgreSQL server; WAL in bytes"
    )
    found.add_column("")
    for name in ("best events/s", "median", "client µs", "PostgreSQL µs", "WAL bytes"):
        found.add_column(name, justify="right")
    for contestant in CONTESTANTS:
        mine = [run.measured for run in runs if run.name == contestant.name]
        found.add_row(
            contestant.name,
            f"{max(measured.rate for measured in mine):,.0f}",
            f"{_median(mine, lambda m: m.rate):,.0f}",
            f"{_median(mine, lambda m: m.client_us):.1f}",
            f"{_median(mine, lambda m: m.postgres_us):.1f}",
            f"{_median(mine, lambda m: m.wal):,.0f}",
        )
    return found


def ratios(runs: Sequence[Run]) -> str:
    """Foldline against each of the others, pass by pass."""
    ours, by_hand, limit = (_rates(runs, contestant.name) for contestant in CONTESTANTS)
    times = [mine / theirs for mine, theirs in zip(ours, by_hand, strict=True)]
    shares = [100 * mine / theirs for mine, theirs in zip(ours, limit, strict=True)]
    return (
        f"foldline ÷ (a), pass by pass: {', '.join(f'{each:.2f}' for each in times)}; median {median(times):.2f}"
        f" (wanted: {_TARGET:.0f})\n"
        f"foldline ÷ (b), pass by pass: {', '.join(f'{each:.0f} %' for each in shares)}; median {median(shares):.0f} %"
    )


def disturbance(runs: Sequence[Run]) -> str:
    """How much other programs disturbed the runs, and what that means for the figures."""
    most = max(run.measured.others for run in runs)
    if most < _UNDISTURBED_CORES:
        return "Nothing else ran meanwhile."
    return (
        f"Other programs kept up to {most:.1f} cores busy ('others' above): compare within a pass, and trust the CPU"
        " per event more than the events/s."
    )


def show(text: str | Table, console: Console) -> None:
    """Print, without guessing at colours in numbers."""
    console.print(text, highlight=False, soft_wrap=isinstance(text, str))


def _rates(runs: Sequence[Run], name: str) -> list[float]:
    return [run.measured.rate for run in sorted(runs, key=lambda run: run.number) if run.name == name]


def _median(measured: Sequence[Measured], what: Callable[[Measured], float]) -> float:
    return median(map(what, measured))


def _processor() -> str:
    for text in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if text.startswith("model name"):
            return text.partition(":")[2].strip()
    return platform.machine()
