"""`foldline history`: everything that happened to one entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from foldline.cli.here import here
from foldline.cli.output import AsJson, duration, json_out, plain, raw_json, table_out
from foldline.errors import AbsentError
from foldline.postgres.reports import HistoryEntry, Reports


def history(
    fsm_type: Annotated[str, typer.Argument(metavar="FSM_TYPE", help="The machine, as INGESTION.")],
    entity_id: Annotated[str, typer.Argument(metavar="ENTITY_ID")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print what happened to one entity, in the log's order."""
    entries = Reports(here(database=True).database_url).history(fsm_type, entity_id)
    if not entries:
        raise AbsentError(
            f"Nothing is known of {fsm_type} {entity_id}.",
            remedy="Check the spelling; `foldline status` lists the machines that have entities.",
        )
    if as_json:
        json_out([history_json(entry) for entry in entries])
    else:
        show_history(entries)


def history_json(entry: HistoryEntry) -> dict[str, object]:
    """One row of history for programs."""
    return {**asdict(entry), "metadata": raw_json(entry.metadata)}


def show_history(entries: Sequence[HistoryEntry]) -> None:
    """Print the rows for people."""
    table_out(
        ["time", "from -> to", "action", "after", "position", "outcome"],
        [
            [
                entry.transitioned_at,
                f"{entry.from_state or '(new)'} -> {entry.to_state}",
                entry.action,
                duration(entry.duration_ms),
                position_of(entry.topic, entry.partition, entry.record_offset),
                _outcome(entry),
            ]
            for entry in entries
        ],
    )


def position_of(topic: str | None, partition: int | None, offset: int | None) -> str | None:
    """Where in the log a row comes from; None for rows that were written by hand."""
    return None if topic is None else f"{topic}[{partition}]@{offset}"


def _outcome(entry: HistoryEntry) -> Text:
    if entry.success:
        return Text(f"ok: {plain(entry.error_message)}" if entry.error_message else "ok", "green")
    if entry.reason is not None:
        return Text(f"rejected, {plain(entry.error_message or entry.reason)}", "red")
    return Text(f"failed attempt: {plain(entry.error_message or 'no message')}", "yellow")
