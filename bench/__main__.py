"""`python -m bench`: embedded servers, one log, every contestant on it in turn, one table."""

from __future__ import annotations

import argparse

from rich.console import Console

from bench.contest import Contest, Run
from bench.databases import Databases
from bench.ground import Between, configure, home, kafka_version, publish, settings
from bench.meter import ServerProcesses
from bench.report import describe, disturbance, line, machine, ratios, show, table
from bench.workload import Workload
from foldline.embedded import embedded_servers

_MOST_EVENTS = 5_000_000
_MOST_PASSES = 20


def main() -> None:
    options = _options()
    workload = Workload(2_000, 1_000, 100) if options.smoke else Workload(options.events, options.older, options.gap)
    passes = 1 if options.smoke else options.passes
    console = Console()
    with home() as directory, embedded_servers(directory, optimising_jvm=True, announce=console.print) as running:
        version = configure(running)
        show(machine(version, kafka_version()), console)
        sizes = publish(running.servers.bootstrap_servers, workload)
        show(describe(workload, sizes), console)
        show(f"PostgreSQL is durable as it comes; for all alike: {settings()}. A checkpoint before each run.", console)
        databases = Databases(running.postgres.url, workload)
        databases.prepare()
        processes = ServerProcesses(running.postgres.pid, running.kafka.pid)
        contest = Contest(running.servers.bootstrap_servers, processes, workload, databases)
        runs: list[Run] = []
        for run in contest.runs(passes):
            runs.append(run)
            show(line(run), console)
        running.check()
    show(table(runs), console)
    show(ratios(runs), console)
    show(disturbance(runs), console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=Between(1_000, _MOST_EVENTS), default=200_000)
    parser.add_argument("--passes", type=Between(1, _MOST_PASSES), default=3)
    parser.add_argument(
        "--older", type=Between(0, _MOST_EVENTS), default=100_000, help="entities that are there before"
    )
    parser.add_argument("--gap", type=Between(1, _MOST_EVENTS), default=5_000, help="records between an entity's hops")
    parser.add_argument("--smoke", action="store_true", help="tiny and in seconds: does the benchmark itself work?")
    return parser.parse_args()


if __name__ == "__main__":
    main()
