"""The end of a seed: verify has nothing to say of sound tables, names a forged row, and is not believed blindly."""

from __future__ import annotations

from pathlib import Path

from torture.installation import Installation
from torture.log import Log
from torture.schedule import Conditions
from torture.trial import catch_up, compared
from torture.verifying import FORGERIES, seen, verified
from torture.writing import write_all

_UNDER = Conditions("consumer", static=False, workers=1, batch_size=100)


def test_verify_finds_nothing_where_the_oracle_finds_nothing_and_then_just_what_is_forged(
    place: Installation, tmp_path: Path
) -> None:
    write_all(Log(3, *place.topics), place.bootstrap_servers, 400)
    assert catch_up(place, _UNDER, tmp_path) == []
    assert compared(place)[1] == []
    assert list(verified(place, _UNDER, tmp_path, by_hand=0)) == []
    assert list(seen(place, _UNDER, tmp_path, 0)) == []
    (said,) = seen(place, _UNDER, tmp_path, 1)  # there are two forged rows by now
    assert all(forgery.table in said for forgery in FORGERIES[:2])
