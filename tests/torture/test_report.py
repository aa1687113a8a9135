"""What people read of a seed: the command that it names tries the same again."""

from __future__ import annotations

import shlex

import pytest

from torture.__main__ import asked
from torture.report import again, faults
from torture.schedule import conditions
from torture.trial import Outcome


@pytest.mark.parametrize("without", [None, "fence"])
@pytest.mark.parametrize("seconds", [120.0, 7.5])
def test_a_fault_names_the_command_that_tries_the_same_again(seconds: float, without: str | None) -> None:
    outcome = Outcome(7, conditions(7), differences=["something"])
    *_, last = faults(outcome, again(7, seconds, without)).splitlines()
    label, _, command = last.partition(":")
    assert label.strip() == "again"
    program, options = shlex.split(command)[:3], asked(shlex.split(command)[3:])
    assert program == ["python", "-m", "torture"]
    assert (options.seed, options.seeds, options.seconds, options.without) == (7, 1, seconds, without)
