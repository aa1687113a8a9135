"""The pytest plugin as an upstream team has it: found by its entry point, in a directory of their own."""

from __future__ import annotations

import pytest

from harness import REVIEW

pytest_plugins = ("pytester",)

EVENTS = """
def event(action, **fields):
    return {
        "correlation_id": "c-1",
        "occurred_at": "2026-01-31T12:00:00Z",
        "fsm_type": "REVIEW",
        "entity_id": "r-1",
        "action": action,
    } | fields
"""


@pytest.fixture
def team(pytester: pytest.Pytester) -> pytest.Pytester:
    """A directory with a machine, its configuration, and a module of events."""
    pytester.makefile(".yaml", **{"machines/review": REVIEW})
    pytester.makeini("[pytest]\nfoldline_machines = machines\n")
    pytester.makepyfile(events=EVENTS)
    return pytester


def run(team: pytest.Pytester, test: str, *options: str) -> pytest.RunResult:
    team.makepyfile(test_review=f"import pytest\nfrom events import event\n{test}")
    return team.runpytest_inprocess("-W", "error", "--strict-markers", "--strict-config", *options)


def test_events_are_tested_on_the_teams_own_machine(team: pytest.Pytester) -> None:
    result = run(
        team,
        """
def test_a_review_is_closed_once(dry_run):
    (closed,) = dry_run.assert_applied(event("CLOSE"))
    assert closed.hop == "OPEN -> DONE"
    assert dry_run.state("REVIEW", "r-1") == "DONE"
    dry_run.assert_duplicate(event("CLOSE"))
    dry_run.assert_rejected("illegal_transition", event("CLOSE", event_id="2"))

def test_each_test_starts_from_nothing(dry_run):
    assert dry_run.state("REVIEW", "r-1") is None

def test_the_shipped_machines_are_there_too(dry_run):
    dry_run.assert_applied(event("START_PROCESSING", fsm_type="INGESTION"))
""",
    )
    result.assert_outcomes(passed=3)


def test_a_failure_is_the_line_of_the_test_and_what_to_do(team: pytest.Pytester) -> None:
    result = run(
        team,
        """
def test_a_review_is_reopened(dry_run):
    dry_run.assert_applied(event("REOPEN"))
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       dry_run.assert_applied(event("REOPEN"))',
            "E       AssertionError: event 1, REVIEW r-1, is rejected (unknown_action), not applied",
            "E         unknown_action: REVIEW has no action REOPEN",
            "E         action: Known: CLOSE, CREATE, CORRECT.",
        ]
    )
    result.stdout.no_fnmatch_line("*_each*")


def test_a_machine_that_is_none_fails_the_test_in_a_sentence(team: pytest.Pytester) -> None:
    (team.path / "machines" / "review.yaml").write_text(REVIEW.replace("to: DONE", "to: DNOE"))
    result = run(team, "def test_nothing(dry_run): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["foldline_machines: *review.yaml:9:*Did you mean 'DONE'?"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_another_machine_for_some_tests_is_a_fixture_of_the_same_name(team: pytest.Pytester) -> None:
    result = run(
        team,
        """
from foldline.testing import DryRun

@pytest.fixture
def dry_run():
    return DryRun.on("machines", shipped=False)

def test_only_ours(dry_run):
    dry_run.assert_applied(event("CLOSE"))
    dry_run.assert_rejected("unknown_fsm", event("START_PROCESSING", fsm_type="INGESTION"))
""",
    )
    result.assert_outcomes(passed=1)


def test_without_any_configuration_the_shipped_machines_judge(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(events=EVENTS)
    test = "def test_it(dry_run): dry_run.assert_applied(event('START_PROCESSING', fsm_type='INGESTION'))"
    run(pytester, test).assert_outcomes(passed=1)


def test_it_can_be_left_out_as_any_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(events=EVENTS)
    result = run(pytester, "def test_it(dry_run): pass", "-p", "no:foldline")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'dry_run' not found*"])


def test_it_imports_nothing_before_a_test_asks_for_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_unused="""
import sys

def test_first():
    assert "foldline.pytest_plugin" in sys.modules
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"msgspec", "pydantic", "yaml", "confluent_kafka", "psycopg", "typer"}
    assert [name for name in sys.modules if name.startswith("foldline.")] == ["foldline.pytest_plugin"]

def test_then(dry_run):
    assert "msgspec" in sys.modules
    assert not {"confluent_kafka", "psycopg", "typer"} & {name.partition(".")[0] for name in sys.modules}
"""
    )
    pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider").assert_outcomes(passed=2)
