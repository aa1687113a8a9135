"""docs/reference, generated from the program itself: `python -m scripts.reference [--check]`.

Neither the terminal nor the environment has a say in it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.reference.commands import commands_page
from scripts.reference.documents import json_page
from scripts.reference.facts import facts_page
from scripts.reference.metrics import metrics_page
from scripts.reference.settings import settings_page

DIRECTORY = Path(__file__).parents[2] / "docs" / "reference"


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or with `--check` say which are stale; 0 when all are as they should be, else 1."""
    parser = argparse.ArgumentParser(prog="python -m scripts.reference", description="Write docs/reference.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a page is stale")
    check = parser.parse_args(arguments).check
    pages = {
        "commands.md": commands_page(),
        "settings.md": settings_page(),
        "json.md": json_page(),
        "facts.md": facts_page(),
        "metrics.md": metrics_page(),
    }
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    stale = [name for name, text in pages.items() if _read(DIRECTORY / name) != text]
    for name in stale:
        if check:
            sys.stderr.write(f"{DIRECTORY / name} is stale. Run `make reference` and commit what it writes.\n")
        else:
            (DIRECTORY / name).write_text(pages[name], encoding="utf-8")
    return 1 if check and stale else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
