from __future__ import annotations

from collections.abc import Iterator

import pytest

from worker_processes import kill_all


@pytest.fixture(autouse=True)
def _no_worker_outlives_its_test() -> Iterator[None]:
    yield
    kill_all()
