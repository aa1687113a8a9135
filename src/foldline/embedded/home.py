"""The directory that embedded servers live in: made or refused, held by one process at a time, wiped on request.

The lock is a flock: the kernel drops it with its holder, however that ends, so a held lock always means a live process.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from foldline.errors import EmbeddedError

_MARK = "foldline.home"
_LOCK = "lock"
_RUNNING = "running.json"
_WIPED = (
    "postgres",
    "postgres.password",
    "postgres.log",
    "run",
    "kafka",
    "kafka.properties",
    "kafka.log",
)
_LOCK_TRIES = 10
_LOCK_PAUSE = 0.02
_PATIENT_REMOVALS = 100
_REMOVAL_PAUSE_SECONDS = 0.05


def default_home() -> Path:
    """Root's lies where the account that PostgreSQL runs as can reach it."""
    return Path("/var/lib/foldline") if os.geteuid() == 0 else Path.home() / ".local/share/foldline"


@contextmanager
def held_home(home: Path) -> Iterator[Path]:
    """Make the directory if need be and hold it; yields its absolute path.

    Raises:
        EmbeddedError: It is no foldline home, cannot be used, or another process holds it.
    """
    root = home.expanduser().resolve()
    try:
        _make(root)
        lock = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedError(
            f"{root} cannot be foldline's home: {error.strerror}.", remedy="Name another directory (FOLDLINE_HOME)."
        ) from error
    try:
        _take(lock, root)
        forget_running(root)
        yield root
    finally:
        os.close(lock)


def wipe(root: Path) -> None:
    """Remove what the servers keep in a held home, and nothing else. Ports stay, so do URLs."""
    for name in _WIPED:
        remove(root / name)


def remove(path: Path) -> None:
    """Delete a file or a tree; one that is not there is fine, and so is an orphan that is just ending in it."""
    for _ in range(_PATIENT_REMOVALS):
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
            return
        with suppress(OSError):
            shutil.rmtree(path)
            return
        time.sleep(_REMOVAL_PAUSE_SECONDS)
    shutil.rmtree(path)


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, all of it or nothing."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def tell_running(root: Path, urls: Mapping[str, str]) -> None:
    """Let other processes find the servers of this held home."""
    write_private(root / _RUNNING, json.dumps({"pid": os.getpid(), **urls}))


def forget_running(root: Path) -> None:
    """The servers are not, or no longer, to be used."""
    (root / _RUNNING).unlink(missing_ok=True)


def read_running(home: Path) -> Mapping[str, str] | None:
    """What `tell_running` told, if its process lives and still holds the home; None also when we may not look."""
    root = home.expanduser().resolve()
    try:
        holder = _holder(root)
        told = json.loads((root / _RUNNING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if holder is None or not isinstance(told, dict) or str(told.pop("pid", None)) != holder:
        return None
    return told


def _make(root: Path) -> None:
    if "," in str(root):
        raise EmbeddedError(f"{root} has a comma in its name, where Kafka would split it.", remedy="Name another one.")
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = root / _MARK
    if mark.exists():
        return
    if any(entry.name != _LOCK for entry in root.iterdir()):
        raise EmbeddedError(
            f"{root} is not empty and is not a foldline home; nothing in it was touched.",
            remedy="Name a new or an empty directory (FOLDLINE_HOME).",
        )
    if os.geteuid() == 0:
        root.chmod(0o755)  # PostgreSQL's account must be able to pass through
    mark.write_text("The embedded servers of foldline keep their files in this directory.\n", encoding="utf-8")


def _take(lock: int, root: Path) -> None:
    for _ in range(_LOCK_TRIES):  # a reader of `read_running` has it for an instant
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            return
        time.sleep(_LOCK_PAUSE)
    holder = os.pread(lock, 20, 0).decode() or "?"
    raise EmbeddedError(
        f"{root} is in use by process {holder}.",
        remedy="Stop that one first, or name another directory (FOLDLINE_HOME).",
    )


def _holder(root: Path) -> str | None:
    """The pid in the lock file, if the lock is held."""
    lock = os.open(root / _LOCK, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(lock, 20, 0).decode()
    finally:
        os.close(lock)
    return None
