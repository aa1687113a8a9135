"""The facts that a committed plan is announced by. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from foldline import facts
from foldline.core.batch import Batch, Plan
from foldline.core.outcomes import outcomes

MOST_TRACEPARENTS = 128
"""As many as a span may have links, unless somebody says otherwise."""
_TRACEPARENT = "traceparent"


class Account:
    """What is told of every batch. `fsm_types` are the loaded machines; `traced`: whether traces are wanted."""

    def __init__(self, fsm_types: Collection[str], *, traced: bool) -> None:
        self._fsm_types = fsm_types
        self._traced = traced

    def of(self, plan: Plan, *, seconds: float, transaction_seconds: float) -> Iterator[facts.Fact]:
        """The batch first, then the entities in it that strayed."""
        batch, counts = plan.batch, plan.counts
        partition = str(batch.partition)
        yield facts.BatchApplied(
            partition,
            batch.span.next_offset,
            counts.applied,
            counts.duplicate,
            counts.rejected,
            counts.undecodable,
            seconds,
            transaction_seconds,
            tuple(facts.Outcomes(*key, events) for key, events in outcomes(plan, self._fsm_types).items()),
            batch.decoded[-1].record.timestamp_ms if batch.decoded else None,
            tuple(_traceparents(batch)) if self._traced else (),
        )
        for stray in plan.strays:
            yield facts.EntityStrayed(partition, stray.name, stray.offset, stray.correlation_id)


def _traceparents(batch: Batch) -> list[str]:
    """Each one once, in the order of the log; what is none is left to whoever reads them."""
    found: dict[str, None] = {}
    for decoded in batch.decoded:
        for name, value in decoded.record.headers:
            if name == _TRACEPARENT and value is not None:
                found[value.decode("ascii", "replace")] = None
                if len(found) == MOST_TRACEPARENTS:
                    return list(found)
    return list(found)
