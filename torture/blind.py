"""A worker that is blind in one eye: the product with one of its SQL statements replaced, to see what the proof sees.

`python -m torture.blind GUARD run …` is `foldline run …` without that guard. The product has no switch for this.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from foldline.cli import main
from foldline.postgres import queries

GUARDS: dict[str, dict[str, tuple[str, str]]] = {
    "fence": {
        "move_position": (
            "   AND epoch = %(epoch)s\n   AND next_offset = %(start)s",
            "   AND %(epoch)s + %(start)s >= 0",
        )
    },
    "identities": {
        "known_identities": ("WHERE digest =", "WHERE false AND digest ="),
        "add_identities": (
            "ON CONFLICT DO NOTHING",
            "ON CONFLICT (digest) DO UPDATE SET rejected = excluded.rejected",
        ),
    },
    "revision": {
        "upsert_entities": ("WHERE held.revision = excluded.previous_revision", "WHERE true"),
        "check_entities": ("WHERE held.revision = seen.revision", "WHERE true"),
    },
}
"""What each guard is, as a replacement in the statements that keep it."""


def blinded(guard: str, directory: Path) -> None:
    """Write all statements to this directory, those of the guard changed, and have the product read them there.

    Raises:
        LookupError: a statement no longer says what is to be replaced.
    """
    shutil.copytree(queries.DIRECTORY, directory, dirs_exist_ok=True)
    for name, (said, instead) in GUARDS[guard].items():
        file = directory / f"{name}.sql"
        text = file.read_text(encoding="utf-8")
        if text.count(said) != 1:
            raise LookupError(f"{name}.sql does not say {said!r} once: change {__name__}.GUARDS with it")
        file.write_text(text.replace(said, instead), encoding="utf-8")
    queries.DIRECTORY = directory


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="foldline-blind-") as name:
        blinded(sys.argv.pop(1), Path(name))
        sys.exit(main())
