"""How the events of a plan ended, counted by machine, verdict and reason. Pure.

What no loaded machine is named like is counted under the empty name: whatever the log says, there are no more names
than definitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from foldline.core.batch import DeadLetter, Plan, TransitionPlan
from foldline.core.events import TransitionEvent, Verdict

OutcomeKey = tuple[str, str, str]
"""fsm_type, verdict, reason; the first and the last may be empty."""

_NONE = ""


def outcomes(plan: Plan, fsm_types: Collection[str]) -> dict[OutcomeKey, int]:
    """Every record of the plan is counted once. `fsm_types` are those of the machines that it was folded with.

    This is on the way of every batch: one in which nothing is a duplicate costs one look at each row of history.
    """
    judged = Counter([row.event.fsm_type for row in plan.history] if isinstance(plan, TransitionPlan) else ())
    refused = Counter((_machine_of(letter, fsm_types), letter.verdict, letter.reason) for letter in plan.dead_letters)
    applied, duplicate = Counter(judged), Counter[str]()
    for (fsm_type, _, _), events in refused.items():
        if fsm_type != _NONE:
            applied[fsm_type] -= events
    if plan.counts.duplicate:
        duplicate.update(_named(plan, fsm_types))
        duplicate.subtract(judged)
    applied[_NONE] = plan.counts.applied - applied.total()
    duplicate[_NONE] = plan.counts.duplicate - duplicate.total()
    return {
        **{(fsm_type, Verdict.APPLIED.value, _NONE): events for fsm_type, events in applied.items() if events},
        **{(fsm_type, Verdict.DUPLICATE.value, _NONE): events for fsm_type, events in duplicate.items() if events},
        **{(fsm_type, verdict.value, str(reason)): events for (fsm_type, verdict, reason), events in refused.items()},
    }


def _machine_of(letter: DeadLetter, fsm_types: Collection[str]) -> str:
    event = letter.event
    return event.fsm_type if isinstance(event, TransitionEvent) and event.fsm_type in fsm_types else _NONE


def _named(plan: Plan, fsm_types: Collection[str]) -> list[str]:
    events = (decoded.event for decoded in plan.batch.decoded)
    return [each.fsm_type for each in events if isinstance(each, TransitionEvent) and each.fsm_type in fsm_types]
