"""The files of the example: what each holds, byte for byte, and how those in a directory compare."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from foldline.example.log import DEFAULT_ENTITIES, DEFAULT_SEED, example_log
from foldline.example.undecodable import undecodable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def example_files() -> dict[str, bytes]:
    """Return the content of each file of the example by its name."""
    log = example_log(DEFAULT_SEED, DEFAULT_ENTITIES)
    undecodable = undecodable_lines()
    reasons = Counter(reason for reason, _ in undecodable)
    expected = {
        "seed": DEFAULT_SEED,
        "entities": DEFAULT_ENTITIES,
        **log.expected(),
        "undecodable": {"records": reasons.total(), **dict(sorted(reasons.items()))},
    }
    return {
        "transitions.jsonl": _joined(planted.line for planted in log.transitions),
        "workflows.jsonl": _joined(planted.line for planted in log.workflow_events),
        "undecodable.jsonl": _joined(line for _, line in undecodable),
        "expected.json": json.dumps(expected, indent=2).encode() + b"\n",
    }


def write_files(directory: Path) -> None:
    """Write the files into `directory`, which is made if it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in example_files().items():
        (directory / name).write_bytes(content)


def differing_files(directory: Path) -> list[str]:
    """Return the names of the files that are missing from `directory` or are not what they would be written as."""
    return [
        name
        for name, content in example_files().items()
        if not (directory / name).is_file() or (directory / name).read_bytes() != content
    ]


def _joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
