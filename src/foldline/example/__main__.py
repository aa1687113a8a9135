"""`python -m foldline.example DIRECTORY` writes the files of the example; with `--check` it only compares them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from foldline.example.files import differing_files, write_files


def main(words: list[str] | None = None) -> int:
    """Write or compare, and return the exit code: 1 if a compared file differs."""
    parser = ArgumentParser(prog="python -m foldline.example", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--check", action="store_true", help="compare the files in place of writing them")
    asked = parser.parse_args(words)
    if not asked.check:
        write_files(asked.directory)
        return 0
    differing = differing_files(asked.directory)
    if differing:
        sys.stderr.write(
            f"{asked.directory}: {', '.join(differing)} differ from what the generator writes.\n"
            f"Write them again: python -m foldline.example {asked.directory}\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
