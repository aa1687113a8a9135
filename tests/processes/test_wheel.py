"""The wheel holds everything that foldline needs at run time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

_CHECKOUT = Path(__file__).parents[2]
_ASK = """
import sys
sys.path.insert(0, sys.argv[1])
from foldline import machines, resources
print(machines.__file__, len(machines.load_machines([])), len(list(resources.MIGRATIONS.glob("*.sql"))))
"""


def test_migrations_machines_schemas_and_statements_travel_inside_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=_CHECKOUT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    inside = tmp_path / "inside"
    zipfile.ZipFile(wheel).extractall(inside)
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
    assert {"py.typed", "embedded/kafka.lock"} <= there
    found = subprocess.run(
        [sys.executable, "-c", _ASK, inside], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.split()
    assert found[0].startswith(str(inside))
    assert found[1:] == ["3", str(len(list((_CHECKOUT / "migrations").glob("*.sql"))))]
