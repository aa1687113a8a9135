"""The dry run as tests use it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Self

from foldline.core.decide_workflow import Workflow
from foldline.core.events import TransitionEvent, Verdict
from foldline.core.machine import Machines
from foldline.dryrun import DryFold, Judgment
from foldline.machines import load_machines
from foldline.testing.failures import REJECTIONS, UNDECODABLE, require_reason, unlike
from foldline.testing.records import Event, Headers, decoded


class DryRun:
    """What foldline would project, in memory and from nothing: each event meets what those before it left behind.

    An event is a dictionary, JSON as str or bytes, or an object with `.value` (bytes) or `.model_dump_json()`, as
    pydantic models have it; `headers` are added to each of its records. One with `fsm_type` is a transition event, else
    one with `workflow_id` a workflow event. The methods that assert publish, too; a failure says why and what to do.
    """

    def __init__(self, machines: Machines) -> None:
        self._fold = DryFold(machines, place="event")
        self._judgments: list[Judgment] = []

    @classmethod
    def on(cls, *directories: str | PathLike[str], shipped: bool = True) -> Self:
        """A dry run on the machines of these directories, and on the shipped ones if wanted.

        Raises:
            MachineError: a definition is not well formed: where, and what to do.
        """
        return cls(load_machines([Path(directory) for directory in directories], shipped=shipped))

    def publish(self, *events: Event, headers: Headers = ()) -> list[Judgment]:
        """Publish the events in order, whatever becomes of them; returns what does."""
        first = len(self._judgments)
        for event in events:
            self._judgments.append(self._fold.judge(decoded(event, headers, len(self._judgments) + 1)))
        return self._judgments[first:]

    def assert_applied(self, *events: Event, headers: Headers = ()) -> list[Judgment]:
        """Publish the events; each must be applied."""
        __tracebackhide__ = True
        return self._each(Verdict.APPLIED, None, events, headers)

    def assert_rejected(self, reason: str, *events: Event, headers: Headers = ()) -> list[Judgment]:
        """Publish the events; each must be rejected for this reason, as `illegal_transition`."""
        __tracebackhide__ = True
        require_reason(reason, REJECTIONS)
        return self._each(Verdict.REJECTED, reason, events, headers)

    def assert_duplicate(self, *events: Event, headers: Headers = ()) -> list[Judgment]:
        """Publish the events; each must be known already, and so change nothing."""
        __tracebackhide__ = True
        return self._each(Verdict.DUPLICATE, None, events, headers)

    def assert_undecodable(self, reason: str, *events: Event, headers: Headers = ()) -> list[Judgment]:
        """Publish the events; each must be none that can be decoded, for this reason: `malformed` or `invalid`."""
        __tracebackhide__ = True
        require_reason(reason, UNDECODABLE)
        return self._each(Verdict.UNDECODABLE, reason, events, headers)

    def state(self, fsm_type: str, entity_id: str) -> str | None:
        """The state of an entity, None if no event has moved it."""
        entity = self._fold.entities.get((fsm_type, entity_id))
        return entity.state if entity is not None else None

    def workflow(self, workflow_id: str) -> Workflow | None:
        """A workflow as its row would stand, None if it has not started."""
        return self._fold.workflows.get(workflow_id)

    def history(self, fsm_type: str, entity_id: str) -> list[Judgment]:
        """What was judged of an entity so far, in order: one for each row that its history would have."""
        return [
            judged
            for judged in self._judgments
            if isinstance(judged.event, TransitionEvent)
            and (judged.event.fsm_type, judged.event.entity_id) == (fsm_type, entity_id)
            and judged.verdict is not Verdict.DUPLICATE
            and judged.machine_version is not None
        ]

    def _each(
        self, verdict: Verdict, reason: str | None, events: tuple[Event, ...], headers: Headers
    ) -> list[Judgment]:
        __tracebackhide__ = True
        if not events:
            raise TypeError("no event was given")
        judgments = self.publish(*events, headers=headers)
        for judged in judgments:
            if judged.verdict is not verdict or (reason is not None and judged.reason != reason):
                wanted = f"{verdict} ({reason})" if reason is not None else str(verdict)
                raise AssertionError(unlike(wanted, judged, self._before(judged)))
        return judgments

    def _before(self, judged: Judgment) -> list[Judgment]:
        """What was judged of the same subject before."""
        earlier = self._judgments[: judged.offset - 1]
        return [each for each in earlier if each.subject is not None and each.subject == judged.subject]
