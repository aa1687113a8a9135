"""`foldline workflows`: the workflows as they stand, and the timeline of one."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from foldline.cli.here import here
from foldline.cli.history import position_of
from foldline.cli.output import AsJson, counted, duration, instant, json_out, line_out, note, plain, raw_json, table_out
from foldline.errors import AbsentError, UsageError
from foldline.postgres.reports import Reports, WorkflowEntry

_SHOWN = 100

app = typer.Typer(name="workflows", help="The workflows as they stand.")


class Status(StrEnum):
    """The statuses of a workflow."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@app.callback(invoke_without_command=True)
def workflows(
    ctx: typer.Context,
    *,
    stuck: Annotated[
        float | None, typer.Option(metavar="HOURS", min=0, help="Only running ones without an event for so long.")
    ] = None,
    status: Annotated[Status | None, typer.Option(case_sensitive=False, help="Only those with this status.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"At most so many.  [default: {_SHOWN}]")] = None,
    as_json: AsJson = False,
) -> None:
    """List workflows, the one whose last event is oldest first; `show` prints one of them."""
    if ctx.invoked_subcommand is not None:
        if as_json or (stuck, status, limit) != (None, None, None):
            raise UsageError("Options of the list do not go with `show`.", remedy="Put --json after the workflow's id.")
        return
    if stuck is not None and status is not None:
        raise UsageError("--stuck and --status exclude each other.", remedy="Use one of them.")
    reports = Reports(here(database=True).database_url)
    found = (
        reports.stuck_workflows(hours=stuck, limit=limit or _SHOWN + 1)
        if stuck is not None
        else reports.workflows(status=status, limit=limit or _SHOWN + 1)
    )
    if limit is None and len(found) > _SHOWN:
        note(f"only the first {_SHOWN} are shown; --limit N shows more.")
        found = found[:_SHOWN]
    if as_json:
        json_out(found)
    elif not found:
        line_out("No workflow.")
    else:
        _show_list(found)


@app.command()
def show(
    workflow_id: Annotated[str, typer.Argument(metavar="WORKFLOW_ID")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print one workflow and its timeline."""
    reports = Reports(here(database=True).database_url)
    found = reports.workflow(workflow_id)
    if found is None:
        raise AbsentError(
            f"There is no workflow {workflow_id}.", remedy="Check the spelling; `foldline workflows` lists them."
        )
    timeline = reports.timeline(workflow_id)
    if as_json:
        events = [{**asdict(entry), "payload": raw_json(entry.payload)} for entry in timeline]
        json_out({**asdict(found), "timeline": events})
        return
    _show_head(found)
    line_out()
    table_out(
        ["time", "event", "step", "position", "error"],
        [
            [
                entry.occurred_at,
                entry.kind,
                entry.step or "",
                position_of(entry.topic, entry.partition, entry.record_offset),
                entry.error_message or "",
            ]
            for entry in timeline
        ],
    )


def _show_list(found: list[WorkflowEntry]) -> None:
    table_out(
        ["workflow", "operation", "entity", "status", "step", "done", "retries", "last event", "error"],
        [
            [
                each.workflow_id,
                each.operation_type,
                each.entity_id,
                each.status,
                each.failed_step or each.current_step or "",
                each.completed_steps,
                each.retry_count,
                instant(each.last_event_at),
                each.error_message or "",
            ]
            for each in found
        ],
    )


def _show_head(found: WorkflowEntry) -> None:
    line_out(f"{plain(found.workflow_id)}: {plain(found.operation_type)} of {plain(found.entity_id)}, {found.status}")
    line_out(
        f"Started {instant(found.started_at)}, completed {instant(found.completed_at)}, took "
        f"{duration(found.duration_ms)}; {counted(found.completed_steps, 'step')} done, retried {found.retry_count} x."
    )
    if found.current_step:
        line_out(f"At step {plain(found.current_step)}.")
    if found.failed_step or found.error_message:
        line_out(f"Failed at {plain(found.failed_step or '-')}: {plain(found.error_message or 'no message')}")
