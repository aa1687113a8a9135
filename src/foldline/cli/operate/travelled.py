"""How far a long command has come: a bar on a terminal, a line now and then elsewhere. On stderr, beside the answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from foldline.cli.output import duration, note
from foldline.replay.asked import Progress as Travelled

_SAY_EVERY_SECONDS = 30.0


@contextmanager
def shown() -> Iterator[Callable[[Travelled], None]]:
    """Shows what it is told, with how fast that is and when it will be done."""
    if not sys.stderr.isatty():
        yield Lines(time.monotonic).told
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,} of {task.total:,}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def told(progress: Travelled) -> None:
            if progress.part not in tasks:
                tasks[progress.part] = bars.add_task(progress.part, total=progress.total)
            bars.update(tasks[progress.part], completed=progress.done, total=max(progress.total, 1))

        yield told


class Lines:
    """A line every half minute, for logs. `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._part = ""
        self._began = self._said = now()

    def told(self, progress: Travelled) -> None:
        """Say it, if it is time."""
        now = self._now()
        if progress.part != self._part:
            self._part, self._began = progress.part, now
        if now - self._said < _SAY_EVERY_SECONDS:
            return
        self._said = now
        rate = progress.done / max(now - self._began, 1e-9)
        left = duration(1000 * (progress.total - progress.done) / rate) if rate else "?"
        note(f"{progress.part}: {progress.done:,} of {progress.total:,}, {rate:,.0f} a second, {left} left")
