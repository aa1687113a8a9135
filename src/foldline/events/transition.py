"""Transition events: what happened to an entity."""

from __future__ import annotations

from typing import ClassVar, Self, Unpack

from pydantic import Field

from foldline.core.decode import decode_transition
from foldline.core.machine import CORRECT, CREATE
from foldline.core.wire import read_transition
from foldline.events.event import Event
from foldline.events.fields import ErrorMessage, Metadata, Success, Text50, Text255, Token
from foldline.events.fresh import Circumstances, fresh
from foldline.events.reading import Eyes


class TransitionEvent(Event):
    """An action that an entity took, or tried to take, in its machine.

    >>> event = TransitionEvent.new(
    ...     "INGESTION", "doc-123", "START_PROCESSING", correlation_id="order-1001", metadata={"source": "upload"}
    ... )
    >>> event.key
    b'doc-123'
    >>> TransitionEvent.from_record(event.value) == event
    True
    """

    _eyes: ClassVar = Eyes(read_transition, decode_transition)
    _cloudevents_type: ClassVar = "foldline.transition.v1"

    fsm_type: Text50 = Field(
        description="The machine that judges the event; 1 to 50 characters.", examples=["INGESTION"]
    )
    entity_id: Text255 = Field(
        description="The entity, and the record's key; 1 to 255 characters.", examples=["doc-123"]
    )
    action: Text50 = Field(
        description="What the entity does; 1 to 50 characters. Every machine has CREATE, which enters the initial "
        "state itself, and CORRECT, which moves an entity to `to_state` for the reason in `error_message`.",
        examples=["START_PROCESSING"],
    )
    from_state: Text50 | None = Field(
        default=None,
        description="The state it should be in, else the event is rejected; 1 to 50 characters.",
        examples=["RECEIVED"],
    )
    to_state: Text50 | None = Field(
        default=None,
        description="The state it should come to, else the event is rejected; 1 to 50 characters.",
        examples=["PROCESSING"],
    )
    success: Success = Field(
        default=True, description="False reports an attempt that failed: a row of history, no change of state."
    )
    error_message: ErrorMessage = None
    metadata: Metadata = None
    lease: Token = None

    @property
    def key(self) -> bytes:
        """The entity's id: all events of an entity must lie on one partition."""
        return self.entity_id.encode()

    @classmethod
    def new(
        cls,
        fsm_type: str,
        entity_id: str,
        action: str,
        *,
        from_state: str | None = None,
        to_state: str | None = None,
        success: bool = True,
        error_message: str | None = None,
        **circumstances: Unpack[Circumstances],
    ) -> Self:
        """An event of now: with a random `event_id` and the clock's time, where they are not given.

        >>> TransitionEvent.new("INGESTION", "doc-123", "FAIL", correlation_id="c-1", error_message="empty").success
        True
        """
        return cls(
            fsm_type=fsm_type,
            entity_id=entity_id,
            action=action,
            from_state=from_state,
            to_state=to_state,
            success=success,
            error_message=error_message,
            **fresh(circumstances),
        )

    @classmethod
    def created(cls, fsm_type: str, entity_id: str, **circumstances: Unpack[Circumstances]) -> Self:
        """The entity enters its machine's initial state; legal only as its first event.

        >>> TransitionEvent.created("INGESTION", "doc-123", correlation_id="c-1").action
        'CREATE'
        """
        return cls.new(fsm_type, entity_id, CREATE, **circumstances)

    @classmethod
    def corrected(
        cls, fsm_type: str, entity_id: str, *, to_state: str, reason: str, **circumstances: Unpack[Circumstances]
    ) -> Self:
        """An operator moves the entity to any state of its machine. Without a `reason` it would be rejected.

        >>> event = TransitionEvent.corrected(
        ...     "INGESTION", "doc-123", to_state="INDEXED", reason="indexed by hand", correlation_id="ticket-7"
        ... )
        >>> event.action, event.error_message
        ('CORRECT', 'indexed by hand')
        """
        return cls.new(fsm_type, entity_id, CORRECT, to_state=to_state, error_message=reason, **circumstances)
