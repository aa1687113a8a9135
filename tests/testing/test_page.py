"""What docs/test-your-events.md shows of the plugin, done as it says."""

from __future__ import annotations

import pytest

import pages

pytest_plugins = ("pytester",)


def blocks(language: str) -> list[str]:
    return pages.blocks(pages.page("test-your-events.md"), language)


@pytest.fixture
def team(pytester: pytest.Pytester) -> pytest.Pytester:
    """A directory with the page's machine, configuration and tests."""
    (machine,), (ini,), (tests, failing) = blocks("yaml"), blocks("ini"), blocks("python")
    pytester.makefile(".yaml", **{"machines/review": machine})
    pytester.makeini(ini)
    pytester.makepyfile(test_review=tests, test_failing=f"from test_review import review_event\n{failing}")
    return pytester


def test_the_tests_of_the_page_pass(team: pytest.Pytester) -> None:
    team.runpytest_inprocess("-W", "error", "test_review.py").assert_outcomes(passed=3)


def test_the_failure_of_the_page_is_the_one_that_is_shown(team: pytest.Pytester) -> None:
    result = team.runpytest_inprocess("test_failing.py")
    result.assert_outcomes(failed=1)
    shown = blocks("text")[-1].splitlines()
    assert [line for line in result.outlines if line.startswith("E ")] == shown
