"""What the log tells of one entity or workflow: its events, each with where it lies and what was kept of its record."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from foldline.core.events import TransitionEvent, WorkflowEvent
from foldline.replay.difference import Column

Ref = tuple[int, int]
"""A record: the number of its partition among those that are read, and its offset."""

AnyTold: TypeAlias = "Told[TransitionEvent] | Told[WorkflowEvent]"
"""An event of the log, of either kind."""

Event = TypeVar("Event", TransitionEvent, WorkflowEvent)


class Letter(Struct, frozen=True, gc=False, array_like=True):
    """What the tables keep of a record that was not applied.

    Attributes:
        verdict: how it ended.
        reason: why.
        id: the number of the dead letter.
        judged_as: the number that it was judged as; None: it was not, or by a release that did not keep it.
        unlike: where the letter is not as the record came.
    """

    verdict: str
    reason: str
    id: int
    judged_as: int | None
    unlike: tuple[Column, ...] = ()


class Told(Struct, Generic[Event], frozen=True, gc=False, array_like=True):
    """One event of the log.

    Attributes:
        source: the number of its partition among those that are read.
        offset: its offset there.
        redrive: whether its record asks for a rejected identity to be judged again.
        letter: the dead letter that the tables have of its record; None: they have none.
        event: the event.
    """

    source: int
    offset: int
    redrive: bool
    letter: Letter | None
    event: Event

    @property
    def ref(self) -> Ref:
        """Which record it is."""
        return self.source, self.offset


class _Transition(TransitionEvent, frozen=True, gc=False, array_like=True):
    """The same as an array: names are not written with every event."""


class _Workflow(WorkflowEvent, frozen=True, gc=False, array_like=True):
    """As `_Transition`."""


_encode = msgspec.msgpack.Encoder().encode
_transition = msgspec.msgpack.Decoder(Told[_Transition])
_workflow = msgspec.msgpack.Decoder(Told[_Workflow])


def packed(told: AnyTold) -> bytes:
    """The event as bytes that `transition` or `workflow` reads back."""
    event = msgspec.structs.astuple(told.event)
    return _encode((told.source, told.offset, told.redrive, told.letter, event))


def transition(octets: bytes) -> Told[TransitionEvent]:
    """What `packed` has packed of a transition event."""
    return _transition.decode(octets)


def workflow(octets: bytes) -> Told[WorkflowEvent]:
    """What `packed` has packed of a workflow event."""
    return _workflow.decode(octets)
