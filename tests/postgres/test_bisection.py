"""What PostgreSQL refuses though the decoder let it through: exactly those records become dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from foldline import facts
from foldline.core.batch import Partition
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Headers, TransitionEvent, Undecodable, WorkflowEvent
from harness import COUNTS, TRANSITIONS, WORKFLOWS, MemorySource, Projector, records, rows, transition, workflow

_BACKENDS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'foldline worker%%'"
)


@pytest.fixture(autouse=True)
def _careless_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defects, on purpose: NULs get through, in metadata (which jsonb refuses) and in names of entities."""

    def careless(decode: Callable[..., Any]) -> Callable[..., Any]:
        def decoded(value: bytes | None, headers: Headers) -> TransitionEvent | WorkflowEvent | Undecodable:
            event: TransitionEvent | WorkflowEvent | Undecodable = decode(value, headers)
            if not isinstance(event, Undecodable) and event.metadata is not None:
                name = "entity_id" if isinstance(event, TransitionEvent) else "workflow_id"
                wrong = {name: "a\0b"} if "in a name" in event.metadata else {"metadata": '{"a": "\\u0000"}'}
                event = msgspec.structs.replace(event, **wrong)
            return event

        return decoded

    monkeypatch.setattr("foldline.folding.decode_transition", careless(decode_transition))
    monkeypatch.setattr("foldline.folding.decode_workflow", careless(decode_workflow))


def _log(partition: Partition, refused: set[int], *, why: str) -> list[dict[str, Any]]:
    """Nine events of nine entities, some of which PostgreSQL refuses."""
    return [
        (
            transition("START_PROCESSING", event_id=str(n), entity_id=f"doc-{n}")
            if partition is TRANSITIONS
            else workflow("STARTED", event_id=str(n), workflow_id=f"wf-{n}")
        )
        | ({"metadata": {why: 1}} if n in refused else {})
        for n in range(9)
    ]


@pytest.mark.any_version
@pytest.mark.parametrize("why", ["in metadata", "in a name"])
@pytest.mark.parametrize("partition", [TRANSITIONS, WORKFLOWS], ids=["transitions", "workflows"])
@pytest.mark.parametrize("batch_size", [9, 4])  # with 4, the next batch is folded while one is being refused
@pytest.mark.parametrize("refused", [{0, 8}, {3, 4, 5}, set(range(9))], ids=["ends", "middle", "all"])
def test_each_refused_record_is_found_and_no_other(
    projector: Projector, partition: Partition, batch_size: int, refused: set[int], why: str
) -> None:
    projector.project(*_log(partition, refused, why=why), partition=partition, batch_size=batch_size)
    _only_these(projector, refused)
    assert [fact.offset for fact in projector.heard(facts.RecordRefused)] == sorted(refused)


@pytest.mark.parametrize("partition", [TRANSITIONS, WORKFLOWS], ids=["transitions", "workflows"])
def test_an_outage_in_the_midst_of_it_loses_nothing_and_does_nothing_twice(
    projector: Projector, partition: Partition
) -> None:
    class Meddling(list[facts.Fact]):
        def append(self, fact: facts.Fact) -> None:
            super().append(fact)
            if isinstance(fact, facts.BatchApplied | facts.RecordRefused) and len(self) < 60:
                rows(projector.database_url, _BACKENDS)

    projector.announced = Meddling()
    refused = {0, 4, 5, 8}
    projector.run(MemorySource({partition: records(_log(partition, refused, why="in metadata"))}))
    _only_these(projector, refused)
    assert len(projector.heard(facts.BatchRetried)) >= 9


def _only_these(projector: Projector, refused: set[int]) -> None:
    assert rows(projector.database_url, COUNTS) == [(9 - len(refused), 0, 0, len(refused))]
    letters = "SELECT record_offset, reason FROM foldline_dead_letters ORDER BY 1"
    assert rows(projector.database_url, letters) == [(n, "refused_by_database") for n in sorted(refused)]
    projected = "SELECT (SELECT count(*) FROM fsm_state_history) + (SELECT count(*) FROM workflow_execution_history)"
    assert rows(projector.database_url, projected) == [(9 - len(refused),)]
