"""What a machine says as canonical JSON, its SHA-256, and the way back.

Recorded documents outlive releases, so the form may only grow: what stands at its default is left out, and a key that
some release adds changes no digest of a definition without it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from foldline.core.machine import Intent, Machine, State, Transition
from foldline.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable


def documented(machine: Machine) -> Machine:
    """`machine` with its `document` and `digest`: everything else it says, in an order that is always the same."""
    stated = _given(
        fsm_type=machine.fsm_type,
        version=machine.version,
        initial=machine.initial,
        states={name: _state(state) for name, state in machine.states.items()},
        transitions=[_transition(*pair, machine.transitions[pair]) for pair in sorted(machine.transitions)],
        intents=[_intent(intent) for intent in sorted(machine.intents, key=_rank)],
        lease_required=machine.lease_required,
        corrections_refused=machine.corrections_refused,
    )
    document = json.dumps(stated, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return replace(machine, document=document, digest=hashlib.sha256(document.encode("ascii")).hexdigest())


def restored(document: str) -> Machine:
    """The machine whose document this is, whatever a database made of its spaces and key order.

    Raises MachineError for what no release has written.
    """
    try:
        machine = _machine(json.loads(document))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise MachineError(
            f"A recorded machine definition is not readable: {error!r}.",
            remedy="Was it written by a newer foldline? Run that one.",
        ) from error
    return documented(machine)


def _machine(stated: dict[str, Any]) -> Machine:
    return Machine(
        fsm_type=stated["fsm_type"],
        version=stated["version"],
        initial=stated["initial"],
        states={
            name: State(name, **_with(entry, requires=tuple, timeout_seconds=float))
            for name, entry in stated["states"].items()
        },
        transitions={
            (entry["from"], entry["action"]): Transition(entry["to"], entry.get("max"))
            for entry in stated.get("transitions", ())
        },
        intents=tuple(Intent(**_with(entry, when=tuple)) for entry in stated.get("intents", ())),
        lease_required=stated.get("lease_required", False),
        corrections_refused=stated.get("corrections_refused", False),
    )


def _with(entry: dict[str, Any], **kinds: Callable[[Any], object]) -> dict[str, Any]:
    return {key: kinds[key](value) if key in kinds else value for key, value in entry.items()}


def _state(state: State) -> dict[str, object]:
    timeout = state.timeout_seconds
    return _given(
        timeout_seconds=int(timeout) if timeout is not None and timeout == int(timeout) else timeout,
        final=state.final,
        error=state.error,
        requires=sorted(state.requires),
    )


def _transition(state: str, action: str, transition: Transition) -> dict[str, object]:
    return {"from": state, **_given(action=action, to=transition.to, max=transition.max)}


def _intent(intent: Intent) -> dict[str, object]:
    return _given(
        when=sorted(intent.when), type=intent.type, target=intent.target, operation_type=intent.operation_type
    )


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None and value is not False and value != []}


def _rank(intent: Intent) -> tuple[object, ...]:
    return intent.type, intent.target, intent.operation_type or "", sorted(intent.when)
