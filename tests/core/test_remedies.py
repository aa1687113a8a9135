"""What the dry run advises, for every reason: in the words of the machine that was met."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from foldline.core.batch import Decoded
from foldline.core.decide import Reason
from foldline.core.decode import decode_transition, decode_workflow
from foldline.core.events import Record, Verdict
from foldline.core.machine import Machine, Machines, State, Transition
from foldline.core.wire import WireLease, WireTransition, WireWorkflow
from foldline.dryrun import DryFold, Judgment
from foldline.dryrun.fields import FORMS
from harness import MACHINES, encoded, transition, workflow

REVIEW = Machine(
    "REVIEW",
    4,
    "OPEN",
    {"OPEN": State("OPEN"), "DONE": State("DONE", requires=("error_message", "editor", "score"))},
    {("OPEN", "CLOSE"): Transition("DONE", max=1), ("DONE", "REOPEN"): Transition("OPEN")},
    corrections_refused=True,
)
LEASED = replace(REVIEW, fsm_type="LEASED", lease_required=True)
STARTED = transition("START_PROCESSING", event_id="1")
INDEXED = [STARTED, transition("COMPLETE_INDEXING", event_id="2")]
FAILED = transition("FAIL", event_id="f", error_message="no")


def retries(number: int) -> list[dict[str, Any]]:
    """An entity that has failed and was retried so often, and has failed again."""
    again = [
        (transition("RETRY", event_id=f"r{n}"), transition("FAIL", event_id=f"f{n}", error_message="no"))
        for n in range(number)
    ]
    return [FAILED, *(event for pair in again for event in pair)]


def judged(*events: dict[str, Any] | bytes, machines: Machines | None = None) -> Judgment:
    """What is said of the last of them; those before it are applied."""
    fold = DryFold(machines if machines is not None else {**MACHINES, "REVIEW": REVIEW, "LEASED": LEASED}, place="line")
    judgments = []
    for line, event in enumerate(events, start=1):
        value = encoded(event)
        assert value is not None
        decode = decode_workflow if b"workflow_id" in value else decode_transition
        judgments.append(fold.judge(Decoded(Record(line, None, value), decode(value))))
    assert {each.verdict for each in judgments[:-1]} <= {Verdict.APPLIED}
    return judgments[-1]


def review(action: str, **fields: object) -> dict[str, Any]:
    return transition(action, fsm_type="REVIEW", **fields)


def lease(holder: str, epoch: int) -> dict[str, object]:
    return {"lease_id": holder, "lease_epoch": epoch}


REJECTED: dict[str, tuple[list[dict[str, Any]], str, str, str]] = {
    "an unknown machine that is nearly a known one": (
        [transition("X", fsm_type="Ingestion")],
        "unknown_fsm",
        "fsm_type",
        "Did you mean INGESTION? Definitions of your own lie in the directories of FOLDLINE_MACHINES.",
    ),
    "an unknown machine that is like none": (
        [transition("X", fsm_type="ORDER")],
        "unknown_fsm",
        "fsm_type",
        (
            "Known: INGESTION, PATTERN_LEARNING, QUALITY_ASSESSMENT, REVIEW, LEASED."
            " Definitions of your own lie in the directories of FOLDLINE_MACHINES."
        ),
    ),
    "no lease where one is demanded": (
        [transition("CLOSE", fsm_type="LEASED")],
        "lease_required",
        "lease",
        "Send the lease of the actor that caused it: lease_id and lease_epoch.",
    ),
    "an older lease": (
        [STARTED | {"lease": lease("a", 7)}, transition("COMPLETE_INDEXING", event_id="2", lease=lease("b", 6))],
        "stale_lease",
        "lease.lease_epoch",
        "Its actor has lost the lease: acquire it anew, for an epoch of 8 or more.",
    ),
    "another holder of the same epoch": (
        [STARTED | {"lease": lease("a", 7)}, transition("COMPLETE_INDEXING", event_id="2", lease=lease("b", 7))],
        "lease_conflict",
        "lease.lease_id",
        "Two actors hold epoch 7: let each acquisition have an epoch of its own, the next 8 or more.",
    ),
    "an unknown action that is nearly a known one": (
        [transition("startProcessing")],
        "unknown_action",
        "action",
        "Did you mean START_PROCESSING?",
    ),
    "an unknown action that is like none": (
        [review("PUBLISH")],
        "unknown_action",
        "action",
        "Known: CLOSE, REOPEN, CREATE, CORRECT.",
    ),
    "an expected state from which an event is missing": (
        [FAILED, transition("COMPLETE_INDEXING", event_id="2", from_state="PROCESSING")],
        "from_state_mismatch",
        "from_state",
        (
            "Expect FAILED, or leave from_state out. If an event is missing before it: RETRY leads from FAILED to"
            " PROCESSING. Possible in FAILED: RETRY -> PROCESSING."
        ),
    ),
    "an expected state that nothing leads to": (
        [transition("START_PROCESSING", from_state="INDEXED")],
        "from_state_mismatch",
        "from_state",
        (
            "Expect RECEIVED, or leave from_state out."
            " Possible in RECEIVED: START_PROCESSING -> PROCESSING, FAIL -> FAILED."
        ),
    ),
    "an expected state that there is not": (
        [transition("START_PROCESSING", from_state="RECIEVED")],
        "from_state_mismatch",
        "from_state",
        "Did you mean RECEIVED? It may also be left out.",
    ),
    "an expected state of CREATE": (
        [transition("CREATE", from_state="RECEIVED")],
        "from_state_mismatch",
        "from_state",
        "Leave from_state out: CREATE comes from no state.",
    ),
    "an action that is legal elsewhere": (
        [*INDEXED, transition("FAIL", event_id="3", error_message="no")],
        "illegal_transition",
        "action",
        "Possible in INDEXED: REINDEX -> PROCESSING. FAIL is possible in RECEIVED, PROCESSING.",
    ),
    "a second CREATE": (
        [STARTED, transition("CREATE", event_id="2")],
        "illegal_transition",
        "action",
        (
            "CREATE is only ever an entity's first event: leave it out."
            " Possible in PROCESSING: COMPLETE_INDEXING -> INDEXED, FAIL -> FAILED."
        ),
    ),
    "a correction that the definition refuses": (
        [review("CORRECT", to_state="DONE", error_message="so")],
        "illegal_transition",
        "action",
        "The definition says `corrections: refused`. Possible in OPEN: CLOSE -> DONE.",
    ),
    "another target, to which another action leads": (
        [STARTED, transition("COMPLETE_INDEXING", event_id="2", to_state="FAILED")],
        "to_state_mismatch",
        "to_state",
        "Expect INDEXED, or leave to_state out. FAIL leads from PROCESSING to FAILED.",
    ),
    "another target, to which nothing leads": (
        [transition("START_PROCESSING", to_state="INDEXED")],
        "to_state_mismatch",
        "to_state",
        "Expect PROCESSING, or leave to_state out.",
    ),
    "another target of CREATE": (
        [transition("CREATE", to_state="PROCESSING")],
        "to_state_mismatch",
        "to_state",
        "Expect RECEIVED, or leave to_state out.",
    ),
    "a correction to a state that there is not": (
        [transition("CORRECT", to_state="DONE", error_message="so")],
        "to_state_mismatch",
        "to_state",
        "Known: RECEIVED, PROCESSING, INDEXED, FAILED.",
    ),
    "everything that is missing, at its path": (
        [review("CLOSE", metadata={"editor": None, "score": ""})],
        "missing_data",
        "error_message",
        "Add error_message, metadata.editor: DONE requires them.",
    ),
    "a correction without a target": (
        [transition("CORRECT", error_message="so")],
        "missing_data",
        "to_state",
        "Name the right state in to_state: RECEIVED, PROCESSING, INDEXED, FAILED.",
    ),
    "a correction without a reason": (
        [transition("CORRECT", to_state="INDEXED", error_message="")],
        "missing_data",
        "error_message",
        "Say in error_message why the state is corrected.",
    ),
    "no retries left": (
        [*retries(3), transition("RETRY", event_id="9")],
        "retries_exhausted",
        "action",
        (
            "The entity has no retries left; entering INDEXED or CORRECT gives it new ones."
            " No action leads out of FAILED but CORRECT."
        ),
    ),
    "no retries left, and no way to new ones": (
        [
            review("CLOSE", event_id="1", error_message="e", metadata={"editor": 1, "score": 1}),
            review("REOPEN", event_id="2"),
            review("CLOSE", event_id="3", error_message="e", metadata={"editor": 1, "score": 1}),
        ],
        "retries_exhausted",
        "action",
        "The entity has no retries left; nothing gives it new ones. No action leads out of OPEN.",
    ),
    "a workflow that has not started": (
        [workflow("PAUSED")],
        "unknown_workflow",
        "workflow_id",
        "Its STARTED, with operation_type and entity_id, must come before it.",
    ),
    "an older lease of a workflow": (
        [workflow("STARTED", event_id="1", lease=lease("a", 2)), workflow("PAUSED", event_id="2", lease=lease("a", 1))],
        "stale_lease",
        "lease.lease_epoch",
        "Its actor has lost the lease: acquire it anew, for an epoch of 3 or more.",
    ),
    "another holder of a workflow's epoch": (
        [workflow("STARTED", event_id="1", lease=lease("a", 2)), workflow("PAUSED", event_id="2", lease=lease("b", 2))],
        "lease_conflict",
        "lease.lease_id",
        "Two actors hold epoch 2: let each acquisition have an epoch of its own, the next 3 or more.",
    ),
    "what is illegal with this status": (
        [workflow("STARTED", event_id="1"), workflow("PAUSED", event_id="2"), workflow("COMPLETED", event_id="3")],
        "illegal_workflow_event",
        "kind",
        "Possible while PAUSED: STEP_COMPLETED, STEP_FAILED, RESUMED, FAILED. COMPLETED is possible while RUNNING.",
    ),
    "anything after the end": (
        [workflow("STARTED", event_id="1"), workflow("COMPLETED", event_id="2"), workflow("FAILED", event_id="3")],
        "illegal_workflow_event",
        "kind",
        "A COMPLETED workflow is over. FAILED is possible while RUNNING, PAUSED.",
    ),
    "a second STARTED": (
        [workflow("STARTED", event_id="1"), workflow("FAILED", event_id="2"), workflow("STARTED", event_id="3")],
        "illegal_workflow_event",
        "kind",
        "A workflow starts once; another run has a workflow_id of its own. Possible while FAILED: RETRIED.",
    ),
    "more different steps than a workflow may have": (
        [
            workflow("STARTED", event_id="0"),
            *(workflow("STEP_COMPLETED", event_id=f"{n}", step=f"{n}") for n in range(1, 1_001)),
            workflow("STEP_COMPLETED", event_id="last", step="last"),
        ],
        "illegal_workflow_event",
        "kind",
        "Report fewer different steps: what repeats is one step under one name.",
    ),
}


@pytest.mark.parametrize(("events", "reason", "field", "remedy"), REJECTED.values(), ids=REJECTED)
def test_a_rejection_says_what_to_do(events: list[dict[str, Any]], reason: str, field: str, remedy: str) -> None:
    last = judged(*events)
    assert (last.verdict, last.reason, last.field) == (Verdict.REJECTED, reason, field)
    assert last.remedy == remedy
    assert last.summary == f"{reason}: {last.detail}"


def test_every_reason_is_advised_on_above() -> None:
    assert {reason for _, reason, _, _ in REJECTED.values()} == set(Reason)


def test_without_any_machine_there_is_none_to_name() -> None:
    assert judged(transition("X"), machines={}).remedy == (
        "None is known. Definitions of your own lie in the directories of FOLDLINE_MACHINES."
    )


UNDECODABLE: dict[str, tuple[dict[str, Any] | bytes, str | None, str]] = {
    "what is no JSON object": (
        b"[]",
        None,
        "A record is one JSON object in UTF-8, without a byte order mark, nested at most 64 deep.",
    ),
    "a missing member": (
        STARTED | {"entity_id": None},
        "entity_id",
        "Add it, a string of 1 to 255 characters.",
    ),
    "a missing member beside one that is spelt alike": (
        STARTED | {"entity_id": None, "entityId": "doc-1"},
        "entity_id",
        "Add it, a string of 1 to 255 characters. Is entityId meant to be entity_id?",
    ),
    "a member of another type": (
        STARTED | {"success": "yes"},
        "success",
        "It is true or false.",
    ),
    "a member of a member": (
        STARTED | {"lease": {"lease_id": "a", "lease_epoch": 1.5}},
        "lease.lease_epoch",
        "It is an integer from 0 to 2^63-1, without quotes.",
    ),
    "a time": (
        STARTED | {"occurred_at": "yesterday"},
        "occurred_at",
        "It is a time with seconds and offset, as 2026-01-31T12:00:00Z, in the years 1970 to 2200.",
    ),
    "a kind": (
        workflow("FINISHED"),
        "kind",
        "It is one of STARTED, STEP_STARTED, STEP_COMPLETED, STEP_FAILED, PAUSED, RESUMED, COMPLETED, FAILED, RETRIED.",
    ),
    "an attribute of an envelope": (
        {"specversion": "1.0", "time": "now", "data": STARTED},
        "time",
        "It is a time with seconds and offset, as 2026-01-31T12:00:00Z, in the years 1970 to 2200.",
    ),
    "an empty envelope": (
        {"specversion": "1.0"},
        "data",
        "Add it, the event, a JSON object.",
    ),
    "neither kind of event in an envelope": (
        {"specversion": "1.0", "data": {"workflowId": "wf-1"}},
        "fsm_type",
        "Add it, for a transition event, or workflow_id: `foldline publish` refuses what has neither.",
    ),
    "neither kind of event": (
        b'{"hello":"world"}',
        "fsm_type",
        "Add it, for a transition event, or workflow_id: `foldline publish` refuses what has neither.",
    ),
    "neither kind of event, but nearly one": (
        b'{"fsmType":"INGESTION"}',
        "fsm_type",
        (
            "Add it, for a transition event, or workflow_id: `foldline publish` refuses what has neither."
            " Is fsmType meant to be fsm_type?"
        ),
    ),
}


@pytest.mark.parametrize(("event", "field", "remedy"), UNDECODABLE.values(), ids=UNDECODABLE)
def test_what_is_no_event_says_which_member_it_lacks(
    event: dict[str, Any] | bytes, field: str | None, remedy: str
) -> None:
    last = judged(event)
    assert (last.verdict, last.field, last.remedy) == (Verdict.UNDECODABLE, field, remedy)
    assert last.subject is None


def test_every_member_of_the_wire_is_described() -> None:
    wire = {field.name for shape in (WireTransition, WireWorkflow) for field in msgspec.structs.fields(shape)}
    lease_members = {f"lease.{field.name}" for field in msgspec.structs.fields(WireLease)}
    attributes = {"specversion", "id", "time", "correlationid", "data", "data_base64"}
    assert set(FORMS) == wire | lease_members | attributes


def test_an_attribute_in_a_header_is_described_as_one_in_the_value() -> None:
    record = Record(1, None, encoded(STARTED), (("ce_time", b"now"),))
    advice = DryFold(MACHINES).judge(Decoded(record, decode_transition(record.value, record.headers)))
    assert advice.field == "ce_time"
    assert advice.remedy == "It is a time with seconds and offset, as 2026-01-31T12:00:00Z, in the years 1970 to 2200."


def test_a_duplicate_says_of_which_line_and_what_became_of_that() -> None:
    again = judged(STARTED, transition("FAIL", event_id="2", error_message="no"), STARTED)
    assert (again.verdict, again.first, again.reason) == (Verdict.DUPLICATE, 1, None)
    assert again.summary == "the same event as line 1, which was applied"
    assert again.remedy == "Nothing, if it is the same event. If it is another, give it an event_id of its own."


def test_a_duplicate_of_a_rejected_one_says_that_it_was_judged() -> None:
    fold = DryFold(MACHINES)
    value = json.dumps(transition("REINDEX", event_id="1")).encode()
    first, again = (fold.judge(Decoded(Record(n, None, value), decode_transition(value))) for n in (5, 6))
    assert (first.verdict, again.verdict, again.first) == (Verdict.REJECTED, Verdict.DUPLICATE, 5)
    assert again.summary == "the same event as record 5, which was rejected"
    assert again.remedy == "Mended, it needs an event_id of its own: an event is judged once."


@pytest.mark.parametrize(
    ("events", "summary", "met", "after"),
    [
        ([STARTED], "RECEIVED -> PROCESSING", "RECEIVED", "PROCESSING"),
        ([transition("CREATE")], "(new) -> RECEIVED", None, "RECEIVED"),
        (
            [STARTED, transition("FAIL", event_id="2", success=False)],
            "FAIL failed, stays PROCESSING",
            "PROCESSING",
            None,
        ),
        ([workflow("STARTED")], "STARTED, (new) -> RUNNING", None, "RUNNING"),
        (
            [workflow("STARTED", event_id="1"), workflow("STEP_STARTED", step="fetch")],
            "STEP_STARTED fetch, stays RUNNING",
            "RUNNING",
            None,
        ),
        ([workflow("STARTED", event_id="1"), workflow("PAUSED")], "PAUSED, RUNNING -> PAUSED", "RUNNING", "PAUSED"),
    ],
)
def test_what_is_applied_is_told_in_few_words(
    events: list[dict[str, Any]], summary: str, met: str | None, after: str | None
) -> None:
    last = judged(*events)
    assert (last.summary, last.met, last.after) == (summary, met, after or met)


def test_the_version_of_the_machine_that_judged_is_told() -> None:
    assert judged(review("REOPEN")).machine_version == 4
    assert judged(transition("X", fsm_type="NONE")).machine_version is None
