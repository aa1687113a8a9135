"""Workflow events: the fold and the slow second reading of its rules come to the same rows and the same timeline."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings

from foldline.core.batch import WorkflowPlan
from foldline.core.decide_workflow import Workflow
from foldline.core.events import Verdict, WorkflowEvent
from foldline.core.fold import fold_workflows
from harness import WORKFLOWS, batch
from oracle.projection import Projected, Record
from random_logs import NUMBERS, workflow_log


@settings(deadline=None, max_examples=200)
@given(NUMBERS)
def test_the_slow_workflows_agree(numbers: list[int]) -> None:
    log = workflow_log(numbers)
    slow = Projected({}, WORKFLOWS.topic)
    for record in log:
        slow.judge(Record((WORKFLOWS.topic, 0, record.offset), record.key, record.value, record.headers, None))
    whole = batch(log, WORKFLOWS)
    names = {one.event.workflow_id for one in whole.decoded if isinstance(one.event, WorkflowEvent)}
    plan = fold_workflows(whole, dict.fromkeys(names), {}, [record.offset for record in log])
    assert {key: row(workflow) for key, workflow in plan.after.items()} == {
        key: {name: value for name, value in said.items() if value is not None and name not in _NOT_COMPARED}
        for key, said in slow.workflows.rows.items()
    }
    assert timeline(plan) == {
        key: [(line[0][2], *line[1:3], *line[4:6]) for line in lines] for key, lines in slow.workflows.timeline.items()
    }
    counts = slow.counts.get((WORKFLOWS.topic, 0), Counter[str]())
    assert [getattr(plan.counts, verdict) for verdict in Verdict] == [counts[verdict] for verdict in Verdict]
    letters = {letter.record.offset: letter.reason for letter in plan.dead_letters}
    assert letters == {place[2]: letter.reason for place, letter in slow.letters.items()}


_NOT_COMPARED = {"input_payload", "output_results", "metadata", "place"}
"""Free JSON: the tables compare it (torture/comparison.py). The revision here is the offset of the last event."""


def row(workflow: Workflow) -> dict[str, Any]:
    fields = {name: getattr(workflow, name) for name in Workflow.__struct_fields__}
    if workflow.lease is not None:
        fields["lease"] = {"lease_id": workflow.lease.id, "lease_epoch": workflow.lease.epoch}
    fields["completed_steps"] = list(workflow.completed_steps)
    ours = {*_NOT_COMPARED, "revision", "source", "cleaned"}
    return {name: value for name, value in fields.items() if value is not None and name not in ours}


def timeline(plan: WorkflowPlan) -> dict[str, list[tuple[Any, ...]]]:
    """Offset, kind, step where the kind has one, correlation id and event id, by workflow."""
    lines: dict[str, list[tuple[Any, ...]]] = {}
    for each in plan.timeline:
        event = each.event
        step = event.step if event.kind.startswith("STEP_") else None
        said = (each.offset, str(event.kind), step, event.correlation_id, event.event_id)
        lines.setdefault(event.workflow_id, []).append(said)
    return lines
