"""Migrations, roles, machines, schemas: in the wheel inside the package, in a checkout where people look for them."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def _found(packaged: str, in_checkout: str) -> Path:
    inside = _PACKAGE / packaged
    return inside if inside.exists() else _CHECKOUT / in_checkout


MIGRATIONS = _found("migrations", "migrations")
ROLES = _found("roles.sql", "deployment/database/roles.sql")
SCHEMAS = _found("schemas", "schemas")
SHIPPED_MACHINES = SCHEMAS / "machines"
