"""`foldline config`: every setting in force, where it comes from, and what is wrong with it. Asks no server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import SecretStr

from foldline.app import Place, place, property_faults
from foldline.cli.output import AsJson, json_out, line_out, note, table_out
from foldline.cli.shapes import prints
from foldline.embedded import default_home
from foldline.errors import DatabaseError
from foldline.kafka.properties import Properties, consumer_properties, producer_properties
from foldline.kafka.secrecy import may_show
from foldline.postgres.connection import shown
from foldline.settings import HIDDEN, Fault, kafka_variable, read_settings, variables

_DEFAULT = "default"
_OURS = "foldline"
_UP = "foldline up"


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting as it is in force.

    Attributes:
        name: the variable that sets it.
        value: what the variable would have to hold, secrets hidden; null if it is not set.
        source: environment, .env, foldline.toml, foldline up (a running one) or default; null if it is not set.
        written: its name as it is written there; null if it stands nowhere.
        line: the line that it stands in; null if that is not known.
    """

    name: str
    value: str | None
    source: str | None
    written: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class EffectiveProperty:
    """One property as librdkafka gets it.

    Attributes:
        property: its name.
        value: its value, hidden unless it is known not to be secret.
        source: environment, .env, foldline.toml, foldline up, default (of a setting), or foldline, which decides it.
        overruled: the name of the setting that foldline decides otherwise; null if there is none.
    """

    property: str
    value: str
    source: str
    overruled: str | None


@dataclass(frozen=True, slots=True)
class SettingFault:
    """One thing that is wrong.

    Attributes:
        setting: its name as it is written; null if the file as a whole is at fault.
        source: environment, .env or foldline.toml.
        line: the line that it stands in; null if that is not known.
        problem: what is wrong, in a sentence.
        remedy: what to do about it.
    """

    setting: str | None
    source: str
    line: int | None
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that commands are told by their surroundings.

    Attributes:
        settings: every setting but those of Kafka's properties.
        worker: the Kafka properties of the consumer of `foldline run`.
        publisher: the Kafka properties of the producer of `foldline publish`.
        faults: everything that is wrong; the exit code is 1 unless it is empty.
    """

    settings: list[EffectiveSetting]
    worker: list[EffectiveProperty]
    publisher: list[EffectiveProperty]
    faults: list[SettingFault]


@prints(Configuration)
def config(*, as_json: AsJson = False) -> None:
    """Print every setting in force and where it comes from, secrets hidden; exits 1 if one is wrong."""
    reading = read_settings()
    where = place(reading.settings)
    faults = [*reading.faults, *property_faults(where.settings), *_database_faults(where)]
    servers = where.servers
    bootstrap = where.settings.kafka_bootstrap_servers or (servers.bootstrap_servers if servers else None)
    properties = {**where.kafka_defaults, **where.settings.kafka_properties(bootstrap)}
    found = Configuration(
        list(_settings(where)),
        list(_properties(where, consumer_properties(properties, where.settings.group_id))),
        list(_properties(where, producer_properties(properties))),
        [_fault_json(fault) for fault in faults],
    )
    if as_json:
        json_out(found)
    else:
        _show(found)
    for fault in faults:
        note(str(fault))
    if faults:
        raise typer.Exit(1)


def _settings(where: Place) -> Iterator[EffectiveSetting]:
    settings = where.settings
    for variable, field in variables().items():
        value, origin = getattr(settings, field), settings.origin(variable)
        text = _text(value)
        if origin is not None:
            yield EffectiveSetting(variable, text, origin.source, origin.name, origin.line)
        elif (found := _found(where, field)) is not None:
            yield EffectiveSetting(variable, found, _UP, None, None)
        elif field == "home":
            yield EffectiveSetting(variable, str(default_home()), _DEFAULT, None, None)
        else:
            yield EffectiveSetting(variable, text, None if value is None else _DEFAULT, None, None)


def _found(where: Place, field: str) -> str | None:
    """What the running `foldline up` has in place of a setting."""
    if where.servers is None:
        return None
    if field == "database_url":
        return shown(where.servers.database_url)
    return where.servers.bootstrap_servers if field == "kafka_bootstrap_servers" else None


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case SecretStr():
            try:
                return shown(value.get_secret_value())
            except DatabaseError:
                return HIDDEN
        case tuple():
            between = os.pathsep if any(isinstance(part, Path) for part in value) else ","
            return between.join(map(str, value))
        case _:
            return str(value)


def _properties(where: Place, properties: Properties) -> Iterator[EffectiveProperty]:
    settings = where.settings
    for name, value in sorted(properties.items()):
        variable = kafka_variable(name)
        origin = settings.origin(variable)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        given = settings.kafka.get(name)
        overruled = given is not None and given.get_secret_value() != text
        if origin is not None and not overruled:
            source = origin.source
        elif name == "bootstrap.servers":
            source = _UP
        else:
            source = _DEFAULT if variable in variables() else _OURS
        yield EffectiveProperty(
            name,
            text if may_show(name, text) else HIDDEN,
            source,
            origin.name if origin is not None and overruled else None,
        )


def _database_faults(where: Place) -> Iterator[Fault]:
    secret = where.settings.database_url
    origin = where.settings.origin("DATABASE_URL")
    if secret is None or origin is None:
        return
    try:
        shown(secret.get_secret_value())
    except DatabaseError as error:
        yield Fault(origin, error.problem.removeprefix("DATABASE_URL").removesuffix("."), error.remedy)


def _fault_json(fault: Fault) -> SettingFault:
    origin = fault.origin
    return SettingFault(origin.name, origin.source, origin.line, f"{origin}{fault.problem}.", fault.remedy)


def _show(found: Configuration) -> None:
    table_out(
        ["setting", "value", "from"],
        [[each.name, each.value, _from(each)] for each in found.settings],
    )
    for heading, properties in (("a worker", found.worker), ("`foldline publish`", found.publisher)):
        line_out()
        line_out(f"Kafka properties of {heading}")
        table_out(
            ["property", "value", "from"],
            [
                [
                    each.property,
                    each.value,
                    f"{each.source}, overruling {each.overruled}" if each.overruled else each.source,
                ]
                for each in properties
            ],
        )


def _from(setting: EffectiveSetting) -> str:
    if setting.source is None:
        return "not set"
    place = setting.source if setting.line is None else f"{setting.source}, line {setting.line}"
    return place if setting.written in (None, setting.name) else f"{place}: {setting.written}"
