"""From what the sources hold to settings: the environment decides, then `.env`, then `foldline.toml`.

Every fault is found, and what is right is there all the same, so that somebody can be shown both.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from foldline.settings.faults import Fault, Origin, SettingFaults
from foldline.settings.model import Settings, variables
from foldline.settings.names import (
    KAFKA_PREFIX,
    PREFIX,
    SERVERS,
    kafka_property,
    kafka_variable,
    near_miss,
    nearest,
    spelt_like,
)
from foldline.settings.sources import Given, read_dotenv, read_environment, read_toml

_VARIABLES = variables()
_NAMES = {field: variable for variable, field in _VARIABLES.items()}
REFUSED = {
    "group.id": "Set FOLDLINE_GROUP_ID instead.",
    "bootstrap.servers": "Set KAFKA_BOOTSTRAP_SERVERS instead.",
    "metadata.broker.list": "Set KAFKA_BOOTSTRAP_SERVERS instead.",
    "enable.auto.": "Unset it: positions belong to the tables.",
    "auto.offset.reset": "Unset it; see FOLDLINE_START.",
    "isolation.level": "Unset it: only committed records are read.",
}
"""Properties of librdkafka that foldline decides (those that begin so), with what to do instead."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The settings that are right, defaults in place of the others, and everything that is wrong."""

    settings: Settings
    faults: tuple[Fault, ...]


def load_settings(environment: Mapping[str, str] | None = None, directory: Path = Path()) -> Settings:
    """Read and validate every setting.

    Raises:
        SettingFaults: settings are wrong, unknown or refused, or a file of them cannot be read.
    """
    reading = read_settings(environment, directory)
    if reading.faults:
        raise SettingFaults(reading.faults)
    return reading.settings


def read_settings(environment: Mapping[str, str] | None = None, directory: Path = Path()) -> Reading:
    """Read every setting from the environment (this process's, unless given) and the files in `directory`."""
    sources = (
        read_environment(os.environ if environment is None else environment),
        read_dotenv(directory / ".env"),
        read_toml(directory / "foldline.toml"),
    )
    faults = [fault for source in sources for fault in source.faults]
    values: dict[str, object] = {}
    kafka: dict[str, object] = {}
    origins: dict[str, Origin] = {}
    for given in (each for source in sources for each in source.given):
        if fault := _fault(given):
            faults.append(fault)
            continue
        name = kafka_property(given.name) if given.name not in _VARIABLES else ""
        variable = kafka_variable(name) if name else given.name
        if variable in origins:  # an earlier source decides
            continue
        origins[variable] = given.origin
        if name:
            kafka[name] = _text(given.value)
        else:
            values[_VARIABLES[variable]] = given.value
    settings = _validated(values | {"kafka": kafka}, origins, faults)
    strangers = {str(origin.name): origin for source in reversed(sources) for origin in source.strangers}
    missed = {name: near_miss(name, strangers) for name in SERVERS if name not in origins}
    near_misses = {name: strangers[stranger] for name, stranger in missed.items() if stranger is not None}
    return Reading(settings.found_at(origins, near_misses), tuple(faults))


def _fault(given: Given) -> Fault | None:
    """What is wrong with its name, or can be told without the others."""
    if given.name in _VARIABLES:
        return None
    if not given.name.startswith(KAFKA_PREFIX) or given.name == KAFKA_PREFIX:
        return Fault(given.origin, " is no setting of foldline", _meant(given))
    if not isinstance(given.value, str | int | float):
        return Fault(given.origin, " is no text, number, true or false", "Write it as librdkafka wants it.")
    name = kafka_property(given.name)
    remedy = next((remedy for refused, remedy in REFUSED.items() if name.startswith(refused)), None)
    return None if remedy is None else Fault(given.origin, f" is refused: foldline decides {name}", remedy)


def _meant(given: Given) -> str:
    if given.name.upper() == f"{PREFIX}KAFKA":
        return f"Properties of Kafka are {KAFKA_PREFIX}SESSION_TIMEOUT_MS and so on; in foldline.toml a table [kafka]."
    found = nearest(given.name, _VARIABLES)
    single = KAFKA_PREFIX.removesuffix("_")
    if found is None and given.name.upper().startswith(single):
        found = f"{KAFKA_PREFIX}{given.name[len(single) :].lstrip('_').upper()}"
    if found is None:
        return "Remove it; `foldline config` shows every setting."
    return f"Did you mean {spelt_like(given.origin, found)}?"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _validated(values: dict[str, object], origins: dict[str, Origin], faults: list[Fault]) -> Settings:
    """The settings without the wrong ones, which become faults and lose their place in `origins`."""
    while True:
        try:
            return Settings.model_validate(values)
        except ValidationError as error:
            for wrong in error.errors(include_input=False, include_url=False, include_context=False):
                fields = [_field(str(wrong["loc"][0]))] if wrong["loc"] else _topics(values)
                if not values.keys() >= set(fields):  # another fault of the same setting
                    continue
                said = wrong["msg"].removeprefix("Value error, ").replace("Input should", "should")
                problem = f" {said}" if wrong["loc"] else f": {said}"
                faults.append(Fault(origins[_NAMES[fields[0]]], problem, "Correct it or remove it."))
                for field in fields:
                    del values[field], origins[_NAMES[field]]


def _field(place: str) -> str:
    """The field that pydantic speaks of, which may be by its alias."""
    return _VARIABLES.get(place, place)


def _topics(values: Iterable[str]) -> list[str]:
    """Those that only together can be wrong."""
    return [field for field in values if "topic" in field]
