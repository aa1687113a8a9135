"""Every way in which the shape and the names of a definition can be wrong: the line, the problem, the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foldline.machines import MachineFaults, load_file

if TYPE_CHECKING:
    from pathlib import Path

ORDER = """\
fsm_type: ORDER
version: 1
initial: NEW
states:
  NEW:
  PAID: {timeout: 5m}
  DONE: {final: true}
  FAILED:
    error: true
    requires: [reason]
transitions:
  - {action: PAY, from: NEW, to: PAID}
  - {action: SHIP, from: PAID, to: DONE}
  - action: FAIL
    from:
      - NEW
      - PAID
    to: FAILED
  - {action: RETRY, from: FAILED, to: PAID, max: 3}
intents:
  - {when: PAID, type: WORKFLOW_TRIGGER, target: orchestrator, operation_type: SHIPPING}
  - when: [DONE, FAILED]
    type: EVENT_PUBLISH
    target: effect
"""
LONG = "A" * 51
WHOLE = "Write a whole number of at least 1, without quotes."
NUMBER = "Write a whole number of at least 1."
DURATION = "Write a whole number from 1 to 999999 and s, m, h or d, such as 5m."
KEYS = "Known here: 'fsm_type', 'version', 'initial', 'lease', 'corrections', 'states', 'transitions', 'intents'."
REACH = "Add a transition to it, or remove the state."
RESERVED = "is reserved: every machine has it. Give the action another name."
STATES = "Known here: 'NEW', 'PAID', 'DONE', 'FAILED'."
VALUE = "Give it one, or leave the key out."
MAPPING = "Write `key: value` pairs."
ONE_TARGET = "Keep one target for a state and an action."

SHAPE = [
    # the top
    ("version: 1\n", "", "1: the file has no `version`. Add it."),
    ("initial: NEW", "begin: NEW", "1: the file has no `initial`. Add it.",
     "3: the file has the unknown key 'begin'. " + KEYS),
    ("intents:", "intent:", "20: the file has the unknown key 'intent'. Did you mean 'intents'?"),
    ("fsm_type: ORDER", f"fsm_type: {LONG}", "1: fsm_type has 51 characters. Use at most 50."),
    ("fsm_type: ORDER", "fsm_type: ''", "1: fsm_type is empty. Write at least one character."),
    ("fsm_type: ORDER", "fsm_type: 'null'\nfsm_typ: 1",
     "2: the file has the unknown key 'fsm_typ'. Did you mean 'fsm_type'?"),
    ("fsm_type: ORDER", "fsm_type:", "1: fsm_type has no value. " + VALUE),
    ("fsm_type: ORDER", "fsm_type: 7", '1: fsm_type is 7, not text. Write it in quotes: "7".'),
    ("fsm_type: ORDER", 'fsm_type: "A\\0"', "1: fsm_type is 'A\\x00', which holds a NUL. Remove it."),
    ("fsm_type: ORDER", "fsm_type: [A]", "1: fsm_type is a list, not text. Write one name."),
    ("version: 1", "version: true", "2: version is true, not a whole number. " + WHOLE),
    ("version: 1", "version: '1'", "2: version is '1', not a whole number. " + WHOLE),
    ("version: 1", "version: 1.0", "2: version is '1.0', not a whole number. " + WHOLE),
    ("version: 1", "version: 010", "2: version is '010', not a whole number. " + WHOLE),
    ("version: 1", "version: 0", "2: version is 0. " + NUMBER),
    ("version: 1", "version: -1", "2: version is -1. " + NUMBER),
    ("version: 1", "version: 2147483648", "2: version is 2147483648. Write a whole number of at most 2147483647."),
    ("initial: NEW", "initial: [NEW, PAID]", "3: initial is a list, not text. Write one name."),
    ("initial: NEW", "initial: NEW\nlease: optional",
     "4: lease is 'optional'. Write 'required', or leave the key out."),
    ("initial: NEW", "initial: NEW\nlease: true", "4: lease is true. Write 'required', or leave the key out."),
    ("initial: NEW", "initial: NEW\nlease:", "4: lease has no value. " + VALUE),
    ("initial: NEW", "initial: NEW\ncorrections: allowed",
     "4: corrections is 'allowed'. Write 'refused', or leave the key out."),
    ("intents:", "intents: {}\nx-intents:", "20: intents is a mapping, not a list. Write a list: [ … ].",
     "21: the file has the unknown key 'x-intents'. Did you mean 'intents'?"),
    # states
    ("  NEW:\n", "  NEW: {timout: 5m}\n", "5: states.NEW has the unknown key 'timout'. Did you mean 'timeout'?"),
    ("  NEW:\n", "  NEW: start\n", "5: states.NEW is 'start', not a mapping. " + MAPPING),
    ("  NEW:\n", "  NEW: []\n", "5: states.NEW is a list, not a mapping. " + MAPPING),
    ("timeout: 5m", "timeout: 5 min", "6: states.PAID.timeout is '5 min', no duration. " + DURATION),
    ("timeout: 5m", "timeout: 300", "6: states.PAID.timeout is 300, no duration. " + DURATION),
    ("timeout: 5m", "timeout: 0s", "6: states.PAID.timeout is '0s', no duration. " + DURATION),
    ("timeout: 5m", "timeout: 1h30m", "6: states.PAID.timeout is '1h30m', no duration. " + DURATION),
    ("timeout: 5m", "timeout: 1.5h", "6: states.PAID.timeout is '1.5h', no duration. " + DURATION),
    ("timeout: 5m", "timeout: ٣m", "6: states.PAID.timeout is '٣m', no duration. " + DURATION),
    ("timeout: 5m", "timeout: 1000000s", "6: states.PAID.timeout is '1000000s', no duration. " + DURATION),
    ("timeout: 5m", 'timeout: "5m\\n"', "6: states.PAID.timeout is '5m\\n', no duration. " + DURATION),
    ("timeout: 5m", "timeout:", "6: states.PAID.timeout has no value. " + VALUE),
    ("final: true", "final: yes", "7: states.DONE.final is 'yes'. Write true or false, without quotes."),
    ("error: true", "error: 1", "9: states.FAILED.error is 1. Write true or false, without quotes."),
    ("[reason]", "reason", "10: states.FAILED.requires is 'reason', not a list. Write a list: [ … ]."),
    ("[reason]", "['']", "10: states.FAILED.requires[0] is empty. Write at least one character."),
    ("[reason]", "[reason,\n      5]", '11: states.FAILED.requires[1] is 5, not text. Write it in quotes: "5".'),
    ("[reason]", "[reason, ~]", "10: states.FAILED.requires[1] has no value. " + VALUE),
    ("[reason]", "[reason, reason]", "10: states.FAILED.requires names 'reason' twice. Name each once."),
    # transitions
    ("action: PAY", "action: CREATE", "12: transitions[0].action " + RESERVED),
    ("action: FAIL\n", "action: CORRECT\n",
     "14: transitions[2].action " + RESERVED),
    ("action: PAY", f"action: {LONG}", "12: transitions[0].action has 51 characters. Use at most 50."),
    ("action: PAY", "action: ''", "12: transitions[0].action is empty. Write at least one character."),
    ("action: PAY", "action: true", '12: transitions[0].action is true, not text. Write it in quotes: "true".'),
    ("action: PAY", 'action: "A\\0"', "12: transitions[0].action is 'A\\x00', which holds a NUL. Remove it."),
    ("to: FAILED", "too: FAILED", "14: transitions[2] has no `to`. Add it.",
     "18: transitions[2] has the unknown key 'too'. Did you mean 'to'?"),
    ("      - PAID\n", "      - PAID\n      - 5\n",
     '18: transitions[2].from[2] is 5, not text. Write it in quotes: "5".'),
    ("      - PAID\n", "      - PAID\n      - NEW\n", "15: transitions[2].from names 'NEW' twice. Name each once."),
    ("from: FAILED", "from: []", "19: transitions[3].from is empty. Name at least one."),
    ("from: FAILED", "from: {a: b}", "19: transitions[3].from is a mapping, not a list. Write a list: [ … ]."),
    ("max: 3", "max: 0", "19: transitions[3].max is 0. " + NUMBER),
    ("max: 3", "max: true", "19: transitions[3].max is true, not a whole number. " + WHOLE),
    ("max: 3", "max: ", "19: transitions[3].max has no value. " + VALUE),
    ("max: 3", "max: 2147483648", "19: transitions[3].max is 2147483648. Write a whole number of at most 2147483647."),
    ("intents:", "  - RETRY\nintents:", "20: transitions[4] is 'RETRY', not a mapping. " + MAPPING),
    # intents
    ("type: EVENT_PUBLISH", "type: EMAIL", "23: intents[1].type is 'EMAIL'. Write WORKFLOW_TRIGGER or EVENT_PUBLISH."),
    ("    type: EVENT_PUBLISH\n", "", "22: intents[1] has no `type`. Add it."),
    (", operation_type: SHIPPING", "", "21: intents[0] has no `operation_type`. Add it."),
    ("target: effect", "target: effect\n    operation_type: X",
     "25: intents[1] has the unknown key 'operation_type'. Known here: 'when', 'type', 'target'."),
    ("target: effect", "target: ''", "24: intents[1].target is empty. Write at least one character."),
    ("    target: effect\n", "", "22: intents[1] has no `target`. Add it."),
    ("SHIPPING", LONG, "21: intents[0].operation_type has 51 characters. Use at most 50."),
    ("type: WORKFLOW_TRIGGER", "type: EMAIL",
     "21: intents[0].type is 'EMAIL'. Write WORKFLOW_TRIGGER or EVENT_PUBLISH."),
    ("[DONE, FAILED]", "[DONE, DONE]", "22: intents[1].when names 'DONE' twice. Name each once."),
    ("[DONE, FAILED]", "[]", "22: intents[1].when is empty. Name at least one."),
]  # fmt: skip

RULES = [
    ("initial: NEW", "initial: OLD", "3: initial names the unknown state 'OLD'. " + STATES),
    ("initial: NEW", "initial: NEWS", "3: initial names the unknown state 'NEWS'. Did you mean 'NEW'?"),
    ("to: FAILED", "to: FAILURE", "18: to names the unknown state 'FAILURE'. Did you mean 'FAILED'?"),
    ("      - PAID\n", "      - PAYED\n", "17: from names the unknown state 'PAYED'. Did you mean 'PAID'?"),
    ("[DONE, FAILED]", "[DONE,\n    LOST]", "23: when names the unknown state 'LOST'. " + STATES),
    ("when: PAID", "when: PAYD", "21: when names the unknown state 'PAYD'. Did you mean 'PAID'?"),
    ("action: RETRY, from: FAILED", "action: PAY, from: [FAILED, NEW]",
     "19: 'PAY' already leads out of 'NEW', on line 12. " + ONE_TARGET),
    ("action: RETRY, from: FAILED, to: PAID", "action: FAIL, from: PAID, to: FAILED",
     "19: 'FAIL' already leads out of 'PAID', on line 17. " + ONE_TARGET),
    ("  NEW:\n", "  NEW:\n  LOST:\n", "6: no transitions lead from 'NEW' to the state 'LOST'. " + REACH),
    ("to: DONE}", "to: PAID}", "7: no transitions lead from 'NEW' to the state 'DONE'. " + REACH),
    ("intents:", "intents:\n  - {when: FAILED, type: EVENT_PUBLISH, target: effect}",
     "23: entering 'FAILED' already asks for the same intent, on line 21. Keep one of the two."),
]  # fmt: skip


def faults_of(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MachineFaults) as caught:
        load_file(path)
    return [str(fault).removeprefix(str(path)).removeprefix(":") for fault in caught.value.faults]


def test_the_definition_that_the_tables_break_is_well_formed(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    path.write_text(ORDER, encoding="utf-8")
    assert load_file(path).fsm_type == "ORDER"


@pytest.mark.parametrize("example", [*SHAPE, *RULES], ids=lambda example: f"{example[1]!a:.40}"[1:])
def test_a_fault_has_its_line_and_its_remedy(tmp_path: Path, example: tuple[str, ...]) -> None:
    old, new, *faults = example
    assert ORDER.count(old) == 1 or old == "max: 3"
    found = faults_of(tmp_path / "order.yaml", ORDER.replace(old, new))
    assert sorted(found) == sorted(faults)


def test_every_fault_is_found_at_once(tmp_path: Path) -> None:
    text = ORDER.replace("version: 1", "version: 0").replace("5m", "5").replace("[reason]", "['']")
    text = text.replace("to: FAILED", "to: FAILLED").replace("max: 3", "max: 0").replace("type: EVENT", "type: EVENTS")
    assert [fault.split(". ")[0] for fault in faults_of(tmp_path / "order.yaml", text)] == [
        "2: version is 0",
        "6: states.PAID.timeout is 5, no duration",
        "10: states.FAILED.requires[0] is empty",
        "18: to names the unknown state 'FAILLED'",
        "19: transitions[3].max is 0",
        "23: intents[1].type is 'EVENTS_PUBLISH'",
    ]


def test_an_unreachable_state_is_found_beside_faults_that_have_nothing_to_do_with_it(tmp_path: Path) -> None:
    text = ORDER.replace("version: 1", "version: 0").replace("  NEW:\n", "  NEW:\n  LOST:\n")
    assert [fault.split(". ")[0] for fault in faults_of(tmp_path / "order.yaml", text)] == [
        "2: version is 0",
        "6: no transitions lead from 'NEW' to the state 'LOST'",
    ]


def test_a_state_may_be_called_like_an_intent(tmp_path: Path) -> None:
    text = ORDER.replace("NEW", "WORKFLOW_TRIGGER").replace(
        "WORKFLOW_TRIGGER:\n", "WORKFLOW_TRIGGER: {timout: 5m}\n", 1
    )
    assert faults_of(tmp_path / "order.yaml", text) == [
        "5: states.WORKFLOW_TRIGGER has the unknown key 'timout'. Did you mean 'timeout'?"
    ]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (f"{LONG}", f"5: states.{LONG!r} has 51 characters. Use at most 50."),
        ('""', "5: states.'' is empty. Write at least one character."),
        ('"A\\0"', "5: states.'A\\x00' is 'A\\x00', which holds a NUL. Remove it."),
    ],
)
def test_the_name_of_a_state_keeps_the_rules_of_a_name(tmp_path: Path, name: str, fault: str) -> None:
    assert fault in faults_of(tmp_path / "order.yaml", ORDER.replace("  NEW:\n", f"  {name}:\n"))


def test_a_fault_is_one_line_whatever_the_file_holds(tmp_path: Path) -> None:
    text = ORDER.replace("  NEW:\n", '  "A\\nB": {"\\n": 1, timeout: "\\n"}\n').replace("EVENT_PUBLISH", '"\\n"')
    assert all("\n" not in fault for fault in faults_of(tmp_path / "order.yaml", text))
