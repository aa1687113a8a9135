"""What is said of two definitions side by side, and of a loaded machine beside those that judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from foldline.core.batch import Partition
from foldline.core.machine import Intent, Machine, State, Transition
from foldline.machines import documented
from foldline.machines.difference import Change, Kind, changes_between
from foldline.machines.standing import RecordedMachine, Standing, standings

ORDER = documented(
    Machine(
        "ORDER",
        1,
        "NEW",
        {"NEW": State("NEW", 300.0), "PAID": State("PAID", final=True), "LOST": State("LOST", error=True)},
        {("NEW", "PAY"): Transition("PAID", 3), ("NEW", "LOSE"): Transition("LOST")},
        (Intent(("NEW", "PAID"), "EVENT_PUBLISH", "effect"),),
    )
)
ZERO, ONE = Partition("t", 0), Partition("t", 1)

STATES = st.builds(
    State,
    st.just("PAID"),
    st.sampled_from([None, 60.0, 3600.0]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([(), ("a",), ("a", "b")]),
)
EDITS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "initial": st.sampled_from(["NEW", "PAID"]),
        "lease_required": st.booleans(),
        "corrections_refused": st.booleans(),
        "states": STATES.map(lambda state: {**ORDER.states, "PAID": state}),
        "transitions": st.dictionaries(
            st.tuples(st.sampled_from(["NEW", "A from NEW", "NEW from A"]), st.sampled_from(["PAY", "PAY from A"])),
            st.builds(Transition, st.sampled_from(["PAID", "PAID, max 3"]), st.sampled_from([None, 3])),
        ),
        "intents": st.sampled_from([(), ORDER.intents, (Intent(("NEW",), "WORKFLOW_TRIGGER", "o", "X"),)]),
    },
)


def version(number: int, **edit: Any) -> Machine:  # noqa: ANN401 - as `replace` takes it
    return documented(replace(ORDER, version=number, **edit))


def recorded(*machines: Machine) -> dict[tuple[str, int], RecordedMachine]:
    return {(each.fsm_type, each.version): RecordedMachine(each.digest, each.document) for each in machines}


@given(EDITS, EDITS)
def test_nothing_differs_only_where_both_say_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = version(1, **one), version(1, **other)
    found = changes_between(before, after)
    assert (found == []) == (before.digest == after.digest)
    mirrored = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED, Kind.CHANGED: Kind.CHANGED}
    back = {(change.what, change.name, mirrored[change.kind], change.after, change.before) for change in found}
    assert {(c.what, c.name, c.kind, c.before, c.after) for c in changes_between(after, before)} == back


def test_every_change_is_said_in_its_words() -> None:
    after = version(
        2,
        states={"NEW": State("NEW", 7200.0, requires=("who",)), "PAID": ORDER.states["PAID"], "SENT": State("SENT")},
        transitions={("NEW", "PAY"): Transition("PAID", 5), ("PAID", "SEND"): Transition("SENT")},
        intents=(
            Intent(("PAID",), "EVENT_PUBLISH", "effect"),
            Intent(("SENT",), "WORKFLOW_TRIGGER", "orchestrator", "SHIP"),
        ),
        lease_required=True,
    )
    assert changes_between(ORDER, after) == [
        Change(Kind.CHANGED, "rule", "lease", "not required", "required"),
        Change(Kind.CHANGED, "state", "NEW", "timeout 5m", "timeout 2h, requires who"),
        Change(Kind.REMOVED, "state", "LOST", "error", None),
        Change(Kind.CHANGED, "transition", "PAY from NEW", "to PAID, max 3", "to PAID, max 5"),
        Change(Kind.REMOVED, "transition", "LOSE from NEW", "to LOST", None),
        Change(Kind.REMOVED, "intent", "EVENT_PUBLISH to effect when NEW", "asked for", None),
        Change(Kind.ADDED, "state", "SENT", None, "plain"),
        Change(Kind.ADDED, "transition", "SEND from PAID", None, "to SENT"),
        Change(Kind.ADDED, "intent", "WORKFLOW_TRIGGER SHIP to orchestrator when SENT", None, "asked for"),
    ]


def test_a_rolling_deploy_stands_on_both_versions_and_only_the_newer_may_go_on() -> None:
    newer = version(2, lease_required=True)
    book = recorded(ORDER, newer)
    active = {"ORDER": {ZERO: 1, ONE: 2}}
    (up,) = standings({"ORDER": newer}, book, active)
    assert (up.standing, up.conflict, up.active) == (Standing.ACTIVATED, None, active["ORDER"])
    assert [(each.version, len(each.changes)) for each in up.differences] == [(1, 1)]
    (done,) = standings({"ORDER": newer}, book, {"ORDER": {ZERO: 2, ONE: 2}})
    assert (done.standing, done.differences) == (Standing.SAME, [])
    (down,) = standings({"ORDER": ORDER}, book, active)
    assert down.standing is Standing.REFUSED_OLDER
    assert down.conflict is not None
    assert "older than 2" in down.conflict.problem
    assert [(each.version, len(each.changes)) for each in down.differences] == [(2, 1)]
    (other,) = standings({"ORDER": version(2)}, book, active)
    assert other.standing is Standing.REFUSED_CHANGED
    assert [(each.version, len(each.changes)) for each in other.differences] == [(2, 1)]


def test_what_judges_nowhere_or_is_not_loaded_is_told_apart() -> None:
    book = recorded(ORDER)
    (never,) = standings({"ORDER": ORDER}, {}, {})
    assert never.standing is Standing.NEVER_ACTIVE
    (gone,) = standings({}, book, {"ORDER": {ZERO: 1}})
    assert (gone.standing, gone.loaded) == (Standing.WITHDRAWN, None)
    assert standings({}, book, {"ORDER": {ZERO: None}}) == []
    (back,) = standings({"ORDER": ORDER}, book, {"ORDER": {ZERO: None}})
    assert (back.standing, back.differences) == (Standing.ACTIVATED, [])
