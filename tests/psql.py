"""psql out of the embedded PostgreSQL's wheel, and bash with it on the PATH."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from foldline.embedded.wheel import postgres_programs

CHECKOUT = Path(__file__).parents[1]


def bash(lines: str, database_url: str) -> subprocess.CompletedProcess[str]:
    """Run lines in the checkout, with psql, python and foldline on the PATH and the database in DATABASE_URL."""
    environment = {
        "PATH": bash_path(),
        "HOME": os.environ.get("HOME", "/"),
        "DATABASE_URL": as_url(database_url),
        "PGOPTIONS": "-c client_min_messages=warning",
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def bash_path() -> str:
    """A PATH that begins with psql, and python and foldline as they run here."""
    programs = postgres_programs(CHECKOUT, 18, None)
    return os.pathsep.join([str(programs), str(Path(sys.prefix) / "bin"), os.environ["PATH"]])


def psql(database_url: str, path: Path) -> None:
    """Run a file with psql: statement by statement, each in a transaction of its own, up to the first error."""
    done = bash(f'psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 "$DATABASE_URL" -f "{path}"', database_url)
    assert done.returncode == 0, done.stderr


def as_url(conninfo: str) -> str:
    """A connection string as a URL, since lines of shell are split at blanks."""
    part = {name: quote(str(value), safe="") for name, value in conninfo_to_dict(conninfo).items()}
    password = f":{part['password']}" if "password" in part else ""
    return f"postgresql://{part['user']}{password}@{part['host']}:{part['port']}/{part['dbname']}"
