"""Migrations, machines and schemas: in the wheel they lie inside the package, in a checkout at its top."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def _directory(name: str) -> Path:
    packaged = _PACKAGE / name
    return packaged if packaged.is_dir() else _CHECKOUT / name


MIGRATIONS = _directory("migrations")
SCHEMAS = _directory("schemas")
SHIPPED_MACHINES = SCHEMAS / "machines"
