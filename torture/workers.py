"""Workers: `foldline run` as processes behind a proxy each, that are killed, frozen, thawed, and told to leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from foldline.embedded import launch
from torture.proxy import Proxy
from torture.stories import OLDER

_CHECKOUT = Path(__file__).parents[1]
_ENDED_WITHIN_SECONDS = 60
_POLL_SECONDS = 0.05
_NOT_MEANT = "foldline: Unexpected"
_LAST_WORDS = 8
TOO_OLD = "which has judged events"
"""What is said of machines that are older than what a worker has recorded."""
PRODUCT = ("-m", "foldline", "--debug", "run")
COMMAND = ("-m", "foldline")


def blind(guard: str) -> Sequence[str]:
    """The words of a worker that lacks one guard: see `torture.blind`."""
    return ("-m", "torture.blind", guard, "--debug", "run")


@dataclass
class Worker:
    """One place for a worker: its proxy stays, its processes come and go, with the `machines` of their time."""

    number: int
    proxy: Proxy
    settings: Mapping[str, str] = field(repr=False)
    directory: Path
    words: Sequence[str] = PRODUCT
    machines: Sequence[Path] = OLDER
    lives: int = 0
    frozen: bool = False
    ended: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.proxy.strike = self._strike

    @property
    def alive(self) -> bool:
        """Whether its process runs, frozen or not; what has ended is noted."""
        if self._process is not None and self._process.poll() is not None:
            self.ended.append(self._process.returncode)
            self._process = None
            self.frozen = False
        return self._process is not None

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None, "it has been started"
        return self._process.pid

    @property
    def logs(self) -> list[Path]:
        """What each of its processes has logged so far."""
        return [self._log(life) for life in range(1, self.lives + 1)]

    @property
    def log(self) -> str:
        """What its last process has logged so far."""
        return self._log(self.lives).read_text(encoding="utf-8", errors="replace")

    @property
    def last_words(self) -> str:
        """The last line of what its last process has logged."""
        return (self.log.strip().splitlines() or [""])[-1]

    @property
    def refused(self) -> bool:
        """Whether its last process has ended because its machines are older than what has judged."""
        return self.lives > 0 and not self.alive and self.ended[-1] == 1 and TOO_OLD in self.log

    def start(self, *more: str) -> None:
        """Start a process; the kernel kills it when we die. From the main thread only."""
        assert not self.alive, "one process at a time"
        self.lives += 1
        self.proxy.thaw()
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(("FOLDLINE_", "PG"))}
        machines = os.pathsep.join(map(str, self.machines))
        words = [launch.__file__, str(signal.SIGKILL.value), str(os.getpid()), "-", sys.executable]
        with self._log(self.lives).open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words, no shell
                [sys.executable, "-I", "-S", *words, *self.words, *more],
                env={**inherited, **self.settings, "FOLDLINE_MACHINES": machines, "PYTHONFAULTHANDLER": "1"},
                cwd=_CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def freeze(self) -> None:
        """SIGSTOP."""
        self._strike(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT, and what it had sent passes."""
        self.frozen = False
        self._strike(signal.SIGCONT)
        self.proxy.thaw()

    def leave(self) -> None:
        """SIGTERM: it finishes what it is at and goes."""
        self._strike(signal.SIGTERM)

    def wait_for(self, *events: str, after: int, seconds: float) -> None:
        """Return once it has logged one of these beyond so many bytes of its log.

        Raises:
            TimeoutError: it does not within so many seconds.
        """
        until = time.monotonic() + seconds
        while not any(f'"event": "{event}"' in self.log[after:] for event in events):
            if time.monotonic() > until:
                raise TimeoutError(f"worker {self.number} logs none of {events}: {self.log[after:]}")
            time.sleep(_POLL_SECONDS)

    def abort(self) -> str:
        """SIGABRT, at which Python says where every thread stands; returns what it says."""
        after = len(self.log)
        self._strike(signal.SIGABRT)
        self.wait()
        return self.log[after:]

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self.proxy.set(None)
        self._strike(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = _ENDED_WITHIN_SECONDS) -> int | None:
        """Its exit code once it has ended; None if it does not within so many seconds."""
        process = self._process
        if process is None:
            return self.ended[-1] if self.ended else None
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return None if self.alive else self.ended[-1]

    def _strike(self, number: signal.Signals) -> None:
        if number is signal.SIGSTOP:
            self.frozen = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _log(self, life: int) -> Path:
        return self.directory / f"worker-{self.number}-{life}.log"


@contextmanager
def crew(places: Sequence[Worker]) -> Iterator[Sequence[Worker]]:
    """Whatever happens, none of them outlives the block."""
    try:
        yield places
    finally:
        for worker in places:
            worker.kill()


@dataclass(frozen=True)
class Heard:
    """What workers logged: how often each fact, and what must never be there."""

    facts: Counter[str]
    alarms: list[str]


def heard(workers: Sequence[Worker], *, is_alarm: Callable[[dict[str, object]], bool]) -> Heard:
    """Read the logs of all processes that these workers had."""
    facts = Counter[str]()
    alarms = []
    for worker in workers:
        for log in worker.logs:
            text = log.read_text(encoding="utf-8", errors="replace")
            for line in text.splitlines():
                if not line.startswith("{"):
                    continue
                with suppress(ValueError):
                    fact = json.loads(line)
                    facts[str(fact.get("event"))] += 1
                    if is_alarm(fact):
                        alarms.append(f"{log.name}: {line}")
            if _NOT_MEANT in text:
                alarms.append(f"{log.name}: {' / '.join(text.splitlines()[-_LAST_WORDS:])}")
    return Heard(facts, alarms)
