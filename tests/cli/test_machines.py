"""`foldline machines`: the list, the check and the graph, on files and without any server."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import Commands
from foldline.machines import load_machines
from foldline.machines.graph import dot, mermaid

REVIEW = """\
fsm_type: REVIEW
version: 3
initial: OPEN
lease: required
corrections: refused
states: {OPEN: , DONE: {final: true}, FAILED: {error: true}}
transitions:
  - {action: FINISH, from: OPEN, to: DONE}
  - {action: FAIL, from: OPEN, to: FAILED}
  - {action: RETRY, from: FAILED, to: OPEN, max: 2}
"""


@pytest.fixture
def review(foldline: Commands) -> Path:
    """The file of a machine of the user's own, in a directory that the settings name."""
    path = foldline.directory / "mine" / "review.yaml"
    path.parent.mkdir()
    path.write_text(REVIEW, encoding="utf-8")
    foldline.set(FOLDLINE_MACHINES="mine")
    return path


def test_the_list_tells_each_machine_and_where_it_comes_from(foldline: Commands, review: Path) -> None:
    replacing = review.with_name("ingestion.yaml")
    replacing.write_text(REVIEW.replace("REVIEW", "INGESTION"), encoding="utf-8")
    _, ingestion, learning, _, ours = foldline("machines").out.splitlines()
    assert ingestion.endswith("mine/ingestion.yaml, instead of the shipped one")
    assert learning.endswith("shipped")
    cells = ("REVIEW", "3", "OPEN", "DONE", "RETRY (max 2)", "lease required, corrections refused", "mine/review.yaml")
    assert all(cell in ours for cell in cells)


@pytest.mark.usefixtures("review")
def test_the_list_for_programs(foldline: Commands) -> None:
    *shipped, ours = foldline("machines", "--json").json
    assert [each["fsm_type"] for each in shipped] == ["INGESTION", "PATTERN_LEARNING", "QUALITY_ASSESSMENT"]
    assert all(each["shipped"] and each["version"] == 1 for each in shipped)
    assert len(ours.pop("digest")) == 64
    assert ours == {
        "fsm_type": "REVIEW",
        "version": 3,
        "file": "mine/review.yaml",
        "shipped": False,
        "replaces_shipped": False,
        "states": 3,
        "transitions": 3,
        "initial": "OPEN",
        "final": ["DONE"],
        "retries": [{"action": "RETRY", "max": 2}],
        "lease_required": True,
        "corrections_refused": True,
    }
    documented = (Path(__file__).parents[2] / "docs" / "machines.md").read_text(encoding="utf-8")
    assert all(f"`{key}`" in documented for key in [*ours, "digest"])


def test_without_machines_the_list_is_empty(foldline: Commands) -> None:
    foldline.set(FOLDLINE_SHIPPED_MACHINES="off")
    assert foldline("machines").out == "No machine is loaded.\n"
    assert foldline("machines", "--json").json == []


@pytest.mark.usefixtures("review")
def test_what_the_settings_name_is_checked(foldline: Commands) -> None:
    answer = foldline("machines", "check")
    assert (answer.code, answer.err) == (0, "")
    *_, ours, summary = answer.out.splitlines()
    assert ours == "mine/review.yaml: ok: REVIEW version 3, 3 states, 3 transitions"
    assert summary == "4 machines, no fault."


def test_a_remark_is_no_fault(foldline: Commands, review: Path) -> None:
    review.write_text(REVIEW.replace("from: FAILED", "from: OPEN"), encoding="utf-8")
    answer = foldline("machines", "check", "mine")
    assert (answer.code, answer.err) == (0, "")
    _, remark, summary = answer.out.splitlines()
    assert remark.startswith("mine/review.yaml:6: remark: no transition leads out of the error state 'FAILED'")
    assert summary == "1 machine, no fault, 1 remark."
    (told,) = foldline("machines", "check", "mine", "--json").json["remarks"]
    assert (told["file"], told["line"]) == ("mine/review.yaml", 6)


@pytest.mark.usefixtures("review")
def test_every_fault_is_told_at_once(foldline: Commands) -> None:
    broken = REVIEW.replace("version: 3", "version: 0").replace("to: DONE", 'to: "DON\\e"')
    (foldline.directory / "broken.yaml").write_text(broken, encoding="utf-8")
    words = ("machines", "check", "broken.yaml", "mine", "gone")
    answer = foldline(*words)
    assert answer.code == 1
    assert answer.out.splitlines() == [
        "mine/review.yaml: ok: REVIEW version 3, 3 states, 3 transitions",
        "broken.yaml:2: fault: version is 0. Write a whole number of at least 1.",
        "broken.yaml:8: fault: to names the unknown state 'DON\\x1b'. Did you mean 'DONE'?",
        "gone: fault: cannot be read: No such file or directory. Make it a readable file, or remove it.",
        "mine/review.yaml:1: fault: 'REVIEW' is also defined in broken.yaml. Keep one of the two files.",
    ]
    assert answer.err == "foldline: 4 faults in the definitions. Each has its remedy.\n"


def test_faults_for_programs(foldline: Commands) -> None:
    (foldline.directory / "broken.yaml").write_text(REVIEW.replace("version: 3", "version: 0"), encoding="utf-8")
    answer = foldline("machines", "check", "broken.yaml", "--json")
    assert answer.code == 1
    fault = {"file": "broken.yaml", "line": 2, "problem": "version is 0"}
    (told,) = answer.document["faults"]
    assert fault.items() <= told.items()
    assert told["remedy"]


def test_other_commands_tell_the_first_fault_and_where_the_others_are(foldline: Commands, review: Path) -> None:
    review.write_text(REVIEW.replace("version: 3", "version: 0").replace("to: DONE", "to: DON"), encoding="utf-8")
    answer = foldline("machines")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert answer.err.startswith("foldline: mine/review.yaml:2: version is 0. ")
    assert "`foldline machines check` lists all 2 faults." in answer.err


def test_a_machine_is_drawn_in_both_languages(foldline: Commands) -> None:
    ingestion = load_machines([])["INGESTION"]
    assert foldline("machines", "graph", "INGESTION").out == mermaid(ingestion)
    assert foldline("machines", "graph", "INGESTION", "--format", "dot").out == dot(ingestion)


@pytest.mark.usefixtures("review")
def test_the_only_machine_need_not_be_named(foldline: Commands) -> None:
    assert foldline("machines", "graph").code == 2
    assert "INGESTION, PATTERN_LEARNING" in foldline("machines", "graph").err
    foldline.set(FOLDLINE_SHIPPED_MACHINES="off")
    assert "%% REVIEW version 3" in foldline("machines", "graph").out
    unknown = foldline("machines", "graph", "REVEIW")
    assert (unknown.code, unknown.out) == (1, "")
    assert "Did you mean 'REVIEW'?" in unknown.err


@pytest.mark.parametrize("words", [["--json", "check"], ["graph", "INGESTION", "--format", "png"]], ids=" ".join)
def test_bad_usage_ends_with_2(foldline: Commands, words: list[str]) -> None:
    assert foldline("machines", *words).code == 2
