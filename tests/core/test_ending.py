"""The end of a worker is told, and an error as what it is."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import pytest

from foldline import facts
from foldline.ending import ending
from foldline.errors import GroupError

SECRET = "s3cret"


def _ends_with(error: BaseException | None) -> facts.Fact:
    told: list[facts.Fact] = []
    with suppress(BaseException), ExitStack() as stack:
        stack.push(ending("host:1", told.append))
        if error is not None:
            raise error
    (fact,) = told
    return fact


def test_a_worker_that_has_drained_has_stopped() -> None:
    assert _ends_with(None) == facts.WorkerStopped("host:1")


def test_an_error_is_told_with_its_remedy() -> None:
    error = GroupError("Another worker took our place.", remedy="Give each its own id.")
    assert _ends_with(error) == facts.WorkerFailed("host:1", "Another worker took our place.", "Give each its own id.")


@pytest.mark.parametrize(("error", "named"), [(RuntimeError(SECRET), "RuntimeError"), (KeyboardInterrupt(), "drained")])
def test_what_nobody_foresaw_is_no_drained_end_and_its_text_may_be_secret(error: BaseException, named: str) -> None:
    fact = _ends_with(error)
    assert isinstance(fact, facts.WorkerFailed)
    assert named in fact.problem
    assert fact.remedy
    assert SECRET not in str(fact)


def test_the_error_goes_on() -> None:
    stack = ExitStack()
    stack.push(ending("host:1", lambda _: None))
    with pytest.raises(GroupError), stack:
        raise GroupError("It is over.")
