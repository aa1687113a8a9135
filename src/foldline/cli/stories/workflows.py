"""`foldline workflows`: the workflows as they stand, and one of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from foldline.cli.here import here
from foldline.cli.output import AsJson, instant, json_out, line_out, note, table_out
from foldline.cli.shapes import prints
from foldline.cli.stories.workflow import WorkflowReport, show_workflow, workflow_json
from foldline.core.passage import passage_of
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
@prints(list[WorkflowEntry])
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
@prints(WorkflowReport)
def show(
    workflow_id: Annotated[str, typer.Argument(metavar="WORKFLOW_ID")],
    *,
    events: Annotated[bool, typer.Option("--events", help="Print every event, with its position in the log.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print one workflow: its steps and pauses, each with how long it took or takes."""
    story = Reports(here(database=True).database_url).workflow(workflow_id)
    if story is None:
        raise AbsentError(
            f"There is no workflow {workflow_id}.", remedy="Check the spelling; `foldline workflows` lists them."
        )
    passage = passage_of(story.timeline, story.workflow.status, story.asked_at)
    if as_json:
        json_out(workflow_json(story, passage))
    else:
        show_workflow(story, None if events else passage)


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
