"""Workflow events: what a workflow reports of its run."""

from __future__ import annotations

from typing import ClassVar, Self, Unpack

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from foldline.core.decode import decode_workflow
from foldline.core.events import Kind
from foldline.core.wire import read_workflow
from foldline.events.event import Event
from foldline.events.fields import (
    FREE_JSON_LIMITS,
    ErrorMessage,
    Metadata,
    Payload,
    Text50,
    Text100,
    Text255,
    Token,
    WorkflowKind,
)
from foldline.events.fresh import Circumstances, fresh
from foldline.events.reading import Eyes

REQUIRED_ON: dict[Kind, tuple[str, ...]] = {
    Kind.STARTED: ("operation_type", "entity_id"),
    Kind.STEP_STARTED: ("step",),
    Kind.STEP_COMPLETED: ("step",),
    Kind.STEP_FAILED: ("step",),
}
"""What an event of a kind must have besides what all have."""


class WorkflowEvent(Event):
    """What a workflow reports: that it started, where it stands, how it ended. One builder for each kind.

    >>> event = WorkflowEvent.step_completed("wf-9", "parse", correlation_id="order-1001")
    >>> event.key, event.kind.value
    (b'wf-9', 'STEP_COMPLETED')
    >>> WorkflowEvent.from_record(event.value) == event
    True
    """

    _eyes: ClassVar = Eyes(read_workflow, decode_workflow)
    _cloudevents_type: ClassVar = "foldline.workflow.v1"

    workflow_id: Text255 = Field(
        description="The workflow, and the record's key; 1 to 255 characters.", examples=["wf-9"]
    )
    kind: WorkflowKind = Field(description="What is reported.", examples=["STARTED"])
    operation_type: Text50 | None = Field(
        default=None,
        description="What the workflow does; 1 to 50 characters. Required on STARTED.",
        examples=["DOCUMENT_INGESTION"],
    )
    entity_id: Text255 | None = Field(
        default=None,
        description="The entity that it does it to; 1 to 255 characters. Required on STARTED.",
        examples=["doc-123"],
    )
    step: Text100 | None = Field(
        default=None,
        description="The step; 1 to 100 characters. Required on STEP_STARTED, STEP_COMPLETED and STEP_FAILED.",
        examples=["parse"],
    )
    input_payload: Payload = Field(
        default=None,
        description=f"What the workflow was given, any JSON; used on STARTED. {FREE_JSON_LIMITS}",
        examples=[{"pages": 12}],
    )
    output_results: Payload = Field(
        default=None,
        description=f"What came of it, any JSON; used on COMPLETED. {FREE_JSON_LIMITS}",
        examples=[{"chunks": 48}],
    )
    error_message: ErrorMessage = None
    metadata: Metadata = None
    lease: Token = None

    @model_validator(mode="after")
    def _has_what_its_kind_requires(self) -> Self:
        for name in REQUIRED_ON.get(self.kind, ()):
            if getattr(self, name) is None:
                raise PydanticCustomError(
                    "required_on_kind", "{name} is required on {kind}", {"name": name, "kind": self.kind.value}
                )
        return self

    @property
    def key(self) -> bytes:
        """The workflow's id: all events of a workflow must lie on one partition."""
        return self.workflow_id.encode()

    @classmethod
    def started(
        cls,
        workflow_id: str,
        operation_type: str,
        entity_id: str,
        *,
        input_payload: object = None,
        **circumstances: Unpack[Circumstances],
    ) -> Self:
        """The workflow begins, for an entity.

        >>> event = WorkflowEvent.started(
        ...     "wf-9", "DOCUMENT_INGESTION", "doc-123", input_payload={"pages": 12}, correlation_id="order-1001"
        ... )
        """
        return cls(
            workflow_id=workflow_id,
            kind=Kind.STARTED,
            operation_type=operation_type,
            entity_id=entity_id,
            input_payload=input_payload,
            **fresh(circumstances),
        )

    @classmethod
    def step_started(cls, workflow_id: str, step: str, **circumstances: Unpack[Circumstances]) -> Self:
        """A step begins, and is the workflow's current one."""
        return cls(workflow_id=workflow_id, kind=Kind.STEP_STARTED, step=step, **fresh(circumstances))

    @classmethod
    def step_completed(cls, workflow_id: str, step: str, **circumstances: Unpack[Circumstances]) -> Self:
        """A step is done."""
        return cls(workflow_id=workflow_id, kind=Kind.STEP_COMPLETED, step=step, **fresh(circumstances))

    @classmethod
    def step_failed(
        cls, workflow_id: str, step: str, error_message: str | None = None, **circumstances: Unpack[Circumstances]
    ) -> Self:
        """A step failed; the workflow itself has not."""
        return cls(
            workflow_id=workflow_id,
            kind=Kind.STEP_FAILED,
            step=step,
            error_message=error_message,
            **fresh(circumstances),
        )

    @classmethod
    def paused(cls, workflow_id: str, **circumstances: Unpack[Circumstances]) -> Self:
        """The workflow waits."""
        return cls(workflow_id=workflow_id, kind=Kind.PAUSED, **fresh(circumstances))

    @classmethod
    def resumed(cls, workflow_id: str, **circumstances: Unpack[Circumstances]) -> Self:
        """A paused workflow goes on."""
        return cls(workflow_id=workflow_id, kind=Kind.RESUMED, **fresh(circumstances))

    @classmethod
    def completed(
        cls, workflow_id: str, *, output_results: object = None, **circumstances: Unpack[Circumstances]
    ) -> Self:
        """The workflow is done."""
        return cls(workflow_id=workflow_id, kind=Kind.COMPLETED, output_results=output_results, **fresh(circumstances))

    @classmethod
    def failed(cls, workflow_id: str, error_message: str | None = None, **circumstances: Unpack[Circumstances]) -> Self:
        """The workflow gave up."""
        return cls(workflow_id=workflow_id, kind=Kind.FAILED, error_message=error_message, **fresh(circumstances))

    @classmethod
    def retried(cls, workflow_id: str, **circumstances: Unpack[Circumstances]) -> Self:
        """A failed workflow starts over."""
        return cls(workflow_id=workflow_id, kind=Kind.RETRIED, **fresh(circumstances))
