"""The wheel holds everything that foldline needs at run time, and its plugin is quiet in somebody else's pytest."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).parents[2]
_ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from foldline import machines, resources
print(machines.__file__, len(machines.load_machines([])), len(list(resources.MIGRATIONS.glob("*.sql"))))
"""


_TEST = """
import foldline

def test_an_event(dry_run):
    assert foldline.__file__.startswith({inside!r})
    dry_run.assert_undecodable("invalid", {{}})
"""


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in the wheel."""
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory],
        cwd=_CHECKOUT,
        check=True,
        capture_output=True,
    )
    (wheel,) = directory.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(directory / "inside")
    return directory / "inside"


def test_migrations_machines_schemas_and_statements_travel_inside_the_wheel(inside: Path, tmp_path: Path) -> None:
    package = inside / "foldline"
    there = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    for directory in ("migrations", "schemas"):
        wanted = {
            path.relative_to(_CHECKOUT).as_posix() for path in (_CHECKOUT / directory).rglob("*") if path.is_file()
        }
        assert wanted
        assert wanted <= there
    statements = {path.name for path in (_CHECKOUT / "src/foldline/postgres/sql").glob("*.sql")}
    assert {f"postgres/sql/{name}" for name in statements} <= there
    assert {"py.typed", "roles.sql", "embedded/kafka.lock"} <= there
    found = subprocess.run(
        [sys.executable, "-c", _ASK, inside], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.split()
    assert found[0].startswith(str(inside))
    assert found[1:] == ["3", str(len(list((_CHECKOUT / "migrations").glob("*.sql"))))]


@pytest.mark.parametrize("program", ["import pytest", "import foldline.errors, pytest"])
def test_pytest_finds_the_plugin_and_has_nothing_to_warn_of(inside: Path, tmp_path: Path, program: str) -> None:
    (tmp_path / "test_event.py").write_text(_TEST.format(inside=str(inside)))
    run = "sys.exit(pytest.main(['-W', 'error', '-p', 'no:cacheprovider']))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path.insert(0, sys.argv[1]); {program}; {run}", inside],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
