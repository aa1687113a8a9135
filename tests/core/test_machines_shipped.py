"""The three shipped machines, against a table written by hand."""

from __future__ import annotations

from dataclasses import replace

from foldline.core.machine import Intent, Machine, State, Transition
from foldline.machines import load_machines

FAILED = State("FAILED", error=True, requires=("error_message",))


def shipped(
    fsm_type: str, states: list[State], hops: list[tuple[str, str, str]], retry_to: str, intents: list[tuple[str, str]]
) -> Machine:
    """A shipped machine but for its document. `intents`: the state that triggers and its operation, the settled one."""
    (entered, operation_type), (settled, _) = intents
    return Machine(
        fsm_type=fsm_type,
        version=1,
        initial=states[0].name,
        states={state.name: state for state in [*states, FAILED]},
        transitions={(state, action): Transition(to) for state, action, to in hops}
        | {("FAILED", "RETRY"): Transition(retry_to, max=3)},
        intents=(
            Intent(tuple(sorted([settled, "FAILED"])), "EVENT_PUBLISH", "kafka_event_effect"),
            Intent((entered,), "WORKFLOW_TRIGGER", "intelligence_orchestrator", operation_type),
        ),
    )


SHIPPED = {
    "INGESTION": shipped(
        "INGESTION",
        [State("RECEIVED"), State("PROCESSING", 300.0), State("INDEXED", final=True)],
        [
            ("RECEIVED", "START_PROCESSING", "PROCESSING"),
            ("PROCESSING", "COMPLETE_INDEXING", "INDEXED"),
            ("RECEIVED", "FAIL", "FAILED"),
            ("PROCESSING", "FAIL", "FAILED"),
            ("INDEXED", "REINDEX", "PROCESSING"),
        ],
        "PROCESSING",
        [("PROCESSING", "DOCUMENT_INGESTION"), ("INDEXED", "")],
    ),
    "PATTERN_LEARNING": shipped(
        "PATTERN_LEARNING",
        [
            State("FOUNDATION"),
            State("MATCHING", 600.0),
            State("VALIDATION", 300.0),
            State("TRACEABILITY", 300.0),
            State("COMPLETED", final=True),
        ],
        [
            ("FOUNDATION", "ADVANCE_TO_MATCHING", "MATCHING"),
            ("MATCHING", "ADVANCE_TO_VALIDATION", "VALIDATION"),
            ("VALIDATION", "ADVANCE_TO_TRACEABILITY", "TRACEABILITY"),
            ("TRACEABILITY", "COMPLETE_LEARNING", "COMPLETED"),
            ("FOUNDATION", "FAIL", "FAILED"),
            ("MATCHING", "FAIL", "FAILED"),
            ("VALIDATION", "FAIL", "FAILED"),
            ("TRACEABILITY", "FAIL", "FAILED"),
            ("COMPLETED", "RELEARN", "FOUNDATION"),
        ],
        "FOUNDATION",
        [("MATCHING", "PATTERN_LEARNING"), ("COMPLETED", "")],
    ),
    "QUALITY_ASSESSMENT": shipped(
        "QUALITY_ASSESSMENT",
        [State("RAW"), State("ASSESSING", 180.0), State("SCORED"), State("STORED", final=True)],
        [
            ("RAW", "START_ASSESSMENT", "ASSESSING"),
            ("ASSESSING", "COMPLETE_SCORING", "SCORED"),
            ("SCORED", "STORE_RESULTS", "STORED"),
            ("RAW", "FAIL", "FAILED"),
            ("ASSESSING", "FAIL", "FAILED"),
            ("SCORED", "FAIL", "FAILED"),
            ("STORED", "REASSESS", "ASSESSING"),
        ],
        "ASSESSING",
        [("ASSESSING", "QUALITY_ASSESSMENT"), ("STORED", "")],
    ),
}


def test_the_shipped_machines_are_those_of_the_table() -> None:
    loaded = load_machines([])
    assert {name: replace(machine, document="{}", digest="") for name, machine in loaded.items()} == SHIPPED
