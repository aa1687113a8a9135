"""Dead letters to be mended: which of them, page by page, and what is noted of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from foldline.core.batch import Partition
from foldline.core.redrive import Redrive, redrive_of
from foldline.errors import DatabaseError
from foldline.postgres.asking import asking
from foldline.postgres.letter_entries import DeadLetterRecord
from foldline.postgres.queries import query

_PAGE = 1_000
_PAGE_OCTETS = 8 * 1024 * 1024
_DROPPED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Dead letters that fit all that is said; `latest` is the highest number that belongs to it, once that is known."""

    statuses: tuple[str, ...]
    ids: tuple[int, ...] | None = None
    entity_id: str | None = None
    reason: str | None = None
    since: datetime | None = None
    latest: int = 2**63 - 1

    @property
    def parameters(self) -> dict[str, object]:
        """What the statements take."""
        listed = None if self.ids is None else list(self.ids)
        return asdict(self) | {"ids": listed, "statuses": list(self.statuses)}


class Letters:
    """The dead letters of one database; each question is a connection of its own and may raise `DatabaseError`."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    def require_rights(self) -> None:
        """Refuse whoever could publish a letter and then not note it. Raises `DatabaseError`."""
        with asking(self._database_url, "mend") as connection:
            if connection.execute(query("may_mend")).fetchone() != (True,):
                user = connection.info.user
                raise DatabaseError(
                    f"The role {user} may not redrive or drop dead letters.",
                    remedy="Log in as a member of foldline_ops (docs/security.md), or as the owner of the tables.",
                )

    def fixed(self, selection: Selection) -> tuple[Selection, int]:
        """The selection without what comes later, and how many letters it has now."""
        with asking(self._database_url, "mend") as connection:
            row = connection.execute(query("count_letters"), selection.parameters).fetchone()
        assert row is not None, "an aggregate always has its row"
        count, latest = row
        return replace(selection, latest=latest), count

    def pages(self, selection: Selection) -> Iterator[list[DeadLetterRecord]]:
        """The letters in the order of the log: by topic, partition, incarnation and offset. A page is a few MB.

        Which they are is settled when the first page is read: PostgreSQL keeps their numbers, so that each page costs
        the same however many there are. What has another status by the time of its page is not in it.
        """
        with (
            asking(self._database_url, "mend") as connection,
            connection.cursor(name="letters", withhold=True) as listed,
        ):
            listed.execute(query("select_letters"), selection.parameters)
            while numbered := listed.fetchmany(_PAGE):
                for numbers in _cut(numbered):
                    asked = {"ids": numbers, "statuses": list(selection.statuses)}
                    rows = connection.execute(query("letters_by_number"), asked, binary=True).fetchall()
                    yield [DeadLetterRecord(*row) for row in rows]

    def show(self, number: int) -> DeadLetterRecord | None:
        """One dead letter, None if there is none of that number."""
        with asking(self._database_url, "report") as connection:
            row = connection.execute(query("show_dead_letter"), {"id": number}).fetchone()
        return None if row is None else DeadLetterRecord(*row)

    def origin_of(self, letter: DeadLetterRecord) -> int | None:
        """The letter that this one's record was a redrive for, None if it was none."""
        said = redrive_of(letter.headers)
        return None if said is None else self._at(said)

    def successor_of(self, letter: DeadLetterRecord) -> int | None:
        """The letter that the redriven record became, None if there is none."""
        if letter.answered_topic is None or letter.answered_partition is None or letter.answered_offset is None:
            return None
        partition, offset = letter.answered_partition, letter.answered_offset
        return self._at(Redrive(letter.answered_topic, partition, offset, letter.answered_incarnation or 0, 0))

    def note_redriven(self, numbers: Sequence[int], *, who: str) -> None:
        """Note that the records of these letters were published again."""
        with asking(self._database_url, "redrive") as connection:
            connection.execute(query("note_redriven"), {"ids": list(numbers), "who": who})

    def drop(self, selection: Selection, *, why: str, who: str) -> Iterator[list[int]]:
        """Close the letters of the selection; gives the numbers of those that are closed, some thousands at a time."""
        asked = selection.parameters | {"why": why, "who": who, "page": _DROPPED_AT_ONCE}
        with asking(self._database_url, "drop") as connection:
            while numbers := [number for (number,) in connection.execute(query("drop_letters"), asked)]:
                yield numbers

    def judged_by(self, partition: Partition) -> dict[str, int | None]:
        """The version of each machine that judges this partition now; None where it was withdrawn."""
        where = {"topic": partition.topic, "partition": partition.number}
        with asking(self._database_url, "report") as connection:
            return dict(connection.execute(query("active_machines"), where).fetchall())

    def _at(self, place: Redrive) -> int | None:
        where = {
            "topic": place.topic,
            "partition": place.partition,
            "incarnation": place.incarnation,
            "record_offset": place.offset,
        }
        with asking(self._database_url, "report") as connection:
            row = connection.execute(query("letter_at"), where).fetchone()
        return None if row is None else int(row[0])


def _cut(numbered: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Numbers with the lengths of their records, cut where a page has enough octets."""
    numbers: list[int] = []
    octets = 0
    for number, length in numbered:
        numbers.append(number)
        octets += length
        if octets >= _PAGE_OCTETS:
            yield numbers
            numbers, octets = [], 0
    if numbers:
        yield numbers
