"""Files and directories of definitions: which are read, what they become, what stands in the way."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from foldline.core.machine import Intent, Machine, State, Transition
from foldline.errors import MachineError
from foldline.machines import MachineFaults, load_file, load_machines, restored, survey, survey_paths

ORDER = """\
fsm_type: ORDER
version: 7
initial: NEW
corrections: refused
states:
  NEW:
  PAID: {timeout: 5m}
  DONE: {final: true}
  FAILED: {error: true, requires: [reason, error_message]}
transitions:
  - {action: PAY, from: NEW, to: PAID}
  - {action: FAIL, from: [PAID, NEW], to: FAILED}
  - {action: RETRY, from: FAILED, to: PAID, max: 3}
  - {action: SHIP, from: PAID, to: DONE}
intents:
  - {when: PAID, type: WORKFLOW_TRIGGER, target: orchestrator, operation_type: SHIPPING}
  - {when: [FAILED, DONE], type: EVENT_PUBLISH, target: effect}
"""
ORDER_DOCUMENT = (
    '{"corrections_refused":true,"fsm_type":"ORDER","initial":"NEW","intents":['
    '{"target":"effect","type":"EVENT_PUBLISH","when":["DONE","FAILED"]},'
    '{"operation_type":"SHIPPING","target":"orchestrator","type":"WORKFLOW_TRIGGER","when":["PAID"]}],'
    '"states":{"DONE":{"final":true},"FAILED":{"error":true,"requires":["error_message","reason"]},'
    '"NEW":{},"PAID":{"timeout_seconds":300}},"transitions":['
    '{"action":"RETRY","from":"FAILED","max":3,"to":"PAID"},'
    '{"action":"FAIL","from":"NEW","to":"FAILED"},{"action":"PAY","from":"NEW","to":"PAID"},'
    '{"action":"FAIL","from":"PAID","to":"FAILED"},{"action":"SHIP","from":"PAID","to":"DONE"}],"version":7}'
)
SHIPPED = {"INGESTION", "PATTERN_LEARNING", "QUALITY_ASSESSMENT"}


def write(directory: Path, name: str, text: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(*directories: Path) -> list[str]:
    with pytest.raises(MachineFaults) as caught:
        load_machines(directories)
    return [str(fault) for fault in caught.value.faults]


def test_a_file_becomes_a_machine(tmp_path: Path) -> None:
    machine = load_file(write(tmp_path, "order.yaml", ORDER))
    assert machine == Machine(
        fsm_type="ORDER",
        version=7,
        initial="NEW",
        states={
            "NEW": State("NEW"),
            "PAID": State("PAID", 300.0),
            "DONE": State("DONE", final=True),
            "FAILED": State("FAILED", error=True, requires=("error_message", "reason")),
        },
        transitions={
            ("NEW", "PAY"): Transition("PAID"),
            ("NEW", "FAIL"): Transition("FAILED"),
            ("PAID", "FAIL"): Transition("FAILED"),
            ("FAILED", "RETRY"): Transition("PAID", max=3),
            ("PAID", "SHIP"): Transition("DONE"),
        },
        intents=(
            Intent(("DONE", "FAILED"), "EVENT_PUBLISH", "effect"),
            Intent(("PAID",), "WORKFLOW_TRIGGER", "orchestrator", "SHIPPING"),
        ),
        corrections_refused=True,
        document=ORDER_DOCUMENT,
        digest=hashlib.sha256(ORDER_DOCUMENT.encode()).hexdigest(),
    )
    assert machine.actions == {"PAY", "FAIL", "RETRY", "SHIP"}


def test_a_document_that_went_through_a_database_is_the_same_machine(tmp_path: Path) -> None:
    machine = load_file(write(tmp_path, "order.yaml", ORDER))
    stored = json.dumps(dict(reversed(json.loads(machine.document).items())), indent=2)
    assert restored(stored) == machine


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"fsm_type": "A", "version": 1, "initial": "B", "states": 3}'])
def test_a_document_that_no_release_wrote_is_refused(document: str) -> None:
    with pytest.raises(MachineError, match="not readable"):
        restored(document)


@pytest.mark.parametrize(
    ("timeout", "seconds"), [("30s", 30.0), ("5m", 300.0), ("2h", 7200.0), ("7d", 604800.0), ("1s", 1.0)]
)
def test_a_timeout_is_in_seconds(tmp_path: Path, timeout: str, seconds: float) -> None:
    machine = load_file(write(tmp_path, "order.yaml", ORDER.replace("5m", timeout)))
    assert machine.states["PAID"].timeout_seconds == seconds


def test_lease_required(tmp_path: Path) -> None:
    machine = load_file(write(tmp_path, "order.yaml", ORDER.replace("corrections: refused", "lease: required")))
    assert (machine.lease_required, machine.corrections_refused) == (True, False)


@pytest.mark.parametrize(
    "name", ["NO", "ON", "yes", "off", "Null", "True", "010", "0x1F", "1:30", "2024-01-31", "1.5", ".inf", "=", "'404'"]
)
def test_a_plain_word_stays_a_name(tmp_path: Path, name: str) -> None:
    machine = load_file(write(tmp_path, "order.yaml", ORDER.replace("PAID", name).replace("SHIP,", f"{name},")))
    assert name.strip("'") in machine.states
    assert name.strip("'") in machine.actions


def test_anchors_and_aliases_are_read(tmp_path: Path) -> None:
    text = ORDER.replace("from: [PAID, NEW]", "from: &open [PAID, NEW]")
    text = text.replace("action: SHIP, from: PAID, to: DONE", "action: SHIP, from: *open, to: DONE")
    assert ("NEW", "SHIP") in load_file(write(tmp_path, "order.yaml", text)).transitions


@pytest.mark.parametrize(
    "text", ["\ufeff" + ORDER, ORDER.replace("\n", "\r\n"), "# a comment\n---\n" + ORDER + "...\n"]
)
def test_how_editors_write_files_does_not_matter(tmp_path: Path, text: str) -> None:
    assert load_file(write(tmp_path, "order.yaml", text)).document == ORDER_DOCUMENT


def test_a_machine_without_transitions_has_one_state(tmp_path: Path) -> None:
    text = "{fsm_type: NOTE, version: 1, initial: WRITTEN, states: {WRITTEN: }, transitions: []}"
    assert load_file(write(tmp_path, "note.yml", text)).actions == frozenset()


def test_both_suffixes_are_read_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", ORDER)
    write(tmp_path, "b.yml", ORDER.replace("ORDER", "PARCEL"))
    write(tmp_path, "machine.schema.json", "{}")
    write(tmp_path, ".hidden.yaml", "nothing of use")
    write(tmp_path / "nested.yaml", "c.yaml", "nothing of use")
    assert set(load_machines([tmp_path], shipped=False)) == {"ORDER", "PARCEL"}
    assert set(load_machines([tmp_path])) == {"ORDER", "PARCEL", *SHIPPED}


def test_without_directories_and_shipped_machines_there_is_none() -> None:
    assert load_machines([], shipped=False) == {}


def test_a_directory_replaces_a_shipped_machine(tmp_path: Path) -> None:
    write(tmp_path, "mine.yaml", ORDER.replace("ORDER", "INGESTION"))
    loaded = load_machines([tmp_path])
    assert loaded["INGESTION"].initial == "NEW"
    assert set(loaded) == SHIPPED


def test_two_files_of_one_type_name_each_other(tmp_path: Path) -> None:
    first = write(tmp_path / "one", "a.yaml", ORDER)
    same = write(tmp_path / "one", "b.yaml", "\n" + ORDER)
    other = write(tmp_path / "two", "a.yaml", ORDER)
    remedy = "Keep one of the two files."
    assert faults_of(tmp_path / "one", tmp_path / "two") == [
        f"{same}:2: 'ORDER' is also defined in {first}. {remedy}",
        f"{other}:1: 'ORDER' is also defined in {first}. {remedy}",
    ]


def test_a_directory_named_twice_counts_once(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", ORDER)
    assert set(load_machines([tmp_path, tmp_path / ".." / tmp_path.name], shipped=False)) == {"ORDER"}


def test_every_file_and_directory_is_judged_at_once(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    plain = write(tmp_path, "plain", "")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    mine = tmp_path / "mine"
    a = write(mine, "a.yaml", ORDER.replace("version: 7", "version: 0"))
    b = mine / "b.yaml"
    b.symlink_to(mine / "gone.yaml")
    c = mine / "c.yaml"
    c.write_bytes(b"fsm_type: A\nversion: \xff\n")
    d = write(mine, "d.yaml", ORDER.replace("initial: NEW", "initial: OLD"))
    directory_remedy = "Correct FOLDLINE_MACHINES, or make the directory readable."
    assert faults_of(missing, plain, loop, mine) == [
        f"{loop}: not a readable directory: Too many levels of symbolic links. {directory_remedy}",
        f"{a}:2: version is 0. Write a whole number of at least 1.",
        f"{b}: cannot be read: No such file or directory. Make it a readable file, or remove it.",
        f"{c}:2: not UTF-8. Save the file as UTF-8.",
        f"{d}:1: 'ORDER' is also defined in {a}. Keep one of the two files.",
        f"{d}:3: initial names the unknown state 'OLD'. Known here: 'NEW', 'PAID', 'DONE', 'FAILED'.",
        f"{missing}: not a readable directory: No such file or directory. {directory_remedy}",
        f"{plain}: not a readable directory: Not a directory. {directory_remedy}",
    ]


@pytest.mark.parametrize("path", ["nowhere.yaml", ".", "a\0b.yaml"])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, path: str) -> None:
    with pytest.raises(MachineFaults, match="cannot be read"):
        load_file(tmp_path / path)


def test_the_faults_are_one_error_whose_line_says_the_first_and_where_the_others_are(tmp_path: Path) -> None:
    path = write(tmp_path, "order.yaml", ORDER.replace("version: 7", "verison: 7").replace("to: DONE", "to: DON"))
    with pytest.raises(MachineFaults) as caught:
        load_file(path)
    assert list(map(str, caught.value.faults)) == [
        f"{path}:1: the file has no `version`. Add it.",
        f"{path}:2: the file has the unknown key 'verison'. Did you mean 'version'?",
        f"{path}:14: to names the unknown state 'DON'. Did you mean 'DONE'?",
    ]
    more = "`foldline machines check` lists all 3 faults."
    assert str(caught.value) == f"{path}:1: the file has no `version`. Add it. {more}"
    with pytest.raises(MachineFaults) as caught:
        load_file(write(tmp_path, "order.yaml", ORDER.replace("to: DONE", "to: DON")))
    assert str(caught.value) == f"{path}:14: to names the unknown state 'DON'. Did you mean 'DONE'?"


def test_a_survey_says_where_each_machine_comes_from(tmp_path: Path) -> None:
    order = write(tmp_path, "order.yaml", ORDER)
    mine = write(tmp_path, "mine.yaml", ORDER.replace("ORDER", "INGESTION"))
    found = survey([tmp_path])
    assert not found.faults
    assert [(each.machine.fsm_type, each.shipped, each.replaces) for each in found.loaded] == [
        ("INGESTION", False, True),
        ("ORDER", False, False),
        ("PATTERN_LEARNING", True, False),
        ("QUALITY_ASSESSMENT", True, False),
    ]
    assert [each.file for each in found.loaded if not each.shipped] == [mine, order]


def test_files_and_directories_are_surveyed_as_one_set(tmp_path: Path) -> None:
    order = write(tmp_path / "one", "order.yaml", ORDER)
    again = write(tmp_path, "again.txt", ORDER)
    broken = write(tmp_path, "broken.yaml", ORDER.replace("version: 7", "version: 0").replace("ORDER", "PARCEL"))
    empty = tmp_path / "empty"
    empty.mkdir()
    found = survey_paths(
        [tmp_path / "one" / ".." / "one" / order.name, tmp_path / "one", again, broken, empty, tmp_path / "gone.yaml"]
    )
    assert [(each.machine.fsm_type, each.replaces) for each in found.loaded] == [("ORDER", False)]
    assert [(fault.file, fault.line, fault.problem) for fault in found.faults] == [
        (again, 1, f"'ORDER' is also defined in {order}"),
        (broken, 2, "version is 0"),
        (empty, None, "no definition lies here"),
        (tmp_path / "gone.yaml", None, "cannot be read: No such file or directory"),
    ]
