"""A dry run that begins with what the tables hold."""

from __future__ import annotations

from collections.abc import Sequence

from foldline.core.events import TransitionEvent, WorkflowEvent
from foldline.dryrun import DryFold
from foldline.postgres.reports import Reports


def start_from_tables(fold: DryFold, tables: Reports, events: Sequence[TransitionEvent | WorkflowEvent]) -> None:
    """Before these events are judged: let the fold know what the tables hold of them, and it does not know yet."""
    entities = {(e.fsm_type, e.entity_id): None for e in events if isinstance(e, TransitionEvent)}
    workflows = {event.workflow_id: None for event in events if isinstance(event, WorkflowEvent)}
    fold.start_from(
        tables.entities([key for key in entities if key not in fold.entities]),
        tables.judged_workflows([key for key in workflows if key not in fold.workflows]),
        tables.verdicts([event.identity for event in events if not fold.has_judged(event.identity)]),
    )
