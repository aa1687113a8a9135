"""`python -m torture`: seeds in turn on one PostgreSQL and one Kafka; exit 1 if the tables of any are not the log's."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from rich.console import Console

from torture.blind import GUARDS
from torture.installation import servers
from torture.proxy import switchboard
from torture.report import again, faults, line, table
from torture.trial import Outcome, try_seed
from torture.workers import PRODUCT, blind


def main() -> int:
    """Try the seeds; returns the exit code."""
    options = asked(sys.argv[1:])
    words = PRODUCT if options.without is None else blind(options.without)
    console = Console(soft_wrap=True, highlight=False)
    for number in (signal.SIGTERM, signal.SIGINT):  # the latter is ignored in the background of a shell
        signal.signal(number, _interrupt)
    outcomes: list[Outcome] = []
    with TemporaryDirectory(prefix="foldline-torture-logs-") as logs, servers() as running, switchboard() as board:
        for seed in range(options.seed, options.seed + options.seeds):
            directory = (options.logs or Path(logs)) / f"seed-{seed}"
            directory.mkdir(parents=True, exist_ok=True)
            outcome = try_seed(running, board, seed, options.seconds, directory, words)
            outcomes.append(outcome)
            console.print(line(outcome), markup=False)
            if outcome.differences:
                command = again(seed, options.seconds, options.without)
                console.print(faults(outcome, command), markup=False)
    console.print(table(outcomes))
    return int(any(outcome.differences for outcome in outcomes))


def asked(words: Sequence[str]) -> argparse.Namespace:
    """What is to be tried, from the words of the command line."""
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after another (1)")
    parser.add_argument("--seconds", type=float, default=120.0, help="of faults for each (120)")
    parser.add_argument("--without", choices=sorted(GUARDS), help="blind all workers to one guard: this must fail")
    parser.add_argument("--logs", type=Path, help="keep what the workers logged, here")
    return parser.parse_args(words)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
