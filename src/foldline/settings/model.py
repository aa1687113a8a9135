"""The settings: their types, defaults and meaning. The reference is generated from here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

from foldline.settings.faults import Origin
from foldline.settings.names import PREFIX

_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_HOST = re.compile(r"[a-zA-Z0-9.:_-]+")
_PORT = re.compile(r"[0-9]{1,5}")
_LAST_PORT = 65_535


def _listed(value: object) -> object:
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    return tuple(dict.fromkeys(part for part in parts if part)) if isinstance(parts, list) else value


def _directories(value: object) -> object:
    return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value


def _at_least_one(topics: tuple[str, ...]) -> tuple[str, ...]:
    if not topics:
        raise ValueError("names no topic")
    return topics


def _topic(name: str) -> str:
    if not _TOPIC.fullmatch(name) or name in (".", ".."):
        raise ValueError("is no name of a topic: up to 249 letters, digits, dots, hyphens and underscores")
    return name


def _filled(value: object) -> object:
    if value == "":
        raise ValueError("is empty")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):  # what pydantic would take for 1
        raise ValueError("is no number")  # noqa: TRY004 - pydantic wants it so
    return value


def _brokers(servers: str) -> str:
    if "@" in servers:
        raise ValueError(
            "has no place for a user; FOLDLINE_KAFKA__SASL_USERNAME and FOLDLINE_KAFKA__SASL_PASSWORD have"
        )
    return servers


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not _HOST.fullmatch(bare) or (":" in bare) != host.startswith("[") or not _PORT.fullmatch(port):
        raise ValueError("is no host:port, as in 127.0.0.1:9464 or [::1]:9464")
    if not 1 <= int(port) <= _LAST_PORT:
        raise ValueError(f"has no port between 1 and {_LAST_PORT}")
    return text


Address = Annotated[str, AfterValidator(_address)]
Topic = Annotated[str, AfterValidator(_topic)]
Topics = Annotated[tuple[Topic, ...], BeforeValidator(_listed), AfterValidator(_at_least_one)]
Directories = Annotated[tuple[Path, ...], BeforeValidator(_directories)]


class Settings(BaseModel):
    """Every setting. `origin` tells where one was found. Nothing that may be secret is in its representation."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    database_url: Annotated[SecretStr | None, BeforeValidator(_filled)] = Field(
        None,
        validation_alias="DATABASE_URL",
        description="Where PostgreSQL is: `postgresql://user:password@host:5432/database`, or libpq's `name=value`.",
    )
    kafka_bootstrap_servers: Annotated[
        str | None, BeforeValidator(_filled), AfterValidator(lambda s: s and _brokers(s))
    ] = Field(
        None,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="Where Kafka is: `host:port`, several separated by commas.",
    )
    group_id: Annotated[str, BeforeValidator(_filled)] = Field(
        "foldline", description="The consumer group that the workers of one database share."
    )
    transition_topics: Topics = Field(
        ("fsm.transitions.v1",),
        description="The topics of transition events; `foldline publish` sends to the first.",
    )
    workflow_topics: Topics = Field(
        ("workflow.executions.v1",),
        description="The topics of workflow events; `foldline publish` sends to the first.",
    )
    intent_topic: Topic = Field("fsm.intents.v1", description="The topic that intents go to.")
    deadletter_topic: Topic = Field(
        "fsm.deadletters.v1", description="The topic that a copy of every dead letter goes to."
    )
    machines: Directories = Field((), description="Directories with machines of yours, added to the shipped ones.")
    shipped_machines: Literal["on", "off"] = Field("on", description="`off` leaves the shipped machines out.")
    home: Annotated[Path | None, BeforeValidator(_filled)] = Field(
        None,
        description="Where the embedded servers keep their data; unless set, `~/.local/share/foldline`, for root"
        " `/var/lib/foldline`.",
    )
    start: Literal["", "earliest"] = Field(
        "",
        description="`earliest` lets a first claim begin on a topic whose beginning is already gone, which is an error"
        " otherwise.",
    )
    batch_size: Annotated[int, BeforeValidator(_number)] = Field(
        5_000, ge=1, le=100_000, description="Most records in one transaction."
    )
    breaker_percent: Annotated[int, BeforeValidator(_number)] = Field(
        0,
        ge=0,
        le=100,
        description="Stops a partition when so many of its last records, in percent, were refused; 0 never does.",
    )
    breaker_records: Annotated[int, BeforeValidator(_number)] = Field(
        1_000,
        ge=1,
        le=1_000_000,
        description="How many records the breaker looks back over; with the breaker on, also the most in one"
        " transaction.",
    )
    http_listen: Annotated[Address | None, BeforeValidator(_filled)] = Field(
        None,
        description="Where a worker answers over HTTP for its health and metrics: `host:port`, as in `127.0.0.1:9464`."
        " It has no endpoint unless this is set.",
    )
    live_seconds: Annotated[int, BeforeValidator(_number)] = Field(
        180, ge=10, le=86_400, description="A worker that gives no sign of life for longer is not *live*."
    )
    progress_seconds: Annotated[int, BeforeValidator(_number)] = Field(
        300,
        ge=10,
        le=86_400,
        description="A position that stands still for longer, although there are records left and nothing known keeps"
        " it, is no *progress*.",
    )
    database_seconds: Annotated[int, BeforeValidator(_number)] = Field(
        30,
        ge=1,
        le=3600,
        description="How long PostgreSQL may take for one answer or one transaction. Then the connection is given up,"
        " and the same batch tried again on a new one.",
    )
    grace_seconds: Annotated[int, BeforeValidator(_number)] = Field(
        10,
        ge=0,
        le=3600,
        description="How long what is in flight may take once the worker is told to stop, or once its partition goes"
        " to another worker. Then it is rolled back, and somebody does it again.",
    )
    kafka: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Properties of librdkafka, by their names with `_` for `.`: TLS, SASL, time-outs.",
    )

    _origins: Mapping[str, Origin] = PrivateAttr(default_factory=dict)
    _near_misses: Mapping[str, Origin] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _one_kind_per_topic(self) -> Settings:
        both = set(self.transition_topics) & set(self.workflow_topics)
        if both:
            raise ValueError(f"{min(both)} is listed for transitions and for workflows; a topic has one kind")
        looped = {self.intent_topic, self.deadletter_topic} & set(self.topics)
        if looped:
            raise ValueError(f"{min(looped)} is both read and written")
        return self

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic that is read."""
        return self.transition_topics + self.workflow_topics

    def kafka_properties(self, bootstrap_servers: str | None) -> dict[str, str]:
        """The librdkafka properties that the user set, secrets too, and where the brokers are if that is known."""
        servers = {} if bootstrap_servers is None else {"bootstrap.servers": bootstrap_servers}
        return {**{name: value.get_secret_value() for name, value in self.kafka.items()}, **servers}

    def origin(self, variable: str) -> Origin | None:
        """Where the setting of this variable was found; None: nowhere."""
        return self._origins.get(variable)

    def near_miss(self, variable: str) -> Origin | None:
        """What was set and was probably meant to be this variable, which is not."""
        return self._near_misses.get(variable)

    def found_at(self, origins: Mapping[str, Origin], near_misses: Mapping[str, Origin]) -> Settings:
        """The same settings, knowing where they come from."""
        known = self.model_copy()
        known._origins, known._near_misses = origins, near_misses  # noqa: SLF001 - a copy of our own
        return known


def variables() -> dict[str, str]:
    """The variable of each setting, and its field; Kafka's properties are left out, having one each."""
    return {
        str(field.validation_alias or f"{PREFIX}{name.upper()}"): name
        for name, field in Settings.model_fields.items()
        if name != "kafka"
    }
