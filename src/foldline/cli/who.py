"""Who sits at the command line."""

from __future__ import annotations

import getpass
import platform


def who() -> str:
    """The user of this machine, as user@host; the database knows its own."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user that has no name
        user = "somebody"
    return f"{user}@{platform.node()}"
