"""Becomes the program it is told to run, as the account it is told, to be signalled by the kernel when its parent dies.

Run as a script: `launch.py DEATH_SIGNAL PARENT_PID UID:GID|- PROGRAM ARGUMENT…`. A process of its own, because the same
steps between fork and exec of a parent with threads (`preexec_fn`) may deadlock, and because the account that
PostgreSQL runs as need not be able to read this Python.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _become(account: str) -> None:
    uid, gid = (int(number) for number in account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_parent(death_signal: int, parent: int) -> None:
    # After the change of account: that clears the setting.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")


def main() -> None:
    """Never returns: the process is the program from here on."""
    death_signal, parent, account, *command = sys.argv[1:]
    if account != "-":
        _become(account)
    if sys.platform == "linux":
        _die_with_parent(int(death_signal), int(parent))
    # Python ignores these two, and what is ignored stays so across exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606  # no shell is the point


if __name__ == "__main__":
    main()
