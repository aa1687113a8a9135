"""The pytest plugin `foldline`: the fixture `dry_run`. It imports nothing of foldline before a test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from foldline.core.machine import Machines
    from foldline.testing import DryRun

_OPTION = "foldline_machines"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Directories are relative to the file that names them."""
    parser.addini(
        _OPTION,
        "directories of machine definitions, beside the shipped ones, for the fixture dry_run",
        type="paths",
        default=[],
    )


@pytest.fixture(scope="session")
def _foldline_machines(pytestconfig: pytest.Config) -> Machines:
    from foldline.errors import MachineError  # noqa: PLC0415 - costs nothing where it is not used
    from foldline.machines import load_machines  # noqa: PLC0415

    try:
        return load_machines(pytestconfig.getini(_OPTION))
    except MachineError as error:
        pytest.fail(f"{_OPTION}: {error}", pytrace=False)


@pytest.fixture
def dry_run(_foldline_machines: Machines) -> DryRun:
    """What foldline would project, in memory and from nothing; see foldline.testing.DryRun."""
    from foldline.testing import DryRun  # noqa: PLC0415 - costs nothing where it is not used

    return DryRun(_foldline_machines)
