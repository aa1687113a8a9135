"""`foldline verify`: whether the tables are what the log makes of them."""

from __future__ import annotations

from typing import Annotated

import typer

from foldline.app import verified
from foldline.cli.here import here
from foldline.cli.operate.travelled import shown
from foldline.cli.output import AsJson, counted, instant, json_out, line_out, plain, table_out
from foldline.cli.shapes import prints
from foldline.cli.stories.as_it_came import name_of, position_of
from foldline.errors import DriftError
from foldline.replay.difference import Difference, ManualChange, Subject
from foldline.replay.report import Verification

_ALL = 100.0
_WIDEST = 60


@prints(Verification)
def verify(
    *,
    sample: Annotated[
        float, typer.Option(min=0.01, max=_ALL, metavar="PERCENT", help="Compare only so many of the entities.")
    ] = _ALL,
    strict: Annotated[bool, typer.Option("--strict", help="A state changed by hand is an error, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="List at most so many differences; all are counted.")] = 1_000,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Compare in so many processes; by default one a core where that pays.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fold the log again and compare: is everything in the tables what the log makes of it?

    Reads each partition from where its tables begin up to its position, with the machine versions that judged then.
    Writes nothing, and may run beside workers. What is set aside on the way goes where temporary files go (TMPDIR).
    """
    place = here(database=True, kafka=True)
    with shown() as announce:
        found = verified(place, share=sample / _ALL, most=limit, processes=processes, announce=announce)
    if as_json:
        json_out(found)
    else:
        _show(found)
    _judge(found, strict=strict)


def _show(found: Verification) -> None:
    line_out(
        f"Compared the tables of {instant(found.taken_at)}: {counted(found.records, 'record')} of"
        f" {counted(len(found.partitions), 'partition')}, {found.entities:,} entities,"
        f" {found.workflows:,} workflows" + (f", a sample of {found.sample:.2%}." if found.sample is not None else ".")
    )
    if found.clean and (found.whole or found.sample is not None):
        line_out("Clean: what the log decides is in the tables as the log has it.", style="bold green")
    elif found.clean:
        line_out("Clean as far as it could be compared; the ledger and the counters were not looked at whole.")
    for each in found.unread:
        line_out(f"Left out: {plain(each.topic)}[{each.partition}]: {plain(each.why)}.", style="bold yellow")
    for left_out in found.left_out:
        line_out(f"Left out: {left_out.count:,} of the entities and workflows: {left_out.why}.")
    if found.differences:
        line_out()
        table_out(
            ["rows", "in", "are", "cause"],
            [[each.rows, each.table, each.what, each.cause] for each in found.tallies],
        )
        line_out()
        table_out(
            ["table", "id", "row is", "cause", "of", "record", "log / table"],
            [_row(each) for each in found.differences],
        )
    if found.manual:
        line_out()
        line_out(f"{counted(found.manual_changes, 'state')} changed by hand, which is no difference:")
        table_out(
            ["id", "of", "change", "recorded", "after record"],
            [
                [str(each.id), _subject(each.subject), _change(each), each.recorded_at, _position(each.subject)]
                for each in found.manual
            ],
        )


def _judge(found: Verification, *, strict: bool) -> None:
    if not found.clean:
        rows = sum(each.rows for each in found.tallies)
        raise DriftError(
            f"{counted(rows, 'row')} differ{'s' if rows == 1 else ''} from what the log makes of them.",
            remedy="What each cause means, and what to do about it, is in docs/verify.md.",
        )
    if found.unread:
        raise DriftError(
            f"Of {counted(len(found.unread), 'partition')} nobody can tell any more.",
            remedy="What could be compared is clean.",
        )
    if strict and found.manual_changes:
        raise DriftError(
            f"{counted(found.manual_changes, 'state')} changed by hand.",
            remedy="Without --strict they are only listed. `foldline correct` corrects through the log.",
        )


def _row(each: Difference) -> list[object]:
    how = "; ".join(f"{column.name}: {_value(column.log)} / {_value(column.table)}" for column in each.columns)
    return [
        each.table,
        "-" if each.id is None else str(each.id),
        each.what,
        each.cause,
        _subject(each.subject),
        _position(each.subject),
        how,
    ]


def _subject(subject: Subject) -> str:
    named = name_of(subject.fsm_type, subject.entity_id, subject.workflow_id)
    return named or plain(subject.fsm_type or "-")


def _position(subject: Subject) -> str:
    if subject.topic is None or subject.partition is None:
        return "-"
    if subject.offset is None:
        return f"{plain(subject.topic)}[{subject.partition}]"
    return position_of(subject.topic, subject.partition, subject.offset) or "-"


def _change(each: ManualChange) -> str:
    return f"{plain(each.from_state) if each.from_state is not None else '-'} → {plain(each.to_state)}"


def _value(text: str | None) -> str:
    if text is None:
        return "NULL"
    return plain(text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…")
