"""Apply the migrations: the seed's runner, a thin front of `foldline migrate`."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser

try:
    from foldline.cli import main
except ImportError:
    sys.exit("foldline is not installed for this Python. Run it with the one of the project: .venv/bin/python")


def run() -> None:
    """Set the database, if one is named, and leave the rest to `foldline migrate`; ends by SystemExit."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--status", action="store_true", help="say what is applied; change nothing")
    parser.add_argument("--database-url", metavar="URL", help="the database; DATABASE_URL unless given")
    asked, unknown = parser.parse_known_args()
    if unknown:  # not repeated: it may be a URL with a password
        parser.error("there are only the options --status and --database-url URL")
    if asked.database_url is not None:
        os.environ["DATABASE_URL"] = asked.database_url
    main(["migrate", "--status"] if asked.status else ["migrate"])


if __name__ == "__main__":
    run()
