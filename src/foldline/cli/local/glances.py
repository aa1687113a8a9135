"""What `foldline demo` shows, looked up again and again from a thread of its own while the worker works."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Event, Thread
from typing import Self

from foldline import facts
from foldline.app import Place
from foldline.cli.local.feed import Feed
from foldline.cli.local.own_servers import foldline_command
from foldline.cli.operate.status import lag_now
from foldline.cli.operate.tally import Tally
from foldline.cli.output import plain
from foldline.cli.stories.as_it_came import position_of
from foldline.core.machine import Machine
from foldline.errors import FoldlineError
from foldline.kafka.log import LogReader
from foldline.postgres.reports import DeadLetterEntry, Reports
from foldline.watch import Rates, StateBox, Trouble, View

_EVERY_SECONDS = 0.5
_LETTERS = 50


@dataclass(frozen=True, slots=True)
class _Glance:
    """What the servers said last."""

    states: dict[tuple[str, str], int]
    moved: frozenset[tuple[str, str]] = frozenset()
    workflows: Sequence[tuple[str, int]] = ()
    lag: int | None = None
    rejected: Trouble | None = None
    undecodable: Trouble | None = None


class Glances:
    """A context manager: looks twice a second while it lasts; `view` never waits for a server."""

    def __init__(self, place: Place, machines: Sequence[Machine], feed: Feed, tally: Tally) -> None:
        self._rates = Rates(time.monotonic)
        self._tally = tally
        self._machines = machines
        self._feed = feed
        self._settings = place.settings
        self._reports = Reports(place.database_url)
        self._log = LogReader(place.kafka_properties)
        self._last = _Glance({})
        self._warning: str | None = None
        self._stop = Event()
        self._thread = Thread(target=self._look_again_and_again, name="foldline-glances")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def hear(self, fact: facts.Fact) -> None:
        """Measure what the worker does, and keep its last warning."""
        self._rates.hear(fact)
        match fact:
            case facts.PartitionStopped():
                self._warning = f"{fact.partition} was stopped: {fact.problem} {fact.remedy}"
            case facts.BatchRetried() | facts.BrokerTrouble():
                self._warning = fact.problem
            case _:
                pass

    def view(self) -> View:
        """The board as of the last look."""
        last = self._last
        return View(
            title=f"foldline demo   {self._feed.sent:,} of {self._feed.total:,} records published",
            machines={machine.fsm_type: _boxes(machine, last) for machine in self._machines},
            verdicts=self._tally.verdicts,
            per_second=self._rates.per_second(),
            recent=self._rates.recent(),
            lag=last.lag,
            workflows=last.workflows,
            rejected=last.rejected,
            undecodable=last.undecodable,
            warning=None if self._warning is None else plain(self._warning),
        )

    def look(self) -> None:
        """Ask the servers now. Raises `FoldlineError` when one of them does not answer."""
        states = {(fsm_type, state): count for fsm_type, state, count in self._reports.states()}
        positions = {each.key: each for each in self._reports.positions()}
        lag = sum(each or 0 for each in lag_now(self._log, self._settings.topics, positions).values())
        letters = self._reports.dead_letters(status=None, reason=None, entity_id=None, limit=_LETTERS)
        before = self._last
        self._last = replace(
            before,
            states=states,
            moved=frozenset(key for key, count in states.items() if before.states.get(key, 0) != count),
            workflows=self._reports.workflow_statuses(),
            lag=lag,
            rejected=self._latest("rejected", letters) or before.rejected,
            undecodable=self._latest("undecodable", letters) or before.undecodable,
        )

    def _latest(self, verdict: str, letters: Sequence[DeadLetterEntry]) -> Trouble | None:
        letter = next((each for each in letters if each.verdict == verdict), None)
        return None if letter is None else _trouble_of(foldline_command(self._settings), letter)

    def _look_again_and_again(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            try:
                self.look()
            except FoldlineError as error:
                self._warning = str(error)


def _boxes(machine: Machine, glance: _Glance) -> list[StateBox]:
    return [
        StateBox(
            name,
            glance.states.get((machine.fsm_type, name), 0),
            final=state.final,
            error=state.error,
            moved=(machine.fsm_type, name) in glance.moved,
        )
        for name, state in machine.states.items()
    ]


def _trouble_of(foldline: str, letter: DeadLetterEntry) -> Trouble:
    if letter.entity_id is not None and letter.fsm_type is not None and letter.reason != "unknown_fsm":
        subject = f"{plain(letter.fsm_type)} {plain(letter.entity_id)}"
        command = f"{foldline} history {subject}"
    else:
        at = position_of(letter.topic, letter.partition, letter.offset)
        subject = f"workflow {plain(letter.workflow_id)}" if letter.workflow_id else f"record {at}"
        command = f"{foldline} deadletters show {letter.id}"
    return Trouble(subject, letter.reason, plain(letter.detail), command)
