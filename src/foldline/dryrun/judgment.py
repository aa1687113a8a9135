"""What the dry run says of one record."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from foldline.core.events import TransitionEvent, Verdict, WorkflowEvent


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a record that is not applied. `field`: the path of the member that is at fault, if one is."""

    field: str | None
    remedy: str


class Judgment(Struct, frozen=True, gc=False):
    """What would become of one record, and why.

    `offset` is the record's place in what was judged, `first` (of a duplicate) the place of the record that has the
    verdict, None where that one was not judged here. `event` is None if the record is none. `met` and `after` are the
    entity's state, or the workflow's status, before and after the record: the initial state before the first hop, None
    where there is nothing yet (before CREATE or STARTED, or without a machine). `reason` and `detail` are those of the
    dead letter (a duplicate has a detail only); `remedy` is for whoever published the record. All of them may hold
    names from the record: somebody else's text.
    """

    offset: int
    verdict: Verdict
    event: TransitionEvent | WorkflowEvent | None = None
    met: str | None = None
    after: str | None = None
    machine_version: int | None = None
    reason: str | None = None
    detail: str | None = None
    field: str | None = None
    remedy: str | None = None
    first: int | None = None

    @property
    def subject(self) -> str | None:
        """Whom the record is about, as `INGESTION doc-1` or `workflow wf-1`; None if it cannot be decoded."""
        match self.event:
            case TransitionEvent(fsm_type=fsm_type, entity_id=entity_id):
                return f"{fsm_type} {entity_id}"
            case WorkflowEvent(workflow_id=workflow_id):
                return f"workflow {workflow_id}"
            case None:
                return None

    @property
    def hop(self) -> str | None:
        """The change of state or status, as `RECEIVED -> PROCESSING`; None if there is none."""
        match self.event:
            case TransitionEvent(success=True) if self.verdict is Verdict.APPLIED:
                return f"{self.met or '(new)'} -> {self.after}"
            case WorkflowEvent() if self.met != self.after:
                return f"{self.met or '(new)'} -> {self.after}"
            case _:
                return None

    @property
    def summary(self) -> str:
        """What happens, or why nothing does, in a few words."""
        if self.detail is not None:
            return f"{self.reason}: {self.detail}" if self.reason is not None else self.detail
        match self.event:
            case TransitionEvent(success=False, action=action) if self.verdict is Verdict.APPLIED:
                return f"{action} failed, stays {self.after}"
            case WorkflowEvent(kind=kind, step=step) if self.verdict is Verdict.APPLIED:
                return f"{kind}{f' {step}' if step else ''}, {self.hop or f'stays {self.after}'}"
            case _:
                return self.hop or ""
