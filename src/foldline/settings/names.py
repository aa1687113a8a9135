"""The names of settings: variables, librdkafka properties, and what somebody who misspelt one probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from foldline.settings.faults import Origin

PREFIX = "FOLDLINE_"
KAFKA_PREFIX = f"{PREFIX}KAFKA__"
SERVERS = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")
"""The two settings whose names other programs know, too."""

_BY_NAME = {"bootstrap.servers": "KAFKA_BOOTSTRAP_SERVERS", "group.id": f"{PREFIX}GROUP_ID"}
_UNDERSCORED = "log_level"  # the one property that people set and that has no dots
_SERVERS_CUTOFF = 0.85  # DATABSE_URL, but not TEST_DATABASE_URL


def kafka_property(variable: str) -> str:
    """The librdkafka property that `FOLDLINE_KAFKA__SESSION_TIMEOUT_MS` sets."""
    lowered = variable[len(KAFKA_PREFIX) :].lower()
    return lowered if lowered == _UNDERSCORED else lowered.replace("_", ".")


def kafka_variable(name: str) -> str:
    """The variable that sets a librdkafka property."""
    return _BY_NAME.get(name) or f"{KAFKA_PREFIX}{name.replace('.', '_').upper()}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` probably stands for; the prefix that most share does not count."""
    bare = {each.removeprefix(PREFIX): each for each in known}
    found = difflib.get_close_matches(name.upper().removeprefix(PREFIX), bare, n=1)
    return bare[found[0]] if found else None


def near_miss(server: str, names: Iterable[str]) -> str | None:
    """The name among those of other programs that was probably meant to be this setting of `SERVERS`."""
    spelt = {name.upper(): name for name in names}
    found = difflib.get_close_matches(server, spelt, n=1, cutoff=_SERVERS_CUTOFF)
    return spelt[found[0]] if found else None


def spelt_like(origin: Origin, variable: str) -> str:
    """A variable as it is written where `origin` stands: in `foldline.toml` small letters go without the prefix."""
    if not origin.source.endswith(".toml") or not (origin.name or "").islower():
        return variable
    if variable.startswith(KAFKA_PREFIX):
        return f"kafka.{kafka_property(variable)}"
    return variable.removeprefix(PREFIX).lower()
