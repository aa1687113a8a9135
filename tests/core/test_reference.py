"""docs/reference is what the program says of itself, whatever the terminal and the environment are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_neither_the_terminal_nor_the_environment_has_a_say() -> None:
    odd = {"COLUMNS": "20", "TERM": "xterm", "FORCE_COLOR": "1", "LC_ALL": "C", "FOLDLINE_GROUP_ID": "x", "HOME": "/"}
    ended = subprocess.run(
        [sys.executable, "-m", "scripts.reference", "--check"],
        env=os.environ | odd,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
