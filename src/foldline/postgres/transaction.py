"""One transaction per batch: everything that a plan writes, and the position, together or not at all.

Order matters. The stage is filled before any lock is taken, so a process frozen inside COPY holds nothing. The rest
goes out in one pipeline that begins with the fence; its answers are read before COMMIT is sent.
"""

from __future__ import annotations

from typing import Any

import psycopg

from foldline.core.batch import Plan, TransitionPlan, WorkflowPlan
from foldline.core.machine import Machine
from foldline.core.redrive import answers
from foldline.ports import Answer, Claim, Displaced, Fenced, Moved, Staged, Stale
from foldline.postgres import rows
from foldline.postgres.queries import query
from foldline.postgres.stage import COPY_STAGE

Activations = dict[str, Machine | None]
"""Machines that judge from this batch on, by fsm_type; None where one was withdrawn."""


def apply(connection: psycopg.Connection[Any], staged: Staged, claim: Claim, activations: Activations) -> Answer:
    """Write the plan and move the position, or write nothing and say why."""
    plan = staged.plan
    try:
        with connection.transaction():
            if staged.text:
                with connection.cursor() as cursor, cursor.copy(COPY_STAGE) as copy:
                    copy.write(staged.text)
            writes = _Writes(connection)
            with connection.pipeline():
                writes.expect("position", "move_position", _position(plan, claim), 1)
                _identities(writes, plan)
                match plan:
                    case TransitionPlan():
                        _entities(writes, plan)
                    case WorkflowPlan():
                        _workflows(writes, plan)
                    case _:
                        pass  # a record that PostgreSQL refused: only its dead letter
                if plan.dead_letters:
                    parameters = rows.dead_letter_parameters(plan.dead_letters) | _where(plan)
                    writes.expect("dead letters", "add_dead_letters", parameters, len(plan.dead_letters))
                if redriven := answers(plan):
                    writes.send("answer_letters", rows.answer_parameters(redriven) | _where(plan))
                _activate(writes, plan, activations)
            writes.verify()
    except _Mismatch as mismatch:
        return why_not_moved(connection, plan, claim) or Stale(mismatch.what)
    return Moved()


class _Mismatch(Exception):  # noqa: N818 - rolls the transaction back; never leaves this module
    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class _Writes:
    """Statements sent in one pipeline, each with the number of rows that the plan expects of it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._expected: list[tuple[str, psycopg.Cursor[Any], int, bool]] = []

    def expect(self, what: str, name: str, parameters: rows.Parameters, count: int) -> None:
        """Send a statement that must touch exactly `count` rows."""
        self._expected.append((what, self._connection.execute(query(name), parameters), count, False))

    def expect_answer(self, what: str, name: str, parameters: rows.Parameters, count: int) -> None:
        """Send a query whose one value must be `count`."""
        self._expected.append((what, self._connection.execute(query(name), parameters), count, True))

    def send(self, name: str, parameters: rows.Parameters) -> None:
        """Send a statement whose effect is all that matters."""
        self._connection.execute(query(name), parameters)

    def verify(self) -> None:
        """Compare every answer, in the order of sending: the fence comes first."""
        for what, cursor, count, is_answer in self._expected:
            found = cursor.fetchone()[0] if is_answer else cursor.rowcount  # type: ignore[index]  # count() has a row
            if found != count:
                raise _Mismatch(what)


def _where(plan: Plan) -> rows.Parameters:
    return {"topic": plan.batch.partition.topic, "partition": plan.batch.partition.number}


def _position(plan: Plan, claim: Claim) -> rows.Parameters:
    return _where(plan) | {
        "epoch": claim.epoch,
        "start": plan.batch.span.start,
        "next_offset": plan.batch.span.next_offset,
        "leader_epoch": plan.batch.leader_epoch,
        "read_to": plan.batch.decoded[-1].record.offset + 1 if plan.batch.decoded else None,
        "applied": plan.counts.applied,
        "duplicate": plan.counts.duplicate,
        "rejected": plan.counts.rejected,
        "undecodable": plan.counts.undecodable,
    }


def _identities(writes: _Writes, plan: Plan) -> None:
    new = [identity for identity in plan.identities.values() if not identity.rejudged]
    if new:
        writes.expect("identities", "add_identities", rows.identity_parameters(new), len(new))
    rejudged = [identity for identity in plan.identities.values() if identity.rejudged]
    if rejudged:
        writes.expect("identities", "rejudge_identities", rows.identity_parameters(rejudged), len(rejudged))


def _entities(writes: _Writes, plan: TransitionPlan) -> None:
    if plan.history:
        writes.expect("entities", "upsert_entities", _where(plan), len(plan.after))
    unmoved = {key: entity for key, entity in plan.before.items() if key not in plan.after}
    present = {key: entity.revision for key, entity in unmoved.items() if entity is not None}
    if present:
        parameters = rows.key_parameters(present) | {"revisions": list(present.values())}
        writes.expect_answer("entities", "check_entities", parameters, len(present))
    absent = [key for key, entity in unmoved.items() if entity is None]
    if absent:
        writes.send("lock_absent_entities", rows.key_parameters(absent))
        writes.expect_answer("entities", "count_entities", rows.key_parameters(absent), 0)


def _workflows(writes: _Writes, plan: WorkflowPlan) -> None:
    restored = [key for key in plan.after if (before := plan.before[key]) is not None and before.cleaned]
    if restored:
        writes.expect("workflows", "restore_workflows", {"workflow_ids": restored}, len(restored))
    if plan.after:
        writes.expect("workflows", "upsert_workflows", rows.workflow_parameters(plan) | _where(plan), len(plan.after))
    unmoved = {key: workflow for key, workflow in plan.before.items() if key not in plan.after}
    present = {key: workflow.revision for key, workflow in unmoved.items() if workflow is not None}
    if present:
        parameters = {"workflow_ids": list(present), "revisions": list(present.values())}
        writes.expect_answer("workflows", "check_workflows", parameters, len(present))
    absent = [key for key, workflow in unmoved.items() if workflow is None]
    if absent:
        writes.send("lock_absent_workflows", {"workflow_ids": absent})
        writes.expect_answer("workflows", "count_workflows", {"workflow_ids": absent}, 0)
    if plan.timeline:
        writes.expect_answer("timeline", "add_timeline", rows.timeline_parameters(plan.timeline), len(plan.timeline))


def _activate(writes: _Writes, plan: Plan, activations: Activations) -> None:
    if not activations:
        return
    for machine in activations.values():
        if machine is not None:
            writes.send(
                "record_machine_version",
                {
                    "fsm_type": machine.fsm_type,
                    "version": machine.version,
                    "digest": machine.digest,
                    "definition": machine.document,
                },
            )
    writes.send(
        "activate_machines",
        _where(plan)
        | {
            "from_offset": plan.batch.span.start,
            "fsm_types": list(activations),
            "versions": [machine.version if machine is not None else None for machine in activations.values()],
        },
    )


def why_not_moved(connection: psycopg.Connection[Any], plan: Plan, claim: Claim) -> Answer | None:
    """What held the fence back, by who owns the partition and where it stands; None if it was not the fence."""
    row = connection.execute(query("read_position"), _where(plan)).fetchone()
    if row is None:
        return Fenced("nobody (the position was removed)", "")
    next_offset, epoch, group_id, owner = row
    if epoch != claim.epoch:
        return Fenced(owner, group_id)
    if next_offset == plan.batch.span.next_offset:
        return Moved(before=True)  # the COMMIT whose answer was lost had succeeded
    return None if next_offset == plan.batch.span.start else Displaced(next_offset)
