"""The stories of workflows: one function each, named for what is planted; its calls say what must become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from foldline.example.workflow import WorkflowStory


def completed(story: WorkflowStory) -> None:
    """Go through all steps."""
    story.begin()
    story.complete()


def running(story: WorkflowStory) -> None:
    """Be at work when the log ends."""
    story.begin()
    story.work(1 + story.dice.below(2))


def paused(story: WorkflowStory) -> None:
    """Be paused when the log ends."""
    story.begin()
    story.work(1)
    story.event("PAUSED", metadata={"paused_by": "on-call"})


def resumed(story: WorkflowStory) -> None:
    """Be paused while a step is in flight, which may end, and go on."""
    story.begin()
    step = story.operation.steps[0]
    story.event("STEP_STARTED", step=step)
    story.event("PAUSED", metadata={"paused_by": "on-call"})
    story.event("STEP_COMPLETED", step=step)
    story.event("RESUMED")
    story.complete()


def broken(story: WorkflowStory) -> None:
    """Fail at a step, for good."""
    story.begin()
    story.work(1)
    story.stumble()
    story.event("FAILED", error_message=story.dice.pick(story.operation.troubles))


def retried(story: WorkflowStory) -> None:
    """Fail at a step, be retried, complete."""
    story.begin()
    story.work(1)
    story.stumble()
    story.event("FAILED")
    story.event("RETRIED", metadata={"attempt": 2})
    story.complete()


def given_up(story: WorkflowStory) -> None:
    """Fail while paused."""
    story.begin()
    story.work(1)
    story.event("PAUSED")
    story.event("FAILED", error_message="cancelled by the tenant")


def unannounced(story: WorkflowStory) -> None:
    """Report a step before STARTED."""
    story.reject("unknown_workflow", "STEP_STARTED", step=story.operation.steps[0])
    story.begin()
    story.complete()


def started_twice(story: WorkflowStory) -> None:
    """Start a second time under the same id."""
    story.begin()
    story.reject("illegal_workflow_event", "STARTED", **story.opening())
    story.complete()


def resumed_unpaused(story: WorkflowStory) -> None:
    """Resume what is not paused, and begin a step after the end."""
    story.begin()
    story.reject("illegal_workflow_event", "RESUMED")
    story.complete()
    story.reject("illegal_workflow_event", "STEP_STARTED", step=story.operation.steps[-1])


def outlived(story: WorkflowStory) -> None:
    """Hear from an orchestrator whose lease another has taken over, and from a second holder of the new one."""
    old = {"lease_id": "orchestrator-1", "lease_epoch": 11}
    story.lease = old
    story.begin()
    story.work(1)
    story.lease = {"lease_id": "orchestrator-2", "lease_epoch": 12}
    story.work(1)
    story.reject("stale_lease", "FAILED", lease=old, error_message="heartbeat lost")
    story.reject("lease_conflict", "PAUSED", lease={"lease_id": "orchestrator-3", "lease_epoch": 12})
    story.complete()


def repeated(story: WorkflowStory) -> None:
    """Have events come twice, at once and late."""
    story.begin()
    story.repeat()
    story.work(1)
    story.repeat(late=True)
    story.complete()


def anonymous(story: WorkflowStory) -> None:
    """Send no event ids: they are derived, so a repetition is recognised all the same."""
    story.with_event_ids = False
    story.begin()
    story.complete()
    story.repeat()


WORKFLOW_STORIES: tuple[tuple[Callable[[WorkflowStory], None], int], ...] = (
    (completed, 40),
    (running, 8),
    (resumed, 8),
    (retried, 8),
    (broken, 6),
    (paused, 3),
    (given_up, 2),
    (unannounced, 2),
    (started_twice, 2),
    (resumed_unpaused, 2),
    (outlived, 2),
    (repeated, 4),
    (anonymous, 3),
)
"""Each story and its weight: how often it is told among the weights of all."""
