"""`foldline machines diff`: the definitions of a deployment to come, beside those that judge in a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import Commands
from foldline.core.batch import Partition
from foldline.machines import load_file
from harness import REVIEW, TRANSITIONS, Projector, transition

ONE = Partition(TRANSITIONS.topic, 1)
REOPENED = REVIEW.replace("version: 7", "version: 8") + "  - {action: REOPEN, from: DONE, to: OPEN, max: 2}\n"


@pytest.fixture
def review(foldline: Commands, projector: Projector) -> Path:
    """The file of a machine of the user's own, the only one that is loaded; version 7 judges two partitions."""
    path = foldline.directory / "mine" / "review.yaml"
    path.parent.mkdir()
    path.write_text(REVIEW, encoding="utf-8")
    foldline.set(FOLDLINE_MACHINES="mine", FOLDLINE_SHIPPED_MACHINES="off", DATABASE_URL=projector.database_url)
    projector.machines = {"REVIEW": load_file(path)}
    for partition in (TRANSITIONS, ONE):
        projector.project(transition("CLOSE", fsm_type="REVIEW", entity_id=str(partition)), partition=partition)
    return path


def test_what_judges_already_changes_nothing(foldline: Commands, review: Path) -> None:
    answer = foldline("machines", "diff")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "REVIEW: version 7, as it judges now",
        "  version 7 judges fsm.transitions.v1[0], fsm.transitions.v1[1]",
        "A worker with these would run.",
    ]
    review.unlink()
    withdrawn = foldline("machines", "diff")
    assert withdrawn.out.startswith("REVIEW: not loaded: it would be withdrawn, and its events rejected as unknown_fsm")
    assert withdrawn.code == 0


def test_a_newer_version_is_told_change_by_change_also_while_it_is_deployed(
    foldline: Commands, projector: Projector, review: Path
) -> None:
    review.write_text(REOPENED, encoding="utf-8")
    assert foldline("machines", "diff").out.splitlines() == [
        "REVIEW: version 8 takes over with the next batch of 2 partitions",
        "  version 7 judges fsm.transitions.v1[0], fsm.transitions.v1[1]",
        "  changed since version 7:",
        "    + transition REOPEN from DONE: to OPEN, max 2",
        "A worker with these would run.",
    ]
    projector.machines = {"REVIEW": load_file(review)}
    projector.project(transition("CLOSE", fsm_type="REVIEW", entity_id="x"), partition=ONE, start=1)
    told = foldline("machines", "diff", "--json").json
    assert told["would_run"] is True
    (only,) = told["machines"]
    assert (only["standing"], only["loaded_version"]) == ("activated", 8)
    assert [(each["partition"], each["version"]) for each in only["active"]] == [(0, 7), (1, 8)]
    assert [each["version"] for each in only["differences"]] == [7]

    review.write_text(REVIEW, encoding="utf-8")
    refused = foldline("machines", "diff")
    assert refused.code == 1
    assert "REFUSED: version 7 is older than one that has judged events" in refused.out
    assert "    - transition REOPEN from DONE: to OPEN, max 2" in refused.out
    assert refused.err == (
        "foldline: A worker would be refused: REVIEW version 7 is older than 8, which has judged events."
        " Run the newer definition, or publish this one under a higher version.\n"
    )


def test_another_content_under_the_same_version_is_refused(foldline: Commands, review: Path) -> None:
    review.write_text(REVIEW.replace("DONE: {final: true}", "DONE: {timeout: 2h}"), encoding="utf-8")
    answer = foldline("machines", "diff", "--json")
    assert answer.code == 1
    told = answer.document
    assert told["would_run"] is False
    (only,) = told["machines"]
    assert (only["standing"], only["remedy"]) == ("refused_changed", "Raise its version with every change.")
    (change,) = only["differences"][0]["changes"]
    assert change == {"kind": "changed", "what": "state", "name": "DONE", "before": "final", "after": "timeout 2h"}


def test_before_the_first_batch_no_machine_has_judged(foldline: Commands, projector: Projector) -> None:
    foldline.set(DATABASE_URL=projector.database_url)
    answer = foldline("machines", "diff")
    assert answer.code == 0
    assert answer.out.count("version 1 has never judged") == 3
