"""Real workers in interleavings that processes hit rarely. And: without any one guard of the tables they go wrong.

INTERLEAVINGS asks for more of them than CI has time for.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from interleavings import Interleavings
from model_store import Guards

_SETTINGS = settings(max_examples=int(os.environ.get("INTERLEAVINGS", "150")), stateful_step_count=40)


def test_whatever_happens_the_tables_are_the_sequential_fold_and_every_partition_is_projected() -> None:
    run_state_machine_as_test(Interleavings, settings=_SETTINGS)


@pytest.mark.parametrize(
    ("guards", "goes_wrong"),
    [
        pytest.param(Guards(epoch=False), "a fenced worker wrote|nobody projects", id="epoch"),
        pytest.param(Guards(start=False), "was judged before", id="start"),
        pytest.param(Guards(identities=False), "is not", id="identities"),
        pytest.param(Guards(revisions=False), "is not", id="revisions"),
    ],
)
def test_without_this_guard_an_interleaving_is_found_that_goes_wrong(guards: Guards, goes_wrong: str) -> None:
    machine = type("Unguarded", (Interleavings,), {"guards": guards})
    search = settings(_SETTINGS, max_examples=1000, derandomize=True, database=None, phases=[Phase.generate])
    with pytest.raises(AssertionError, match=goes_wrong):
        run_state_machine_as_test(machine, settings=search)
