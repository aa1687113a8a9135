"""`foldline deadletters redrive`: the originals of dead letters into the log once more, to be judged again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import typer

from foldline.cli.here import here
from foldline.cli.mend.rehearsal import Forecast, rehearse
from foldline.cli.mend.selecting import Entity, Everything, Ids, Since, WithReason, all_of_those_named, selected
from foldline.cli.output import AsJson, counted, json_out, line_out, listed, note
from foldline.cli.shapes import prints
from foldline.cli.who import who
from foldline.core.batch import Partition
from foldline.core.redrive import LIMIT, Redrive, redriven, redrives_before
from foldline.errors import FoldlineError
from foldline.kafka.log import LogReader
from foldline.kafka.publisher import Place, Publisher, Routed
from foldline.postgres.letter_entries import DeadLetterRecord
from foldline.postgres.letters import Letters, Selection


@dataclass(frozen=True, slots=True)
class Redriven:
    """What was redriven.

    Attributes:
        redriven: how many dead letters were published again.
        left_out: how many were not, for which reason.
    """

    redriven: int
    left_out: dict[str, int]


@prints(Redriven, Forecast)
def redrive(  # noqa: PLR0913 - which letters, and how: each an option of its own
    *,
    ids: Ids = None,
    entity: Entity = None,
    reason: WithReason = None,
    since: Since = None,
    everything: Everything = False,
    limit: Annotated[int, typer.Option(min=1, help="Leave out events that were redriven so often.")] = LIMIT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Publish nothing; say what would become of them now.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish dead letters again, as they came and where they lay, to be judged once more.

    Those that are open are taken, and those named by --id also if they were redriven and are not judged yet. The worker
    that judges one writes what became of it to its letter: `applied`, or `rejected_again` beside a new letter. Exits 0
    also if there is none, and 1 if one that was named by --id was left out.
    """
    asked = selected(ids, entity, reason, since, everything=everything)
    place = here(database=True, kafka=not dry_run)
    letters = Letters(place.database_url)
    there = None if dry_run else frozenset(LogReader(place.kafka_properties).partitions(place.settings.topics))
    taken = Taken(frozenset(place.settings.topics), there, limit, frozenset(asked.ids or ()))
    if dry_run:
        rehearse(place, letters, taken.of(letters.pages(asked)), taken.left_out, as_json=as_json)
    else:
        letters.require_rights()
        with Publisher(place.kafka_properties) as publisher:
            done = _Redriving(publisher, letters).run(asked, taken)
        if as_json:
            json_out(Redriven(done, taken.left_out))
        else:
            line_out(_told(done, taken))
    all_of_those_named(letters, asked, taken.numbers, "redriven", taken.why)


@dataclass
class Taken:
    """Chooses letters of a selection: not those that would go in circles, nor those that nobody would read.

    `partitions` are those that are there, None if that was not asked. What is known of single letters, `numbers` and
    `why`, is kept of those that were `named`: there may be millions.
    """

    topics: frozenset[str]
    partitions: frozenset[Partition] | None
    limit: int
    named: frozenset[int]
    left_out: Counter[str] = field(default_factory=Counter)
    numbers: set[int] = field(default_factory=set)
    why: dict[int, str] = field(default_factory=dict)

    def of(self, pages: Iterator[list[DeadLetterRecord]]) -> Iterator[list[DeadLetterRecord]]:
        """The same pages without the letters that are left out."""
        for page in pages:
            yield [letter for letter in page if self._takes(letter)]

    def _takes(self, letter: DeadLetterRecord) -> bool:
        if letter.topic not in self.topics:
            self._leave(letter, f"its topic {letter.topic} is none that is read")
        elif self.partitions is not None and letter.source not in self.partitions:
            self._leave(letter, f"{letter.source} is gone")
        elif (often := redrives_of(letter)) >= self.limit:
            self._leave(letter, f"redriven {'once' if often == 1 else f'{often} times'} already")
        else:
            self.numbers |= self.named & {letter.id}
            return True
        return False

    def _leave(self, letter: DeadLetterRecord, why: str) -> None:
        self.left_out[why] += 1
        if letter.id in self.named:
            self.why[letter.id] = f"dead letter {letter.id} was left out: {why}"


def redrives_of(letter: DeadLetterRecord) -> int:
    """How often the event has been redriven: before it came to this letter, and since."""
    return redrives_before(letter.headers) + letter.redrives


def again(letter: DeadLetterRecord) -> Routed:
    """The record of the letter as it is published again: what it was, where it lay, with the header."""
    said = Redrive(letter.topic, letter.partition, letter.offset, letter.incarnation, redrives_of(letter) + 1)
    headers = redriven(letter.headers, said)
    return Routed(letter.topic, letter.key, letter.value, headers, partition=letter.partition, letter=letter.id)


@dataclass
class _Redriving:
    """Publishes and notes page by page: whatever ends it, each letter is noted as redriven, or open as before."""

    publisher: Publisher
    letters: Letters
    done: int = 0

    def run(self, asked: Selection, taken: Taken) -> int:
        """Redrive what is taken of the selection; returns how many that were."""
        _, all_of_them = self.letters.fixed(asked)
        try:
            for page in taken.of(self.letters.pages(asked)):
                self._page(page)
        except KeyboardInterrupt:
            note(f"Redriven are {self.done:,} of {counted(all_of_them, 'dead letter')}; the others are as they were.")
            raise
        except FoldlineError as error:
            raise type(error)(
                f"{error.problem.rstrip('.')}. Redriven are {self.done:,} of"
                f" {counted(all_of_them, 'dead letter')}; the others are as they were.",
                remedy="See to it, or choose other letters, and run it again.",
            ) from error
        return self.done

    def _page(self, page: list[DeadLetterRecord]) -> None:
        arrived: list[int] = []

        def arrives(record: Routed, _place: Place) -> None:
            if record.letter is not None:
                arrived.append(record.letter)

        try:
            self.publisher.publish(map(again, page), arrives)
        finally:
            if arrived:
                self._note(arrived)

    def _note(self, arrived: list[int]) -> None:
        try:
            self.letters.note_redriven(arrived, who=who())
        except FoldlineError as error:
            raise type(error)(
                f"{counted(len(arrived), 'dead letter')} more were published again, but that could not be noted, and"
                f" workers answer them all the same: {error.problem}"
            ) from error
        self.done += len(arrived)


def _told(done: int, taken: Taken) -> str:
    if not done and not taken.left_out:
        return "No dead letter to redrive."
    left = f" Left out: {listed(sorted(taken.left_out.items()))}." if taken.left_out else ""
    follow = " `foldline deadletters list --status redriven` lists those that are not judged yet." if done else ""
    return f"Redriven: {counted(done, 'dead letter')}.{left}{follow}"
