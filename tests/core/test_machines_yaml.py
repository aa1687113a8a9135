"""Files that are no YAML, or more YAML than a definition may use: the line, the problem, the remedy."""

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
REACH = "Add a transition to it, or remove the state."
VALUE = "Give it one, or leave the key out."

YAML = [
    ("  NEW:\n", "  NEW:\n  NEW:\n", "6: the key 'NEW' stands twice, first on line 5. Keep one of the two."),
    ("initial: NEW", "initial: NEW\nversion: 2",
     "4: the key 'version' stands twice, first on line 2. Keep one of the two."),
    ("max: 3", "max: 3, max: 3", "19: the key 'max' stands twice, first on line 19. Keep one of the two."),
    ("  NEW:\n", "  NEW:\n  404:\n", '6: the key 404 is not text. Write it in quotes: "404".',
     "6: no transitions lead from 'NEW' to the state '404'. Add a transition to it, or remove the state."),
    ("  NEW:\n", "  NEW:\n  <<: {A: }\n", "6: merge keys are not read. Write the keys out."),
    ("  NEW:\n", "  NEW:\n  [A]: \n", "6: a key is a list or a mapping. Write one name as the key."),
    ("timeout: 5m", "timeout: !!str 5m, final: !flag true",
     "6: the tag '!flag' has no meaning for 'true'. Remove it.",
     "6: states.PAID.final is 'true'. Write true or false, without quotes."),
    ("timeout: 5m", "final: !!bool yes", "6: states.PAID.final is 'yes'. Write true or false, without quotes.",
     "6: the tag 'tag:yaml.org,2002:bool' has no meaning for 'yes'. Remove it."),
    ("[reason]", "!!set [reason]", "10: the tag 'tag:yaml.org,2002:set' has no meaning here. Remove it."),
    ("[reason]", "&r [reason, *r]", "10: an alias leads back to what contains it. Write the value out.",
     "10: states.FAILED.requires[1] has no value. " + VALUE),
    ("target: effect", 'target: "\\uD800"', "24: '\\ud800' holds half a surrogate pair. Write the whole character."),
    ("intents:", "intents: ]", "20: not YAML: expected the node content, but found ']'. Correct it here or above."),
    ("  PAID:", "\tPAID:", "6: not YAML: found character '\\t' that cannot start any token. Correct it here or above."),
    ("target: effect", 'target: "\\UFFFFFFFF"', "24: not YAML: no such character. Correct it."),
    ("target: effect", "target: \a", "24: the character U+0007 may not stand in YAML. Remove it."),
    ("intents:", "---\nintents:", "20: not YAML: but found another document. Correct it here or above."),
    ("target: effect", f"target: {'[' * 40}", "24: not YAML: nested deeper than 32. Correct it here or above."),
    ("target: effect", "target: *nobody", "24: not YAML: found undefined alias 'nobody'. Correct it here or above."),
]  # fmt: skip

WHOLE_FILES = [
    ("", " the file says nothing. Write a machine, or remove the file."),
    ("# only a comment\n", " the file says nothing. Write a machine, or remove the file."),
    ("---\n", " the file says nothing. Write a machine, or remove the file."),
    ("\n\nORDER\n", "3: the file is 'ORDER', not a mapping. Write `key: value` pairs."),
    ("- fsm_type: ORDER\n", "1: the file is a list, not a mapping. Write `key: value` pairs."),
    ("[1, 2", "1: not YAML: expected ',' or ']', but got '<stream end>'. Correct it here or above."),
]  # fmt: skip


def faults_of(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MachineFaults) as caught:
        load_file(path)
    return [str(fault).removeprefix(str(path)).removeprefix(":") for fault in caught.value.faults]


@pytest.mark.parametrize("example", YAML, ids=lambda example: f"{example[1]!a:.40}"[1:])
def test_a_fault_has_its_line_and_its_remedy(tmp_path: Path, example: tuple[str, ...]) -> None:
    old, new, *faults = example
    assert ORDER.count(old) == 1 or old == "max: 3"
    found = faults_of(tmp_path / "order.yaml", ORDER.replace(old, new))
    assert sorted(found) == sorted(faults)


@pytest.mark.parametrize(("text", "fault"), WHOLE_FILES)
def test_a_file_that_is_no_definition(tmp_path: Path, text: str, fault: str) -> None:
    assert faults_of(tmp_path / "order.yaml", text) == [fault]


def test_aliases_of_aliases_are_not_written_out(tmp_path: Path) -> None:
    doubled = [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 31)]
    found = faults_of(tmp_path / "order.yaml", "\n".join(["a0: &a0 x", *doubled]))
    assert found == [
        " more than 100000 values or nested deeper than 32, aliases written out. Use fewer aliases.",
    ]


def test_a_chain_of_aliases_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    chain = [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 400)]
    found = faults_of(tmp_path / "order.yaml", "\n".join(["a0: &a0 x", *chain]))
    assert found == [
        " more than 100000 values or nested deeper than 32, aliases written out. Use fewer aliases.",
    ]
