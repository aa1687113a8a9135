"""What entities and workflows go through: walks through their machines, mostly legal, spoilt now and then."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oracle.machines import rules_in
from oracle.projection import Projected
from oracle.transitions import Rules

_CHECKOUT = Path(__file__).parents[1]
SHIPPED, OWN = _CHECKOUT / "schemas" / "machines", _CHECKOUT / "torture" / "machines"
OLDER, NEWER = (OWN, OWN / "older"), (OWN, OWN / "newer")
"""Directories of machines: those that all workers begin with, and those that are deployed in the midst of it."""
VERSIONS: tuple[dict[str, Rules], ...] = (rules_in((SHIPPED, *OLDER)), rules_in((SHIPPED, *NEWER)))
"""The same, with the shipped ones, as the oracle reads them."""
MACHINES = VERSIONS[-1]
"""What publishers go by, from the beginning: a newer version allows what an older one rejects."""

STRAYING = "CAROUSEL"
_ALIVE = 40
_HOPS = 30
_LOOKS = 0.7
_KINDS = ("STEP_STARTED", "STEP_COMPLETED", "STEP_FAILED", "PAUSED", "RESUMED", "COMPLETED", "FAILED", "RETRIED")
_USUAL = {
    "RUNNING": (*_KINDS[:3], *_KINDS[:2], "PAUSED", "COMPLETED", "FAILED"),
    "PAUSED": ("RESUMED", "RESUMED", "STEP_COMPLETED", "FAILED"),
    "FAILED": ("RETRIED",),
    "COMPLETED": (),
}
_LEADS_TO = {
    "PAUSED": "PAUSED",
    "RESUMED": "RUNNING",
    "COMPLETED": "COMPLETED",
    "FAILED": "FAILED",
    "RETRIED": "RUNNING",
}

_NO_ID = b'{"correlation_id": "c", "occurred_at": "2026-01-01T00:00:00Z", '
POISON: tuple[bytes | None, ...] = (
    None,
    b"",
    b"no event",
    b"[]",
    b"{}",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b'{"a": NaN}',
    b'{"fsm_type": 5}',
    b"[" * 3_000,
    b'{"correlation_id": "c", "occurred_at": "now", "fsm_type": "INGESTION", "entity_id": "p", "action": "FAIL"}',
    _NO_ID + b'"fsm_type": "INGESTION", "entity_id": "p", "action": "FAIL", "metadata": {"a\\u0000": 1}}',
    _NO_ID + b'"workflow_id": "w", "kind": "STEP_STARTED"}',
    _NO_ID + b'"workflow_id": "w", "kind": "STARTED", "operation_type": "o", "entity_id": "' + b"x" * 256 + b'"}',
)
"""What is no event: not even JSON, not an object, or with a field that breaks its rule."""


@dataclass(slots=True)
class Entity:
    """An entity as its publisher believes it to stand."""

    fsm_type: str
    entity_id: str
    state: str
    hops: int = 0
    lease: int = 0
    tired: bool = False


@dataclass(slots=True)
class _Workflow:
    workflow_id: str
    status: str = ""
    step: int = 0
    hops: int = 0


@dataclass
class Stories:
    """Many entities and workflows at once; when one has come far enough, another begins.

    `truth` is what the log written so far comes to: publishers look there now and then, and believe in between.
    """

    chance: random.Random
    truth: Projected
    _entities: list[Entity] = field(default_factory=list)
    _workflows: list[_Workflow] = field(default_factory=list)
    _begun: int = 0
    _events: int = 0

    def next(self) -> dict[str, Any]:
        """The next event of any of them, without its time."""
        if self.chance.random() < 0.25:
            return self._numbered(self._workflow_event())
        return self._numbered(self._transition_event(self._entity()))

    def pair(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Two events of one entity, in their order."""
        entity = self._entity()
        return self._numbered(self._transition_event(entity)), self._numbered(self._transition_event(entity))

    def _numbered(self, event: dict[str, Any]) -> dict[str, Any]:
        if self.chance.random() < 0.1:  # as a publisher that knows of no ids
            del event["event_id"]
        return event

    def stray(self) -> dict[str, Any]:
        """An event of an entity that has no partition of its own: legal in whatever order it comes."""
        action = self.chance.choice(MACHINES[STRAYING].transitions)["action"]
        return self._event({"fsm_type": STRAYING, "entity_id": f"stray-{self.chance.randrange(2)}", "action": action})

    def _event(self, fields: dict[str, Any]) -> dict[str, Any]:
        self._events += 1
        event = {"event_id": f"e-{self._events}", "correlation_id": f"c-{self._events % 97}", **fields}
        if self.chance.random() < 0.5:
            event["metadata"] = {"n": self._events, "ratio": 0.1 * self._events, "ä\t\\N": [None, {"z": 10**20}]}
        return event

    def _transition_event(self, entity: Entity) -> dict[str, Any]:
        rules = MACHINES[entity.fsm_type]
        entity.hops += 1
        if self.chance.random() < 0.02:
            return self._event({"fsm_type": "GHOST", "entity_id": entity.entity_id, "action": "APPEAR"})
        fields = {"fsm_type": entity.fsm_type, "entity_id": entity.entity_id, **self._step(entity, rules)}
        self._lease(entity, fields, demanded=rules.lease_required)
        return self._event(fields)

    def _step(self, entity: Entity, rules: Rules) -> dict[str, Any]:
        """An action with what it demands, and where the publisher believes that it leads."""
        drawn = self.chance.random()
        if drawn < 0.04:
            return {"action": self.chance.choice([*sorted(rules.actions), "DANCE"])}
        if drawn < (0.3 if entity.tired else 0.06):
            entity.state = self.chance.choice(sorted(rules.states))
            return {"action": "CORRECT", "to_state": entity.state, "error_message": "seen to be so"}
        if drawn < 0.075:
            return {"action": "CREATE"}
        arrows = [arrow for arrow in rules.transitions if arrow["from"] == entity.state]
        arrow = self.chance.choice(arrows)
        step = {"action": arrow["action"], "metadata": {"keeper": "k"}}
        if "error_message" in rules.states[arrow["to"]].get("requires", ()):
            if drawn > 0.95:
                return step  # without what the state requires
            step["error_message"] = f"broke at {entity.hops}\t\\."
        if drawn < 0.12:
            return step | {"success": False, "error_message": "tried in vain"}
        if drawn < 0.16:
            return step | {self.chance.choice(("from_state", "to_state")): self.chance.choice(sorted(rules.states))}
        if drawn < 0.4:
            step |= {"from_state": entity.state, "to_state": arrow["to"]}
        entity.state = arrow["to"]
        return step

    def _lease(self, entity: Entity, fields: dict[str, Any], *, demanded: bool) -> None:
        """At times a later holder; at times one that is late, or that has the number of another."""
        drawn = self.chance.random()
        if drawn < 0.1:
            entity.lease += 1
        if (entity.lease == 0 and not demanded) or drawn > 0.99:
            return
        epoch, holder = entity.lease, f"holder-{entity.lease}"
        if drawn > 0.97:
            epoch = max(0, epoch - 1)
        elif drawn > 0.95:
            holder = "an impostor"
        if demanded or drawn < 0.6:
            fields["lease"] = {"lease_id": holder, "lease_epoch": epoch}

    def _entity(self) -> Entity:
        if len(self._entities) < _ALIVE:
            self._begun += 1
            fsm_type = self.chance.choice(sorted(MACHINES.keys() - {STRAYING}))
            self._entities.append(Entity(fsm_type, f"{fsm_type.lower()}-{self._begun}", MACHINES[fsm_type].initial))
        index = self.chance.randrange(len(self._entities))
        entity = self._entities[index]
        row = self.truth.entities.rows.get((entity.fsm_type, entity.entity_id))
        if row is not None and self.chance.random() < _LOOKS:
            entity.state, entity.tired = row.state, row.retries > 0
        if entity.hops >= _HOPS:
            self._entities.pop(index)
        return entity

    def _workflow_event(self) -> dict[str, Any]:
        workflow = self._workflow()
        workflow.hops += 1
        usual = _USUAL.get(workflow.status, ("STARTED",))
        kind = self.chance.choice(usual if usual and self.chance.random() > 0.06 else ("STARTED", *_KINDS))
        fields: dict[str, Any] = {"workflow_id": workflow.workflow_id, "kind": kind}
        if kind == "STARTED":
            fields |= {"operation_type": "TORTURE", "entity_id": "doc", "input_payload": {"of": workflow.workflow_id}}
        if kind.startswith("STEP_"):
            workflow.step += kind == "STEP_STARTED"
            fields["step"] = f"step {workflow.step}"
        if kind in ("FAILED", "STEP_FAILED") and self.chance.random() < 0.8:
            fields["error_message"] = f"gave up at {workflow.step}"
        if kind == "COMPLETED":
            fields["output_results"] = [workflow.step, None, "done"]
        if self.chance.random() < 0.1:
            fields["lease"] = {"lease_id": f"l-{self.chance.randrange(2)}", "lease_epoch": self.chance.randrange(3)}
        if kind in usual:
            workflow.status = _LEADS_TO.get(kind, workflow.status or "RUNNING")
        return self._event(fields)

    def _workflow(self) -> _Workflow:
        if len(self._workflows) < _ALIVE // 2:
            self._begun += 1
            self._workflows.append(_Workflow(f"workflow-{self._begun}"))
        index = self.chance.randrange(len(self._workflows))
        workflow = self._workflows[index]
        row = self.truth.workflows.rows.get(workflow.workflow_id)
        if row is not None and self.chance.random() < _LOOKS:
            workflow.status = row["status"]
        if workflow.hops >= _HOPS or (workflow.status == "COMPLETED" and self.chance.random() < _LOOKS):
            self._workflows.pop(index)
        return workflow
