"""What a shell may offer for the words of a command. No server is asked, and nothing is said, whatever is wrong."""

from __future__ import annotations

import re

from foldline.app import machines_of
from foldline.errors import FoldlineError
from foldline.settings import load_settings

_PLAIN = re.compile(r"[\w.-]+")


def fsm_types(incomplete: str) -> list[str]:
    """The machines of the definitions whose names begin so, of those that a shell reads as one plain word."""
    try:
        machines = machines_of(load_settings())
    except FoldlineError:
        return []
    return [name for name in machines if name.startswith(incomplete) and _PLAIN.fullmatch(name)]
